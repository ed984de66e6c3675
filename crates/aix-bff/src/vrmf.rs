//! Levels: version, release, modification, fix.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Digits allowed in each field of a level.
const FIELD_DIGITS: [usize; 4] = [2, 2, 4, 4];

/// Why a level is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "level `{level}` is not a VRMF: write four decimal numbers version.release.modification.fix of at most \
     2, 2, 4 and 4 digits without leading zeros, for example 23.5.10.1234"
)]
pub struct VrmfError {
    /// The refused text.
    pub level: String,
}

/// A level `version.release.modification.fix`; ordered field by field.
///
/// Limits: 0–99, 0–99, 0–9999, 0–9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vrmf([u16; 4]);

impl Vrmf {
    /// The fields: version, release, modification, fix.
    pub fn fields(&self) -> [u16; 4] {
        self.0
    }
}

impl FromStr for Vrmf {
    type Err = VrmfError;

    fn from_str(level: &str) -> Result<Self, VrmfError> {
        let refused = || VrmfError { level: level.into() };
        let mut fields = [0; 4];
        let mut words = level.split('.');
        for (field, digits) in fields.iter_mut().zip(FIELD_DIGITS) {
            let word = words.next().ok_or_else(refused)?;
            let plain = !word.is_empty()
                && word.len() <= digits
                && word.bytes().all(|b| b.is_ascii_digit())
                && (word == "0" || !word.starts_with('0'));
            *field = plain.then(|| word.parse().ok()).flatten().ok_or_else(refused)?;
        }
        if words.next().is_some() {
            return Err(refused());
        }
        Ok(Self(fields))
    }
}

impl fmt::Display for Vrmf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, release, modification, fix] = self.0;
        write!(f, "{version}.{release}.{modification}.{fix}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_have_four_numbers_of_limited_width() {
        for level in ["1.0.0.0", "23.5.10.1234", "99.99.9999.9999", "5.3.0.5002"] {
            assert_eq!(level.parse::<Vrmf>().unwrap().to_string(), level);
        }
        for level in [
            "",
            "1.2.3",
            "1.2.3.4.5",
            "100.0.0.0",
            "1.0.0.12345",
            "1.0.0.a",
            "1.0..0",
            "01.0.0.0",
            "+1.0.0.0",
        ] {
            assert!(level.parse::<Vrmf>().is_err(), "{level}");
        }
    }

    #[test]
    fn levels_are_ordered_as_numbers() {
        let level = |text: &str| text.parse::<Vrmf>().unwrap();
        assert!(level("5.3.0.5002") > level("5.3.0.6"));
        assert!(level("23.5.10.1") > level("23.5.9.9999"));
    }
}
