//! How strictly to read, and why something was not accepted.

use std::io;

use crate::rule::{Problem, Rule, Ruleset, lines};

/// Why a package was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The data breaks a rule of its structure.
    #[error("at byte {offset}: {problem}")]
    Refused {
        /// Where in the datastream; 0 for other forms.
        offset: u64,
        /// What is wrong.
        problem: Problem,
    },
    /// pkginfo, pkgmap or the package as a whole break rules: all of them.
    #[error("package `{pkg}` breaks {} rule(s):\n{}", .problems.len(), lines(.problems))]
    Rules {
        /// The package, as far as its name is known.
        pkg: String,
        /// What is wrong.
        problems: Vec<Problem>,
    },
    /// The data could not be read.
    #[error("reading {what}: {source}")]
    Io {
        /// What was being read.
        what: String,
        /// The cause.
        source: io::Error,
    },
    /// The caller's visitor failed.
    #[error("handling `{path}`: {source}")]
    Visitor {
        /// The member at hand.
        path: String,
        /// The cause.
        source: io::Error,
    },
}

impl ReadError {
    pub(crate) fn refused(rule: Rule, place: impl Into<String>, detail: impl Into<String>) -> Self {
        ReadError::Refused { offset: 0, problem: Problem::new(rule, place, detail) }
    }

    pub(crate) fn at(self, position: u64) -> Self {
        match self {
            ReadError::Refused { problem, .. } => ReadError::Refused { offset: position, problem },
            other => other,
        }
    }

    /// The rules that were broken; none when reading itself failed.
    pub fn rules(&self) -> Vec<Rule> {
        match self {
            ReadError::Refused { problem, .. } => vec![problem.rule],
            ReadError::Rules { problems, .. } => problems.iter().map(|problem| problem.rule).collect(),
            ReadError::Io { .. } | ReadError::Visitor { .. } => Vec::new(),
        }
    }
}

/// Whose bytes are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// What any pkgmk and pkgtrans write: any member order, owners, inode numbers and times.
    #[default]
    Genuine,
    /// Only the very bytes this crate writes for the same meaning.
    Canonical,
}

/// Bounds on what a reader keeps in memory. Payload is never kept.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Packages in one stream.
    pub packages: usize,
    /// Bytes of pkginfo.
    pub pkginfo: u32,
    /// Bytes of pkgmap.
    pub pkgmap: u32,
    /// Bytes of one installation file, or of the signature.
    pub install_file: u32,
    /// Bytes of all installation files of a package.
    pub install_total: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            packages: 64,
            pkginfo: 64 << 10,
            pkgmap: 8 << 20,
            install_file: 1 << 20,
            install_total: 8 << 20,
        }
    }
}

/// How strictly to read. The default takes any genuine package.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// Genuine or canonical bytes.
    pub form: Form,
    /// Which rules the values must keep.
    pub rules: Ruleset,
    /// Memory bounds.
    pub limits: Limits,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions { form: Form::Genuine, rules: Ruleset::Format, limits: Limits::default() }
    }
}

impl ReadOptions {
    /// Accepts only what this crate writes, under the rules for packages that are built.
    pub fn canonical() -> Self {
        ReadOptions { form: Form::Canonical, rules: Ruleset::Portable, limits: Limits::default() }
    }
}
