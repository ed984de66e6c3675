//! The table of targets, `specs/targets.toml`: pure data, checked when read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, IoContext, Result};

/// Where a target's standard library may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StdProvider {
    /// Prebuilt with the active compiler (`rustup target add`).
    Rustup,
    /// Built from the source that came with the active compiler (rustup's component `rust-src`, Debian's
    /// `rust-src`).
    BuildStd,
    /// Built from the source of Debian's compiler, both unpacked into the cache.
    Debian,
}

/// How the target's programs are linked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Linker {
    /// `zig cc -target …`: brings the C library (Linux) or its stubs (macOS), and compiles C.
    ZigCc {
        /// Zig's name of the target, e.g. `x86_64-linux-musl`.
        target: String,
        /// Arguments that zig gets before those of rustc.
        #[serde(default)]
        args: Vec<String>,
        /// Arguments of rustc that zig must not see.
        #[serde(default)]
        drop: Vec<String>,
    },
    /// A cross GCC from Debian packages, unpacked into the cache; compiles C, too.
    DebianGcc {
        /// The set of Debian packages with compiler and binutils.
        set: String,
        /// The compiler's file name in `usr/bin`.
        program: String,
        /// Prefix of the binutils in `usr/bin`, e.g. `x86_64-w64-mingw32-`.
        prefix: String,
        /// Arguments that the linker gets before those of rustc.
        #[serde(default)]
        args: Vec<String>,
    },
    /// A plain `ld` that links against stubs (or a vendor's sysroot) with a start file of ours.
    Ld {
        /// Which program it is.
        program: Ld,
        /// Arguments before those of rustc.
        #[serde(default)]
        args: Vec<String>,
        /// Arguments of rustc that this linker must not see.
        #[serde(default)]
        drop: Vec<String>,
        /// Arguments of rustc to leave out by prefix.
        #[serde(default)]
        drop_prefix: Vec<String>,
    },
}

/// A linker program for [`Linker::Ld`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ld {
    /// LLVM's ELF linker inside zig: `zig ld.lld`.
    ZigLld,
    /// A cross linker of Debian, unpacked into the cache.
    Debian {
        /// The set of Debian packages with the linker.
        set: String,
        /// The linker's file name in `usr/bin`.
        program: String,
    },
    /// GNU ld built from Debian's `binutils-source` for a target that no package serves.
    BinutilsSource {
        /// The set of Debian packages with the source.
        set: String,
        /// The value of configure's `--target`.
        target: String,
    },
}

/// The names that the target's system libraries define, and what must be put before `main`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Stubs {
    /// The reviewed list, a file in `specs/toolchain/`.
    pub symbols: String,
    /// Our start file (assembly) in `specs/toolchain/`.
    pub start: String,
}

/// What can prove the target's binaries on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "runner", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Verify {
    /// They run here as they are.
    Native,
    /// They run under a user-mode emulator.
    Qemu {
        /// The set of Debian packages with the emulator, for when it is not on PATH.
        set: String,
        /// The emulator, e.g. `qemu-aarch64-static`.
        program: String,
    },
    /// They run under Wine.
    Wine {
        /// The set of Debian packages with Wine, for when it is not on PATH.
        set: String,
        /// Its loader, below `/` of the set.
        program: String,
    },
    /// Nothing here can run them: only their structure is checked.
    Structure,
}

/// Who removes the symbols from the binary.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strip {
    /// rustc does what the cargo profile says (through the linker, or its own tool).
    #[default]
    Profile,
    /// The row's link arguments do; rustc is told to leave symbols alone, as it has no tool for it here.
    Linker,
}

/// A container format of executables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Linux and Solaris.
    Elf,
    /// Windows.
    Pe,
    /// macOS.
    MachO,
    /// AIX.
    Xcoff,
}

/// Byte order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// What the structure check demands of a binary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Expect {
    /// Container format.
    pub format: Format,
    /// Word size: 32 or 64.
    pub bits: u8,
    /// Byte order.
    pub endian: Endian,
    /// Machine, as [`crate::verify`] names it: `x86-64`, `386`, `aarch64`, `ppc64`, `s390x`, `sparcv9`.
    pub machine: String,
    /// ELF only: the allowed values of `EI_OSABI`, e.g. `sysv`, `gnu`, `solaris`.
    #[serde(default)]
    pub os_abi: Vec<String>,
    /// ELF only: the program interpreter; absent: there must be none (a static program).
    #[serde(default)]
    pub interpreter: Option<String>,
    /// The shared libraries that the binary may need; needing any other is an error.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// The oldest version of the system that the binary must accept: of macOS what its header says, of
    /// systems with link stubs the newest `since` of the symbols that it uses may not be later.
    #[serde(default)]
    pub min_os: Option<String>,
    /// Mach-O only: there must be an ad-hoc signature (arm64 runs nothing unsigned).
    #[serde(default)]
    pub ad_hoc_signature: bool,
}

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Target {
    /// rustc's name of the target.
    pub triple: String,
    /// Providers of the standard library, tried in this order.
    pub std: Vec<StdProvider>,
    /// Features of the crate `std` where it is built from source.
    #[serde(default)]
    pub std_features: Vec<String>,
    /// Patches in `specs/toolchain/` to the source of `std` where it is built.
    #[serde(default)]
    pub std_patches: Vec<String>,
    /// Further flags for rustc when it compiles `std`.
    #[serde(default)]
    pub std_rustflags: Vec<String>,
    /// Flags for rustc when it compiles `std` and the program.
    #[serde(default)]
    pub rustflags: Vec<String>,
    /// Variables for rustc and cargo, e.g. `MACOSX_DEPLOYMENT_TARGET`.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Who removes the symbols.
    #[serde(default)]
    pub strip: Strip,
    /// The linker.
    pub linker: Linker,
    /// Link stubs; absent where the linker brings the C library.
    #[serde(default)]
    pub stubs: Option<Stubs>,
    /// Must the dependency tree be free of crates that compile C or assembly? True where there is no C
    /// compiler for the target.
    #[serde(default)]
    pub pure_rust: bool,
    /// What can run it.
    pub verify: Verify,
    /// What the structure check demands.
    pub expect: Expect,
}

impl Target {
    /// The sets of Debian packages that the row names.
    fn debian_sets(&self) -> Vec<&String> {
        let linker = match &self.linker {
            Linker::DebianGcc { set, .. } | Linker::Ld { program: Ld::Debian { set, .. }, .. } => Some(set),
            Linker::Ld { program: Ld::BinutilsSource { set, .. }, .. } => Some(set),
            Linker::ZigCc { .. } | Linker::Ld { program: Ld::ZigLld, .. } => None,
        };
        let runner = match &self.verify {
            Verify::Qemu { set, .. } | Verify::Wine { set, .. } => Some(set),
            Verify::Native | Verify::Structure => None,
        };
        linker.into_iter().chain(runner).collect()
    }
}

/// A wheel of PyPI that carries a tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Wheel {
    /// Exact version.
    pub version: String,
    /// SHA-256 of the wheel by the build machine's architecture (`x86_64`, `aarch64`).
    pub sha256: BTreeMap<String, String>,
}

/// Debian packages that are unpacked together into the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DebianSet {
    /// The packages.
    pub packages: Vec<String>,
    /// Leave out what they depend on: for programs that need only a part of it.
    #[serde(default)]
    pub alone: bool,
    /// The files and folders to keep, relative to `/`; empty: all.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Files that programs look for elsewhere when they are not installed in `/`.
    #[serde(default)]
    pub copy: Vec<CopyFile>,
}

/// A file to copy inside an unpacked set; paths relative to `/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CopyFile {
    /// The file.
    pub from: String,
    /// Where a copy is needed; what stands there is replaced.
    pub to: String,
}

/// What is taken from Debian's archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct DebianSpec {
    /// The sets with a compiler, its cargo and its source of std: the first that the archive has is taken.
    pub compilers: Vec<String>,
    /// Packages that every build machine has: dependencies stop there.
    pub host: BTreeSet<String>,
    /// The sets by name.
    pub sets: BTreeMap<String, DebianSet>,
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Targets {
    /// The C compiler and linker for Linux and macOS.
    pub zig: Wheel,
    /// Debian's compiler.
    pub debian: DebianSpec,
    /// The rows.
    #[serde(rename = "target")]
    pub targets: Vec<Target>,
}

impl Targets {
    /// Reads and checks `targets.toml`.
    ///
    /// # Errors
    /// [`Error::Spec`] with every mistake that was found.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).at("read", path)?;
        let spec = |problems| Error::Spec { path: path.to_owned(), problems };
        let targets: Self = toml::from_str(&text).map_err(|e| spec(vec![e.to_string()]))?;
        let problems = targets.validate();
        if problems.is_empty() { Ok(targets) } else { Err(spec(problems)) }
    }

    /// All mistakes that the types do not exclude.
    #[must_use]
    pub fn validate(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut seen = BTreeSet::new();
        for (host, digest) in &self.zig.sha256 {
            if digest.len() != 64 || hex::decode(digest).is_err() {
                problems.push(format!("zig: the SHA-256 for {host} is not 64 hexadecimal digits"));
            }
        }
        for set in self.debian.compilers.iter().chain(self.targets.iter().flat_map(Target::debian_sets)) {
            if !self.debian.sets.contains_key(set) {
                problems.push(format!("[debian.sets] has no set {set:?}"));
            }
        }
        for target in &self.targets {
            let name = &target.triple;
            if !seen.insert(name) {
                problems.push(format!("{name}: listed twice"));
            }
            if target.std.is_empty() {
                problems.push(format!("{name}: `std` lists rustup, build-std, debian: at least one"));
            }
            if !matches!(target.expect.bits, 32 | 64) {
                problems.push(format!("{name}: `bits` is 32 or 64, not {}", target.expect.bits));
            }
            if target.stubs.is_some() != matches!(target.linker, Linker::Ld { .. }) {
                problems.push(format!("{name}: a plain `ld` and `stubs` go together"));
            }
            if target.stubs.is_some() && !target.pure_rust {
                problems.push(format!("{name}: stubs have no C headers, so `pure-rust` must be true"));
            }
            if !target.std_patches.is_empty() && target.std.contains(&StdProvider::Rustup) {
                problems.push(format!("{name}: a prebuilt std cannot be patched; take rustup out of `std`"));
            }
            if target.expect.format != Format::Elf && target.expect.interpreter.is_some() {
                problems.push(format!("{name}: only ELF names an interpreter"));
            }
        }
        problems
    }

    /// The row of a triple.
    #[must_use]
    pub fn get(&self, triple: &str) -> Option<&Target> {
        self.targets.iter().find(|target| target.triple == triple)
    }
}
