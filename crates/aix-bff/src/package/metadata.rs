//! The control texts of a package, computed from its measured files. The writer writes them, and the
//! canonical reader compares them with what it read.

use std::collections::BTreeMap;

use super::{Contents, ControlScript, Entry, EntryKind, Fileset, Package, Part, PartKind, Upkeep};
use crate::{
    ar::{self, ArchiveError, Member},
    inventory::{self, InventoryEntry, InventoryKind, Recorded},
    lpp_name::{ContentType, FilesetInfo, LppName, PackageType},
    name::{InstallPath, Name},
    text::SizeLine,
};

/// Suffixes of the members that are texts of this crate.
pub(crate) const TEXT_SUFFIXES: [&str; 5] = ["al", "inventory", "size", "cfgfiles", "copyright"];
/// Name of the member that identifies the product.
pub(crate) const PRODUCT_ID: &str = "productid";
const TEXT_MODE: u32 = 0o644;
const SCRIPT_MODE: u32 = 0o755;
/// Allocation unit of file systems, in bytes and in blocks of 512 bytes.
const UNIT: u64 = 4096;
const UNIT_BLOCKS: u64 = 8;

/// The three control files of a package.
pub(crate) struct Metadata {
    pub lpp_name: Vec<u8>,
    pub usr: Vec<u8>,
    pub root: Option<Vec<u8>>,
}

/// A file or directory of the payload, in the order of the stream.
pub(crate) struct Item<'a, C> {
    pub record: String,
    pub entry: &'a Entry<C>,
}

/// Names of everything in front of the payload, in order; `true` marks directories.
pub(crate) fn head(package: &Name, has_root: bool) -> Vec<(String, bool)> {
    let control = format!("./usr/lpp/{package}");
    let mut names = vec![
        ("./".into(), true),
        ("./lpp_name".into(), false),
        ("./usr".into(), true),
        ("./usr/lpp".into(), true),
        (control.clone(), true),
        (format!("{control}/liblpp.a"), false),
    ];
    if has_root {
        names.push((format!("{control}/inst_root"), true));
        names.push((format!("{control}/inst_root/liblpp.a"), false));
    }
    names
}

/// Name of an entry in the stream.
pub(crate) fn record_name(package: &Name, part: PartKind, path: &InstallPath) -> String {
    match part {
        PartKind::Usr => format!(".{path}"),
        PartKind::Root => format!("./usr/lpp/{package}/inst_root{path}"),
    }
}

/// All member names that a fileset may use.
pub(crate) fn member_names(fileset: &Name) -> impl Iterator<Item = String> + '_ {
    let scripts = ControlScript::ALL.into_iter().map(ControlScript::suffix);
    TEXT_SUFFIXES.into_iter().chain(scripts).map(move |suffix| format!("{fileset}.{suffix}"))
}

/// The payload in the order of the stream: for every fileset its usr part, then its root part.
pub(crate) fn payload<C>(package: &Package<C>) -> impl Iterator<Item = Item<'_, C>> {
    package.filesets.iter().flat_map(|fileset| fileset_payload(&package.name, fileset))
}

fn fileset_payload<'a, C>(package: &'a Name, fileset: &'a Fileset<C>) -> impl Iterator<Item = Item<'a, C>> {
    fileset.parts().flat_map(move |(kind, part)| {
        archived(part).map(move |entry| Item { record: record_name(package, kind, &entry.path), entry })
    })
}

/// Entries with a record in the stream; links are only in the inventory.
fn archived<C>(part: &Part<C>) -> impl Iterator<Item = &Entry<C>> {
    part.entries.iter().filter(|entry| !matches!(entry.kind, EntryKind::Symlink { .. }))
}

/// Builds the control files. The entries of `package` are sorted.
pub(crate) fn build(package: &Package<Contents>) -> Result<Metadata, ArchiveError> {
    let mut usr = Vec::new();
    let mut root = Vec::new();
    let mut filesets = Vec::new();
    let extra_blocks: u64 = package.extra.values().map(|data| blocks(data.len() as u64)).sum();
    for fileset in &package.filesets {
        let mut sizes = usr_sizes(&package.name, fileset);
        let list = fileset_payload(&package.name, fileset).map(|item| item.record + "\n").collect();
        let mut members = part_members(package, fileset, &fileset.usr, list);
        if let Some(copyright) = &fileset.copyright {
            members.push(text_member(package, &fileset.name, "copyright", copyright.clone()));
        }
        // The size member is part of the archive whose size it states: room for its last line is added.
        let work = 2 * (archive_blocks(&members) + blocks(text_of(&sizes).len() as u64 + 64));
        let root_members = fileset.root.as_ref().map(|part| {
            let list = archived(part).map(|entry| format!(".{}\n", entry.path)).collect();
            part_members(package, fileset, part, list)
        });
        let root_work = root_members.as_ref().map_or(0, |members| 2 * archive_blocks(members));
        let room = work + root_work + 2 * extra_blocks;
        sizes.push(SizeLine { item: "INSTWORK".into(), permanent: room, temporary: Some(room) });
        members.push(text_member(package, &fileset.name, "size", text_of(&sizes)));
        usr.append(&mut members);
        if let (Some(mut members), Some(part)) = (root_members, &fileset.root) {
            let root_sizes = root_sizes(&package.name, part, &members);
            members.push(text_member(package, &fileset.name, "size", text_of(&root_sizes)));
            root.append(&mut members);
            sizes.extend(root_sizes);
        }
        filesets.push(fileset_info(fileset, sizes));
    }
    if let Some(text) = &package.product_id {
        usr.push(member(package, PRODUCT_ID.into(), TEXT_MODE, text.clone().into_bytes()));
    }
    for ((part, name), data) in &package.extra {
        let archive = if *part == PartKind::Usr { &mut usr } else { &mut root };
        archive.push(member(package, name.clone(), TEXT_MODE, data.clone()));
    }
    let lpp = LppName { package_type: PackageType::Install, package: package.name.clone(), filesets };
    Ok(Metadata {
        lpp_name: lpp.to_string().into_bytes(),
        usr: ar::write(&usr)?,
        root: package.has_root().then(|| ar::write(&root)).transpose()?,
    })
}

fn fileset_info(fileset: &Fileset<Contents>, sizes: Vec<SizeLine>) -> FilesetInfo {
    FilesetInfo {
        name: fileset.name.clone(),
        level: fileset.level,
        volume: 1,
        bosboot: fileset.bosboot,
        content: if fileset.root.is_some() { ContentType::UsrAndRoot } else { ContentType::Usr },
        language: fileset.language.clone(),
        description: fileset.description.clone(),
        requisites: fileset.requisites.clone(),
        sizes,
        further_sections: FilesetInfo::no_further_sections(),
    }
}

fn member(package: &Package<Contents>, name: String, mode: u32, data: Vec<u8>) -> Member {
    Member { name, date: package.timestamp, uid: 0, gid: 0, mode, data }
}

fn text_member(package: &Package<Contents>, fileset: &Name, suffix: &str, text: String) -> Member {
    member(package, format!("{fileset}.{suffix}"), TEXT_MODE, text.into_bytes())
}

/// Members of one part, without the size member.
fn part_members(
    package: &Package<Contents>,
    fileset: &Fileset<Contents>,
    part: &Part<Contents>,
    apply_list: String,
) -> Vec<Member> {
    let stanzas: Vec<InventoryEntry> =
        part.entries.iter().map(|entry| stanza(&fileset.name, entry)).collect();
    let text = |suffix, text| text_member(package, &fileset.name, suffix, text);
    let mut members = vec![text("al", apply_list), text("inventory", inventory::write(&stanzas))];
    let config: String = part
        .entries
        .iter()
        .filter_map(|entry| match &entry.kind {
            EntryKind::File(file) => match file.upkeep {
                Upkeep::Config(handling) => Some(format!("{} {}\n", entry.path, handling.keyword())),
                Upkeep::Fixed | Upkeep::Volatile => None,
            },
            EntryKind::Directory | EntryKind::Symlink { .. } => None,
        })
        .collect();
    if !config.is_empty() {
        members.push(text("cfgfiles", config));
    }
    for (script, body) in &part.scripts {
        let name = format!("{}.{}", fileset.name, script.suffix());
        members.push(member(package, name, SCRIPT_MODE, body.clone()));
    }
    members
}

fn stanza(fileset: &Name, entry: &Entry<Contents>) -> InventoryEntry {
    let kind = match &entry.kind {
        EntryKind::Directory => InventoryKind::Directory,
        EntryKind::Symlink { target } => InventoryKind::Symlink { target: target.clone() },
        EntryKind::File(file) => {
            let (size, checksum) = match file.upkeep {
                Upkeep::Fixed => (Recorded::Value(file.content.size), Recorded::Value(file.content.sum)),
                Upkeep::Volatile | Upkeep::Config(_) => (Recorded::Volatile, Recorded::Volatile),
            };
            InventoryKind::File { size, checksum, links: file.links.clone() }
        }
    };
    InventoryEntry {
        path: entry.path.clone(),
        owner: entry.owner.clone(),
        group: entry.group.clone(),
        mode: entry.mode,
        kind,
        class: vec!["apply".into(), "inventory".into(), fileset.to_string()],
    }
}

/// Blocks of 512 bytes that a file of `size` bytes takes.
fn blocks(size: u64) -> u64 {
    size.div_ceil(UNIT) * UNIT_BLOCKS
}

/// Blocks of an archive: its members, headers and member table.
fn archive_blocks(members: &[Member]) -> u64 {
    let overhead = |member: &Member| 2 * member.name.len() as u64 + 128;
    blocks(members.iter().map(|member| member.data.len() as u64 + overhead(member)).sum::<u64>() + 256)
}

fn text_of(sizes: &[SizeLine]) -> String {
    sizes.iter().map(|line| format!("{line}\n")).collect()
}

/// For every directory: its files, and one unit for itself if the package makes it.
fn add_directories(lines: &mut BTreeMap<String, u64>, prefix: &str, part: &Part<Contents>) {
    for entry in archived(part) {
        let (directory, size) = match &entry.kind {
            EntryKind::File(file) => (entry.path.parent(), blocks(file.content.size.into())),
            EntryKind::Directory | EntryKind::Symlink { .. } => (entry.path.as_str(), UNIT_BLOCKS),
        };
        let directory = match (prefix, directory) {
            ("", directory) => directory.to_owned(),
            (prefix, "/") => prefix.to_owned(),
            (prefix, directory) => format!("{prefix}{directory}"),
        };
        *lines.entry(directory).or_default() += size;
    }
}

fn directory_lines(lines: BTreeMap<String, u64>) -> Vec<SizeLine> {
    let line = |(item, permanent)| SizeLine { item, permanent, temporary: None };
    lines.into_iter().map(line).collect()
}

fn inventory_line(item: &str, part: &Part<Contents>) -> SizeLine {
    SizeLine { item: item.into(), permanent: part.entries.len() as u64, temporary: None }
}

fn usr_sizes(package: &Name, fileset: &Fileset<Contents>) -> Vec<SizeLine> {
    let mut lines = BTreeMap::new();
    add_directories(&mut lines, "", &fileset.usr);
    if let Some(root) = &fileset.root {
        add_directories(&mut lines, &format!("/usr/lpp/{package}/inst_root"), root);
    }
    let mut lines = directory_lines(lines);
    lines.push(inventory_line("/usr/lib/objrepos", &fileset.usr));
    lines
}

/// The control files of a root part are unpacked into `/lpp/<package>`.
fn root_sizes(package: &Name, part: &Part<Contents>, members: &[Member]) -> Vec<SizeLine> {
    let mut lines = BTreeMap::new();
    add_directories(&mut lines, "", part);
    let control: u64 = members.iter().map(|member| blocks(member.data.len() as u64)).sum();
    let mut lines = directory_lines(lines);
    let own = blocks(text_of(&lines).len() as u64 + 256);
    let permanent = control + own + UNIT_BLOCKS;
    lines.push(SizeLine { item: format!("/lpp/{package}"), permanent, temporary: None });
    lines.push(inventory_line("/etc/objrepos", part));
    lines
}
