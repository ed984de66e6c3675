//! Linking without a C compiler: a plain `ld`, our start file, and link stubs (or a vendor's libraries).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::compiler::Compiler;
use crate::config::Observer;
use crate::error::{Error, IoContext, Result};
use crate::fetch::pypi;
use crate::linker::{self, Linker, Rules};
use crate::process::{logged, output};
use crate::store::sha256_parts;
use crate::stubs::{self, SymbolList};
use crate::target::{Format, Ld, Stubs, Target};
use crate::toolchains::Toolchains;

/// Raised when stubs or start files are made in another way.
const RECIPE: &str = "2";

const KIND: &str = "stubs";

/// What [`Toolchains::provision_ld`] needs to know of the target.
pub(crate) struct LdTarget<'a> {
    pub target: &'a Target,
    pub program: &'a Ld,
    pub args: &'a [String],
    pub drop: &'a [String],
    pub drop_prefix: &'a [String],
    pub stubs: &'a Stubs,
}

/// A linker program with what it needs to run.
struct Program {
    path: PathBuf,
    first: Vec<String>,
    library_path: Option<PathBuf>,
    /// The assembler, where rustc cannot assemble for the target.
    assembler: Option<PathBuf>,
    name: String,
    digests: BTreeMap<String, String>,
}

impl Toolchains {
    /// The target's symbol list, if it has one.
    pub(crate) fn symbol_list(&self, target: &Target) -> Result<Option<SymbolList>> {
        let Some(stubs) = &target.stubs else { return Ok(None) };
        SymbolList::read(&self.config.specs_dir.join("toolchain").join(&stubs.symbols)).map(Some)
    }

    pub(crate) fn missing_ld(&self, program: &Ld) -> Option<String> {
        let (present, name) = match program {
            Ld::ZigLld => (
                pypi::get(&self.store, "ziglang", &self.targets().zig).is_some(),
                format!("zig {}", self.targets().zig.version),
            ),
            Ld::Debian { set, program } => (self.debian_here(set).is_some(), program.clone()),
            Ld::BinutilsSource { set, target } => {
                (self.binutils_here(set, target).is_some(), format!("GNU ld for {target}"))
            }
        };
        (!present).then(|| format!("linker: {name}"))
    }

    fn ld_program(&self, ld: &Ld, log: &Path, observer: &dyn Observer) -> Result<Program> {
        match ld {
            Ld::ZigLld => {
                let (path, digests) = self.zig(log, observer)?;
                let first = vec!["ld.lld".to_owned()];
                let name = "zig ld.lld".to_owned();
                Ok(Program { path, first, library_path: None, assembler: None, name, digests })
            }
            Ld::Debian { set, program } => {
                let unpacked = self.debian_set(set, log, observer)?;
                Ok(Program {
                    path: unpacked.root.join("usr/bin").join(program),
                    first: Vec::new(),
                    library_path: Some(unpacked.library_path()),
                    assembler: None,
                    name: program.clone(),
                    digests: unpacked.digests,
                })
            }
            Ld::BinutilsSource { set, target } => {
                let (path, digests) = self.binutils(set, target, log, observer)?;
                let name = format!("GNU ld for {target}");
                let assembler = Some(path.with_file_name("as"));
                Ok(Program { path, first: Vec::new(), library_path: None, assembler, name, digests })
            }
        }
    }

    /// The linker of a target without a C compiler, and what stands in for its libraries.
    pub(crate) fn provision_ld(
        &self,
        ld: &LdTarget<'_>,
        compiler: &Compiler,
        sysroot: Option<&Path>,
        driver: &Path,
        log: &Path,
        observer: &dyn Observer,
    ) -> Result<(Linker, String)> {
        let mut program = self.ld_program(ld.program, log, observer)?;
        let list = SymbolList::read(&self.config.specs_dir.join("toolchain").join(&ld.stubs.symbols))?;
        let start = self.config.specs_dir.join("toolchain").join(&ld.stubs.start);
        let dir = self.stubs_dir(
            ld,
            &list,
            &start,
            |dir| {
                observer.progress(&format!("make link stubs for {}", ld.target.triple));
                match &program.assembler {
                    Some(assembler) => self.assemble(assembler, &start, dir, log),
                    None => self.assemble_with_rustc(ld.target, &start, dir, (compiler, sysroot), log),
                }
            },
            &compiler.verbose,
            observer,
        )?;
        let vendor = self.config.sysroots.get(&ld.target.triple);

        let mut rules = Rules::program(&program.path)
            .each("arg", &program.first)
            .each("arg", ld.args)
            .each("arg", [dir.join("start.o").display().to_string()])
            .flag("unwrap-wl")
            .each("drop", ld.drop)
            .each("drop-prefix", ld.drop_prefix)
            .each("last", libraries(ld.target, &list, &dir, vendor)?);
        rules = match &program.library_path {
            Some(path) => rules.env("LD_LIBRARY_PATH", path),
            None => rules.flag("unset LD_LIBRARY_PATH"),
        };
        let programs = [("ld", rules)];
        let bin = linker::programs(&self.store, driver, &ld.target.triple, &programs, observer)?;
        let version = self.ld_version(&program)?;
        let stubs = match vendor {
            Some(_) => {
                program
                    .digests
                    .insert("vendor libraries".to_owned(), vendor_digest(ld.target, &list, vendor)?);
                "libraries of the vendor's sysroot, start file of our own".to_owned()
            }
            None => format!("link stubs from {}, start file {}", ld.stubs.symbols, ld.stubs.start),
        };
        program.digests.insert(ld.stubs.symbols.clone(), list.sha256);
        program.digests.insert(ld.stubs.start.clone(), crate::store::sha256_file(&start)?);
        let linker = Linker {
            linker: bin.join("ld"),
            c_tools: BTreeMap::new(),
            path: None,
            name: program.name,
            version,
            digests: program.digests,
        };
        Ok((linker, stubs))
    }

    fn ld_version(&self, program: &Program) -> Result<String> {
        let mut command = self.env.command(&program.path);
        command.args(&program.first).arg("--version");
        if let Some(path) = &program.library_path {
            command.env("LD_LIBRARY_PATH", path);
        }
        Ok(output(&mut command, "to link")?.lines().next().unwrap_or_default().to_owned())
    }

    /// The folder with start file and stubs; made when it is not there.
    fn stubs_dir(
        &self,
        ld: &LdTarget<'_>,
        list: &SymbolList,
        start: &Path,
        assemble: impl FnOnce(&Path) -> Result<()>,
        compiler: &str,
        observer: &dyn Observer,
    ) -> Result<PathBuf> {
        let start_digest = crate::store::sha256_file(start)?;
        let parts = [RECIPE, &list.sha256, &start_digest, compiler];
        let key = format!("{}-{}", ld.target.triple, &sha256_parts(parts)[..12]);
        self.store.ensure(KIND, &key, observer, |dir| {
            for library in &list.libraries {
                let (name, bytes) = stub_file(ld.target, library)?;
                let path = dir.join(name);
                std::fs::write(&path, bytes).at("write", &path)?;
            }
            assemble(dir)
        })
    }

    /// Assembles the start file with GNU as.
    fn assemble(&self, assembler: &Path, start: &Path, dir: &Path, log: &Path) -> Result<()> {
        let mut command = self.env.command(assembler);
        command.current_dir(dir).args(["-a64", "-mpwr7", "-o", "start.o"]).arg(start);
        logged(&mut command, &format!("assembling {}", start.display()), log)
    }

    /// Assembles the start file with rustc itself: it knows the target's object format.
    fn assemble_with_rustc(
        &self,
        target: &Target,
        start: &Path,
        dir: &Path,
        (compiler, sysroot): (&Compiler, Option<&Path>),
        log: &Path,
    ) -> Result<()> {
        let copy = dir.join("start.s");
        std::fs::copy(start, &copy).at("copy", start)?;
        let options = if target.expect.machine == "x86-64" { ", options(att_syntax)" } else { "" };
        let source = dir.join("start.rs");
        let text = format!(
            "#![no_std]\n#![feature(asm_experimental_arch)]\n\
             core::arch::global_asm!(include_str!(\"start.s\"){options});\n"
        );
        std::fs::write(&source, text).at("write", &source)?;
        let mut command = compiler.command(&self.env, &compiler.rustc);
        command.current_dir(dir).env("RUSTC_BOOTSTRAP", "1");
        command.args(["--edition=2024", "--crate-type=lib", "--crate-name=start", "--emit=obj"]);
        command.args(["-Cpanic=abort", "-Ccodegen-units=1", "--target", &target.triple]);
        if let Some(sysroot) = sysroot {
            command.arg("--sysroot").arg(sysroot);
        }
        command.args(["-o", "start.o", "start.rs"]);
        logged(&mut command, &format!("assembling {}", start.display()), log)
    }
}

/// File name and content of one library's stub.
fn stub_file(target: &Target, library: &stubs::Library) -> Result<(String, Vec<u8>)> {
    let failed = |problem: String| Error::Spec {
        path: PathBuf::from(&library.name),
        problems: vec![format!("cannot write its stub for {}: {problem}", target.triple)],
    };
    let machine = match (target.expect.format, target.expect.machine.as_str()) {
        (Format::Elf, "x86-64") => stubs::Machine::X86_64,
        (Format::Elf, "sparcv9") => stubs::Machine::SparcV9,
        (Format::Xcoff, _) => return Ok(stubs::import_file(library)),
        (_, machine) => return Err(failed(format!("no stubs for the machine {machine}"))),
    };
    let bytes = stubs::write_library(machine, library).map_err(|e| failed(e.to_string()))?;
    Ok((library.name.clone(), bytes))
}

/// The arguments that name the libraries.
fn libraries(
    target: &Target,
    list: &SymbolList,
    dir: &Path,
    vendor: Option<&PathBuf>,
) -> Result<Vec<String>> {
    let xcoff = target.expect.format == Format::Xcoff;
    // Only libraries that the program uses become needed ones.
    let mut args = if xcoff { Vec::new() } else { vec!["--as-needed".to_owned()] };
    for library in &list.libraries {
        match vendor {
            Some(root) => args.push(vendor_library(target, root, &library.name)?.display().to_string()),
            None if xcoff => {
                let (name, _) = stubs::import_file(library);
                args.push(format!("-bI:{}", dir.join(name).display()));
            }
            None => args.push(dir.join(&library.name).display().to_string()),
        }
    }
    Ok(args)
}

/// The vendor's file for a library: `libc.a(shr_64.o)` is the archive `libc.a`.
fn vendor_library(target: &Target, root: &Path, name: &str) -> Result<PathBuf> {
    let file = name.split('(').next().unwrap_or(name);
    let places = [
        "usr/lib/amd64",
        "usr/lib/sparcv9",
        "usr/lib/64",
        "lib/amd64",
        "lib/sparcv9",
        "lib/64",
        "usr/lib",
        "lib",
    ];
    places.iter().map(|place| root.join(place).join(file)).find(|path| path.exists()).ok_or_else(|| {
        Error::MissingTool {
            tool: format!("the library {file}"),
            needed_for: format!("in the sysroot {} for {}", root.display(), target.triple),
            mend: format!("copy it there, e.g. to {}", root.join("usr/lib/64").display()),
        }
    })
}

fn vendor_digest(target: &Target, list: &SymbolList, vendor: Option<&PathBuf>) -> Result<String> {
    let mut parts = Vec::new();
    for library in &list.libraries {
        if let Some(root) = vendor {
            parts.push(crate::store::sha256_file(&vendor_library(target, root, &library.name)?)?);
        }
    }
    Ok(sha256_parts(parts.iter().map(String::as_str)))
}
