//! Binaries: the agent for every Rust target of the plan, and how far each was verified.

use std::collections::BTreeMap;

use cross_build::{BuildRequest, Observer, Status, Target, Toolchains};

use crate::error::{Exit, Failure};
use crate::payload::Binaries;
use crate::plan::Plan;
use crate::report::{Job, Reporter};
use crate::spec::problem::suggestion;

/// One target's binaries.
pub struct BuiltTarget {
    pub binaries: Binaries,
    pub provider: serde_json::Value,
    pub verification: serde_json::Value,
    /// `run` or `structure`: the weakest of its binaries.
    pub level: &'static str,
}

/// Shows what a toolchain is doing as the steps of a job.
pub struct Steps<'a>(pub &'a Job<'a>);

impl Observer for Steps<'_> {
    fn progress(&self, what: &str) {
        self.0.step(what);
    }
}

/// Builds the agent for every target.
pub fn all(
    plan: &Plan,
    toolchains: &Toolchains,
    offline: bool,
    reporter: &Reporter,
) -> Result<BTreeMap<String, BuiltTarget>, Failure> {
    check_offline(plan, toolchains, offline)?;
    let mut built = BTreeMap::new();
    for triple in plan.targets.keys() {
        let target = find(toolchains, triple)?;
        built.insert(triple.clone(), one(plan, toolchains, target, reporter)?);
    }
    Ok(built)
}

/// A row of specs/targets.toml.
pub fn find<'a>(toolchains: &'a Toolchains, triple: &str) -> Result<&'a Target, Failure> {
    let known = &toolchains.targets().targets;
    known.iter().find(|t| t.triple == triple).ok_or_else(|| {
        let mend = suggestion(triple, known.iter().map(|t| t.triple.as_str()));
        Failure::new(Exit::Usage, format!("specs/targets.toml has no target {triple}"), mend)
    })
}

/// Builds and verifies the agent for one target.
pub fn one(plan: &Plan, toolchains: &Toolchains, target: &Target, reporter: &Reporter) -> Result<BuiltTarget, Failure> {
    let job = reporter.job(format!("agent {}", target.triple));
    let request = BuildRequest {
        workspace: plan.root.clone(),
        package: plan.agent.package.clone(),
        profile: plan.agent.profile.clone(),
        bins: plan.agent.binaries.clone(),
        source_date_epoch: plan.release.source_date.into(),
        log_file: job.log_file(),
        run_args: vec!["version".to_owned()],
        // What it prints beside no installation is the agent's own affair: it runs, and ends well.
        run_expect: String::new(),
    };
    let result = toolchains.build(target, &request, &Steps(&job))?;
    let mut binaries = Binaries::new();
    for (name, path) in &result.binaries {
        let bytes = std::fs::read(path).map_err(|e| {
            Failure::new(Exit::Build, format!("{}: {e}", path.display()), "run again: the binary has gone")
        })?;
        binaries.insert(name.clone(), bytes.into());
    }
    let runs = result.verification.values().all(|v| v.level == cross_build::Level::Run);
    let level = if runs { "run" } else { "structure" };
    job.done(&format!("verified: {level}"));
    let (provider, verification) = (json(&result.provider), json(&result.verification));
    Ok(BuiltTarget { binaries, provider, verification, level })
}

/// Without a network, every toolchain that is missing is named before anything is built.
fn check_offline(plan: &Plan, toolchains: &Toolchains, offline: bool) -> Result<(), Failure> {
    if !offline {
        return Ok(());
    }
    let planned = toolchains.targets().targets.iter().filter(|t| plan.targets.contains_key(&t.triple));
    let missing: Vec<(String, String)> = planned
        .filter_map(|target| match toolchains.status(target) {
            Status::Ready { .. } => None,
            Status::Missing { what, mend } => Some((format!("{}: {}", target.triple, what.join(", ")), mend)),
        })
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let (what, mends): (Vec<String>, Vec<String>) = missing.into_iter().unzip();
    let what = format!("offline, and {} toolchains are not here:\n  {}", what.len(), what.join("\n  "));
    let mend = format!("with a network, run:\n    {}\n  or leave their platforms out with --platform", mends.join("\n    "));
    Err(Failure::new(Exit::Build, what, mend))
}

fn json<T: serde::Serialize>(record: &T) -> serde_json::Value {
    serde_json::to_value(record).expect("records are plain data")
}
