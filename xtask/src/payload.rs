//! One sorted tree of entries for each Rust target. Every format starts from it and only maps it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::plan::{Content, Entry, Kind, Package, Plan};
use crate::scriptlets;
use crate::spec::Format;

/// A tree ready to be packaged.
#[derive(Debug, Clone)]
pub struct Tree {
    pub entries: Vec<TreeEntry>,
}

/// One entry with its bytes.
#[derive(Debug, Clone)]
pub struct TreeEntry {
    /// Absolute path below the default prefix.
    pub path: String,
    pub kind: TreeKind,
    pub owner: String,
    pub group: String,
}

/// What an entry is.
#[derive(Debug, Clone)]
pub enum TreeKind {
    Dir { mode: u32 },
    File { mode: u32, content: Arc<[u8]> },
    Symlink { target: String },
}

/// The bytes of one target's binaries, by name.
pub type Binaries = BTreeMap<String, Arc<[u8]>>;

/// Puts a target's binaries into the plan's tree.
///
/// # Panics
/// When a binary of the plan is missing: the build step returns all of them or fails.
pub fn tree(plan: &Plan, binaries: &Binaries) -> Result<Tree, scriptlets::Error> {
    let context = context(plan, "");
    let template = |name: &str| scriptlets::render_file(&plan.templates(), name, &context);
    let entry = |e: &Entry| -> Result<TreeEntry, scriptlets::Error> { Ok(TreeEntry {
        path: format!("{}/{}", plan.install.prefix, e.path),
        kind: match &e.kind {
            Kind::Dir { mode } => TreeKind::Dir { mode: *mode },
            Kind::Symlink { target } => TreeKind::Symlink { target: target.clone() },
            Kind::File { mode, content } => TreeKind::File {
                mode: *mode,
                content: match content {
                    Content::Agent(name) => binaries[name].clone(),
                    Content::Template(name) => template(name)?.into_bytes().into(),
                },
            },
        },
        owner: e.owner.clone(),
        group: e.group.clone(),
    }) };
    Ok(Tree { entries: plan.payload.iter().map(entry).collect::<Result<_, _>>()? })
}

/// The scriptlets of a package, by name.
pub fn scripts(plan: &Plan, package: &Package) -> Result<BTreeMap<String, String>, scriptlets::Error> {
    let family = match package.format {
        Format::Rpm => scriptlets::Family::Rpm,
        Format::Deb => scriptlets::Family::Deb,
    };
    let rendered = scriptlets::render(&plan.templates(), family, &context(plan, &package.file))?;
    Ok(rendered.scripts.into_iter().map(|(name, body)| (name.to_string(), body)).collect())
}

fn context(plan: &Plan, package_file: &str) -> scriptlets::Context {
    scriptlets::Context {
        package: plan.product.name.clone(),
        release_id: plan.release.id.to_string(),
        package_file: if package_file.is_empty() { plan.product.name.clone() } else { package_file.to_owned() },
        default_prefix: plan.install.prefix.clone(),
        default_user: plan.install.user.clone(),
        default_group: plan.install.group.clone(),
    }
}

/// One line of a tree as release.json records it and readers compare it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TreeRecord {
    pub path: String,
    /// `dir`, `file` or `symlink`.
    pub kind: String,
    /// Four octal digits; a symbolic link has none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mode: Option<String>,
    pub owner: String,
    pub group: String,
    /// Of a file.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Of a symbolic link.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
}

impl TreeRecord {
    pub fn dir(path: &str, mode: u32, owner: &str, group: &str) -> TreeRecord {
        TreeRecord::new(path, "dir", Some(mode), owner, group)
    }

    pub fn file(path: &str, mode: u32, owner: &str, group: &str, content: &[u8]) -> TreeRecord {
        let sha256 = Some(hex::encode(Sha256::digest(content)));
        TreeRecord { sha256, ..TreeRecord::new(path, "file", Some(mode), owner, group) }
    }

    pub fn symlink(path: &str, target: &str, owner: &str, group: &str) -> TreeRecord {
        TreeRecord { target: Some(target.to_owned()), ..TreeRecord::new(path, "symlink", None, owner, group) }
    }

    fn new(path: &str, kind: &str, mode: Option<u32>, owner: &str, group: &str) -> TreeRecord {
        TreeRecord {
            path: path.to_owned(),
            kind: kind.to_owned(),
            mode: mode.map(|m| format!("{:04o}", m & 0o7777)),
            owner: owner.to_owned(),
            group: group.to_owned(),
            sha256: None,
            target: None,
        }
    }
}

impl Tree {
    /// The tree as records, in order.
    pub fn records(&self) -> Vec<TreeRecord> {
        let record = |e: &TreeEntry| match &e.kind {
            TreeKind::Dir { mode } => TreeRecord::dir(&e.path, *mode, &e.owner, &e.group),
            TreeKind::File { mode, content } => TreeRecord::file(&e.path, *mode, &e.owner, &e.group, content),
            TreeKind::Symlink { target } => TreeRecord::symlink(&e.path, target, &e.owner, &e.group),
        };
        self.entries.iter().map(record).collect()
    }
}
