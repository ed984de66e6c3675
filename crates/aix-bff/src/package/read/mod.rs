//! Reads a package strictly: every statement of its control files is compared with its payload.

mod controls;
mod records;

use std::{
    collections::BTreeMap,
    io::{self, Read},
    mem,
};

use thiserror::Error;

use self::{controls::Controls, records::Records};
use super::{Contents, Control, Package, PartKind, Problems};
use crate::{
    ar::ArchiveError,
    backup::{FileType, StreamError, Volume},
    inventory::{InventoryEntry, InventoryKind, Recorded},
    lpp_name::LppName,
    name::{InstallPath, Name},
    text::TextError,
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
        let record = records.next()?;
        let found = record.as_ref().map_or("nothing", |(header, _)| &header.name);
        let record = match &record {
            Some(record) if found == item.record => record,
            _ => return Err(ReadError::Order { found: found.into(), expected: item.record.clone() }),
        };
        let header = &record.0;
        if header.permissions() != stanza.mode {
            return Err(refuse("its mode is not that of the inventory"));
        }
        records.check_header(record, Some(stanza.mode))?;
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

fn not_canonical(what: &str, rule: &'static str) -> ReadError {
    ReadError::NotCanonical { what: what.into(), rule }
}
