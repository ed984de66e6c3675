//! Checks a finished binary: its structure against the target's row, its bytes for traces of the build
//! machine, and, where something here can run it, that it runs.

mod elf;
mod facts;

pub use facts::{Facts, inspect};

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::compiler::find;
use crate::config::{BuildRequest, Level, VerificationRecord};
use crate::error::{Error, IoContext, Result};
use crate::process::{CleanEnv, last_lines, show};
use crate::target::{Expect, Target, Verify};

/// One check of one binary.
pub(crate) struct Check<'a> {
    pub target: &'a Target,
    pub runner: Option<&'a Path>,
    pub env: &'a CleanEnv,
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
        if !problems.is_empty() {
            return Err(failed(problems));
        }
        let mut findings = facts.lines();
        findings.push("no path of the build machine inside".to_owned());
        let (level, command) = match self.target.verify {
            Verify::Structure => (Level::Structure, None),
            _ => {
                let (command, finding) = self.run(path, name).map_err(|problem| failed(vec![problem]))?;
                findings.push(finding);
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

    /// Runs the binary; gives the command as the manifest names it, and what was seen.
    fn run(&self, path: &Path, name: &str) -> std::result::Result<(String, String), String> {
        let mut command = match self.runner {
            Some(runner) => {
                let mut command = self.env.command(runner);
                command.arg(path);
                command
            }
            None => self.env.command(path),
        };
        command.args(&self.request.run_args);
        self.shape_wine(&mut command);
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
        let runner = self.runner.and_then(Path::file_name).map(|r| r.to_string_lossy().into_owned());
        let words = runner.into_iter().chain([name.to_owned()]).chain(self.request.run_args.iter().cloned());
        Ok((words.collect::<Vec<_>>().join(" "), "ran, exit status 0".to_owned()))
    }

    fn shape_wine(&self, command: &mut Command) {
        if self.target.verify == Verify::Wine {
            // Neither a window nor a question about add-ons.
            command.env("WINEDEBUG", "-all").env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        }
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

/// Paths of the build machine that stand in the bytes.
fn traces(bytes: &[u8], secrets: &[PathBuf]) -> Vec<String> {
    secrets
        .iter()
        .filter(|path| find(bytes, path.as_os_str().as_bytes()).is_some())
        .map(|path| format!("contains the path {} of the build machine", path.display()))
        .collect()
}
