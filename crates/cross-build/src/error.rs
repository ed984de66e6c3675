//! What can go wrong. Every message says what is wrong, where, and what to do about it.

use std::path::PathBuf;

/// A symbol that the linker did not find, with the library that most likely has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undefined {
    /// The symbol's name.
    pub symbol: String,
    /// The library of the target's system that most likely defines it.
    pub library: String,
}

fn list_undefined(symbols: &[Undefined]) -> String {
    let lines: Vec<String> =
        symbols.iter().map(|s| format!("  {} (probably in {})", s.symbol, s.library)).collect();
    lines.join("\n")
}

fn indent(lines: &[String]) -> String {
    lines.iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Why a toolchain could not be provisioned, or a binary not be built or not be trusted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A specification file has mistakes; all of them are listed.
    #[error("{}: {} mistake(s):\n{}", path.display(), problems.len(), indent(problems))]
    Spec {
        /// The file.
        path: PathBuf,
        /// One line for each mistake.
        problems: Vec<String>,
    },

    /// A file could not be read, written or made.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },

    /// The file system is full.
    #[error(
        "no space left on the file system of {} while {during}: free some space ({needed}), then run the same command again; what is complete is kept",
        path.display()
    )]
    DiskFull {
        /// A path on the full file system.
        path: PathBuf,
        /// What was being done.
        during: String,
        /// How much the step needs in all, in words.
        needed: &'static str,
    },

    /// A linker or another program is not there.
    #[error("{tool} is missing, needed {needed_for}: {mend}")]
    MissingTool {
        /// The program or library.
        tool: String,
        /// What for.
        needed_for: String,
        /// What to do.
        mend: String,
    },

    /// The standard library at hand was not made by the compiler in use.
    #[error(
        "the standard library for {target} in {} was made by another compiler than the one in use ({compiler}): {found}; mend: {mend}",
        path.display()
    )]
    WrongStd {
        /// The target.
        target: String,
        /// Where the library is.
        path: PathBuf,
        /// The compiler in use.
        compiler: String,
        /// What the compiler says of the library.
        found: String,
        /// What to do.
        mend: String,
    },

    /// Something has to be downloaded or built first, but `--offline` forbids it.
    #[error("offline, and not here: {what}; mend: with a network, run `{mend}`")]
    Offline {
        /// What is missing.
        what: String,
        /// The command that fetches it.
        mend: String,
    },

    /// A download failed although it was tried several times.
    #[error(
        "cannot download {what} ({attempts} attempts): {detail}; mend: check network, proxy and mirror settings, then run the same command again"
    )]
    Network {
        /// What was to be downloaded.
        what: String,
        /// How often it was tried.
        attempts: u32,
        /// What the program that downloads said last.
        detail: String,
    },

    /// A downloaded file is not the one that was expected: truncated, altered, or republished.
    #[error("{} is not the expected file: SHA-256 is {found}, {authority} says {expected}; the file was removed, run the same command again, and if it happens again do not trust the mirror", path.display())]
    Digest {
        /// The file (already removed).
        path: PathBuf,
        /// The digest that it must have.
        expected: String,
        /// The digest that it has.
        found: String,
        /// Who names the expected digest.
        authority: String,
    },

    /// The program uses symbols that the reviewed list of link stubs does not have.
    #[error(
        "{target}: {} undefined symbol(s) that the link stubs do not have:\n{}\nmend: check in the system's documentation that its oldest supported version has them, then add them to {}",
        symbols.len(), list_undefined(symbols), list.display()
    )]
    UndefinedSymbols {
        /// The target.
        target: String,
        /// The symbols.
        symbols: Vec<Undefined>,
        /// The list of symbols to extend.
        list: PathBuf,
    },

    /// A dependency compiles C or assembly, for which the target has no compiler.
    #[error(
        "{package} cannot be built for {target}, which has no C compiler here:\n{}\nmend: replace the dependency, or make it depend on the target (`[target.'cfg(...)'.dependencies]`)",
        indent(findings)
    )]
    ForeignCode {
        /// The target.
        target: String,
        /// The package to be built.
        package: String,
        /// One line for each dependency.
        findings: Vec<String>,
    },

    /// A patch to the standard library's source does not fit that source.
    #[error(
        "{} no longer fits {}: {detail}; mend: compare the source of {compiler} and renew or remove the patch",
        patch.display(), file.display()
    )]
    Patch {
        /// The patch.
        patch: PathBuf,
        /// The file to be patched.
        file: PathBuf,
        /// The line at which it does not fit.
        detail: String,
        /// The compiler whose source it is.
        compiler: String,
    },

    /// An external program failed.
    #[error("{what} failed ({status}); the whole output is in {}, its end:\n{}", log.display(), indent(tail))]
    Build {
        /// What was being done.
        what: String,
        /// How the program ended.
        status: String,
        /// The complete output.
        log: PathBuf,
        /// The last lines of the output.
        tail: Vec<String>,
    },

    /// A binary is not what the target's table says that it must be, or it did not run.
    #[error("{}: {} check(s) failed:\n{}", binary.display(), findings.len(), indent(findings))]
    Verification {
        /// The binary.
        binary: PathBuf,
        /// One line for each failed check.
        findings: Vec<String>,
    },
}

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Adds path and action to an I/O error, and tells a full disk from the rest.
pub(crate) trait IoContext<T> {
    fn at(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T>;
}

impl<T> IoContext<T> for std::io::Result<T> {
    fn at(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T> {
        self.map_err(|source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::DiskFull {
                path: path.into(),
                during: format!("trying to {action}"),
                needed: DISK_NEED,
            },
            _ => Error::Io { action, path: path.into(), source },
        })
    }
}

/// Measured for all targets together, with the compiler of Debian and an empty cache.
pub(crate) const DISK_NEED: &str = "all targets together need about 4 GB in the cache";
