//! Relations between packages (Debian Policy 7.1): `name [:arch] [(operator version)]`, with alternatives.

use std::fmt;
use std::str::FromStr;

use crate::fields::{FieldError, PackageName, Version};

/// A package relation that does not follow Debian Policy 7.1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RelationError {
    /// The package name or the version breaks its own rule.
    #[error("relation {relation:?}: {source}")]
    Field {
        /// The refused relation.
        relation: String,
        /// The rule that was broken.
        source: FieldError,
    },
    /// Anything else.
    #[error("relation {relation:?}: {rule} (Debian Policy 7.1)")]
    Syntax {
        /// The refused relation.
        relation: String,
        /// The rule that was broken.
        rule: &'static str,
    },
}

/// How a version in a relation is compared. The obsolete `<` and `>` are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<<`: strictly earlier.
    Earlier,
    /// `<=`: earlier or equal.
    EarlierOrEqual,
    /// `=`: exactly equal.
    Equal,
    /// `>=`: later or equal.
    LaterOrEqual,
    /// `>>`: strictly later.
    Later,
}

impl Comparison {
    // Longest first: the text is matched by prefix.
    const ALL: [Self; 5] =
        [Self::Earlier, Self::EarlierOrEqual, Self::LaterOrEqual, Self::Later, Self::Equal];

    /// The operator as it stands in the control file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Earlier => "<<",
            Self::EarlierOrEqual => "<=",
            Self::Equal => "=",
            Self::LaterOrEqual => ">=",
            Self::Later => ">>",
        }
    }
}

/// One package of a dependency: `name[:arch] [(operator version)]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Relation {
    /// The other package.
    pub package: PackageName,
    /// Architecture qualifier, such as `any`; needs dpkg 1.16.2 on the host.
    pub qualifier: Option<String>,
    /// The versions of that package that are meant; all when absent.
    pub version: Option<(Comparison, Version)>,
}

impl FromStr for Relation {
    type Err = RelationError;

    fn from_str(text: &str) -> Result<Self, RelationError> {
        let syntax = |rule| RelationError::Syntax { relation: text.to_owned(), rule };
        let field = |source| RelationError::Field { relation: text.to_owned(), source };
        let (name, version) = match text.trim().split_once('(') {
            None => (text.trim(), None),
            Some((name, rest)) => {
                let inner = rest.strip_suffix(')').ok_or_else(|| syntax("the version must end in ')'"))?;
                let inner = inner.trim();
                let comparison = Comparison::ALL
                    .into_iter()
                    .find(|c| inner.starts_with(c.as_str()))
                    .ok_or_else(|| syntax("the version needs one of the operators << <= = >= >>"))?;
                let version = inner[comparison.as_str().len()..].trim().parse().map_err(field)?;
                (name.trim_end(), Some((comparison, version)))
            }
        };
        let (name, qualifier) = match name.split_once(':') {
            None => (name, None),
            Some((name, qualifier)) => {
                let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
                if qualifier.is_empty() || !qualifier.bytes().all(allowed) {
                    return Err(syntax("the architecture qualifier may hold a-z, 0-9 and '-' only"));
                }
                (name, Some(qualifier.to_owned()))
            }
        };
        Ok(Self { package: name.parse().map_err(field)?, qualifier, version })
    }
}

impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.package)?;
        if let Some(qualifier) = &self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        if let Some((comparison, version)) = &self.version {
            write!(f, " ({} {version})", comparison.as_str())?;
        }
        Ok(())
    }
}

/// One item of a relation field: one package, or alternatives of which any will do (`a | b`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Dependency {
    alternatives: Vec<Relation>,
}

impl Dependency {
    /// A dependency on one package.
    pub fn on(relation: Relation) -> Self {
        Self { alternatives: vec![relation] }
    }

    /// Adds an alternative: `self | relation`.
    pub fn or(mut self, relation: Relation) -> Self {
        self.alternatives.push(relation);
        self
    }

    /// The alternatives in order of preference; never empty.
    pub fn alternatives(&self) -> &[Relation] {
        &self.alternatives
    }
}

impl FromStr for Dependency {
    type Err = RelationError;

    fn from_str(text: &str) -> Result<Self, RelationError> {
        Ok(Self { alternatives: text.split('|').map(str::parse).collect::<Result<_, _>>()? })
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, relation) in self.alternatives.iter().enumerate() {
            write!(f, "{}{relation}", if index == 0 { "" } else { " | " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_parsed_and_written_in_one_form() {
        for (text, canonical) in [
            ("libc6", "libc6"),
            ("libc6(>=2.31)", "libc6 (>= 2.31)"),
            (" python3:any ( >> 3.8~ ) | python2 (= 2.7-1)", "python3:any (>> 3.8~) | python2 (= 2.7-1)"),
            ("a1 (<< 1) | b2 (<= 2)", "a1 (<< 1) | b2 (<= 2)"),
        ] {
            assert_eq!(text.parse::<Dependency>().unwrap().to_string(), canonical);
        }
    }

    #[test]
    fn relations_outside_the_grammar_are_refused() {
        for bad in [
            "",
            "libc6 |",
            "| libc6",
            "libc6 (2.31)",
            "libc6 (> 1)",
            "libc6 (< 1)",
            "libc6 (>= )",
            "Libc6",
            "libc6 (>= 1) x",
            "libc6 (>= 1",
            "libc6:",
            "libc6:An",
            "libc6, bash",
            "libc6 [amd64]",
            "a1\nb2",
        ] {
            assert!(bad.parse::<Dependency>().is_err(), "{bad:?} was accepted");
        }
    }
}
