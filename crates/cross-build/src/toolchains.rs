//! Chooses and provisions compiler, std and linker for a target.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::compiler::Compiler;
use crate::config::{Config, Observer, Status};
use crate::error::{Error, Result};
use crate::fetch::debian::{self, Unpacked};
use crate::fetch::pypi::{self, Pip, Python};
use crate::ld::LdTarget;
use crate::linker::{self, Linker, Rules};
use crate::patch::Patch;
use crate::process::{CleanEnv, is_executable, output};
use crate::std_build::StdBuild;
use crate::store::Store;
use crate::target::{self, StdProvider, Target, Targets, Verify};

/// All toolchains of this machine.
#[derive(Debug)]
pub struct Toolchains {
    pub(crate) config: Config,
    pub(crate) env: CleanEnv,
    pub(crate) store: Store,
    pub(crate) targets: Targets,
    active: OnceLock<Option<Compiler>>,
    debian: OnceLock<Compiler>,
}

/// Compiler, std and linker, ready for one target.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    pub provider: StdProvider,
    pub compiler: Compiler,
    /// The sysroot with std, unless it is the compiler's own.
    pub sysroot: Option<PathBuf>,
    pub std: String,
    pub linker: Linker,
    pub stubs: Option<String>,
    pub digests: BTreeMap<String, String>,
}

/// What runs a target's binaries here.
#[derive(Debug, Clone)]
pub(crate) enum Runner {
    /// Nothing: only the structure is checked.
    None,
    /// The machine itself.
    Native,
    /// An emulator.
    Program { program: PathBuf, library_path: Option<PathBuf> },
    /// An emulator that is neither on PATH nor in the cache.
    Missing { set: String, program: String },
}

/// The provider that serves a target on this machine, and what it still needs.
struct Choice {
    provider: StdProvider,
    /// `None`: Debian's compiler, not yet here.
    compiler: Option<Compiler>,
    missing: Vec<String>,
}

impl Toolchains {
    /// Reads `targets.toml`. Looks at nothing else, makes nothing.
    ///
    /// # Errors
    /// [`Error::Spec`] if the table has mistakes.
    pub fn new(config: Config) -> Result<Self> {
        let targets = Targets::read(&config.specs_dir.join("targets.toml"))?;
        Ok(Self {
            env: CleanEnv::new(&config.environment),
            store: Store::new(&config.cache_dir),
            config,
            targets,
            active: OnceLock::new(),
            debian: OnceLock::new(),
        })
    }

    /// The table of targets.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The command that mends a target that is not ready.
    fn mend(target: &Target) -> String {
        format!("cargo xtask toolchain install {}", target.triple)
    }

    /// Is everything there to build the target? Looks for files only (a few milliseconds; the first call
    /// also asks the compiler for its version).
    #[must_use]
    pub fn status(&self, target: &Target) -> Status {
        let (provider, mut what) = match self.choose(target) {
            Ok(choice) => (choice.provider, choice.missing),
            Err(e) => (StdProvider::Rustup, vec![e.to_string()]),
        };
        what.extend(self.missing_linker(target));
        what.extend(self.missing_runner(target));
        if what.is_empty() {
            Status::Ready { provider }
        } else {
            Status::Missing { what, mend: Self::mend(target) }
        }
    }

    pub(crate) fn active(&self) -> Option<&Compiler> {
        self.active
            .get_or_init(|| {
                let named = self.config.environment.iter().find(|(name, _)| name == "RUSTUP_TOOLCHAIN");
                Compiler::active(&self.env, named.map(|(_, value)| value.as_os_str())).ok()
            })
            .as_ref()
    }

    /// A set of Debian packages, if it is unpacked.
    pub(crate) fn debian_here(&self, set: &str) -> Option<Unpacked> {
        debian::get(&self.store, set, self.targets.debian.sets.get(set)?)
    }

    /// Debian's compiler, if it is unpacked.
    fn debian_compiler_here(&self) -> Result<Option<&Compiler>> {
        if let Some(compiler) = self.debian.get() {
            return Ok(Some(compiler));
        }
        let Some(unpacked) = self.debian_compiler_set() else { return Ok(None) };
        let compiler = Compiler::debian(&self.env, &unpacked)?;
        Ok(Some(self.debian.get_or_init(|| compiler)))
    }

    fn debian_compiler_set(&self) -> Option<Unpacked> {
        self.targets.debian.compilers.iter().find_map(|set| self.debian_here(set))
    }

    pub(crate) fn patches(&self, target: &Target) -> Result<Vec<Patch>> {
        let dir = self.config.specs_dir.join("toolchain");
        target.std_patches.iter().map(|name| Patch::read(&dir.join(name))).collect()
    }

    /// The first provider of the target's list that this machine can have.
    fn choose(&self, target: &Target) -> Result<Choice> {
        let patches = self.patches(target)?;
        for &provider in &target.std {
            let active = self.active().cloned();
            match (provider, active) {
                (StdProvider::Rustup, Some(compiler)) => {
                    if compiler.prebuilt(&target.triple)?.is_some() {
                        return Ok(Choice { provider, compiler: Some(compiler), missing: Vec::new() });
                    }
                }
                (StdProvider::BuildStd, Some(compiler)) => {
                    if compiler.std_source().is_some() {
                        let missing = self.missing_std(target, &compiler, &patches);
                        return Ok(Choice { provider, compiler: Some(compiler), missing });
                    }
                }
                (StdProvider::Debian, _) => {
                    let compiler = self.debian_compiler_here()?.cloned();
                    let missing = match &compiler {
                        Some(compiler) => self.missing_std(target, compiler, &patches),
                        None => vec!["Debian's compiler with the source of std".to_owned()],
                    };
                    return Ok(Choice { provider, compiler, missing });
                }
                (StdProvider::Rustup | StdProvider::BuildStd, _) => {}
            }
        }
        let compiler = self.active().map_or("(no rustc on PATH)", |compiler| compiler.version.as_str());
        Err(Error::MissingTool {
            tool: format!("a standard library for {}", target.triple),
            needed_for: format!("by {compiler}"),
            mend: format!("rustup target add {}, or rustup component add rust-src", target.triple),
        })
    }

    fn std_build<'a>(
        &self,
        target: &'a Target,
        compiler: &'a Compiler,
        patches: &'a [Patch],
    ) -> StdBuild<'a> {
        StdBuild { target, compiler, patches, jobs: self.config.jobs, offline: self.config.offline }
    }

    fn missing_std(&self, target: &Target, compiler: &Compiler, patches: &[Patch]) -> Vec<String> {
        match self.std_build(target, compiler, patches).get(&self.store) {
            Some(_) => Vec::new(),
            None => vec![format!("std for {}, built with {}", target.triple, compiler.version)],
        }
    }

    fn missing_linker(&self, target: &Target) -> Vec<String> {
        let mut what = Vec::new();
        if linker::get_driver(&self.store).is_none() {
            what.push("the link driver".to_owned());
        }
        match &target.linker {
            target::Linker::ZigCc { .. } => {
                if pypi::get(&self.store, "ziglang", &self.targets.zig).is_none() {
                    what.push(format!("linker: zig {}", self.targets.zig.version));
                }
            }
            target::Linker::DebianGcc { set, .. } => {
                if self.debian_here(set).is_none() {
                    what.push(format!("linker: {set} of Debian"));
                }
            }
            target::Linker::Ld { program, .. } => what.extend(self.missing_ld(program)),
        }
        what
    }

    fn missing_runner(&self, target: &Target) -> Option<String> {
        match self.runner(target) {
            Runner::Missing { program, .. } => Some(format!("{program}, to run the binaries")),
            _ => None,
        }
    }

    /// What runs the target's binaries here: a program on PATH, else one in the cache.
    pub(crate) fn runner(&self, target: &Target) -> Runner {
        let (set, program) = match &target.verify {
            Verify::Structure => return Runner::None,
            Verify::Native => return Runner::Native,
            Verify::Qemu { set, program } | Verify::Wine { set, program } => (set, program),
        };
        let name = match &target.verify {
            Verify::Wine { .. } => "wine",
            _ => program.rsplit('/').next().unwrap_or(program),
        };
        if let Some(program) = self.env.find(name) {
            return Runner::Program { program, library_path: None };
        }
        match self.debian_here(set) {
            Some(unpacked) => Runner::Program {
                program: unpacked.root.join(program),
                library_path: Some(unpacked.library_path()),
            },
            None => Runner::Missing { set: set.clone(), program: name.to_owned() },
        }
    }

    fn provision_runner(&self, target: &Target, log: &Path, observer: &dyn Observer) -> Result<()> {
        match self.runner(target) {
            Runner::Missing { set, .. } => self.debian_set(&set, log, observer).map(|_| ()),
            _ => Ok(()),
        }
    }

    /// A set of Debian packages, unpacked when it is not there.
    pub(crate) fn debian_set(&self, name: &str, log: &Path, observer: &dyn Observer) -> Result<Unpacked> {
        let spec = &self.targets.debian;
        let set = spec.sets.get(name).ok_or_else(|| Error::Spec {
            path: self.config.specs_dir.join("targets.toml"),
            problems: vec![format!("[debian.sets] has no set {name:?}")],
        })?;
        let debian = debian::Debian { store: &self.store, env: &self.env, log, observer };
        debian.ensure(name, set, &spec.host)
    }

    /// Fetches and builds what the target needs. What is there already is left as it is.
    ///
    /// # Errors
    /// Every variant of [`Error`] but those of building a program.
    pub fn install(&self, target: &Target, observer: &dyn Observer) -> Result<()> {
        let log = self.config.work_dir.join("logs").join(format!("install-{}.log", target.triple));
        self.provision(target, &log, observer).map(|_| ())
    }

    pub(crate) fn provision(
        &self,
        target: &Target,
        log: &Path,
        observer: &dyn Observer,
    ) -> Result<Toolchain> {
        if self.config.offline
            && let Status::Missing { what, mend } = self.status(target)
        {
            return Err(Error::Offline { what: what.join("; "), mend });
        }
        if self.config.sysroots.contains_key(&target.triple) && target.stubs.is_none() {
            return Err(Error::Spec {
                path: self.config.specs_dir.join("targets.toml"),
                problems: vec![format!(
                    "{}: a sysroot was given, but the target's linker brings its C library; sysroots are for \
                     targets with link stubs",
                    target.triple
                )],
            });
        }
        let choice = self.choose(target)?;
        let mut digests = BTreeMap::new();
        let compiler = match choice.compiler {
            Some(compiler) => compiler,
            None => self.install_debian_compiler(log, observer)?,
        };
        if compiler.debian
            && let Some(unpacked) = self.debian_compiler_set()
        {
            digests.extend(unpacked.digests);
        }
        let patches = self.patches(target)?;
        // std for Windows needs the linker's dlltool; a plain `ld` needs std for its start file.
        let first = match &target.linker {
            target::Linker::Ld { .. } => None,
            _ => Some(self.provision_linker(target, &compiler, None, log, observer)?),
        };
        let tools = first.as_ref().and_then(|(linker, _)| linker.path.clone());
        let (sysroot, std) = if choice.provider == StdProvider::Rustup {
            (None, "prebuilt".to_owned())
        } else {
            let build = self.std_build(target, &compiler, &patches);
            let sysroot = build.ensure(&self.store, &self.env, tools.as_deref(), log, observer)?;
            for (name, patch) in target.std_patches.iter().zip(&patches) {
                digests.insert(name.clone(), patch.sha256.clone());
            }
            (Some(sysroot), describe_std(target))
        };
        let (linker, stubs) = match first {
            Some(linker) => linker,
            None => self.provision_linker(target, &compiler, sysroot.as_deref(), log, observer)?,
        };
        self.provision_runner(target, log, observer)?;
        digests.extend(linker.digests.clone());
        Ok(Toolchain { provider: choice.provider, compiler, sysroot, std, linker, stubs, digests })
    }

    fn install_debian_compiler(&self, log: &Path, observer: &dyn Observer) -> Result<Compiler> {
        let mut last = None;
        for set in &self.targets.debian.compilers {
            match self.debian_set(set, log, observer) {
                Ok(unpacked) => {
                    let compiler = Compiler::debian(&self.env, &unpacked)?;
                    return Ok(self.debian.get_or_init(|| compiler).clone());
                }
                // Not in this release of Debian: the next alternative.
                Err(e @ Error::MissingTool { .. }) => last = Some(e),
                Err(e) => return Err(e),
            }
        }
        Err(last.unwrap_or_else(|| Error::MissingTool {
            tool: "a compiler".to_owned(),
            needed_for: "to build std".to_owned(),
            mend: "list its packages under [debian] compilers in targets.toml".to_owned(),
        }))
    }

    fn provision_linker(
        &self,
        target: &Target,
        compiler: &Compiler,
        sysroot: Option<&Path>,
        log: &Path,
        observer: &dyn Observer,
    ) -> Result<(Linker, Option<String>)> {
        let driver = linker::driver(&self.store, &self.env, compiler, log, observer)?;
        match &target.linker {
            target::Linker::ZigCc { target: zig_target, args, drop } => {
                let (zig, digests) = self.zig(log, observer)?;
                let cc = |language: &str| {
                    self.zig_rules(&zig)
                        .each("arg", [language, "-target", zig_target.as_str()])
                        .each("arg", args)
                        .each("drop", drop)
                };
                let programs = [
                    ("cc", cc("cc")),
                    ("c++", cc("c++")),
                    ("ar", self.zig_rules(&zig).each("arg", ["ar"])),
                    ("ranlib", self.zig_rules(&zig).each("arg", ["ranlib"])),
                ];
                let dir = linker::programs(&self.store, &driver, &target.triple, &programs, observer)?;
                let linker = Linker {
                    linker: dir.join("cc"),
                    c_tools: [("CC", "cc"), ("CXX", "c++"), ("AR", "ar"), ("RANLIB", "ranlib")]
                        .map(|(name, file)| (name, dir.join(file)))
                        .into(),
                    path: None,
                    name: "zig cc".to_owned(),
                    version: self.targets.zig.version.clone(),
                    digests,
                };
                Ok((linker, None))
            }
            target::Linker::DebianGcc { set, program, prefix, args } => {
                let unpacked = self.debian_set(set, log, observer)?;
                let bin = unpacked.root.join("usr/bin");
                let libraries = unpacked.library_path();
                let tool = |name: &str| Rules::program(&bin.join(name)).env("LD_LIBRARY_PATH", &libraries);
                let binutils = |name: &str| tool(&format!("{prefix}{name}"));
                let dlltool = format!("{prefix}dlltool");
                let programs = [
                    ("cc", tool(program).each("arg", args)),
                    ("ar", binutils("ar")),
                    ("ranlib", binutils("ranlib")),
                ];
                let dir = linker::programs(&self.store, &driver, &target.triple, &programs, observer)?;
                // rustc looks for it by this name on PATH; in a folder of its own, as `cc` there would take
                // the place of the host's.
                let tools = [(dlltool.as_str(), binutils("dlltool"))];
                let name = format!("{}-tools", target.triple);
                let tools = linker::programs(&self.store, &driver, &name, &tools, observer)?;
                let mut version = self.env.command(bin.join(program));
                let version =
                    output(version.env("LD_LIBRARY_PATH", &libraries).arg("-dumpfullversion"), "to link")?;
                let linker = Linker {
                    linker: dir.join("cc"),
                    c_tools: [("CC", "cc"), ("AR", "ar"), ("RANLIB", "ranlib")]
                        .map(|(name, file)| (name, dir.join(file)))
                        .into(),
                    path: Some(tools),
                    name: format!("{prefix}gcc"),
                    version: version.trim_end().to_owned(),
                    digests: unpacked.digests,
                };
                Ok((linker, None))
            }
            target::Linker::Ld { program, args, drop, drop_prefix } => {
                let stubs = target.stubs.as_ref().ok_or_else(|| Error::Spec {
                    path: self.config.specs_dir.join("targets.toml"),
                    problems: vec![format!("{}: a plain `ld` and `stubs` go together", target.triple)],
                })?;
                let ld = LdTarget { target, program, args, drop, drop_prefix, stubs };
                self.provision_ld(&ld, compiler, sysroot, &driver, log, observer)
                    .map(|(linker, stubs)| (linker, Some(stubs)))
            }
        }
    }

    /// zig, downloaded when it is not there.
    pub(crate) fn zig(
        &self,
        log: &Path,
        observer: &dyn Observer,
    ) -> Result<(PathBuf, BTreeMap<String, String>)> {
        let wheel = &self.targets.zig;
        let dir = match pypi::get(&self.store, "ziglang", wheel) {
            Some(dir) => dir,
            None => {
                let python = match Python::installed(&self.env) {
                    Some(python) => python,
                    None => Python::Unpacked(self.debian_set("python", log, observer)?),
                };
                let pip = Pip { store: &self.store, env: &self.env, python: &python, log, observer };
                pypi::ensure(&pip, "ziglang", wheel, "ziglang/zig")?
            }
        };
        let zig = dir.join("ziglang/zig");
        if !is_executable(&zig) {
            return Err(Error::MissingTool {
                tool: zig.display().to_string(),
                needed_for: "to link".to_owned(),
                mend: format!("remove {} and run the same command again", dir.display()),
            });
        }
        let (_, digest) = pypi::key("ziglang", wheel)?;
        Ok((zig, [(format!("ziglang {}", wheel.version), digest)].into()))
    }

    fn zig_rules(&self, zig: &Path) -> Rules {
        let cache = self.store.root().join("zig-cache");
        // The libraries of Debian's compiler are not for other programs.
        Rules::program(zig)
            .flag("unset LD_LIBRARY_PATH")
            .env("ZIG_GLOBAL_CACHE_DIR", &cache)
            .env("ZIG_LOCAL_CACHE_DIR", &cache)
    }
}

fn describe_std(target: &Target) -> String {
    let mut text = "built from source, panic=abort".to_owned();
    if !target.std_features.is_empty() {
        text.push_str(&format!(", features {}", target.std_features.join(" ")));
    }
    if !target.std_patches.is_empty() {
        text.push_str(&format!(", patches {}", target.std_patches.join(" ")));
    }
    text
}
