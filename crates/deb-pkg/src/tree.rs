//! The complete tree of a package: what the caller gave plus the parents that it implies, sorted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use md5::{Digest as _, Md5};

use crate::spec::{Entry, EntryKind, Owner};

/// `/` and all entries, sorted by the bytes of their paths. A parent sorts before what it holds.
#[derive(Debug)]
pub(crate) struct Tree {
    entries: Vec<Entry>,
}

impl Tree {
    /// Completes `entries`, whose paths must be valid and unique.
    pub(crate) fn complete(entries: &[Entry]) -> Self {
        let mut by_path: BTreeMap<&str, Entry> = BTreeMap::new();
        by_path.insert("/", implied_directory("/"));
        for entry in entries {
            for parent in parents(&entry.path) {
                by_path.entry(parent).or_insert_with(|| implied_directory(parent));
            }
        }
        // After the implied ones: an entry of the caller replaces the directory implied by its children.
        for entry in entries {
            by_path.insert(&entry.path, entry.clone());
        }
        Self { entries: by_path.into_values().collect() }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// `Installed-Size` in KiB, counted as `dpkg-gencontrol` does: files and symbolic links rounded up each,
    /// every other object, the root directory among them, as 1.
    pub(crate) fn installed_size(&self) -> u64 {
        let size = |entry: &Entry| match &entry.kind {
            EntryKind::Directory => 1,
            EntryKind::File { content } => (content.len() as u64).div_ceil(1024),
            EntryKind::Symlink { target } => (target.len() as u64).div_ceil(1024),
        };
        self.entries.iter().map(size).sum()
    }

    /// The `md5sums` control file: every regular file, conffiles included.
    pub(crate) fn md5sums(&self) -> String {
        let mut out = String::new();
        for entry in &self.entries {
            if let EntryKind::File { content } = &entry.kind {
                let digest = hex::encode(Md5::digest(content));
                writeln!(out, "{digest}  {}", &entry.path[1..]).expect("writing to a string");
            }
        }
        out
    }
}

/// The directories above `path`, nearest last, without `/`.
pub(crate) fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).filter(|parent| !parent.is_empty())
}

fn implied_directory(path: &str) -> Entry {
    Entry {
        path: path.to_owned(),
        kind: EntryKind::Directory,
        mode: 0o755,
        user: Owner::root(),
        group: Owner::root(),
    }
}
