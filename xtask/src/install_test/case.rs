//! One case: a scenario on one package in one root, step by step.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::expect;
use super::faults::{self, Fault};
use super::isolated::{Ended, Isolated};
use super::places::Places;
use super::scenario::{Agrees, Outcome, Scenario, Step};
use super::tree::{self, Allowed, Difference, Entry, Kind, Snapshot};
use crate::spec::Format;

/// How long one command may take before it counts as hanging.
pub const LIMIT: Duration = Duration::from_secs(120);
/// How many differences of a tree are shown.
const SHOWN: usize = 20;

/// A command that was run.
#[derive(Debug, Clone)]
pub struct Ran {
    pub command: String,
    pub code: i32,
    pub output: String,
}

/// What came of a case.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What was not as expected; empty: passed.
    pub findings: Vec<String>,
    pub ran: Vec<Ran>,
    /// Calls of external commands in the step that failures are injected into.
    pub calls: Vec<Fault>,
    pub took: Duration,
}

impl Verdict {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

/// What every case begins with: the release's key for rpm, the foreign architecture for dpkg.
fn begin(places: &Places, architecture: &str) -> String {
    match places.format {
        Format::Rpm => "rpm --initdb && rpmkeys --import /mnt/packages/key.asc".to_owned(),
        Format::Deb => {
            format!(
                "[ \"$(dpkg --print-architecture)\" = {architecture} ] || dpkg --add-architecture {architecture}"
            )
        }
    }
}

/// A case while it runs.
pub struct Running<'a> {
    pub host: &'a mut dyn Isolated,
    pub places: &'a Places,
    pub ran: Vec<Ran>,
    pub findings: Vec<String>,
    pub calls: Vec<Fault>,
}

impl Running<'_> {
    /// Runs a command and remembers it.
    pub fn run(&mut self, command: &str, environment: &[String]) -> io::Result<Ended> {
        let command = self.places.fill(command);
        let environment: Vec<String> = environment.iter().map(|e| self.places.fill(e)).collect();
        let ended = self.host.run(&command, &environment, LIMIT)?;
        let shown = environment.iter().map(|e| format!("{e} ")).collect::<String>() + &command;
        self.ran.push(Ran { command: shown, code: ended.code, output: ended.output.clone() });
        Ok(ended)
    }

    /// Runs a command that only makes the host ready; its failure fails the case.
    pub fn prepare(&mut self, command: &str, environment: &[String]) -> io::Result<()> {
        let ended = self.run(command, environment)?;
        if ended.code != 0 {
            self.findings.push(format!("`{command}` prepares the host and ended with {}", ended.code));
        }
        Ok(())
    }

    /// Makes a fresh host ready for packages of an architecture.
    pub fn begin(&mut self, architecture: &str) -> io::Result<()> {
        self.prepare(&begin(self.places, architecture), &[])
    }
}

/// Runs a scenario in a fresh host; `failures` are for its step that has some injected.
pub fn run(
    scenario: &Scenario,
    places: &Places,
    architecture: &str,
    failures: &faults::Plan,
    host: &mut dyn Isolated,
) -> Verdict {
    let began = Instant::now();
    let mut running = Running { host, places, ran: Vec::new(), findings: Vec::new(), calls: Vec::new() };
    if let Err(e) = steps(scenario, architecture, failures, &mut running) {
        running.findings.push(format!("the case could not be run: {e}"));
    }
    Verdict { findings: running.findings, ran: running.ran, calls: running.calls, took: began.elapsed() }
}

fn steps(
    scenario: &Scenario,
    architecture: &str,
    failures: &faults::Plan,
    running: &mut Running<'_>,
) -> io::Result<()> {
    running.begin(architecture)?;
    for command in &scenario.prepare {
        running.prepare(command, &[])?;
    }
    if !running.findings.is_empty() {
        return Ok(());
    }
    let compares = scenario.steps.iter().any(|s| matches!(s.tree, Agrees::AtStart | Agrees::AtStartOrWarned));
    let at_start = if compares { running.host.snapshot()? } else { Snapshot::new() };
    for step in
        scenario.steps.iter().filter(|s| s.formats.is_empty() || s.formats.contains(&running.places.format))
    {
        let before = match step.tree {
            Agrees::BeforeStep => running.host.snapshot()?,
            Agrees::AtStart | Agrees::AtStartOrWarned => at_start.clone(),
            Agrees::NotCompared => Snapshot::new(),
        };
        let environment = [&scenario.environment[..], &step.environment].concat();
        if let Some(inject) = step.inject {
            faults::arm(running, failures, inject, &step.run)?;
        }
        let ended = running.run(&step.run, &environment)?;
        if step.inject.is_some() {
            running.calls = faults::disarm(running)?;
        }
        let failed_on_purpose = step.inject.is_some() && failures.fault.is_some();
        check(step, &ended, &before, failed_on_purpose, running)?;
        // What follows a wrong step says nothing.
        if !running.findings.is_empty() {
            break;
        }
    }
    Ok(())
}

fn check(
    step: &Step,
    ended: &Ended,
    before: &Snapshot,
    open: bool,
    running: &mut Running<'_>,
) -> io::Result<()> {
    let mut findings = Vec::new();
    if ended.timed_out {
        findings.push(format!("it did not end within {} s", LIMIT.as_secs()));
    }
    let as_wanted = match step.outcome {
        Outcome::Success => ended.code == 0,
        Outcome::Refused => ended.code != 0,
        Outcome::Code(code) => ended.code == code,
    };
    if !as_wanted && !ended.timed_out && !open {
        let wanted = match step.outcome {
            Outcome::Success => "0".to_owned(),
            Outcome::Refused => "a code other than 0".to_owned(),
            Outcome::Code(code) => code.to_string(),
        };
        findings.push(format!("exit code {} where {wanted} was expected", ended.code));
    }
    if !open {
        findings.extend(expect::text(
            "the output",
            &ended.output,
            &step.contains,
            &step.lacks,
            running.places,
        ));
    }
    findings.extend(expect::files(&step.files, running.host, running.places)?);
    findings.extend(expect::settings(&step.settings, running.host, running.places)?);
    findings.extend(expect::processes(&step.running, &step.stopped, running.host)?);
    let warned = ended.code != 0 || ended.output.contains("warning");
    if step.tree != Agrees::NotCompared && !(step.tree == Agrees::AtStartOrWarned && warned) {
        let except: Vec<String> = step.except.iter().map(|e| running.places.fill(e)).collect();
        findings.extend(differences(running.host, before, &except, running.places)?);
    }
    running.findings.extend(findings);
    Ok(())
}

/// dpkg removes the parents of a package's files, here /opt, when they are empty and no package lists them. No
/// maintainer script runs after that.
fn is_parent_that_dpkg_removes(difference: &Difference, places: &Places) -> bool {
    let was_folder = matches!(&difference.before, Some(Entry { kind: Kind::Directory, .. }));
    places.format == Format::Deb
        && was_folder
        && difference.after.is_none()
        && difference.path == Path::new(&places.prefix)
}

/// The paths that differ from an earlier snapshot and may not.
pub fn differences(
    host: &dyn Isolated,
    before: &Snapshot,
    except: &[String],
    places: &Places,
) -> io::Result<Vec<String>> {
    let after = host.snapshot()?;
    let allowed = Allowed::new(except);
    let mut found: Vec<String> = tree::compare(&*host.base(), before, &after)?
        .into_iter()
        .filter(|difference| !allowed.allows(&difference.path))
        .filter(|difference| !is_parent_that_dpkg_removes(difference, places))
        .map(|difference| difference.to_string())
        .collect();
    if found.len() > SHOWN {
        let more = found.len() - SHOWN;
        found.truncate(SHOWN);
        found.push(format!("and {more} more paths differ"));
    }
    Ok(found)
}
