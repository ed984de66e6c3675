//! Checks of `[agent]`: what cargo would say only after minutes of building.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Agent;
use crate::spec::problem::suggestion;
use crate::spec::{Located, Problems, Specs};

/// Profiles that cargo brings itself.
const OWN_PROFILES: [&str; 4] = ["dev", "release", "test", "bench"];

pub(super) fn agent(specs: &Specs, problems: &Problems) -> Agent {
    let spec = &specs.agent;
    match manifest(specs, &spec.package) {
        None => problems.add(
            "agent/package",
            &spec.package.at,
            format!("the workspace has no package \"{}\"", spec.package.value),
            "name a package whose Cargo.toml is in a folder of this workspace",
        ),
        Some((folder, manifest)) => check_built(specs, &binaries(&folder, &manifest), problems),
    }
    let mut seen: Vec<&Located<String>> = Vec::new();
    for binary in &spec.binaries {
        if seen.iter().any(|b| b.value == binary.value) {
            problems.add("agent/binary", &binary.at, "is named twice", "name each binary once");
        } else {
            check_packaged(specs, binary, problems);
        }
        seen.push(binary);
    }
    check_profile(specs, problems);
    Agent {
        package: spec.package.value.clone(),
        profile: spec.profile.value.clone(),
        binaries: spec.binaries.iter().map(|b| b.value.clone()).collect(),
    }
}

fn check_built(specs: &Specs, built: &BTreeSet<String>, problems: &Problems) {
    for binary in specs.agent.binaries.iter().filter(|b| !built.contains(&b.value)) {
        let message = format!("package \"{}\" has no binary \"{}\"", specs.agent.package.value, binary.value);
        let mend = suggestion(binary, built.iter().map(String::as_str));
        problems.add("agent/unknown-binary", &binary.at, message, mend);
    }
}

fn check_packaged(specs: &Specs, binary: &Located<String>, problems: &Problems) {
    let source = format!("agent:{}", binary.value);
    if !specs.payload.iter().any(|entry| entry.source.as_ref().is_some_and(|s| s.value == source)) {
        problems.add(
            "agent/unpackaged-binary",
            &binary.at,
            format!("\"{}\" would be built, and no package would carry it", binary.value),
            format!("add an entry with source = \"{source}\" to specs/payload.toml"),
        );
    }
}

fn check_profile(specs: &Specs, problems: &Problems) {
    let wanted = &specs.agent.profile;
    // A workspace without a readable manifest is cargo's to complain about.
    let Some(workspace) = read(&specs.root.join("Cargo.toml")) else { return };
    let own = workspace.get("profile").and_then(toml::Value::as_table);
    let names: Vec<&str> =
        own.into_iter().flat_map(|t| t.keys().map(String::as_str)).chain(OWN_PROFILES).collect();
    if !names.contains(&wanted.as_str()) {
        let message = format!("the workspace has no build profile \"{}\"", wanted.value);
        problems.add("agent/profile", &wanted.at, message, suggestion(wanted, names));
    }
}

/// A package of the workspace: its folder and its manifest.
fn manifest(specs: &Specs, name: &str) -> Option<(PathBuf, toml::Table)> {
    let folders = std::fs::read_dir(&specs.root).into_iter().flatten().flatten().map(|e| e.path());
    let mut manifests = folders.filter_map(|folder| Some((read(&folder.join("Cargo.toml"))?, folder)));
    let named =
        |m: &toml::Table| m.get("package").and_then(|p| p.get("name")).and_then(|n| n.as_str()) == Some(name);
    manifests.find(|(manifest, _)| named(manifest)).map(|(manifest, folder)| (folder, manifest))
}

fn read(path: &Path) -> Option<toml::Table> {
    std::fs::read_to_string(path).ok()?.parse().ok()
}

/// The binaries of a package, found as cargo finds them.
fn binaries(folder: &Path, manifest: &toml::Table) -> BTreeSet<String> {
    let named = |table: &toml::Value| table.get("name").and_then(toml::Value::as_str).map(str::to_owned);
    let declared = manifest.get("bin").and_then(toml::Value::as_array);
    let mut names: BTreeSet<String> = declared.into_iter().flatten().filter_map(named).collect();
    let package = manifest.get("package");
    if package.and_then(|p| p.get("autobins")).and_then(toml::Value::as_bool) == Some(false) {
        return names;
    }
    if folder.join("src/main.rs").is_file() {
        names.extend(package.and_then(named));
    }
    let found = std::fs::read_dir(folder.join("src/bin")).into_iter().flatten().flatten().map(|e| e.path());
    let program =
        |path: &PathBuf| path.extension().is_some_and(|x| x == "rs") || path.join("main.rs").is_file();
    names.extend(found.filter(program).filter_map(|p| Some(p.file_stem()?.to_str()?.to_owned())));
    names
}
