//! What the caller decides, and what it gets back.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::Serialize;

use crate::target::StdProvider;

/// Where things are and what is allowed. The library reads no environment of its own accord.
#[derive(Debug, Clone)]
pub struct Config {
    /// The folder with `targets.toml` and `toolchain/`.
    pub specs_dir: PathBuf,
    /// The user's cache, shared by all checkouts, e.g. `~/.cache/illumio-ven`.
    pub cache_dir: PathBuf,
    /// The checkout's own folder for build results, e.g. `out/toolchain`.
    pub work_dir: PathBuf,
    /// Use only what is already there.
    pub offline: bool,
    /// A vendor's sysroot by triple; it takes the place of the link stubs.
    pub sysroots: BTreeMap<String, PathBuf>,
    /// Parallel jobs of cargo and make; `None` lets them choose.
    pub jobs: Option<usize>,
    /// The caller's environment (`std::env::vars_os()`), of which only an allow-list reaches a program.
    pub environment: Vec<(OsString, OsString)>,
}

/// Gets told what happens. Implementations print; this library does not.
pub trait Observer: Sync {
    /// A step began; `what` is one short line, e.g. `download ziglang 0.17.1 (101 MB)`.
    fn progress(&self, what: &str);
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Observer for Silent {
    fn progress(&self, _what: &str) {}
}

/// What to build.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The folder of the workspace's Cargo.toml and Cargo.lock.
    pub workspace: PathBuf,
    /// The package.
    pub package: String,
    /// The profile of the workspace's Cargo.toml, e.g. `agent`.
    pub profile: String,
    /// The binaries to take from it.
    pub bins: Vec<String>,
    /// Time for everything that would carry one, in seconds since 1970.
    pub source_date_epoch: u64,
    /// The output of all programs is appended here.
    pub log_file: PathBuf,
    /// Arguments of the run that proves a binary (e.g. `["version"]`); it must end with status 0.
    pub run_args: Vec<String>,
    /// What the run's standard output must contain; empty: no condition.
    pub run_expect: String,
}

/// Whether a target can be built without fetching anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Everything is there.
    Ready {
        /// Where the standard library comes from.
        provider: StdProvider,
    },
    /// Something must be installed first.
    Missing {
        /// One entry for each thing that is not there.
        what: Vec<String>,
        /// The one command that mends it.
        mend: String,
    },
}

/// The result of a build.
#[derive(Debug, Clone, Serialize)]
pub struct Built {
    /// The file of each binary, by name.
    #[serde(skip)]
    pub binaries: BTreeMap<String, PathBuf>,
    /// What the binaries were built with; goes into the release's manifest.
    pub provider: ProviderRecord,
    /// How far each binary was verified, by name; goes into the release's manifest.
    pub verification: BTreeMap<String, VerificationRecord>,
}

/// Compiler, standard library and linker of a build: no path, no host name.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct ProviderRecord {
    /// Where the standard library comes from.
    pub kind: StdProvider,
    /// The first line of `rustc -vV`.
    pub compiler: String,
    /// The standard library: the compiler's prebuilt one, or features, flags and patches it was built with.
    pub std: String,
    /// The linker's name.
    pub linker: String,
    /// The linker's version.
    pub linker_version: String,
    /// The link stubs (or the vendor's sysroot) and start files, where the target has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stubs: Option<String>,
    /// SHA-256 of everything that was downloaded or derived, by name.
    pub digests: BTreeMap<String, String>,
}

/// How far a binary was verified.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It ran here, and its structure was checked.
    Run,
    /// Nothing here can run it: its structure was checked.
    Structure,
}

/// What was verified of one binary.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct VerificationRecord {
    /// How far.
    pub level: Level,
    /// The command that ran it, with the binary's name for its path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// SHA-256 of the binary.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
    /// What was found, one fact a line: `machine: x86-64`.
    pub findings: Vec<String>,
}
