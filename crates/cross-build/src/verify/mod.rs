//! Checks a finished binary: its structure against the target's row, its bytes for traces of the build
//! machine, and, where something here can run it, that it runs.

mod elf;
mod facts;
mod macho;
mod pe;
mod xcoff;

pub use facts::{Facts, inspect};

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::compiler::find;
use crate::config::{BuildRequest, Level, VerificationRecord};
use crate::error::{Error, IoContext, Result};
use crate::process::{CleanEnv, last_lines, show};
use crate::stubs::{SymbolList, Version};
use crate::target::{Expect, Format, Target, Verify};
use crate::toolchains::Runner;

/// One check of one binary.
pub(crate) struct Check<'a> {
    pub target: &'a Target,
    pub runner: &'a Runner,
    pub env: &'a CleanEnv,
    /// The symbols that the target's system has, where we link against stubs.
    pub symbols: Option<&'a SymbolList>,
    /// Where Wine keeps its state.
    pub wine_prefix: &'a Path,
    /// Paths that must not be found in the bytes.
    pub secrets: &'a [PathBuf],
    pub request: &'a BuildRequest,
}

impl Check<'_> {
    pub fn binary(&self, path: &Path, name: &str) -> Result<VerificationRecord> {
        let failed = |findings| Error::Verification { binary: path.to_owned(), findings };
        let bytes = std::fs::read(path).at("read", path)?;
        let facts = inspect(&bytes).map_err(|problem| failed(vec![problem]))?;
        let mut problems = compare(&facts, &self.target.expect);
        problems.extend(traces(&bytes, self.secrets));
        let mut covered = None;
        if let Some(list) = self.symbols {
            match coverage(&facts.imports, list, self.target.expect.min_os.as_deref()) {
                Ok(finding) => covered = Some(finding),
                Err(uncovered) => problems.extend(uncovered),
            }
        }
        if !problems.is_empty() {
            return Err(failed(problems));
        }
        let mut findings = facts.lines();
        findings.extend(covered);
        findings.push("no path of the build machine inside".to_owned());
        let (level, command) = match self.runner_command(path) {
            None => (Level::Structure, None),
            Some(command) => {
                let command = command.and_then(|c| self.run(c, name)).map_err(|p| failed(vec![p]))?;
                findings.push("ran, exit status 0".to_owned());
                (Level::Run, Some(command))
            }
        };
        Ok(VerificationRecord {
            level,
            command,
            sha256: hex::encode(Sha256::digest(&bytes)),
            size: bytes.len() as u64,
            findings,
        })
    }

    /// The command that runs the binary; `None` where nothing can.
    fn runner_command(&self, path: &Path) -> Option<std::result::Result<Command, String>> {
        let mut command = match self.runner {
            Runner::None => return None,
            Runner::Native => self.env.command(path),
            Runner::Program { program, library_path } => {
                let mut command = self.env.command(program);
                command.arg(path);
                if let Some(dir) = library_path {
                    command.env("LD_LIBRARY_PATH", dir);
                }
                command
            }
            Runner::Missing { program, .. } => {
                return Some(Err(format!("cannot run it: {program} is missing")));
            }
        };
        if matches!(self.target.verify, Verify::Wine { .. }) {
            // Neither a window nor a question about add-ons, and nothing left in the home folder.
            command.env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "mscoree,mshtml=");
            command.env("WINEPREFIX", self.wine_prefix);
        }
        command.args(&self.request.run_args);
        Some(Ok(command))
    }

    /// Runs the binary; gives the command as the manifest names it.
    fn run(&self, mut command: Command, name: &str) -> std::result::Result<String, String> {
        let shown = show(&command);
        let out = command.output().map_err(|e| format!("cannot run {shown}: {e}"))?;
        let stdout = String::from_utf8_lossy(&out.stdout);
        if !out.status.success() {
            let said = last_lines(&String::from_utf8_lossy(&out.stderr)).join(" | ");
            return Err(format!("{shown}: {}; it said: {said}", out.status));
        }
        if !stdout.contains(&self.request.run_expect) {
            let expected = &self.request.run_expect;
            return Err(format!("{shown}: the output {stdout:?} does not contain {expected:?}"));
        }
        let runner = match self.runner {
            Runner::Program { program, .. } => program.file_name(),
            _ => None,
        };
        let runner = runner.map(|r| r.to_string_lossy().into_owned());
        let words = runner.into_iter().chain([name.to_owned()]).chain(self.request.run_args.iter().cloned());
        Ok(words.collect::<Vec<_>>().join(" "))
    }
}

/// Where the facts differ from what the row demands.
fn compare(facts: &Facts, expect: &Expect) -> Vec<String> {
    let mut problems = Vec::new();
    let mut differ = |what: &str, found: String, wanted: String| {
        if found != wanted {
            problems.push(format!("{what} is {found}, not {wanted}"));
        }
    };
    differ("format", format!("{:?}", facts.format), format!("{:?}", expect.format));
    differ("word size", facts.bits.to_string(), expect.bits.to_string());
    differ("byte order", format!("{:?}", facts.endian), format!("{:?}", expect.endian));
    differ("machine", facts.machine.clone(), expect.machine.clone());
    let none = || "none".to_owned();
    differ(
        "program interpreter",
        facts.interpreter.clone().unwrap_or_else(none),
        expect.interpreter.clone().unwrap_or_else(none),
    );
    if expect.format == Format::MachO {
        let wanted = expect.min_os.clone().unwrap_or_else(none);
        differ("minimum macOS", facts.min_os.clone().unwrap_or_else(none), wanted);
    }
    if expect.ad_hoc_signature && facts.ad_hoc_signature != Some(true) {
        problems.push("has no ad-hoc signature, without which macOS on arm64 does not run it".to_owned());
    }
    if let Some(abi) = &facts.os_abi
        && !expect.os_abi.contains(abi)
    {
        problems.push(format!("OS ABI is {abi}, not {}", expect.os_abi.join(" or ")));
    }
    for library in &facts.libraries {
        if !expect.libraries.contains(library) {
            problems
                .push(format!("needs the shared library {library}, which the target's row does not allow"));
        }
    }
    problems.extend(facts.problems.iter().cloned());
    problems
}

/// Are all imports in the list, and does the oldest supported system have them?
fn coverage(
    imports: &[String],
    list: &SymbolList,
    min_os: Option<&str>,
) -> std::result::Result<String, Vec<String>> {
    let since = list.since();
    let oldest = min_os.and_then(Version::parse);
    let mut problems = Vec::new();
    for name in imports {
        match since.get(name.as_str()) {
            None => problems.push(format!("imports {name}, which {} does not have", list.path.display())),
            Some(&version) if oldest.as_ref().is_some_and(|oldest| version > oldest) => {
                let oldest = min_os.unwrap_or_default();
                problems
                    .push(format!("imports {name}, which the system has since {version}, not in {oldest}"));
            }
            Some(_) => {}
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let system = min_os.map_or_else(String::new, |version| format!(", system version {version} has all"));
    Ok(format!("imports: {} symbols, all in the reviewed list{system}", imports.len()))
}

/// Paths of the build machine that stand in the bytes.
fn traces(bytes: &[u8], secrets: &[PathBuf]) -> Vec<String> {
    secrets
        .iter()
        .filter(|path| find(bytes, path.as_os_str().as_bytes()).is_some())
        .map(|path| format!("contains the path {} of the build machine", path.display()))
        .collect()
}
