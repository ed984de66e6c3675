//! Which members a package has, in which order and with which header values. The writer emits
//! this list; the canonical reader demands it.

use std::collections::BTreeSet;

use crate::object::{ObjectKind, parent};
use crate::pkgmap::PkgMap;

/// st_mode bits of a regular file.
pub(crate) const REGULAR: u32 = 0o100_000;
/// st_mode bits of a directory.
pub(crate) const DIRECTORY: u32 = 0o040_000;

/// What fills a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filling {
    Directory,
    PkgInfo,
    PkgMap,
    /// Index into the `i` lines of pkgmap.
    Install(usize),
    /// Index into the objects of pkgmap.
    Payload(usize),
}

/// One member of the directory form or of a package's archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) path: String,
    /// Full st_mode.
    pub(crate) mode: u32,
    pub(crate) mtime: u32,
    pub(crate) size: u32,
    pub(crate) filling: Filling,
}

/// The members in order: pkginfo, pkgmap, install and its files, then for reloc and root the
/// directories that hold files, sorted, and the files, sorted.
pub(crate) fn slots(map: &PkgMap, pkgmap_size: u32) -> Vec<Slot> {
    let time = map.install.iter().find(|line| line.name == "pkginfo").map_or(0, |line| line.mtime);
    let directory = |path: String| Slot {
        path,
        mode: DIRECTORY | 0o755,
        mtime: time,
        size: 0,
        filling: Filling::Directory,
    };
    let text =
        |path: String, mtime, size, filling| Slot { path, mode: REGULAR | 0o644, mtime, size, filling };

    let mut slots = Vec::new();
    for line in map.install.iter().filter(|line| line.name == "pkginfo") {
        slots.push(text("pkginfo".into(), line.mtime, line.sum.size, Filling::PkgInfo));
    }
    slots.push(text("pkgmap".into(), time, pkgmap_size, Filling::PkgMap));

    let mut install: Vec<Slot> = (map.install.iter().enumerate())
        .filter(|(_, line)| line.name != "pkginfo")
        .map(|(index, line)| {
            text(format!("install/{}", line.name), line.mtime, line.sum.size, Filling::Install(index))
        })
        .collect();
    install.sort_by(|a, b| a.path.cmp(&b.path));
    if !install.is_empty() {
        slots.push(directory("install".into()));
    }
    slots.extend(install);

    for tree in ["reloc", "root"] {
        let mut files = Vec::new();
        let mut directories = BTreeSet::new();
        for (index, object) in map.objects.iter().enumerate() {
            let ObjectKind::File { attributes, mtime, payload, .. } = &object.kind else { continue };
            if object.path.starts_with('/') != (tree == "root") {
                continue;
            }
            let path = object.member_path();
            let mut above = parent(&path);
            while let Some(found) = above {
                directories.insert(found.to_owned());
                above = parent(found);
            }
            // World-readable whatever the installed mode is; set-id bits are only in pkgmap.
            let mode = REGULAR | u32::from(attributes.mode.unwrap_or(0) & 0o777) | 0o644;
            let filling = Filling::Payload(index);
            files.push(Slot { path, mode, mtime: *mtime, size: payload.size, filling });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        slots.extend(directories.into_iter().map(directory));
        slots.extend(files);
    }
    slots
}
