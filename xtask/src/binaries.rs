//! Binaries: the agent for every Rust target of the plan, and how far each was verified.

use std::collections::BTreeMap;

use cross_build::{BuildRequest, Observer, Toolchains};

use crate::error::{Exit, Failure};
use crate::payload::Binaries;
use crate::plan::Plan;
use crate::report::{Job, Reporter};

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
    reporter: &Reporter,
) -> Result<BTreeMap<String, BuiltTarget>, Failure> {
    let mut built = BTreeMap::new();
    for triple in plan.targets.keys() {
        let target = toolchains.targets().targets.iter().find(|t| t.triple == *triple).ok_or_else(|| {
            Failure::new(Exit::Build, format!("no target {triple}"), "add it to specs/targets.toml")
        })?;
        let job = reporter.job(format!("agent {triple}"));
        let request = BuildRequest {
            workspace: plan.root.clone(),
            package: plan.agent.package.clone(),
            profile: plan.agent.profile.clone(),
            bins: plan.agent.binaries.clone(),
            source_date_epoch: plan.release.source_date.into(),
            log_file: job.log_file(),
            run_args: vec!["version".to_owned()],
            run_expect: plan.product.name.clone(),
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
        built.insert(
            triple.clone(),
            BuiltTarget { binaries, provider: json(&result.provider), verification: json(&result.verification), level },
        );
    }
    Ok(built)
}

fn json<T: serde::Serialize>(record: &T) -> serde_json::Value {
    serde_json::to_value(record).expect("records are plain data")
}
