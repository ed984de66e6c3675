//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::plan::Request;
use crate::report::Progress;

/// Builds, signs, bundles and verifies the VEN packages of every platform, on one Linux machine.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Folders that are not the usual ones.
    #[command(flatten)]
    pub folders: Folders,
}

/// Where things are.
#[derive(Debug, Clone, Args)]
pub struct Folders {
    /// Project with specs/, templates/ and signing/ [default: the one this program was built in]
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Where releases and logs go [default: out/ in the project]
    #[arg(long, global = true, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Where toolchains and sysroots are kept, shared by all checkouts [default: ~/.cache/ven-packages]
    #[arg(long, global = true, value_name = "DIR", env = "VEN_PACKAGES_CACHE")]
    pub cache: Option<PathBuf>,
    /// Where development keys are kept [default: ~/.local/share/ven-packages/keys]
    #[arg(long, global = true, value_name = "DIR", env = "VEN_PACKAGES_KEYS")]
    pub key_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a release: build, package, sign, bundle, verify
    Dist(DistArgs),
    /// Build and verify the agent for every target, without packages
    Build(AgentArgs),
    /// Print what `dist` would make, or every mistake in the specs
    Plan(PlanArgs),
    /// Verify a release directory, a bundle or a package
    Verify(VerifyArgs),
    /// Show everything about a package, bundle or release
    Inspect(InspectArgs),
    /// Show which targets, tools and keys are ready, and how to mend what is not
    Doctor(DoctorArgs),
    /// Make, list and export signing keys
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Install toolchains
    #[command(subcommand)]
    Toolchain(ToolchainCommand),
    /// Run all tests, installing what they need
    Test(TestArgs),
    /// Install, upgrade and remove the packages for real, in roots and images of their own
    TestInstall(TestInstallArgs),
}

/// What to release.
#[derive(Debug, Clone, Default, Args)]
pub struct What {
    /// Product version, e.g. 23.5.10 [default: specs/product.toml]
    #[arg(long, value_name = "X.Y.Z")]
    pub version: Option<String>,
    /// Build number [default: specs/product.toml]
    #[arg(long, value_name = "N")]
    pub build: Option<String>,
    /// Only platforms that match, by tag (c8, u*) or package id (c8.x86_64); repeatable
    #[arg(long, value_name = "GLOB")]
    pub platform: Vec<String>,
    /// Only this package format (rpm, deb); repeatable
    #[arg(long, value_name = "FORMAT")]
    pub format: Vec<String>,
    /// Signing profile [default: specs/product.toml]
    #[arg(long, value_name = "PROFILE")]
    pub keys: Option<String>,
}

impl What {
    /// The plan that these flags ask for.
    pub fn request(&self, source_date_epoch: Option<String>, now: i64) -> Request {
        Request {
            version: self.version.clone(),
            build: self.build.clone(),
            platforms: self.platform.clone(),
            formats: self.format.clone(),
            keys: self.keys.clone(),
            source_date_epoch,
            now,
        }
    }
}

#[derive(Debug, Args)]
pub struct DistArgs {
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub build: BuildArgs,
    /// Print release.json instead of the summary table
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct AgentArgs {
    /// Rust targets [default: every target of specs/targets.toml]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub build: BuildArgs,
}

/// How to build.
#[derive(Debug, Clone, Args)]
pub struct BuildArgs {
    /// How many jobs run at once [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Use only what is on this machine; say what is missing
    #[arg(long)]
    pub offline: bool,
    /// A vendor's sysroot for a target, used instead of link stubs; repeatable
    #[arg(long, value_name = "TARGET=DIR", value_parser = sysroot)]
    pub sysroot: Vec<(String, PathBuf)>,
    /// How progress is shown
    #[arg(long, value_enum, default_value = "auto")]
    pub progress: Progress,
}

fn sysroot(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((target, dir)) if !target.is_empty() && !dir.is_empty() => Ok((target.to_owned(), dir.into())),
        _ => Err("write TARGET=DIR".to_owned()),
    }
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub what: What,
    /// Print the plan, or its mistakes, as JSON
    #[arg(long)]
    pub json: bool,
}

/// Whose signatures are accepted.
#[derive(Debug, Clone, Default, Args)]
pub struct TrustArgs {
    /// Accept signatures of this public key only (a file); repeatable
    #[arg(long, value_name = "FILE")]
    pub key: Vec<PathBuf>,
    /// Accept signatures of this profile's key only
    #[arg(long, value_name = "PROFILE", conflicts_with = "key")]
    pub keys: Option<String>,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Release directory, bundle or package
    #[arg(required = true)]
    pub path: Vec<PathBuf>,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Refuse this release and every older one
    #[arg(long, value_name = "RELEASE")]
    pub newer_than: Option<crate::spec::version::ReleaseId>,
    /// Judge expiry as of this time (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    pub at: Option<jiff::Timestamp>,
    /// Refuse releases from which flags left out packages
    #[arg(long)]
    pub require_complete: bool,
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Package, bundle or release.json
    pub file: PathBuf,
    #[command(flatten)]
    pub trust: TrustArgs,
    /// Leave out the bodies of scriptlets
    #[arg(long)]
    pub no_scripts: bool,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub what: What,
}

#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Make an RSA key: the secret half for you alone, the public half for everyone
    Generate {
        /// Name and address, e.g. "VEN releases <ven@example.com>"
        #[arg(long, value_name = "USER-ID")]
        user_id: String,
        /// File for the secret key; must not exist
        #[arg(long, value_name = "FILE")]
        secret: PathBuf,
        /// File for the public key
        #[arg(long, value_name = "FILE")]
        public: PathBuf,
        /// RSA modulus in bits: 3072 or 4096
        #[arg(long, default_value_t = 3072)]
        bits: u32,
        /// Protect the secret key with the passphrase in this variable
        #[arg(long, value_name = "VARIABLE", conflicts_with = "passphrase_fd")]
        passphrase_env: Option<String>,
        /// Protect the secret key with the passphrase read from this file descriptor
        #[arg(long, value_name = "N")]
        passphrase_fd: Option<u16>,
    },
    /// List the profiles and their keys
    List,
    /// Write a profile's public key, armored
    Export {
        /// Profile [default: specs/product.toml]
        #[arg(long, value_name = "PROFILE")]
        keys: Option<String>,
        /// File to write [default: standard output]
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub enum ToolchainCommand {
    /// Install what targets need (default: every target of the plan)
    Install {
        /// Rust target triples
        targets: Vec<String>,
        #[command(flatten)]
        build: BuildArgs,
    },
    /// List the targets and whether each is ready
    List,
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// Do not install anything: fail where something is missing
    #[arg(long)]
    pub offline: bool,
    /// Only run tests whose name contains this; repeatable
    pub filter: Vec<String>,
}

#[derive(Debug, Args)]
pub struct TestInstallArgs {
    /// Only packages that match, by tag (c8, u*) or package id (c8.x86_64); repeatable
    #[arg(long, value_name = "GLOB")]
    pub platform: Vec<String>,
    /// Folder of scenarios [default: ci/scenarios in the project]
    #[arg(long, value_name = "DIR")]
    pub scenarios: Option<PathBuf>,
    /// Only scenarios whose name matches; repeatable
    #[arg(long, value_name = "GLOB")]
    pub scenario: Vec<String>,
    /// Only in roots and images of ci/images.toml whose name matches; repeatable
    #[arg(long = "in", value_name = "GLOB")]
    pub within: Vec<String>,
    /// Only these injected failures, e.g. 'chown#2'; repeatable
    #[arg(long, value_name = "GLOB")]
    pub fault: Vec<String>,
    /// What isolates the cases
    #[arg(long, value_enum, default_value = "auto")]
    pub engine: crate::cmd::test_install::Engine,
    /// Leave the hosts of failed cases running, and say how to enter them
    #[arg(long)]
    pub keep: bool,
    /// How many cases run at once [default: two per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Test this release instead of one made from the specs
    #[arg(long, value_name = "DIR")]
    pub release: Option<PathBuf>,
    /// Use only toolchains that are on this machine
    #[arg(long)]
    pub offline: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value = "auto")]
    pub progress: Progress,
}
