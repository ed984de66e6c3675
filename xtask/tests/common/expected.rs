//! What the shared release must hold, from the plan and from the release's own record.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::{Path, PathBuf};

use xtask::payload::TreeRecord;
use xtask::plan::dependencies::Dependency;
use xtask::plan::{Package, Plan, Request, plan};
use xtask::release::records::{Release, parse};
use xtask::spec::Format;

use super::common::{PLATFORMS, release, root, stdout_of, xtask};

/// The plan of the shared release.
pub fn planned() -> Plan {
    let platforms = PLATFORMS.map(str::to_owned).to_vec();
    // The release's own day: a plan does not depend on the clock.
    let now = 1_793_491_200;
    plan(&root(), &Request { platforms, now, ..Request::default() }).expect("the specs have no mistake")
}

/// The plan's packages of one format; there are some.
pub fn packages(plan: &Plan, format: Format) -> Vec<&Package> {
    let found: Vec<&Package> = plan.packages.iter().filter(|p| p.format == format).collect();
    assert!(found.len() >= 9, "{format:?}: only {} packages", found.len());
    found
}

/// `release.json`.
pub fn record() -> Release {
    let text = std::fs::read_to_string(release().join("release.json")).expect("a release has one");
    parse(&text).expect("release.json is canonical")
}

/// The tree of every package.
pub fn tree() -> Vec<TreeRecord> {
    let mut record = record();
    assert_eq!(record.targets.len(), 1, "the shared release has one target");
    let tree = record.targets.remove(0).payload;
    assert!(tree.iter().any(|e| e.path == "/opt/illumio_ven/illumio-ven-ctl"), "{tree:#?}");
    tree
}

/// A package's file.
pub fn file(package: &Package) -> PathBuf {
    release().join("packages").join(&package.file)
}

/// The public key as `keys export` writes it; what the release carries is the same.
pub fn exported_key(into: &Path) -> PathBuf {
    let file = into.join("key.asc");
    stdout_of(xtask().args(["keys", "export", "--file"]).arg(&file));
    let carried = release().join("keys").join(format!("{}.asc", record().key.fingerprint));
    let same =
        std::fs::read(&file).expect("written") == std::fs::read(carried).expect("a release carries its key");
    assert!(same, "the release carries another key than `keys export` writes");
    file
}

/// A dependency as rpm and dpkg write it: `a`, `a >= 1`, `a (>= 1) | b`.
pub fn dependency(dependency: &Dependency, format: Format) -> String {
    let relation = |r: &xtask::plan::dependencies::Relation| match &r.condition {
        None => r.name.clone(),
        Some((op, version)) => {
            let op = serde_json::to_value(op).expect("a word").as_str().expect("a word").to_owned();
            match (format, op.as_str()) {
                (Format::Rpm, _) => format!("{} {op} {version}", r.name),
                // Policy 7.1: `<` and `>` are written `<<` and `>>`.
                (Format::Deb, "<" | ">") => format!("{} ({op}{op} {version})", r.name),
                (Format::Deb, _) => format!("{} ({op} {version})", r.name),
            }
        }
    };
    dependency.alternatives.iter().map(relation).collect::<Vec<_>>().join(" | ")
}
