//! The plan's view of a deb.

use std::collections::BTreeMap;
use std::error::Error;

use deb_pkg::{
    Compression, Dependency, Description, Entry, EntryKind, Owner, PackageName, Priority, Relation, Scripts, Spec,
};

use crate::payload::{Tree, TreeEntry, TreeKind};
use crate::plan::dependencies::{Comparison, Dependency as Planned};
use crate::plan::{Package, Plan};
use crate::signing::{Signer, Version};
use crate::spec;

type Failure = Box<dyn Error + Send + Sync>;

/// Maps a plan's package and a tree.
pub fn spec(plan: &Plan, package: &Package, version: &str, tree: &Tree, scripts: &BTreeMap<String, String>) -> Result<Spec, Failure> {
    let script = |name: &str| scripts.get(name).cloned();
    Ok(Spec {
        name: plan.product.name.parse::<PackageName>()?,
        version: version.parse()?,
        architecture: package.arch.in_package.parse()?,
        maintainer: plan.product.maintainer.clone(),
        section: "admin".to_owned(),
        priority: Priority::Optional,
        homepage: Some(plan.product.homepage.clone()),
        description: Description::fold(plan.product.summary.clone(), &plan.product.description),
        pre_depends: dependencies(&package.requires_pre)?,
        depends: dependencies(&package.requires)?,
        recommends: Vec::new(),
        suggests: Vec::new(),
        conflicts: Vec::new(),
        breaks: Vec::new(),
        replaces: Vec::new(),
        provides: Vec::new(),
        extra_fields: Vec::new(),
        scripts: Scripts {
            preinst: script("preinst"),
            postinst: script("postinst"),
            prerm: script("prerm"),
            postrm: script("postrm"),
        },
        conffiles: Vec::new(),
        entries: tree.entries.iter().map(entry).collect(),
        source_date: u64::from(plan.release.source_date),
        // dpkg reads xz control archives from 1.17.6 on only; gzip is read by all.
        control_compression: Compression::Gzip { level: 9 },
    })
}

/// How a payload is compressed.
pub fn compression(compression: spec::Compression) -> Compression {
    match compression {
        spec::Compression::Gzip => Compression::Gzip { level: 9 },
        spec::Compression::Xz => Compression::Xz { level: 6 },
    }
}

fn dependencies(planned: &[Planned]) -> Result<Vec<Dependency>, Failure> {
    planned.iter().map(dependency).collect()
}

fn dependency(planned: &Planned) -> Result<Dependency, Failure> {
    let mut made: Option<Dependency> = None;
    for relation in &planned.alternatives {
        let version = match &relation.condition {
            None => None,
            Some((op, version)) => Some((comparison(*op), version.parse()?)),
        };
        let relation = Relation { package: relation.name.parse()?, qualifier: None, version };
        made = Some(match made {
            None => Dependency::on(relation),
            Some(first) => first.or(relation),
        });
    }
    made.ok_or_else(|| "a dependency without a name".into())
}

fn comparison(op: Comparison) -> deb_pkg::Comparison {
    match op {
        Comparison::Less => deb_pkg::Comparison::Earlier,
        Comparison::LessOrEqual => deb_pkg::Comparison::EarlierOrEqual,
        Comparison::Equal => deb_pkg::Comparison::Equal,
        Comparison::GreaterOrEqual => deb_pkg::Comparison::LaterOrEqual,
        Comparison::Greater => deb_pkg::Comparison::Later,
    }
}

fn entry(e: &TreeEntry) -> Entry {
    let (kind, mode) = match &e.kind {
        TreeKind::Dir { mode } => (EntryKind::Directory, *mode),
        TreeKind::File { mode, content } => (EntryKind::File { content: content.clone() }, *mode),
        TreeKind::Symlink { target } => (EntryKind::Symlink { target: target.clone() }, 0o777),
    };
    // dpkg looks the name up on the host, after preinst has made the account; the number only matters
    // where the name is unknown, and then root is the safe owner.
    let owner = |name: &str| Owner { name: name.to_owned(), id: 0 };
    Entry { path: e.path.clone(), kind, mode, user: owner(&e.owner), group: owner(&e.group) }
}

/// Lends the release's signer to the deb writer.
pub struct PackageSigner<'a>(pub &'a Signer);

impl deb_pkg::Signer for PackageSigner<'_> {
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Failure> {
        Ok(self.0.sign(data, Version::V4)?)
    }
}
