//! What a package is made of.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Everything an RPM package states. [`Draft::new`](crate::Draft::new) checks it as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Package name: `[A-Za-z0-9_]` first, then also `.`, `+`, `-`.
    pub name: String,
    /// Version: `[A-Za-z0-9._+]`. No `-`, which separates version from release; no `~` and `^`, which
    /// rpm sorts only from 4.10 and 4.15.
    pub version: String,
    /// Release, same alphabet as the version.
    pub release: String,
    /// Epoch, compared before the version.
    pub epoch: Option<u32>,
    /// Processor architecture of the payload. The operating system is always `linux`.
    pub arch: Arch,
    /// One line.
    pub summary: String,
    /// Any number of lines.
    pub description: String,
    /// License expression, one line.
    pub license: String,
    /// Package group (`RPMTAG_GROUP`), mandatory for old rpm, e.g. `System Environment/Daemons`.
    pub group: String,
    /// Organisation which publishes the package.
    pub vendor: Option<String>,
    /// Person or team which made the package.
    pub packager: Option<String>,
    /// Home page.
    pub url: Option<String>,
    /// Value of `RPMTAG_BUILDHOST`; give a fixed word, never the real host, for reproducible packages.
    pub build_host: String,
    /// Value of `RPMTAG_RPMVERSION`, e.g. `4.4.2.3`.
    pub rpm_version: String,
    /// Build time and modification time of every file, in seconds since 1970 (set, not clamped).
    pub source_date: u32,
    /// Which generation of rpm the package is for.
    pub profile: Profile,
    /// Compression of the payload.
    pub compression: Compression,
    /// Directories the package can be relocated from (`RPMTAG_PREFIXES`). `rpm --prefix` needs exactly one.
    pub prefixes: Vec<String>,
    /// What the package needs, offers and excludes, without what the writer adds by itself.
    pub dependencies: Dependencies,
    /// Scriptlets.
    pub scriptlets: Scriptlets,
    /// Changelog, newest first.
    pub changelog: Vec<ChangelogEntry>,
    /// Files, directories, symbolic links and ghosts, in any order.
    pub entries: Vec<Entry>,
}

impl Spec {
    /// `[epoch:]version-release`.
    pub fn evr(&self) -> String {
        match self.epoch {
            Some(epoch) => format!("{epoch}:{}-{}", self.version, self.release),
            None => format!("{}-{}", self.version, self.release),
        }
    }

    /// `name-[epoch:]version-release`, as the lead carries it.
    pub fn nevr(&self) -> String {
        format!("{}-{}", self.name, self.evr())
    }

    /// Conventional file name, `name-version-release.arch.rpm`.
    pub fn file_name(&self) -> String {
        format!("{}-{}-{}.{}.rpm", self.name, self.version, self.release, self.arch)
    }
}

/// The generation of rpm a package is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Profile {
    /// rpm 4.4 (RHEL 5): MD5 file digests without `RPMTAG_FILEDIGESTALGO`, V3 signatures, gzip only.
    El5,
    /// rpm 4.8 to 6.1: SHA-256 file digests, V4 signatures.
    El6,
}

/// Compression of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Compression {
    /// gzip, read by every rpm.
    Gzip {
        /// 0 to 9.
        level: u8,
    },
    /// xz, read from rpm 4.8 (RHEL 6) on.
    Xz {
        /// 0 to 9.
        level: u8,
    },
    /// The bare cpio archive.
    None,
}

/// Processor architectures, named as rpm names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Arch {
    X86_64,
    I686,
    Aarch64,
    Ppc64le,
    S390x,
    Noarch,
}

impl Arch {
    /// All of them.
    pub const ALL: [Arch; 6] =
        [Arch::X86_64, Arch::I686, Arch::Aarch64, Arch::Ppc64le, Arch::S390x, Arch::Noarch];

    /// The word in `RPMTAG_ARCH` and in file names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Arch::X86_64 => "x86_64",
            Arch::I686 => "i686",
            Arch::Aarch64 => "aarch64",
            Arch::Ppc64le => "ppc64le",
            Arch::S390x => "s390x",
            Arch::Noarch => "noarch",
        }
    }

    /// rpm's `%_isa` word, as in `Provides: name(x86-64)`; none for `noarch`.
    pub const fn isa(self) -> Option<&'static str> {
        match self {
            Arch::X86_64 => Some("x86-64"),
            Arch::I686 => Some("x86-32"),
            Arch::Aarch64 => Some("aarch-64"),
            Arch::Ppc64le => Some("ppc-64"),
            Arch::S390x => Some("s390-64"),
            Arch::Noarch => None,
        }
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Arch {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Arch::ALL.into_iter().find(|arch| arch.as_str() == word).ok_or_else(|| {
            let known: Vec<_> = Arch::ALL.iter().map(|arch| arch.as_str()).collect();
            format!("unknown RPM architecture {word:?}: use one of {}", known.join(", "))
        })
    }
}

/// Dependencies by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dependencies {
    /// Needed while the package is installed.
    pub requires: Vec<Dependency>,
    /// Needed before `%pre` runs (`Requires(pre)`).
    pub requires_pre: Vec<Dependency>,
    /// Offered; `name = evr`, `name(isa) = evr` and `config(name) = evr` are added by the writer.
    pub provides: Vec<Dependency>,
    /// Must not be installed at the same time.
    pub conflicts: Vec<Dependency>,
    /// Replaced by this package.
    pub obsoletes: Vec<Dependency>,
    /// Wanted; rpm before 4.12 ignores these.
    pub recommends: Vec<Dependency>,
}

/// One dependency: a name, perhaps with a version.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dependency {
    /// Package name, capability such as `libc.so.6(GLIBC_2.4)`, or absolute path.
    pub name: String,
    /// Which versions; `None` for any.
    pub constraint: Option<Constraint>,
}

impl Dependency {
    /// Any version of `name`.
    pub fn any(name: impl Into<String>) -> Self {
        Dependency { name: name.into(), constraint: None }
    }

    /// `name op evr`, e.g. `Dependency::versioned("glibc", Comparison::GreaterOrEqual, "2.5")`.
    pub fn versioned(name: impl Into<String>, op: Comparison, evr: impl Into<String>) -> Self {
        Dependency { name: name.into(), constraint: Some(Constraint { op, evr: evr.into() }) }
    }
}

/// `op evr`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Constraint {
    /// How versions compare.
    pub op: Comparison,
    /// `[epoch:]version[-release]`.
    pub evr: String,
}

/// Comparison of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// The operator as written in spec files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Equal => "=",
            Comparison::GreaterOrEqual => ">=",
            Comparison::Greater => ">",
        }
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.constraint {
            None => f.write_str(&self.name),
            Some(Constraint { op, evr }) => write!(f, "{} {} {evr}", self.name, op.as_str()),
        }
    }
}

/// The scriptlets of a package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scriptlets {
    /// Before the files are installed.
    pub pre: Option<Scriptlet>,
    /// After the files are installed.
    pub post: Option<Scriptlet>,
    /// Before the files are erased.
    pub preun: Option<Scriptlet>,
    /// After the files are erased.
    pub postun: Option<Scriptlet>,
    /// Before the transaction.
    pub pretrans: Option<Scriptlet>,
    /// After the transaction.
    pub posttrans: Option<Scriptlet>,
}

impl Scriptlets {
    /// Names as in spec files, with their scriptlets, in the order of the struct.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &Scriptlet)> {
        [
            ("pre", &self.pre),
            ("post", &self.post),
            ("preun", &self.preun),
            ("postun", &self.postun),
            ("pretrans", &self.pretrans),
            ("posttrans", &self.posttrans),
        ]
        .into_iter()
        .filter_map(|(name, scriptlet)| scriptlet.as_ref().map(|scriptlet| (name, scriptlet)))
    }
}

/// A script and what runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scriptlet {
    /// What runs the body.
    pub interpreter: Interpreter,
    /// The script, written as given.
    pub body: String,
}

/// What runs a scriptlet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interpreter {
    /// A program by absolute path, e.g. `/bin/sh`; it becomes a requirement of the package.
    Program(String),
    /// The Lua interpreter inside rpm (`<lua>`, rpm 4.4 and later), which needs no program on the host.
    BuiltinLua,
}

impl Interpreter {
    /// The value of the `…PROG` tag.
    pub fn as_str(&self) -> &str {
        match self {
            Interpreter::Program(path) => path,
            Interpreter::BuiltinLua => "<lua>",
        }
    }
}

/// One changelog entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangelogEntry {
    /// Seconds since 1970.
    pub time: u32,
    /// `Name <address> - version-release`, one line.
    pub author: String,
    /// Any number of lines.
    pub text: String,
}

/// One path of the package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Absolute path, without `.`, `..`, empty components or a final slash.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, 0 to 0o7777; 0o777 for symbolic links.
    pub mode: u16,
    /// Owner by name, `[a-z_][a-z0-9_-]*`.
    pub owner: String,
    /// Group by name, same alphabet.
    pub group: String,
    /// How upgrades treat it.
    pub class: FileClass,
    /// What `rpm -V` compares.
    pub verify: VerifyFlags,
}

/// What stands at a path.
#[derive(Clone, PartialEq, Eq)]
pub enum Kind {
    /// A directory, owned by the package.
    Dir,
    /// A regular file, less than 4 GiB.
    File {
        /// The bytes.
        content: Arc<[u8]>,
    },
    /// A symbolic link; rpm never rewrites the target on relocation.
    Symlink {
        /// The target, as stored.
        target: String,
    },
    /// A regular file which the package owns but does not carry.
    Ghost,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Dir => f.write_str("Dir"),
            Kind::File { content } => write!(f, "File({} bytes)", content.len()),
            Kind::Symlink { target } => write!(f, "Symlink({target:?})"),
            Kind::Ghost => f.write_str("Ghost"),
        }
    }
}

/// How upgrades and `--excludedocs` treat a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FileClass {
    /// No special treatment.
    Normal,
    /// `%config`: an edited file is saved as `.rpmsave`.
    Config,
    /// `%config(noreplace)`: an edited file stays, the new one becomes `.rpmnew`.
    ConfigNoReplace,
    /// `%doc`: left out with `--excludedocs`.
    Doc,
}

/// Attributes which `rpm -V` compares (`RPMTAG_FILEVERIFYFLAGS`, see rpm's `rpmvf.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VerifyFlags(pub u32);

impl VerifyFlags {
    /// Everything, as rpmbuild writes it.
    pub const ALL: VerifyFlags = VerifyFlags(u32::MAX);
    /// File digest.
    pub const DIGEST: VerifyFlags = VerifyFlags(1 << 0);
    /// File size.
    pub const SIZE: VerifyFlags = VerifyFlags(1 << 1);
    /// Target of a symbolic link.
    pub const LINK: VerifyFlags = VerifyFlags(1 << 2);
    /// Owner.
    pub const USER: VerifyFlags = VerifyFlags(1 << 3);
    /// Group.
    pub const GROUP: VerifyFlags = VerifyFlags(1 << 4);
    /// Modification time.
    pub const MTIME: VerifyFlags = VerifyFlags(1 << 5);
    /// Permission bits and type.
    pub const MODE: VerifyFlags = VerifyFlags(1 << 6);
    /// Device number.
    pub const RDEV: VerifyFlags = VerifyFlags(1 << 7);
    /// Capabilities.
    pub const CAPS: VerifyFlags = VerifyFlags(1 << 8);
    /// What a ghost cannot be compared by; cleared on ghosts by the writer.
    pub const NOT_FOR_GHOSTS: VerifyFlags = VerifyFlags(0b10_0111);

    /// These and `other`.
    pub const fn with(self, other: VerifyFlags) -> VerifyFlags {
        VerifyFlags(self.0 | other.0)
    }

    /// These but not `other`, as `%verify(not …)`.
    pub const fn without(self, other: VerifyFlags) -> VerifyFlags {
        VerifyFlags(self.0 & !other.0)
    }
}
