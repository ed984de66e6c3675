//! Linkers and C compilers: provisions the programs and puts our driver before them.
//!
//! A driver of our own instead of `cargo-zigbuild`: the rules for one target are ten lines of data, the
//! same program serves mingw, lld, GNU ld for sparc and for AIX, and nothing depends on a second tool's
//! idea of cache folders and environment.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::compiler::Compiler;
use crate::config::Observer;
use crate::error::{IoContext, Result};
use crate::process::{CleanEnv, logged};
use crate::store::{Store, sha256_parts};

const DRIVER: &str = include_str!("driver/main.rs");

/// The rules of one driver; see `driver/main.rs`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules(String);

impl Rules {
    pub fn program(path: &Path) -> Self {
        Self(format!("program {}\n", path.display()))
    }

    pub fn flag(mut self, rule: &str) -> Self {
        let _ = writeln!(self.0, "{rule}");
        self
    }

    pub fn each<T: AsRef<str>>(mut self, rule: &str, values: impl IntoIterator<Item = T>) -> Self {
        for value in values {
            let _ = writeln!(self.0, "{rule} {}", value.as_ref());
        }
        self
    }

    pub fn env(mut self, name: &str, value: &Path) -> Self {
        let _ = writeln!(self.0, "env {name}\t{}", value.display());
        self
    }
}

/// A linker that is ready to be named to rustc, and C tools where the target has them.
#[derive(Debug, Clone)]
pub(crate) struct Linker {
    /// For `-C linker`.
    pub linker: PathBuf,
    /// `CC_<target>`, `AR_<target>`, … for crates that compile C; empty where there is no C compiler.
    pub c_tools: BTreeMap<&'static str, PathBuf>,
    /// Folders to put before PATH (dlltool and the like).
    pub path: Option<PathBuf>,
    pub name: String,
    pub version: String,
    pub digests: BTreeMap<String, String>,
}

/// The driver program, compiled for this machine once for each compiler.
pub(crate) fn driver(
    store: &Store,
    env: &CleanEnv,
    compiler: &Compiler,
    log: &Path,
    observer: &dyn Observer,
) -> Result<PathBuf> {
    let dir = store.ensure("driver", &driver_key(), observer, |dir| {
        observer.progress("compile the link driver");
        let source = dir.join("main.rs");
        std::fs::write(&source, DRIVER).at("write", &source)?;
        let mut command = compiler.command(env, &compiler.rustc);
        command.current_dir(dir).args(["--edition=2021", "-Copt-level=2", "-Cstrip=symbols"]);
        command.args(["--crate-name=link_driver", "main.rs", "-o", "link-driver"]);
        logged(&mut command, "compiling the link driver", log)
    })?;
    Ok(dir.join("link-driver"))
}

fn driver_key() -> String {
    sha256_parts([DRIVER])[..16].to_owned()
}

/// The driver, if it is there.
pub(crate) fn get_driver(store: &Store) -> Option<PathBuf> {
    store.get("driver", &driver_key())
}

/// A folder with one program for each name, each the driver with its own rules.
pub(crate) fn programs(
    store: &Store,
    driver: &Path,
    triple: &str,
    programs: &[(&str, Rules)],
    observer: &dyn Observer,
) -> Result<PathBuf> {
    let mut parts = vec![driver.to_string_lossy().into_owned()];
    for (name, rules) in programs {
        parts.extend([(*name).to_owned(), rules.0.clone()]);
    }
    let key = format!("{triple}-{}", &sha256_parts(parts.iter().map(String::as_str))[..12]);
    store.ensure("link", &key, observer, |dir| {
        for (name, rules) in programs {
            let program = dir.join(name);
            std::fs::copy(driver, &program).at("copy", driver)?;
            let rules_file = dir.join(format!("{name}.rules"));
            std::fs::write(&rules_file, &rules.0).at("write", &rules_file)?;
        }
        Ok(())
    })
}
