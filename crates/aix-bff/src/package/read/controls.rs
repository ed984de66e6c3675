//! The control files of a package: what they announce, and what they make of the payload.

use std::{collections::BTreeMap, io::Read};

use super::{Dialect, ReadError, not_canonical, records::Records};
use crate::{
    ar,
    backup::FileType,
    inventory::{InventoryEntry, InventoryKind, Recorded},
    lpp_name::{ContentType, LppName, PackageType},
    name::InstallPath,
    package::{
        Contents, Control, Entry, EntryKind, FileEntry, Fileset, Package, Part, PartKind, Problems, Upkeep,
        metadata::{self, Metadata, head, record_name},
        write::{MAX_CONTROL, MAX_LPP_NAME},
    },
    text::ConfigHandling,
};

/// Everything in front of the payload.
pub(super) struct Controls {
    pub(super) lpp_name: LppName,
    lpp_bytes: Vec<u8>,
    pub(super) usr: Control,
    usr_bytes: Vec<u8>,
    pub(super) root: Option<Control>,
    root_bytes: Option<Vec<u8>>,
    head: Vec<(String, bool)>,
}

/// A record that the apply lists announce.
pub(super) struct Expected {
    pub(super) fileset: usize,
    pub(super) part: PartKind,
    pub(super) path: InstallPath,
    pub(super) record: String,
}

pub(super) struct Stanza {
    pub(super) stanza: InventoryEntry,
    pub(super) seen: bool,
}

pub(super) type Inventories = BTreeMap<(usize, PartKind, InstallPath), Stanza>;

impl Controls {
    /// Reads up to the last archive of control files; directories in between are only checked.
    pub(super) fn read<R: Read>(records: &mut Records<R>) -> Result<Self, ReadError> {
        let mut seen = Vec::new();
        let mut next = |records: &mut Records<R>, wanted: &str, above: &dyn Fn(&str) -> bool| loop {
            let record = records.next()?;
            let (found, kind) = match &record {
                Some((header, _)) => (header.name.clone(), header.file_type()),
                None => ("nothing".into(), None),
            };
            let last = found == wanted && kind == Some(FileType::Regular);
            match record {
                Some(record) if last || (kind == Some(FileType::Directory) && above(&found)) => {
                    records.check_header(&record, None)?;
                    seen.push((found, !last));
                    if last {
                        return Ok(record.0);
                    }
                }
                _ => return Err(ReadError::Order { found, expected: wanted.into() }),
            }
        };
        let top = |name: &str| matches!(name, "." | "./");
        let header = next(records, "./lpp_name", &top)?;
        let lpp_bytes = records.control_bytes(&header, MAX_LPP_NAME)?;
        let lpp_name = LppName::read(&lpp_bytes)?;
        Self::check_supported(&lpp_name)?;
        let control = format!("./usr/lpp/{}", lpp_name.package);
        let above = |name: &str| top(name) || format!("{control}/").starts_with(&format!("{name}/"));
        let archive = format!("{control}/liblpp.a");
        let header = next(records, &archive, &above)?;
        let usr_bytes = records.control_bytes(&header, MAX_CONTROL)?;
        let usr = parse_control(archive, &usr_bytes)?;
        let mut root = None;
        let mut root_bytes = None;
        if lpp_name.filesets.iter().any(|fileset| fileset.content == ContentType::UsrAndRoot) {
            let inst_root = format!("{control}/inst_root");
            let archive = format!("{inst_root}/liblpp.a");
            let header = next(records, &archive, &|name| name == inst_root)?;
            let bytes = records.control_bytes(&header, MAX_CONTROL)?;
            root = Some(parse_control(archive, &bytes)?);
            root_bytes = Some(bytes);
        }
        if records.dialect == Dialect::Canonical && seen != head(&lpp_name.package, root.is_some()) {
            return Err(not_canonical("the head of the stream", "directories are missing or out of order"));
        }
        Ok(Self { lpp_name, lpp_bytes, usr, usr_bytes, root, root_bytes, head: seen })
    }

    fn check_supported(lpp_name: &LppName) -> Result<(), ReadError> {
        if lpp_name.package_type != PackageType::Install {
            let rule = "only base levels (type I) are";
            return Err(ReadError::Unsupported { what: "an update package".into(), rule });
        }
        match lpp_name.filesets.iter().find(|fileset| fileset.content == ContentType::Share) {
            Some(fileset) => {
                let what = format!("the share part of {}", fileset.name);
                Err(ReadError::Unsupported { what, rule: "only usr and root parts are" })
            }
            None => Ok(()),
        }
    }

    fn control(&self, part: PartKind) -> Option<&Control> {
        match part {
            PartKind::Usr => Some(&self.usr),
            PartKind::Root => self.root.as_ref(),
        }
    }

    fn parts(&self, index: usize) -> impl Iterator<Item = (PartKind, &Control)> {
        let root = match self.lpp_name.filesets[index].content {
            ContentType::UsrAndRoot => self.control(PartKind::Root),
            ContentType::Usr | ContentType::Share => None,
        };
        [(PartKind::Usr, Some(&self.usr)), (PartKind::Root, root)]
            .into_iter()
            .filter_map(|(kind, control)| control.map(|control| (kind, control)))
    }

    /// The payload that the apply lists announce, and all inventories.
    pub(super) fn expectations(&self) -> Result<(Vec<Expected>, Inventories), ReadError> {
        let mut expected = Vec::new();
        let mut inventories = Inventories::new();
        let package = &self.lpp_name.package;
        let inst_root = format!("/usr/lpp/{package}/inst_root");
        for (index, info) in self.lpp_name.filesets.iter().enumerate() {
            for path in self.usr.apply_list(&info.name)? {
                let (part, path) = match path.as_str().strip_prefix(&inst_root) {
                    // IBM's own lists may name inst_root itself, which belongs to no part.
                    Some("") => continue,
                    Some(rest) if rest.starts_with('/') => {
                        let stored = rest.parse().map_err(|_| ReadError::Mismatch {
                            path: path.clone(),
                            rule: "it is no path below inst_root".into(),
                        })?;
                        (PartKind::Root, stored)
                    }
                    _ => (PartKind::Usr, path),
                };
                let record = record_name(package, part, &path);
                if !self.head.iter().any(|(name, _)| *name == record) {
                    expected.push(Expected { fileset: index, part, path, record });
                }
            }
            for (part, control) in self.parts(index) {
                for stanza in control.inventory(&info.name)? {
                    let key = (index, part, stanza.path.clone());
                    let path = stanza.path.clone();
                    if inventories.insert(key, Stanza { stanza, seen: false }).is_some() {
                        return Err(ReadError::Mismatch {
                            path,
                            rule: "it is twice in the inventory".into(),
                        });
                    }
                }
            }
        }
        Ok((expected, inventories))
    }

    /// Puts the package together.
    pub(super) fn package(
        &self,
        timestamp: u32,
        inventories: Inventories,
        measured: &BTreeMap<(usize, PartKind, InstallPath), Contents>,
    ) -> Result<Package<Contents>, ReadError> {
        let names = self.lpp_name.filesets.iter().map(|info| &info.name);
        let mut filesets = Vec::new();
        for (index, info) in self.lpp_name.filesets.iter().enumerate() {
            let mut parts = BTreeMap::new();
            for (kind, control) in self.parts(index) {
                parts.insert(kind, Part { entries: Vec::new(), scripts: control.scripts(&info.name) });
            }
            let copyright = self.usr.member(&format!("{}.copyright", info.name));
            filesets.push(Fileset {
                name: info.name.clone(),
                level: info.level,
                description: info.description.clone(),
                language: info.language.clone(),
                bosboot: info.bosboot,
                requisites: info.requisites.clone(),
                copyright: copyright.map(|text| String::from_utf8_lossy(text).into_owned()),
                usr: parts.remove(&PartKind::Usr).unwrap_or_default(),
                root: parts.remove(&PartKind::Root),
            });
        }
        let mut configs = BTreeMap::new();
        for (index, info) in self.lpp_name.filesets.iter().enumerate() {
            for (kind, control) in self.parts(index) {
                configs.insert((index, kind), control.config_files(&info.name)?);
            }
        }
        for ((index, kind, path), Stanza { stanza, seen }) in inventories {
            let config = configs.get_mut(&(index, kind)).and_then(|files| files.remove(&path));
            let contents = measured.get(&(index, kind, path)).copied();
            let entry = entry(stanza, seen, config, contents)?;
            if let Some(part) = filesets[index].part_mut(kind) {
                part.entries.push(entry);
            }
        }
        if let Some(path) = configs.into_values().flatten().map(|(path, _)| path).next() {
            let rule = "it is in cfgfiles but not in the inventory".into();
            return Err(ReadError::Mismatch { path, rule });
        }
        let product_id = self.usr.member(metadata::PRODUCT_ID);
        let product_id = product_id.map(|text| String::from_utf8_lossy(text).into_owned());
        let extra = [PartKind::Usr, PartKind::Root]
            .into_iter()
            .filter_map(|kind| Some((kind, self.control(kind)?)))
            .flat_map(|(kind, control)| control.extra(kind, names.clone()))
            .collect();
        let name = self.lpp_name.package.clone();
        let mut package = Package { name, timestamp, extra, product_id, filesets };
        package.sort();
        Ok(package)
    }

    /// Builds the control files again from the package and compares every byte.
    pub(super) fn compare(&self, package: &Package<Contents>) -> Result<(), ReadError> {
        let problems = package.problems();
        if !problems.is_empty() {
            return Err(Problems(problems).into());
        }
        let archive = |source| ReadError::Archive { archive: "liblpp.a".into(), source };
        let Metadata { lpp_name, usr, root } = metadata::build(package).map_err(archive)?;
        let rule = "built again from the package it has other bytes";
        if lpp_name != self.lpp_bytes {
            return Err(not_canonical("lpp_name", rule));
        }
        if usr != self.usr_bytes {
            return Err(not_canonical("liblpp.a of the usr part", rule));
        }
        if root != self.root_bytes {
            return Err(not_canonical("liblpp.a of the root part", rule));
        }
        Ok(())
    }
}

fn parse_control(archive: String, bytes: &[u8]) -> Result<Control, ReadError> {
    let (format, members) = ar::read(bytes).map_err(|source| ReadError::Archive { archive, source })?;
    Ok(Control { format, members })
}

fn entry(
    stanza: InventoryEntry,
    seen: bool,
    config: Option<ConfigHandling>,
    contents: Option<Contents>,
) -> Result<Entry<Contents>, ReadError> {
    let InventoryEntry { path, owner, group, mode, kind, .. } = stanza;
    let refuse =
        |path: &InstallPath, rule: &str| Err(ReadError::Mismatch { path: path.clone(), rule: rule.into() });
    let kind = match (kind, contents) {
        (InventoryKind::Directory, _) => EntryKind::Directory,
        (InventoryKind::Symlink { .. }, _) if seen => {
            return refuse(&path, "a link of the inventory may not be in the apply list");
        }
        (InventoryKind::Symlink { target }, _) => EntryKind::Symlink { target },
        (InventoryKind::File { .. }, None) => {
            return refuse(&path, "it is in the inventory but not in the payload");
        }
        (InventoryKind::File { size, links, .. }, Some(content)) => {
            let upkeep = match (config, size) {
                (Some(handling), _) => Upkeep::Config(handling),
                (None, Recorded::Volatile) => Upkeep::Volatile,
                (None, Recorded::Value(_)) => Upkeep::Fixed,
            };
            return Ok(Entry {
                path,
                owner,
                group,
                mode,
                kind: EntryKind::File(FileEntry { content, upkeep, links }),
            });
        }
    };
    match config {
        Some(_) => refuse(&path, "only files can be in cfgfiles"),
        None => Ok(Entry { path, owner, group, mode, kind }),
    }
}
