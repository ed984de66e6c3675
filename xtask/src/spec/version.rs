//! Product versions and release ids.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

/// A product version: three numbers, `23.5.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number.
    pub patch: u16,
}

/// Why a text is no version.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum VersionError {
    /// Not `a.b.c` of plain decimal numbers up to 9999.
    #[error(
        "\"{0}\" is not a version: write three numbers up to 9999 without leading zeros, such as 23.5.10"
    )]
    Malformed(String),
    /// Not a whole number from 1 to 999999.
    #[error("\"{0}\" is not a build number: write a whole number from 1 to 999999 without leading zeros")]
    Build(String),
}

impl FromStr for Version {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let malformed = || VersionError::Malformed(text.to_owned());
        let part = |p: &str| {
            let plain =
                matches!(p.len(), 1..=4) && p.bytes().all(|b| b.is_ascii_digit()) && (p == "0" || !p.starts_with('0'));
            plain.then(|| p.parse().ok()).flatten()
        };
        let mut parts = text.split('.').map(part);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Some(major)), Some(Some(minor)), Some(Some(patch)), None) => Ok(Version { major, minor, patch }),
            _ => Err(malformed()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// `<version>-<build>`: names a release everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReleaseId {
    /// The product version.
    pub version: Version,
    /// The build number, 1 to 999999.
    pub build: u32,
}

impl FromStr for ReleaseId {
    type Err = VersionError;
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let (version, build) = text.split_once('-').ok_or_else(|| VersionError::Malformed(text.to_owned()))?;
        Ok(ReleaseId { version: version.parse()?, build: parse_build(build)? })
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.version, self.build)
    }
}

impl Serialize for ReleaseId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Parses a build number.
pub fn parse_build(text: &str) -> Result<u32, VersionError> {
    match text.parse() {
        Ok(n @ 1..=999_999) if !text.starts_with(['0', '+']) => Ok(n),
        _ => Err(VersionError::Build(text.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_malformed_ones_are_refused() {
        assert!("23.5.10".parse::<Version>().unwrap() > "23.5.9".parse().unwrap());
        assert!("23.5.10-2".parse::<ReleaseId>().unwrap() < "23.5.10-10".parse().unwrap());
        for bad in ["", "23.5", "23.5.10.1", "23.05.1", "v1.2.3", "1.2.-3", "1.2.+3", "1.2.3-rc1", "1.2.99999", "1..2"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
        for bad in ["0", "01", "+5", "1000000", "x", ""] {
            assert!(parse_build(bad).is_err(), "{bad}");
        }
    }
}
