//! Which bundles a run assembles, under which names.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Release;
use super::packages::Selection;
use crate::spec::{BundleKind, BundleSpec, Format, Location, Problems, Specs};

/// A bundle to make.
#[derive(Debug, Clone, Serialize)]
pub struct Bundle {
    pub kind: BundleKind,
    pub file: String,
    /// Ids of the packages inside.
    pub packages: Vec<String>,
}

pub(super) fn bundles(
    specs: &Specs,
    release: Option<&Release>,
    selection: Option<&Selection>,
    problems: &Problems,
) -> Vec<Bundle> {
    let mut files: BTreeSet<&str> = BTreeSet::new();
    let mut bundles = Vec::new();
    for spec in &specs.bundles {
        check(spec, problems);
        if !files.insert(&spec.file) {
            problems.add(
                "bundle/duplicate-file",
                &spec.file.at,
                "two bundles with this name",
                "rename one of them",
            );
        }
        let (Some(release), Some(selection)) = (release, selection) else { continue };
        let wanted: Vec<Format> = spec.formats.iter().map(|f| f.value).collect();
        let members = selection.packages.iter().filter(|p| wanted.contains(&p.format));
        bundles.push(Bundle {
            kind: spec.kind.value,
            file: spec.file.replace("{id}", &release.id.to_string()),
            packages: members.map(|p| p.id.clone()).collect(),
        });
    }
    if specs.bundles.is_empty() {
        let at = Location::start_of(&specs.bundles_source);
        let mend = "describe at least the server bundle: without one no PCE can load the release";
        problems.add("bundle/none", &at, "there is no bundle", mend);
    }
    bundles.retain(|b| b.kind == BundleKind::Matrix || !b.packages.is_empty());
    bundles
}

fn check(spec: &BundleSpec, problems: &Problems) {
    let file = &spec.file;
    let plain =
        file.replacen("{id}", "", 1).bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    if !file.contains("{id}") || !plain || file.starts_with(['.', '-']) {
        problems.add(
            "bundle/file",
            &file.at,
            format!("\"{}\" cannot name a bundle", file.value),
            "use letters, digits, `.`, `_`, `-`, and {id} once, where the release id belongs",
        );
    }
    let extension = if spec.kind.value == BundleKind::Ctl { ".tar" } else { ".tar.bz2" };
    if !file.ends_with(extension) {
        let message = format!("a {:?} bundle is a {extension} file", spec.kind.value).to_lowercase();
        problems.add("bundle/extension", &file.at, message, format!("end the name with {extension}"));
    }
    if spec.formats.is_empty() != (spec.kind.value == BundleKind::Matrix) {
        problems.add(
            "bundle/formats",
            &spec.kind.at,
            "a matrix carries no packages, and every other bundle carries some",
            "set `formats` for bundles of packages only",
        );
    }
    for (i, format) in spec.formats.iter().enumerate() {
        if spec.formats[..i].iter().any(|f| f.value == format.value) {
            let message = format!("format \"{}\" is named twice", format.value.name());
            problems.add("bundle/duplicate-format", &format.at, message, "name it once");
        }
    }
}
