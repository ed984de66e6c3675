//! Runs the cases, several at once, each in a host of its own.

use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;

use super::case::{self, Verdict};
use super::container::Container;
use super::faults::{self, Fault};
use super::isolated::Isolated;
use super::roots::Medium;
use super::sandbox::{Layout, Sandbox};
use super::select::{Case, matches};
use super::subjects::Subjects;
use crate::report::Job;
use crate::verify::package;

/// A finished case.
pub struct Finished<'a> {
    pub case: Case<'a>,
    pub verdict: Verdict,
    /// How to look into its host, when that was kept.
    pub enter: Option<String>,
}

/// Runs all cases on `jobs` threads, then those with failures. `faults`: globs that leave only these failures. `keep` lets the hosts of failed cases live on.
pub fn all<'a>(
    cases: Vec<Case<'a>>,
    subjects: &Subjects,
    base: &Path,
    jobs: usize,
    keep: bool,
    faults: &[String],
    job: &Job<'_>,
) -> Result<Vec<Finished<'a>>, rayon::ThreadPoolBuildError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
    let one = |case: Case<'a>| {
        let finished = one(case, subjects, base, keep);
        let word = if finished.verdict.passed() { "passed" } else { "FAILED" };
        job.step(&format!("{word} {}", finished.case.name()));
        finished
    };
    let run = |cases: Vec<Case<'a>>| -> Vec<Finished<'a>> {
        pool.install(|| cases.into_par_iter().with_max_len(1).map(one).collect())
    };
    let mut finished = run(cases);
    // What a run without failures called is what fails next.
    let next = finished.iter().flat_map(|f| failures(f, faults)).collect();
    if faults.is_empty() {
        finished.extend(run(next));
    } else {
        finished = run(next);
    }
    Ok(finished)
}

/// A case for each call that a finished case recorded, as far as `--fault` and the scenario ask for it.
fn failures<'a>(finished: &Finished<'a>, faults: &[String]) -> Vec<Case<'a>> {
    let Some(step) = finished.case.scenario.injected().filter(|_| finished.verdict.passed()) else {
        return Vec::new();
    };
    let chosen =
        |fault: &&Fault| matches(&step.only, &[&fault.command]) && matches(faults, &[&fault.to_string()]);
    let calls = finished.verdict.calls.iter().filter(chosen);
    calls.map(|fault| Case { fault: Some(fault.clone()), ..finished.case.clone() }).collect()
}

fn one<'a>(case: Case<'a>, subjects: &Subjects, base: &Path, keep: bool) -> Finished<'a> {
    let layout = Layout {
        host: case.scenario.host,
        packages: subjects.packages.clone(),
        key: subjects.key.clone(),
        keep,
    };
    let failures = match words(&case, subjects) {
        Ok(words) => faults::Plan { words, fault: case.fault.clone() },
        Err(why) => return broken(case, why),
    };
    let host: std::io::Result<Box<dyn Isolated>> = match &case.root.medium {
        Medium::Folder(lower) => {
            Sandbox::new(base, lower, &layout).map(|host| Box::new(host) as Box<dyn Isolated>)
        }
        Medium::Image(program, image) => {
            Container::new(*program, image, &layout).map(|host| Box::new(host) as Box<dyn Isolated>)
        }
    };
    let mut host = match host {
        Ok(host) => host,
        Err(e) => return broken(case, e.to_string()),
    };
    let verdict =
        case::run(case.scenario, &case.places(subjects), &case.subject.architecture, &failures, &mut *host);
    let enter = (keep && !verdict.passed()).then(|| host.enter());
    if enter.is_some() {
        host.keep();
    }
    Finished { case, verdict, enter }
}

fn broken(case: Case<'_>, why: String) -> Finished<'_> {
    let findings = vec![format!("the case could not begin: {why}")];
    Finished {
        case,
        verdict: Verdict { findings, ran: Vec::new(), calls: Vec::new(), took: Duration::ZERO },
        enter: None,
    }
}

/// The words of both packages' scriptlets, for scenarios with failures.
fn words(case: &Case<'_>, subjects: &Subjects) -> Result<Vec<String>, String> {
    if case.scenario.injected().is_none() {
        return Ok(Vec::new());
    }
    let [current, next] = &subjects.packages;
    let mut words = Vec::new();
    for (folder, file) in [(current, &case.subject.file), (next, &case.subject.next_file)] {
        let bytes = std::fs::read(folder.join(file)).map_err(|e| format!("{file}: {e}"))?;
        words.extend(faults::words(&package::read(file, &bytes).map_err(|e| e.to_string())?.scripts));
    }
    words.sort();
    words.dedup();
    Ok(words)
}
