//! Errors of writing and reading.

use std::fmt;

use crate::signature::{SignatureError, SignatureVersion};
use crate::spec::{Compression, Profile};

/// A rule a spec breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rule {
    /// A field which must have a value is empty.
    #[error("must not be empty")]
    Empty,
    /// A single-line field has a newline or another control character.
    #[error("must not contain control characters: {0:?}")]
    ControlCharacter(String),
    /// Characters rpm does not accept in a name.
    #[error(
        "{0:?} is not a package name: begin with a letter, digit or '_' and go on with these or '.', '+', '-'"
    )]
    Name(String),
    /// Characters rpm does not accept in a version or release.
    #[error(
        "{0:?} may only hold letters, digits, '.', '_' and '+': '-' separates version from release, '~' and '^' are not understood before rpm 4.10 and 4.15"
    )]
    Version(String),
    /// Rich dependencies.
    #[error("{0:?} is a rich dependency, which rpm before 4.12 cannot parse: name one package")]
    RichDependency(String),
    /// Characters rpm does not accept in a dependency name.
    #[error("{0:?} is not a dependency name: use printable ASCII without blanks, ',', '<' and '>'")]
    DependencyName(String),
    /// `rpmlib(…)` requirements belong to the writer.
    #[error("{0:?} is added by the writer where it is due: leave it out")]
    RpmlibDependency(String),
    /// Not `[epoch:]version[-release]`.
    #[error("{0:?} is not [epoch:]version[-release]")]
    Evr(String),
    /// A compression the profile's rpm cannot read, or a level out of range.
    #[error("{compression:?} cannot be used with profile {profile:?}: {why}")]
    Compression {
        /// What was asked for.
        compression: Compression,
        /// The profile.
        profile: Profile,
        /// What to do.
        why: &'static str,
    },
    /// Not an absolute path in its simplest form.
    #[error("{0:?} is not an absolute path without '.', '..', empty components and final slash")]
    Path(String),
    /// A component or the whole path is too long for Linux.
    #[error("{path:?} is too long: at most 255 bytes for each component and {max} for the whole")]
    PathTooLong {
        /// The path.
        path: String,
        /// Limit for the whole path in bytes.
        max: usize,
    },
    /// The same path twice.
    #[error("the path stands more than once in the package")]
    Duplicate,
    /// A path lies below something that is no directory.
    #[error("the path lies below {0:?}, which is not a directory of the package")]
    BelowNonDirectory(String),
    /// A path outside of the prefixes of a relocatable package.
    #[error("the path lies outside of the package's prefixes {0:?}")]
    OutsidePrefix(Vec<String>),
    /// Mode bits.
    #[error("mode {0:#o} is out of range: permission bits go to 0o7777")]
    Mode(u16),
    /// Mode of a symbolic link.
    #[error("mode {0:#o} is meaningless on a symbolic link: use 0o777")]
    SymlinkMode(u16),
    /// Owner or group names.
    #[error("{0:?} is not a user or group name: [a-z_][a-z0-9_-]*, at most 32 bytes")]
    Owner(String),
    /// `%config` or `%doc` on a directory or symbolic link.
    #[error("{0} cannot carry a %config or %doc class: only regular files and ghosts can")]
    Class(&'static str),
    /// A file or the sum of all files is too big for 32 bit sizes.
    #[error("{0} bytes do not fit: files together must stay below 4 GiB")]
    TooBig(u64),
    /// A scriptlet interpreter.
    #[error("{0:?} is not an interpreter: give an absolute path without blanks")]
    Interpreter(String),
    /// A NUL byte ends every string in an RPM header.
    #[error("must not contain a NUL byte")]
    Nul,
}

/// One broken rule and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Field, or path of the entry.
    pub place: String,
    /// The rule.
    pub rule: Rule,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.rule)
    }
}

/// Every problem of a spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} problem(s) in the RPM spec", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

/// Why a draft could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The spec breaks rules.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// The builder underneath refused what the rules accept.
    #[error("laying out the header and archive of {package}: {source}")]
    Builder {
        /// The package, name-version-release.
        package: String,
        /// What the builder says.
        source: Box<rpm::Error>,
    },
}

/// Why a package could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The compressed payload is of another draft.
    #[error("{package}: the compressed payload holds archive {found}, the package's own is {expected}")]
    OtherPayload {
        /// The package.
        package: String,
        /// SHA-256 of the draft's archive.
        expected: String,
        /// SHA-256 of the archive that was compressed.
        found: String,
    },
    /// The payload was compressed in another way than the spec says.
    #[error("{package}: the payload is compressed as {found:?}, the spec says {expected:?}")]
    OtherCompression {
        /// The package.
        package: String,
        /// What the spec says.
        expected: Compression,
        /// How the payload is compressed.
        found: Compression,
    },
    /// More than rpm reads.
    #[error("{package}: {part} is {size} bytes, rpm reads at most {max}")]
    TooLarge {
        /// The package.
        package: String,
        /// Which part.
        part: &'static str,
        /// Its size in bytes.
        size: u64,
        /// The greatest size in bytes.
        max: u64,
    },
    /// The signer failed.
    #[error("{package}: signing the {region}: {source}")]
    Signer {
        /// The package.
        package: String,
        /// Which region.
        region: &'static str,
        /// What the signer says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The signer returned something rpm would not accept.
    #[error("{package}: the signer returned an unusable signature over the {region}: {source}")]
    BadSignature {
        /// The package.
        package: String,
        /// Which region.
        region: &'static str,
        /// What is wrong with it.
        source: SignatureError,
    },
    /// The signer returned another version of signature packet.
    #[error("{package}: the signer returned a {found:?} signature where {expected:?} was asked for")]
    SignatureVersion {
        /// The package.
        package: String,
        /// Asked for.
        expected: SignatureVersion,
        /// Returned.
        found: SignatureVersion,
    },
    /// The header could not be serialised.
    #[error("{package}: serialising the header: {source}")]
    Header {
        /// The package.
        package: String,
        /// What the builder says.
        source: Box<rpm::Error>,
    },
    /// Compressing or writing.
    #[error("{action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Why a package was refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input could not be read.
    #[error("reading the package: {0}")]
    Io(#[from] std::io::Error),
    /// A limit of the caller or of rpm.
    #[error("{what} is larger than the limit of {limit} bytes")]
    Limit {
        /// Which part.
        what: &'static str,
        /// The limit in bytes.
        limit: u64,
    },
    /// The package ends too early.
    #[error("the package ends inside the {part}")]
    Truncated {
        /// Which part.
        part: &'static str,
    },
    /// A byte is not what this writer emits.
    #[error("{part}, byte {offset}: {rule}")]
    Structure {
        /// Which part.
        part: &'static str,
        /// Offset within the part.
        offset: usize,
        /// What is wrong.
        rule: String,
    },
    /// A tag has a value this writer never emits.
    #[error("{part}, tag {tag}: {rule}")]
    Tag {
        /// Which header.
        part: &'static str,
        /// Number of the tag.
        tag: u32,
        /// What is wrong.
        rule: String,
    },
    /// A digest or size does not match.
    #[error("{what} does not match: the package states {stated}, found {found}")]
    Mismatch {
        /// Which digest or size.
        what: String,
        /// The stated value.
        stated: String,
        /// The value of the bytes at hand.
        found: String,
    },
    /// An archive entry differs from the header's file list.
    #[error("payload entry {path:?}: {rule}")]
    Entry {
        /// Path of the file.
        path: String,
        /// What is wrong.
        rule: String,
    },
    /// The payload cannot be decompressed, or something follows it.
    #[error("compressed payload: {0}")]
    Compression(String),
    /// The header describes a package which this writer would refuse to write.
    #[error("the header breaks the rules for packages: {0}")]
    Invalid(#[from] Problems),
}
