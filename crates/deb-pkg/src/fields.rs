//! Control field values that have a grammar: package name, version, architecture, priority.

use std::fmt;
use std::str::FromStr;

/// A control field value that breaks its rule in the Debian Policy Manual.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Debian Policy 5.6.1.
    #[error(
        "package name {0:?}: at least two characters of a-z, 0-9, '+', '-', '.', the first a letter or digit \
         (Debian Policy 5.6.1)"
    )]
    PackageName(String),
    /// Debian Policy 5.6.12.
    #[error("version {value:?}: {rule} (Debian Policy 5.6.12)")]
    Version {
        /// The refused version.
        value: String,
        /// The part of the rule that it breaks.
        rule: &'static str,
    },
    /// Not an architecture that dpkg 1.21 lists for Linux, nor `all`.
    #[error("architecture {0:?}: not a Debian Linux architecture; use one of {list}", list = Architecture::names())]
    Architecture(String),
    /// Debian Policy 2.5.
    #[error("priority {0:?}: use required, important, standard, optional or extra (Debian Policy 2.5)")]
    Priority(String),
}

/// A package name, checked by Debian Policy 5.6.1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageName(String);

impl PackageName {
    /// The name as it stands in the control file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PackageName {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"+-.".contains(&c);
        let first = text.bytes().next().is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        if text.len() < 2 || !first || !text.bytes().all(allowed) {
            return Err(FieldError::PackageName(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A package version `[epoch:]upstream[-revision]`, checked by Debian Policy 5.6.12.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Version(String);

impl Version {
    /// The version as it stands in the control file.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Version {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let refuse = |rule| Err(FieldError::Version { value: text.to_owned(), rule });
        let rest = match text.split_once(':') {
            None => text,
            Some((epoch, rest)) => {
                // dpkg keeps the epoch in an int; a leading sign would pass `parse`, a letter never.
                if !epoch.bytes().all(|c| c.is_ascii_digit()) || epoch.parse::<i32>().is_err() {
                    return refuse("the epoch must be a decimal number below 2^31");
                }
                rest
            }
        };
        let (upstream, revision) = match rest.rsplit_once('-') {
            None => (rest, None),
            Some((upstream, revision)) => (upstream, Some(revision)),
        };
        if !upstream.bytes().next().is_some_and(|c| c.is_ascii_digit()) {
            return refuse("the upstream version must start with a digit");
        }
        // A ':' in the upstream version is legal after an epoch, but breaks file names; Policy advises against it.
        if !upstream.bytes().all(|c| c.is_ascii_alphanumeric() || b".+-~".contains(&c)) {
            return refuse("the upstream version may hold letters, digits and '.', '+', '-', '~' only");
        }
        if let Some(revision) = revision {
            let allowed = |c: u8| c.is_ascii_alphanumeric() || b".+~".contains(&c);
            if revision.is_empty() || !revision.bytes().all(allowed) {
                return refuse("the revision must be one or more letters, digits and '.', '+', '~'");
            }
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Defines an enum whose variants stand for fixed words of the control file.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $error:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* #[doc = concat!("`", $word, "`")] $variant,)+
        }

        impl $name {
            /// Every value, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that stands in the control file.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = FieldError;

            fn from_str(text: &str) -> Result<Self, FieldError> {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|value| value.as_str() == text)
                    .ok_or_else(|| FieldError::$error(text.to_owned()))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// The architecture of a binary package: a Debian Linux port (`dpkg-architecture -L`), or `all`.
    Architecture, Architecture {
        /// Architecture-independent:
        All = "all",
        Amd64 = "amd64",
        Arm64 = "arm64",
        Armel = "armel",
        Armhf = "armhf",
        I386 = "i386",
        Loong64 = "loong64",
        Mips64el = "mips64el",
        Mipsel = "mipsel",
        Powerpc = "powerpc",
        Ppc64 = "ppc64",
        Ppc64el = "ppc64el",
        Riscv64 = "riscv64",
        S390x = "s390x",
        Sparc64 = "sparc64",
    }
}

impl Architecture {
    fn names() -> String {
        Self::ALL.iter().map(|value| value.as_str()).collect::<Vec<_>>().join(", ")
    }
}

words! {
    /// How important the package is to a system (Debian Policy 2.5).
    Priority, Priority {
        Required = "required",
        Important = "important",
        Standard = "standard",
        Optional = "optional",
        /// Deprecated by Policy 4.0.1, still read by every dpkg:
        Extra = "extra",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_follow_the_debian_policy() {
        for good in ["1", "23.5.10-1234", "1:2.0~rc1-1", "1.0-2-3", "2.0+dfsg~a-0ubuntu1~22.04"] {
            assert_eq!(good.parse::<Version>().map(|v| v.to_string()), Ok(good.to_owned()));
        }
        for bad in
            ["", "v1", "1.0-", "1 0", "1_0", ":1", "a:1", "+1:1", "2147483648:1", "1:1:1", "-1", "1.0\n"]
        {
            assert!(bad.parse::<Version>().is_err(), "{bad:?} was accepted");
        }
    }

    #[test]
    fn package_names_and_architectures_follow_the_debian_policy() {
        for good in ["ab", "0ad", "g++", "libc6.1-dev"] {
            assert!(good.parse::<PackageName>().is_ok(), "{good:?} was refused");
        }
        for bad in ["", "a", "-ab", "Ab", "a_b", "a b", "é1"] {
            assert!(bad.parse::<PackageName>().is_err(), "{bad:?} was accepted");
        }
        assert_eq!("ppc64el".parse(), Ok(Architecture::Ppc64el));
        assert!("x86_64".parse::<Architecture>().unwrap_err().to_string().contains("amd64"));
    }
}
