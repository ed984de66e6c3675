//! Packages × roots × scenarios: which cases a run has.

use super::faults::Fault;
use super::places::Places;
use super::roots::{Medium, Root};
use super::scenario::{EngineKind, Scenario, Spread};
use super::subjects::{Subject, Subjects};

/// A case to run.
#[derive(Debug, Clone)]
pub struct Case<'a> {
    pub scenario: &'a Scenario,
    pub subject: &'a Subject,
    pub root: &'a Root,
    /// The call that fails in its step with failures.
    pub fault: Option<Fault>,
}

impl Case<'_> {
    /// `scenario/root/package`.
    pub fn name(&self) -> String {
        let fault = self.fault.as_ref().map(|f| format!("/{f}")).unwrap_or_default();
        format!("{}/{}/{}{fault}", self.scenario.name, self.root.name, self.subject.id)
    }

    /// What runs this case alone.
    pub fn reproduce(&self) -> String {
        let fault = self.fault.as_ref().map(|f| format!(" --fault '{f}'")).unwrap_or_default();
        format!(
            "cargo xtask test-install --scenario {} --in {} --platform {}{fault} --keep",
            self.scenario.name, self.root.name, self.subject.id
        )
    }

    /// What the placeholders stand for.
    pub fn places(&self, subjects: &Subjects) -> Places {
        let plan = &subjects.plan;
        Places {
            format: self.subject.format,
            foreign: std::env::consts::ARCH == "x86_64" && self.subject.architecture == "i386",
            name: plan.product.name.clone(),
            file: self.subject.file.clone(),
            next_file: self.subject.next_file.clone(),
            release: subjects.release.clone(),
            next_release: subjects.next_release.clone(),
            user: plan.install.user.clone(),
            group: plan.install.group.clone(),
            prefix: plan.install.prefix.clone(),
            directory: plan.install.directory.clone(),
        }
    }
}

/// Whether one of the globs matches one of the names; no globs match everything.
pub fn matches(globs: &[String], names: &[&str]) -> bool {
    let hit = |g: &String| glob::Pattern::new(g).is_ok_and(|p| names.iter().any(|n| p.matches(n)));
    globs.is_empty() || globs.iter().any(hit)
}

/// All cases, in the order of scenarios, roots, packages.
pub fn cases<'a>(scenarios: &'a [Scenario], roots: &'a [Root], subjects: &'a [Subject]) -> Vec<Case<'a>> {
    let mut cases = Vec::new();
    for scenario in scenarios {
        for root in roots.iter().filter(|r| r.systemd == scenario.host.has_systemd()) {
            let engine = match root.medium {
                Medium::Folder(_) => EngineKind::Roots,
                Medium::Image(..) => EngineKind::Container,
            };
            if !scenario.engines.contains(&engine) || !matches(&scenario.roots, &[&root.name]) {
                continue;
            }
            let mut seen: Vec<(&str, &str)> = Vec::new();
            // The newest of each family comes last in the plan's order.
            for subject in subjects.iter().rev() {
                let of_format =
                    scenario.formats.contains(&subject.format) && root.formats.contains(&subject.format);
                if !of_format
                    || !matches(&scenario.packages, &[&subject.tag, &subject.id])
                    || !matches(&root.tags, &[&subject.tag])
                {
                    continue;
                }
                let kind = (subject.format.name(), &subject.architecture[..]);
                if scenario.spread == Spread::One && seen.contains(&kind) {
                    continue;
                }
                seen.push(kind);
                cases.push(Case { scenario, subject, root, fault: None });
            }
        }
    }
    cases
}
