//! The rules of compatibility.toml: which PCE takes which VEN, and which upgrades exist.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::spec::version::Version;
use crate::spec::{CompatibilitySpec, Format, Located, Problems, RangeSpec};

/// Versions from one to another, both inclusive; no end means every later one.
#[derive(Debug, Clone, Serialize)]
pub struct VersionRange {
    pub from: Version,
    pub to: Option<Version>,
}

impl VersionRange {
    /// Whether `version` lies inside.
    pub fn contains(&self, version: Version) -> bool {
        self.from <= version && self.to.is_none_or(|to| version <= to)
    }
}

/// A direct upgrade.
#[derive(Debug, Clone, Serialize)]
pub struct Upgrade {
    pub formats: Vec<String>,
    pub from: VersionRange,
    pub to: VersionRange,
}

/// An upgrade that needs a release in between.
#[derive(Debug, Clone, Serialize)]
pub struct SteppingStone {
    pub from_format: String,
    pub to_format: String,
    pub from: VersionRange,
    pub through: Vec<String>,
    pub to: VersionRange,
    pub reason: String,
}

/// Everything the compatibility matrix says.
#[derive(Debug, Clone, Serialize)]
pub struct Compatibility {
    /// VEN versions, and the PCE versions that manage them.
    pub pce: Vec<(VersionRange, VersionRange)>,
    pub upgrades: Vec<Upgrade>,
    pub stepping_stones: Vec<SteppingStone>,
}

const FORMATS: [&str; 7] = ["rpm", "deb", "msi", "exe", "bff", "pkg", "macos"];

pub(super) fn compatibility(spec: &CompatibilitySpec, problems: &Problems) -> Option<Compatibility> {
    let pce: Vec<_> = spec
        .pce
        .iter()
        .map(|(ven, pce)| {
            let (from, managers) = (range(ven, problems), range(pce, problems));
            let (from, managers) = (from?, managers?);
            if managers.from < from.from {
                let message = format!("PCE {} would manage VEN {}, which is newer than itself", managers.from, from.from);
                problems.add("compatibility/pce-older", &pce.from.at, message, "begin with a PCE of the VEN's own version");
            }
            Some((from, managers))
        })
        .collect();
    let upgrades: Vec<_> = spec
        .upgrades
        .iter()
        .map(|u| {
            u.formats.iter().for_each(|f| check_format(f, problems));
            let (from, to) = (range(&u.from, problems), range(&u.to, problems));
            Some(Upgrade { formats: u.formats.iter().map(|f| f.value.clone()).collect(), from: from?, to: to? })
        })
        .collect();
    let stepping_stones: Vec<_> = spec
        .stepping_stones
        .iter()
        .map(|s| {
            check_format(&s.from_format, problems);
            check_format(&s.to_format, problems);
            let (from, to) = (range(&s.from, problems), range(&s.to, problems));
            for stone in &s.through {
                let base = stone.split_once("+H").map_or(stone.as_str(), |(base, _)| base);
                let inside = |v: Version| from.as_ref().is_none_or(|r| r.contains(v));
                match base.parse::<Version>() {
                    Ok(v) if inside(v) => {}
                    Ok(_) => problems.add(
                        "compatibility/stepping-stone",
                        &stone.at,
                        format!("{} is not itself reachable: it lies outside of `from`", stone.value),
                        "name a release inside of `from`",
                    ),
                    Err(e) => problems.add(
                        "compatibility/version",
                        &stone.at,
                        e.to_string(),
                        "write 19.3.6, or 19.3.6+H1 for a hot fix",
                    ),
                }
            }
            Some(SteppingStone {
                from_format: s.from_format.value.clone(),
                to_format: s.to_format.value.clone(),
                from: from?,
                through: s.through.iter().map(|t| t.value.clone()).collect(),
                to: to?,
                reason: s.reason.value.clone(),
            })
        })
        .collect();
    Some(Compatibility {
        pce: pce.into_iter().collect::<Option<_>>()?,
        upgrades: upgrades.into_iter().collect::<Option<_>>()?,
        stepping_stones: stepping_stones.into_iter().collect::<Option<_>>()?,
    })
}

/// A release that no rule names is one that no PCE takes and nothing can be upgraded to.
pub(super) fn check_release(
    rules: &Compatibility,
    version: &Located<String>,
    formats: &BTreeSet<Format>,
    problems: &Problems,
) {
    let Ok(release) = version.parse::<Version>() else { return };
    if !rules.pce.iter().any(|(ven, _)| ven.contains(release)) {
        problems.add(
            "compatibility/no-pce",
            &version.at,
            format!("specs/compatibility.toml names no PCE version that manages {release}"),
            "add a [[pce]] rule, or widen one",
        );
    }
    for format in formats {
        let named = |u: &Upgrade| u.to.contains(release) && u.formats.iter().any(|f| f == format.name());
        if !rules.upgrades.iter().any(named) {
            problems.add(
                "compatibility/no-upgrade",
                &version.at,
                format!("specs/compatibility.toml has no {} upgrade to {release}", format.name()),
                "add an [[upgrade]] rule, or widen one",
            );
        }
    }
}

fn check_format(text: &Located<String>, problems: &Problems) {
    if !FORMATS.contains(&text.as_str()) {
        problems.add(
            "compatibility/format",
            &text.at,
            format!("there is no package format \"{}\"", text.value),
            crate::spec::problem::suggestion(text, FORMATS),
        );
    }
}

fn range(spec: &RangeSpec, problems: &Problems) -> Option<VersionRange> {
    let version = |text: &Located<String>| {
        text.parse::<Version>()
            .map_err(|e| problems.add("compatibility/version", &text.at, e.to_string(), "write it as 23.5.10"))
            .ok()
    };
    let from = version(&spec.from);
    let to = spec.to.as_ref().map(version);
    let (from, to) = (from?, match to {
        None => None,
        Some(to) => Some(to?),
    });
    if to.is_some_and(|to| to < from) {
        problems.add("compatibility/range", &spec.from.at, "the range ends before it begins", "swap `from` and `to`");
    }
    Some(VersionRange { from, to })
}
