//! What was found, before it is known what counts.

use std::collections::{HashMap, HashSet};

use super::Finding;

/// What was found and what has to be known before it counts.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<(Finding, Option<Unless>)>,
    /// Functions the script defines.
    pub(super) functions: HashSet<String>,
    /// Variables the script assigns.
    pub(super) assigned: HashSet<String>,
    /// Rules excused, by line.
    allowed: HashMap<u32, Vec<String>>,
}

/// A finding does not count when the script itself gives the name a meaning.
#[derive(Debug)]
pub(super) enum Unless {
    Function(String),
    Assigned(String),
}

impl Report {
    pub(super) fn add(
        &mut self,
        line: u32,
        rule: &'static str,
        found: impl Into<String>,
        replacement: &'static str,
    ) {
        self.findings.push((Finding { line, rule, found: found.into(), replacement }, None));
    }

    pub(super) fn add_unless(&mut self, finding: Finding, unless: Unless) {
        self.findings.push((finding, Some(unless)));
    }

    /// A place to come back to with [`Report::forget`].
    pub(super) fn mark(&self) -> usize {
        self.findings.len()
    }

    /// Drops findings of a rule that were made since the mark.
    pub(super) fn forget(&mut self, mark: usize, rule: &str) {
        let later = self.findings.split_off(mark);
        self.findings.extend(later.into_iter().filter(|(finding, _)| finding.rule != rule));
    }

    pub(super) fn comment(&mut self, text: &str, line: u32, alone: bool) {
        let Some((_, rules)) = text.split_once("bourne-lint: allow") else { return };
        let rules: Vec<String> = rules.split_whitespace().map(str::to_owned).collect();
        self.allowed.entry(if alone { line + 1 } else { line }).or_default().extend(rules);
    }

    pub(super) fn finish(self) -> Vec<Finding> {
        let Report { findings, functions, assigned, allowed } = self;
        let counts = |finding: &Finding, unless: &Option<Unless>| {
            let hidden = match unless {
                Some(Unless::Function(name)) => functions.contains(name),
                Some(Unless::Assigned(name)) => assigned.contains(name),
                None => false,
            };
            let excused =
                allowed.get(&finding.line).is_some_and(|rules| rules.iter().any(|rule| rule == finding.rule));
            !hidden && !excused
        };
        let mut kept: Vec<Finding> = (findings.into_iter())
            .filter(|(finding, unless)| counts(finding, unless))
            .map(|(finding, _)| finding)
            .collect();
        kept.sort();
        kept.dedup();
        kept
    }
}
