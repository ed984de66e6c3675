//! Names that installp and sysck accept: packages, filesets, installed paths.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// Longest package or fileset name, in bytes.
pub const NAME_MAX: usize = 144;
/// Longest path name of AIX without its terminating NUL, in bytes.
pub const PATH_MAX: usize = 1023;
/// Characters that sysck refuses in a path (documentation of the sysck command).
pub const SYSCK_REFUSED: &str = "`'\"\\^()|{}[]<>:,";

/// Why a package or fileset name is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Empty, or more than [`NAME_MAX`] bytes.
    #[error("name `{name}` has {length} bytes: installp allows 1 to {NAME_MAX}; shorten it", length = name.len())]
    Length {
        /// The refused name.
        name: String,
    },
    /// A character outside the allowed set.
    #[error("name `{name}` has the character {character:?}: use only letters, digits, `_`, `+`, `-` and `.`")]
    Character {
        /// The refused name.
        name: String,
        /// The first refused character.
        character: char,
    },
    /// A first character that may stand only inside a name.
    #[error("name `{name}` must start with a letter or `_`")]
    Start {
        /// The refused name.
        name: String,
    },
}

/// The name of a package or of a fileset: 1 to 144 letters, digits, `_ + - .`, starting with a letter
/// or `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        if name.is_empty() || name.len() > NAME_MAX {
            return Err(NameError::Length { name: name.into() });
        }
        if let Some(character) =
            name.chars().find(|&c| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | '-' | '.')))
        {
            return Err(NameError::Character { name: name.into(), character });
        }
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            return Err(NameError::Start { name: name.into() });
        }
        Ok(Self(name.into()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a path is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PathError {
    /// Not absolute, or only `/`.
    #[error("path `{path}` must be absolute and name something below `/`")]
    NotAbsolute {
        /// The refused path.
        path: String,
    },
    /// An empty component, `.` or `..`.
    #[error("path `{path}` has the component `{component}`: write it without `//`, `.`, `..` or a final `/`")]
    Component {
        /// The refused path.
        path: String,
        /// The refused component.
        component: String,
    },
    /// A character that sysck or the inventory cannot carry.
    #[error(
        "path `{path}` has the character {character:?}: sysck refuses {SYSCK_REFUSED} and apply lists cannot \
         carry spaces, control or non-ASCII characters; rename the file"
    )]
    Character {
        /// The refused path.
        path: String,
        /// The first refused character.
        character: char,
    },
    /// Longer than AIX allows.
    #[error("path `{path}` has {length} bytes: AIX allows {PATH_MAX}", length = path.len())]
    TooLong {
        /// The refused path.
        path: String,
    },
}

/// The first character of `text` that a path in an inventory may not have.
pub(crate) fn refused_character(text: &str) -> Option<char> {
    text.chars().find(|&c| !c.is_ascii_graphic() || SYSCK_REFUSED.contains(c))
}

/// An absolute, normalised path on the AIX host, with only characters that sysck accepts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstallPath(String);

impl InstallPath {
    /// The path as text; it starts with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The directory that holds this path, `/` for a path of one component.
    pub fn parent(&self) -> &str {
        match self.0.rfind('/') {
            Some(0) | None => "/",
            Some(slash) => &self.0[..slash],
        }
    }

    /// Whether this path is below the directory `ancestor` (an absolute path without final `/`).
    pub fn is_below(&self, ancestor: &str) -> bool {
        self.0.strip_prefix(ancestor).is_some_and(|rest| rest.starts_with('/'))
    }
}

impl FromStr for InstallPath {
    type Err = PathError;

    fn from_str(path: &str) -> Result<Self, PathError> {
        let refused = || path.to_owned();
        let relative = match path.strip_prefix('/') {
            Some(rest) if !rest.is_empty() => rest,
            _ => return Err(PathError::NotAbsolute { path: refused() }),
        };
        if let Some(character) = refused_character(path) {
            return Err(PathError::Character { path: refused(), character });
        }
        if let Some(component) = relative.split('/').find(|c| matches!(*c, "" | "." | "..")) {
            return Err(PathError::Component { path: refused(), component: component.into() });
        }
        if path.len() > PATH_MAX {
            return Err(PathError::TooLong { path: refused() });
        }
        Ok(Self(path.into()))
    }
}

impl fmt::Display for InstallPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_root_or_that_sysck_refuses_are_errors() {
        for path in ["", "/", "opt/x", "./opt", "/opt/../etc", "/opt//x", "/opt/x/", "/opt/./x"] {
            assert!(path.parse::<InstallPath>().is_err(), "{path}");
        }
        for character in SYSCK_REFUSED.chars().chain([' ', '\t', '\n', '\0', 'é']) {
            let path = format!("/opt/a{character}b");
            assert_eq!(
                path.parse::<InstallPath>(),
                Err(PathError::Character { path: path.clone(), character }),
                "{path:?}"
            );
        }
        assert!(format!("/{}", "a".repeat(PATH_MAX)).parse::<InstallPath>().is_err());
        assert!(format!("/{}", "a".repeat(PATH_MAX - 1)).parse::<InstallPath>().is_ok());
    }

    #[test]
    fn a_name_starts_with_a_letter_and_has_no_space() {
        for name in ["acme-agent", "bos.rte", "PkgA.rte", "_x+1"] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
        for name in ["", "1x", ".x", "-x", "a b", "a/b", "ä"] {
            assert!(name.parse::<Name>().is_err(), "{name}");
        }
    }
}
