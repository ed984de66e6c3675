//! What came of the cases: a table, every failure in full, JUnit XML.

use std::fmt::Write;

use super::junit::{Suite, TestCase};
use super::run::Finished;
use crate::plan::table::columns;
use crate::report::seconds;

/// What no engine of this program covers.
pub const NOT_COVERED: [&str; 2] = [
    "SELinux: needs a kernel with SELinux enforcing and a policy in the root",
    "FIPS: needs a kernel in FIPS mode; the packages carry SHA-256 digests and RSA signatures, which it allows",
];

/// A table: scenario, cases, passed, failed, time.
pub fn table(finished: &[Finished<'_>]) -> String {
    let mut rows =
        vec![["SCENARIO", "FORMAT", "CASES", "PASSED", "FAILED", "TIME"].map(str::to_owned).to_vec()];
    for (name, format, cases) in groups(finished) {
        let failed = cases.iter().filter(|f| !f.verdict.passed()).count();
        let time = cases.iter().map(|f| f.verdict.took).sum();
        rows.push(vec![
            name.to_owned(),
            format.to_owned(),
            cases.len().to_string(),
            (cases.len() - failed).to_string(),
            failed.to_string(),
            seconds(time),
        ]);
    }
    columns(&rows)
}

fn groups<'f, 'a>(finished: &'f [Finished<'a>]) -> Vec<(&'f str, &'static str, Vec<&'f Finished<'a>>)> {
    let mut groups: Vec<(&str, &'static str, Vec<&Finished<'_>>)> = Vec::new();
    for one in finished {
        let key = (&one.case.scenario.name[..], one.case.subject.format.name());
        match groups.iter_mut().find(|(name, format, _)| (*name, *format) == key) {
            Some((_, _, cases)) => cases.push(one),
            None => groups.push((key.0, key.1, vec![one])),
        }
    }
    groups
}

/// Everything about a failed case: what was wrong, every command with its output, how to see it again.
pub fn failure(finished: &Finished<'_>) -> String {
    let mut text = format!("FAILED  {}: {}\n", finished.case.name(), finished.case.scenario.title);
    for finding in &finished.verdict.findings {
        let _ = writeln!(text, "  {finding}");
    }
    for ran in &finished.verdict.ran {
        let _ = writeln!(text, "  $ {}\n    exit code {}", ran.command, ran.code);
        for line in ran.output.lines() {
            let _ = writeln!(text, "    | {line}");
        }
    }
    let _ = writeln!(text, "  reproduce: {}", finished.case.reproduce());
    if let Some(enter) = &finished.enter {
        let _ = writeln!(text, "  kept: {enter}");
    }
    text
}

/// For JUnit: a suite for each scenario and format.
pub fn suites(finished: &[Finished<'_>]) -> Vec<Suite> {
    let case = |f: &&Finished<'_>| TestCase {
        class: f.case.root.name.clone(),
        name: f
            .case
            .fault
            .as_ref()
            .map_or(f.case.subject.id.clone(), |fault| format!("{} {fault}", f.case.subject.id)),
        took: f.verdict.took,
        failure: f.verdict.findings.first().map(|first| (first.clone(), failure(f))),
    };
    let all = groups(finished).into_iter();
    all.map(|(name, format, cases)| Suite {
        name: format!("{name} ({format})"),
        cases: cases.iter().map(case).collect(),
    })
    .collect()
}
