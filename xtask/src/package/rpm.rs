//! The plan's view of an RPM.

use std::collections::BTreeMap;
use std::error::Error;

use rpm_pkg::{
    Comparison, Compression, Dependencies, Dependency, Entry, FileClass, Interpreter, Kind, Profile, Scriptlet,
    Scriptlets, SignatureVersion, Spec, VerifyFlags,
};

use crate::payload::{Tree, TreeEntry, TreeKind};
use crate::plan::dependencies::{self, Dependency as Planned};
use crate::plan::{Package, Plan};
use crate::signing::{Signer, Version};
use crate::spec::{self, RpmProfile};

/// RPM's category; old readers insist on one.
const GROUP: &str = "System Environment/Daemons";

/// Maps a plan's package and a tree.
pub fn spec(
    plan: &Plan,
    package: &Package,
    profile: RpmProfile,
    release: &str,
    tree: &Tree,
    scripts: &BTreeMap<String, String>,
) -> Result<Spec, String> {
    let script = |name: &str| {
        let body = scripts.get(name)?.clone();
        Some(Scriptlet { interpreter: Interpreter::Program("/bin/sh".to_owned()), body })
    };
    Ok(Spec {
        name: plan.product.name.clone(),
        version: plan.release.version.to_string(),
        release: release.to_owned(),
        epoch: None,
        arch: package.arch.in_package.parse()?,
        summary: plan.product.summary.clone(),
        description: plan.product.description.clone(),
        license: plan.product.license.clone(),
        group: GROUP.to_owned(),
        vendor: Some(plan.product.vendor.clone()),
        packager: Some(plan.product.maintainer.clone()),
        url: Some(plan.product.homepage.clone()),
        // Never the machine's: the same inputs give the same bytes everywhere.
        build_host: "localhost".to_owned(),
        rpm_version: "4.18.0".to_owned(),
        source_date: plan.release.source_date,
        profile: match profile {
            RpmProfile::El5 => Profile::El5,
            RpmProfile::El6 => Profile::El6,
        },
        compression: compression(package.compression),
        prefixes: vec![plan.install.prefix.clone()],
        dependencies: Dependencies {
            requires: package.requires.iter().map(dependency).collect(),
            requires_pre: package.requires_pre.iter().map(dependency).collect(),
            ..Dependencies::default()
        },
        scriptlets: Scriptlets {
            pre: script("pre"),
            post: script("post"),
            preun: script("preun"),
            postun: script("postun"),
            pretrans: script("pretrans"),
            posttrans: script("posttrans"),
        },
        changelog: Vec::new(),
        entries: tree.entries.iter().map(entry).collect(),
    })
}

/// How a payload is compressed.
pub fn compression(compression: spec::Compression) -> Compression {
    match compression {
        spec::Compression::Gzip => Compression::Gzip { level: 9 },
        spec::Compression::Xz => Compression::Xz { level: 6 },
    }
}

fn dependency(planned: &Planned) -> Dependency {
    let relation = &planned.alternatives[0];
    match &relation.condition {
        None => Dependency::any(&relation.name),
        Some((op, version)) => Dependency::versioned(&relation.name, comparison(*op), version),
    }
}

fn comparison(op: dependencies::Comparison) -> Comparison {
    match op {
        dependencies::Comparison::Less => Comparison::Less,
        dependencies::Comparison::LessOrEqual => Comparison::LessOrEqual,
        dependencies::Comparison::Equal => Comparison::Equal,
        dependencies::Comparison::GreaterOrEqual => Comparison::GreaterOrEqual,
        dependencies::Comparison::Greater => Comparison::Greater,
    }
}

fn entry(e: &TreeEntry) -> Entry {
    let (kind, mode) = match &e.kind {
        TreeKind::Dir { mode } => (Kind::Dir, *mode),
        TreeKind::File { mode, content } => (Kind::File { content: content.clone() }, *mode),
        TreeKind::Symlink { target } => (Kind::Symlink { target: target.clone() }, 0o777),
    };
    Entry {
        path: e.path.clone(),
        kind,
        mode: mode as u16,
        owner: e.owner.clone(),
        group: e.group.clone(),
        class: FileClass::Normal,
        // The scriptlets give the tree to another group when VEN_NONPRIV_USER asks for it.
        verify: VerifyFlags::ALL.without(VerifyFlags::GROUP),
    }
}

/// Lends the release's signer to the RPM writer.
pub struct PackageSigner<'a>(pub &'a Signer);

impl rpm_pkg::Signer for PackageSigner<'_> {
    fn sign(&self, data: &[u8], version: SignatureVersion) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        let version = match version {
            SignatureVersion::V3 => Version::V3,
            SignatureVersion::V4 => Version::V4,
        };
        Ok(self.0.sign(data, version)?)
    }
}
