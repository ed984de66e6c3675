//! Targets without a C compiler: nothing in the package's dependency tree may compile C or assembly.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::process::output;
use crate::target::Target;
use crate::toolchains::Toolchains;

/// Build dependencies that run a compiler for the target or look for its libraries.
const COMPILERS: [&str; 7] = ["cc", "cmake", "bindgen", "pkg-config", "autotools", "nasm-rs", "vcpkg"];

/// Packages that use `links` only to be unique in the dependency tree, and compile nothing.
const PURE_LINKS: [&str; 2] = ["rayon-core", "prettyplease02"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    links: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Toolchains {
    /// Every package below `package` that compiles C or assembly for the target, one line each, with the
    /// way to it; empty for targets that have a C compiler.
    ///
    /// # Errors
    /// [`Error::Build`] if `cargo metadata` fails, [`Error::MissingTool`] without cargo.
    pub fn foreign_code(&self, target: &Target, workspace: &Path, package: &str) -> Result<Vec<String>> {
        if !target.pure_rust {
            return Ok(Vec::new());
        }
        let compiler = self.active().ok_or_else(|| Error::MissingTool {
            tool: "cargo".to_owned(),
            needed_for: "to read the dependency tree".to_owned(),
            mend: "install Rust (rustup, or Debian: rustc cargo)".to_owned(),
        })?;
        let mut command = compiler.command(&self.env, &compiler.cargo);
        command.current_dir(workspace).args(["metadata", "--format-version=1", "--locked"]);
        command.args(["--filter-platform", &target.triple]);
        if self.config.offline {
            command.arg("--offline");
        }
        let text = output(&mut command, "to read the dependency tree")?;
        examine(&text, package)
            .map_err(|problem| Error::Spec { path: workspace.join("Cargo.toml"), problems: vec![problem] })
    }
}

/// The findings for one package of the output of `cargo metadata`.
fn examine(metadata: &str, package: &str) -> std::result::Result<Vec<String>, String> {
    let metadata: Metadata = serde_json::from_str(metadata).map_err(|e| format!("cargo metadata: {e}"))?;
    let packages: BTreeMap<&str, &Package> =
        metadata.packages.iter().map(|package| (package.id.as_str(), package)).collect();
    let nodes: BTreeMap<&str, &Node> =
        metadata.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
    let root = metadata
        .packages
        .iter()
        .find(|candidate| candidate.name == package)
        .ok_or_else(|| format!("there is no package {package}"))?;

    let mut findings = Vec::new();
    let mut seen = BTreeSet::from([root.id.as_str()]);
    let mut open = vec![(root.id.as_str(), root.name.clone())];
    while let Some((id, way)) = open.pop() {
        let (Some(package), Some(node)) = (packages.get(id), nodes.get(id)) else { continue };
        let name = format!("{} {}", package.name, package.version);
        if let Some(links) = package.links.as_deref()
            && !PURE_LINKS.contains(&links)
        {
            findings.push(format!("{name} links the foreign library {links} ({way})"));
        }
        for dependency in &node.deps {
            let Some(&next) = packages.get(dependency.pkg.as_str()) else { continue };
            for kind in &dependency.dep_kinds {
                match kind.kind.as_deref() {
                    Some("build") if COMPILERS.contains(&next.name.as_str()) => {
                        findings.push(format!("{name} compiles foreign code with {} ({way})", next.name));
                    }
                    None if seen.insert(&next.id) => {
                        open.push((&next.id, format!("{way} > {}", next.name)));
                    }
                    _ => {}
                }
            }
        }
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::examine;

    fn metadata(links: &str, build_dependency: &str, kind: &str) -> String {
        format!(
            r#"{{"packages": [
                {{"id": "a", "name": "agent", "version": "1.0.0", "links": null}},
                {{"id": "s", "name": "some-sys", "version": "0.1.0", "links": {links}}},
                {{"id": "c", "name": "{build_dependency}", "version": "1.0.0", "links": null}}],
              "resolve": {{"nodes": [
                {{"id": "a", "deps": [{{"pkg": "s", "dep_kinds": [{{"kind": null}}]}}]}},
                {{"id": "s", "deps": [{{"pkg": "c", "dep_kinds": [{{"kind": {kind}}}]}}]}},
                {{"id": "c", "deps": []}}]}}}}"#
        )
    }

    #[test]
    fn a_dependency_that_compiles_c_is_named_with_the_way_to_it() {
        let findings = examine(&metadata("null", "cc", "\"build\""), "agent").unwrap();
        assert_eq!(findings, ["some-sys 0.1.0 compiles foreign code with cc (agent > some-sys)"]);
    }

    #[test]
    fn a_dependency_that_links_a_foreign_library_is_named() {
        let findings = examine(&metadata("\"z\"", "serde", "null"), "agent").unwrap();
        assert_eq!(findings, ["some-sys 0.1.0 links the foreign library z (agent > some-sys)"]);
    }

    #[test]
    fn compilers_of_tests_and_links_of_pure_rust_do_not_count() {
        assert!(examine(&metadata("null", "cc", "\"dev\""), "agent").unwrap().is_empty());
        assert!(
            examine(&metadata("\"rayon-core\"", "version_check", "\"build\""), "agent").unwrap().is_empty()
        );
    }

    #[test]
    fn an_unknown_package_is_an_error() {
        assert!(examine(&metadata("null", "cc", "null"), "other").is_err());
    }
}
