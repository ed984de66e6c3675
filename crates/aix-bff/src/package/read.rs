//! Reads a package strictly: every statement of its control files is compared with its payload.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    mem,
};

use thiserror::Error;

use super::{
    Contents, Control, Entry, EntryKind, FileEntry, Fileset, Package, Part, PartKind, Problems, Upkeep,
    metadata::{self, Metadata, head, record_name},
    write::{CONTROL_MODE, HEAD_DIRECTORY_MODE, MAX_CONTROL, MAX_LPP_NAME, Meter},
};
use crate::{
    ar::{self, ArchiveError},
    backup::{BLOCK, End, FileType, Header, Security, StreamError, StreamReader, Volume},
    inventory::{InventoryEntry, InventoryKind, Recorded},
    lpp_name::{ContentType, LppName, PackageType},
    name::{InstallPath, Name},
    text::{ConfigHandling, TextError},
};

/// How strictly a package is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// Only what this crate writes, byte for byte.
    Canonical,
    /// Also what the tools of AIX write: stale memory in padding, real owners and devices, packed files.
    Aix,
}

/// Why a package is refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The backup stream.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// An archive of control files.
    #[error("{archive} is refused")]
    Archive {
        /// Its name in the stream.
        archive: String,
        /// Why.
        source: ArchiveError,
    },
    /// A control text.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The data of a file cannot be read.
    #[error("cannot read the data of {record}")]
    Data {
        /// Name in the stream.
        record: String,
        /// Why.
        source: io::Error,
    },
    /// The receiver of the payload failed.
    #[error("cannot deliver {record}")]
    Sink {
        /// Name in the stream.
        record: String,
        /// Why.
        source: io::Error,
    },
    /// A record that may not stand here.
    #[error("the stream has {found} where {expected} belongs")]
    Order {
        /// Name of the record that stands here, or `nothing`.
        found: String,
        /// What belongs here.
        expected: String,
    },
    /// A control file larger than is read.
    #[error("{record} has {size} bytes: more than {limit} are not read")]
    TooLarge {
        /// Name in the stream.
        record: String,
        /// Its size.
        size: u32,
        /// The limit.
        limit: u64,
    },
    /// A control member that is needed.
    #[error("the archive of control files has no member `{member}`")]
    MissingMember {
        /// Its name.
        member: String,
    },
    /// A package that this crate does not know to install.
    #[error("{what} is not supported: {rule}")]
    Unsupported {
        /// What.
        what: String,
        /// What is.
        rule: &'static str,
    },
    /// Payload and inventory contradict each other.
    #[error("{path}: {rule}")]
    Mismatch {
        /// The installed path.
        path: InstallPath,
        /// What does not agree.
        rule: String,
    },
    /// Something that AIX may write, but this crate does not.
    #[error("{what} is not as it is written by this crate: {rule}")]
    NotCanonical {
        /// What.
        what: String,
        /// The broken rule.
        rule: &'static str,
    },
    /// The package breaks rules of building.
    #[error(transparent)]
    Problems(#[from] Problems),
}

/// A package as it was read.
#[derive(Debug, Clone)]
pub struct Installable {
    /// The volume record.
    pub volume: Volume,
    /// The `lpp_name` file.
    pub lpp_name: LppName,
    /// Control files of the usr part.
    pub usr: Control,
    /// Control files of the root part, if a fileset has one.
    pub root: Option<Control>,
    /// The package, its entries sorted by path.
    pub package: Package<Contents>,
}

/// A directory or file of the payload, given to the receiver while its data passes by.
#[derive(Debug)]
pub struct PayloadItem<'a> {
    /// Its fileset.
    pub fileset: &'a Name,
    /// Its part.
    pub part: PartKind,
    /// Its name in the stream: where installp restores it first, relative to `/`.
    pub record: &'a str,
    /// Where it ends up.
    pub path: &'a InstallPath,
    /// Its inventory stanza: owner, group, mode, type.
    pub inventory: &'a InventoryEntry,
    /// Length of its data in bytes.
    pub size: u32,
}

/// Reads a package and drops its payload. See [`read_with`].
///
/// # Errors
///
/// When the package is refused.
pub fn read<R: Read>(input: R, dialect: Dialect) -> Result<Installable, ReadError> {
    read_with(input, dialect, &mut |_, _| Ok(()))
}

/// Reads a package and gives every directory and file of its payload, with its data, to `sink`.
///
/// The sink need not read all data. It gets data before its checksum is known: only when this function
/// returns is the package proven. Memory is bounded by the control files (at most 16 MiB each), not by
/// the payload.
///
/// # Errors
///
/// When the stream is damaged, the control files break a rule, payload and control files contradict
/// each other, or, for [`Dialect::Canonical`], this crate would have written any byte otherwise.
pub fn read_with<R: Read>(
    input: R,
    dialect: Dialect,
    sink: &mut dyn FnMut(&PayloadItem<'_>, &mut dyn Read) -> io::Result<()>,
) -> Result<Installable, ReadError> {
    let mut records = Records::new(input, dialect)?;
    let controls = Controls::read(&mut records)?;
    let (expected, mut inventories) = controls.expectations()?;
    let mut measured: BTreeMap<(usize, PartKind, InstallPath), Contents> = BTreeMap::new();
    for item in &expected {
        let key = (item.fileset, item.part, item.path.clone());
        let refuse = |rule: &str| ReadError::Mismatch { path: item.path.clone(), rule: rule.into() };
        let inventory = inventories
            .get_mut(&key)
            .ok_or_else(|| refuse("it is in the apply list but not in the inventory"))?;
        if mem::replace(&mut inventory.seen, true) {
            return Err(refuse("it is twice in the apply list"));
        }
        let stanza = &inventory.stanza;
        let header = records
            .next(Some((&item.record, stanza.mode)))?
            .ok_or_else(|| ReadError::Order { found: "nothing".into(), expected: item.record.clone() })?;
        if header.name != item.record {
            return Err(ReadError::Order { found: header.name, expected: item.record.clone() });
        }
        if header.permissions() != stanza.mode {
            return Err(refuse("its mode is not that of the inventory"));
        }
        let payload = PayloadItem {
            fileset: &controls.lpp_name.filesets[item.fileset].name,
            part: item.part,
            record: &item.record,
            path: &item.path,
            inventory: stanza,
            size: header.size,
        };
        match (header.file_type(), &stanza.kind) {
            (Some(FileType::Directory), InventoryKind::Directory) => {
                sink(&payload, &mut io::empty())
                    .map_err(|source| ReadError::Sink { record: item.record.clone(), source })?;
            }
            (Some(FileType::Regular), InventoryKind::File { size, checksum, .. }) => {
                let contents = records.deliver(&payload, sink)?;
                if matches!(size, Recorded::Value(size) if *size != contents.size) {
                    return Err(refuse("its size is not that of the inventory"));
                }
                if matches!(checksum, Recorded::Value(sum) if *sum != contents.sum) {
                    return Err(refuse("its checksum is not that of the inventory: the data was changed"));
                }
                measured.insert(key, contents);
            }
            _ => return Err(refuse("its type is not that of the inventory")),
        }
    }
    let volume = records.finish()?;
    let package = controls.package(volume.date, inventories, &measured)?;
    if dialect == Dialect::Canonical {
        controls.compare(&package)?;
    }
    let Controls { lpp_name, usr, root, .. } = controls;
    Ok(Installable { volume, lpp_name, usr, root, package })
}

/// The stream with the checks of the dialect.
struct Records<R> {
    stream: StreamReader<R>,
    dialect: Dialect,
    next_directory: u32,
}

impl<R: Read> Records<R> {
    fn new(input: R, dialect: Dialect) -> Result<Self, ReadError> {
        let stream = StreamReader::new(input)?;
        let canonical = Volume::canonical(stream.volume().date);
        if dialect == Dialect::Canonical && *stream.volume() != canonical {
            return Err(not_canonical("the volume record", "a field has another value"));
        }
        Ok(Self { stream, dialect, next_directory: u32::MAX })
    }

    /// The next record. `expected` has its name and permissions, if they are known.
    fn next(&mut self, expected: Option<(&str, u16)>) -> Result<Option<Header>, ReadError> {
        self.check_padding()?;
        let Some((header, security)) = self.stream.next_record()? else { return Ok(None) };
        if self.dialect == Dialect::Canonical {
            self.check_header(&header, &security, expected)?;
        }
        Ok(Some(header))
    }

    fn check_padding(&mut self) -> Result<(), ReadError> {
        let padding = self.stream.finish_record()?;
        if self.dialect == Dialect::Canonical && padding.iter().any(|&byte| byte != 0) {
            return Err(not_canonical("the padding of a file", "it must be zeros"));
        }
        Ok(())
    }

    fn check_header(
        &mut self,
        header: &Header,
        security: &Security,
        expected: Option<(&str, u16)>,
    ) -> Result<(), ReadError> {
        let kind = header.file_type().unwrap_or(FileType::Regular);
        let inode = match kind {
            FileType::Regular => 0,
            FileType::Directory => {
                self.next_directory = self.next_directory.wrapping_sub(1);
                self.next_directory.wrapping_add(1)
            }
        };
        let (name, permissions) = expected.unwrap_or_else(|| {
            let permissions = match kind {
                FileType::Regular => CONTROL_MODE,
                FileType::Directory => HEAD_DIRECTORY_MODE,
            };
            (&header.name, permissions)
        });
        let timestamp = self.stream.volume().date;
        let canonical = Header::canonical(name, kind, permissions, header.size, timestamp, inode);
        if *header != canonical || *security != Security::canonical(canonical.mode) {
            return Err(not_canonical(
                &format!("the header of {}", header.name),
                "a field differs from what name, type, mode, size and time of the package demand",
            ));
        }
        Ok(())
    }

    fn control_bytes(&mut self, header: &Header, limit: u64) -> Result<Vec<u8>, ReadError> {
        let record = || header.name.clone();
        if u64::from(header.size) > limit {
            return Err(ReadError::TooLarge { record: record(), size: header.size, limit });
        }
        let mut bytes = Vec::new();
        let read = (&mut self.stream).take(limit).read_to_end(&mut bytes);
        read.map_err(|source| ReadError::Data { record: record(), source })?;
        Ok(bytes)
    }

    /// Gives the data of the current file to the sink, and measures all of it.
    fn deliver(
        &mut self,
        payload: &PayloadItem<'_>,
        sink: &mut dyn FnMut(&PayloadItem<'_>, &mut dyn Read) -> io::Result<()>,
    ) -> Result<Contents, ReadError> {
        let record = || payload.record.to_owned();
        let mut data = Metered { input: &mut self.stream, meter: Meter::default(), failed: false };
        if let Err(source) = sink(payload, &mut data) {
            let record = record();
            return Err(match data.failed {
                true => ReadError::Data { record, source },
                false => ReadError::Sink { record, source },
            });
        }
        io::copy(&mut data, &mut io::sink())
            .map_err(|source| ReadError::Data { record: record(), source })?;
        Ok(data.meter.finish())
    }

    /// Reads the end of the stream.
    fn finish(mut self) -> Result<Volume, ReadError> {
        if let Some(header) = self.next(None)? {
            let expected = "the end: it is in no apply list".into();
            return Err(ReadError::Order { found: header.name, expected });
        }
        if self.dialect == Dialect::Canonical {
            if self.stream.end() != Some(End::canonical()) {
                return Err(not_canonical("the end record", "it must end volume 1"));
            }
            let end = self.stream.offset();
            let mut trailer = [0; 2 * BLOCK as usize];
            let mut filled = 0;
            while filled < trailer.len() {
                match self.stream.read_trailer(&mut trailer[filled..])? {
                    0 => break,
                    read => filled += read,
                }
            }
            let whole = end.next_multiple_of(BLOCK) - end;
            if filled as u64 != whole || trailer.iter().any(|&byte| byte != 0) {
                let rule = "zeros fill the last block of 512 bytes, and nothing follows";
                return Err(not_canonical("the end of the stream", rule));
            }
        }
        Ok(self.stream.volume().clone())
    }
}

fn not_canonical(what: &str, rule: &'static str) -> ReadError {
    ReadError::NotCanonical { what: what.into(), rule }
}

struct Metered<R> {
    input: R,
    meter: Meter,
    failed: bool,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer).inspect_err(|_| self.failed = true)?;
        self.meter.update(&buffer[..read]);
        Ok(read)
    }
}

/// Everything in front of the payload.
struct Controls {
    lpp_name: LppName,
    lpp_bytes: Vec<u8>,
    usr: Control,
    usr_bytes: Vec<u8>,
    root: Option<Control>,
    root_bytes: Option<Vec<u8>>,
    head: Vec<(String, bool)>,
}

/// A record that the apply lists announce.
struct Expected {
    fileset: usize,
    part: PartKind,
    path: InstallPath,
    record: String,
}

struct Stanza {
    stanza: InventoryEntry,
    seen: bool,
}

type Inventories = BTreeMap<(usize, PartKind, InstallPath), Stanza>;

impl Controls {
    /// Reads up to the last archive of control files; directories in between are only checked.
    fn read<R: Read>(records: &mut Records<R>) -> Result<Self, ReadError> {
        let mut seen = Vec::new();
        let mut next = |records: &mut Records<R>, wanted: &str, above: &dyn Fn(&str) -> bool| loop {
            let header = records.next(None)?;
            let found = header.as_ref().map_or("nothing", |header| header.name.as_str()).to_owned();
            match header {
                Some(header) if found == wanted && header.file_type() == Some(FileType::Regular) => {
                    seen.push((found, false));
                    return Ok(header);
                }
                Some(header) if header.file_type() == Some(FileType::Directory) && above(&found) => {
                    seen.push((found, true));
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
    fn expectations(&self) -> Result<(Vec<Expected>, Inventories), ReadError> {
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
    fn package(
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
    fn compare(&self, package: &Package<Contents>) -> Result<(), ReadError> {
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
