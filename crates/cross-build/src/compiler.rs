//! Compilers: the one in use on this machine, and Debian's, unpacked into the cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, IoContext, Result};
use crate::fetch::debian::Unpacked;
use crate::process::{CleanEnv, output};

/// A compiler with the cargo of the same toolchain.
#[derive(Debug, Clone)]
pub(crate) struct Compiler {
    pub rustc: PathBuf,
    pub cargo: PathBuf,
    pub sysroot: PathBuf,
    /// First line of `rustc -vV`; rustc also writes it into every library it makes.
    pub version: String,
    /// `rustc -vV` in full: with the host and the LLVM version.
    pub verbose: String,
    /// Where the compiler's own shared libraries are, unless the system finds them.
    library_path: Option<PathBuf>,
    /// From Debian, unpacked into the cache?
    pub debian: bool,
}

impl Compiler {
    /// The compiler that `rustc` on PATH stands for. rustup's proxies are looked through, so that later
    /// calls depend neither on the current folder nor on `RUSTUP_TOOLCHAIN`.
    pub fn active(env: &CleanEnv, toolchain: Option<&std::ffi::OsStr>) -> Result<Self> {
        let rustc = env.find("rustc").ok_or_else(|| Error::MissingTool {
            tool: "rustc".to_owned(),
            needed_for: "to compile".to_owned(),
            mend: "install Rust (rustup, or Debian: rustc cargo)".to_owned(),
        })?;
        let mut command = env.command(&rustc);
        if let Some(name) = toolchain {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
        let sysroot = output(command.args(["--print", "sysroot"]), "to compile")?;
        let sysroot = PathBuf::from(sysroot.trim_end());
        let real = |name: &str| {
            let inside = sysroot.join("bin").join(name);
            if inside.exists() { Some(inside) } else { env.find(name) }
        };
        let cargo = real("cargo").ok_or_else(|| Error::MissingTool {
            tool: "cargo".to_owned(),
            needed_for: "to build".to_owned(),
            mend: "install Rust (rustup, or Debian: cargo)".to_owned(),
        })?;
        let rustc = real("rustc").unwrap_or(rustc);
        Self::ask(env, rustc, cargo, None, false)
    }

    /// Debian's compiler in a folder that stands for `/`.
    pub fn debian(env: &CleanEnv, unpacked: &Unpacked) -> Result<Self> {
        let usr = unpacked.root.join("usr");
        Self::ask(env, usr.join("bin/rustc"), usr.join("bin/cargo"), Some(unpacked.library_path()), true)
    }

    fn ask(
        env: &CleanEnv,
        rustc: PathBuf,
        cargo: PathBuf,
        library_path: Option<PathBuf>,
        debian: bool,
    ) -> Result<Self> {
        let command = || {
            let mut command = env.command(&rustc);
            if let Some(path) = &library_path {
                command.env("LD_LIBRARY_PATH", path);
            }
            command
        };
        let verbose = output(command().arg("-vV"), "to compile")?;
        let sysroot = PathBuf::from(output(command().args(["--print", "sysroot"]), "to compile")?.trim_end());
        let version = verbose.lines().next().unwrap_or_default().to_owned();
        Ok(Self { rustc, cargo, sysroot, version, verbose, library_path, debian })
    }

    /// The short version, e.g. `1.96.0`.
    pub fn release(&self) -> &str {
        self.version.split_whitespace().nth(1).unwrap_or(&self.version)
    }

    /// The commit that the compiler was built from; names its source in paths inside binaries.
    pub fn commit(&self) -> &str {
        self.verbose.lines().find_map(|line| line.strip_prefix("commit-hash: ")).unwrap_or_default()
    }

    /// A command with what the compiler and cargo need to run.
    pub fn command(&self, env: &CleanEnv, program: &Path) -> Command {
        let mut command = env.command(program);
        if let Some(path) = &self.library_path {
            command.env("LD_LIBRARY_PATH", path);
        }
        command.env("RUSTC", &self.rustc);
        command
    }

    /// The source of std that came with this compiler: the folder `library`.
    pub fn std_source(&self) -> Option<PathBuf> {
        let library = self.sysroot.join("lib/rustlib/src/rust/library");
        library.join("std/Cargo.toml").exists().then_some(library)
    }

    /// The prebuilt std of a target, `None` if there is none.
    ///
    /// # Errors
    /// [`Error::WrongStd`] if another compiler made it.
    pub fn prebuilt(&self, triple: &str) -> Result<Option<PathBuf>> {
        let dir = self.sysroot.join("lib/rustlib").join(triple).join("lib");
        if !dir.exists() {
            return Ok(None);
        }
        let mut std_found = false;
        let mut smallest = None;
        for entry in std::fs::read_dir(&dir).at("read", &dir)? {
            let path = entry.at("read", &dir)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            std_found |= name.starts_with("libstd-") && name.ends_with(".rlib");
            if name.starts_with("libpanic_abort-") && name.ends_with(".rlib") {
                smallest = Some(path);
            }
        }
        let (true, Some(library)) = (std_found, smallest) else {
            return Ok(None);
        };
        // Every library names its compiler in the header of its metadata; panic_abort is the smallest.
        let bytes = std::fs::read(&library).at("read", &library)?;
        if find(&bytes, self.version.as_bytes()).is_some() {
            return Ok(Some(dir));
        }
        Err(Error::WrongStd {
            target: triple.to_owned(),
            path: dir,
            compiler: self.version.clone(),
            found: maker_of(&bytes).unwrap_or_else(|| "it names no compiler".to_owned()),
            mend: format!("rustup target remove {triple} && rustup target add {triple}"),
        })
    }
}

/// What a library's metadata says of its compiler: `rustc 1.95.0 (59807616e 2026-04-14)`.
fn maker_of(bytes: &[u8]) -> Option<String> {
    let mut rest = bytes;
    while let Some(at) = find(rest, b"rustc 1.") {
        rest = &rest[at..];
        let text: String =
            rest.iter().take(80).take_while(|b| matches!(b, b' '..=b'~')).map(|&b| char::from(b)).collect();
        if let Some(end) = text.find(')') {
            return Some(text[..=end].to_owned());
        }
        rest = &rest[1..];
    }
    None
}

/// The first place of `needle` in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let first = *needle.first()?;
    let mut from = 0;
    while let Some(at) = haystack[from..].iter().position(|&b| b == first) {
        if haystack[from + at..].starts_with(needle) {
            return Some(from + at);
        }
        from += at + 1;
    }
    None
}
