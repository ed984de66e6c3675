//! The file list of the main header.

use crate::error::ReadError;
use crate::header::Header;
use crate::package::Digest;
use crate::spec::{FileClass, Profile, VerifyFlags};
use crate::tags;

// rpm's `rpmfiles.h`, enum rpmfileAttrs_e.
const CONFIG: u32 = 1 << 0;
const DOC: u32 = 1 << 1;
const NOREPLACE: u32 = 1 << 4;
const GHOST: u32 = 1 << 6;

const TYPE_MASK: u16 = 0o170_000;
const TYPE_DIR: u16 = 0o040_000;
const TYPE_FILE: u16 = 0o100_000;
const TYPE_SYMLINK: u16 = 0o120_000;

/// What the header says about a path.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) path: String,
    pub(crate) kind: RecordKind,
    /// With the file type.
    pub(crate) mode: u16,
    pub(crate) owner: String,
    pub(crate) group: String,
    pub(crate) class: FileClass,
    pub(crate) verify: VerifyFlags,
    pub(crate) size: u32,
    pub(crate) mtime: u32,
    pub(crate) inode: u32,
    pub(crate) digest: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RecordKind {
    Dir,
    File,
    Symlink { target: String },
    Ghost,
}

impl Record {
    /// Permission bits only.
    pub(crate) fn permissions(&self) -> u16 {
        self.mode & !TYPE_MASK
    }
}

struct Columns<'a> {
    header: &'a Header,
    names: &'a [String],
    dir_indexes: &'a [u32],
    dirs: &'a [String],
    sizes: &'a [u32],
    modes: &'a [u16],
    rdevs: &'a [u16],
    mtimes: &'a [u32],
    digests: &'a [String],
    targets: &'a [String],
    flags: &'a [u32],
    owners: &'a [String],
    groups: &'a [String],
    verify: &'a [u32],
    devices: &'a [u32],
    inodes: &'a [u32],
    langs: &'a [String],
}

/// The records, in the order of the header: ascending by path.
pub(crate) fn records(header: &Header, profile: Profile, time: u32) -> Result<Vec<Record>, ReadError> {
    let columns = Columns {
        header,
        names: header.strings(tags::BASE_NAMES)?,
        dir_indexes: header.words(tags::DIR_INDEXES)?,
        dirs: header.strings(tags::DIR_NAMES)?,
        sizes: header.words(tags::FILE_SIZES)?,
        modes: header.halves(tags::FILE_MODES)?,
        rdevs: header.halves(tags::FILE_RDEVS)?,
        mtimes: header.words(tags::FILE_MTIMES)?,
        digests: header.strings(tags::FILE_DIGESTS)?,
        targets: header.strings(tags::FILE_LINKTOS)?,
        flags: header.words(tags::FILE_FLAGS)?,
        owners: header.strings(tags::FILE_USERNAME)?,
        groups: header.strings(tags::FILE_GROUPNAME)?,
        verify: header.words(tags::FILE_VERIFY_FLAGS)?,
        devices: header.words(tags::FILE_DEVICES)?,
        inodes: header.words(tags::FILE_INODES)?,
        langs: header.strings(tags::FILE_LANGS)?,
    };
    columns.lengths()?;
    columns.directories()?;
    let mut records: Vec<Record> = Vec::with_capacity(columns.names.len());
    for at in 0..columns.names.len() {
        let record = columns.record(at, profile)?;
        if record.mtime != time {
            return Err(header.error(tags::FILE_MTIMES, format!("{}: is not the build time", record.path)));
        }
        if records.last().is_some_and(|last| last.path >= record.path) {
            return Err(header.error(tags::BASE_NAMES, format!("{}: paths do not ascend", record.path)));
        }
        records.push(record);
    }
    Ok(records)
}

impl Columns<'_> {
    fn lengths(&self) -> Result<(), ReadError> {
        let files = self.names.len();
        for (tag, length) in [
            (tags::DIR_INDEXES, self.dir_indexes.len()),
            (tags::FILE_SIZES, self.sizes.len()),
            (tags::FILE_MODES, self.modes.len()),
            (tags::FILE_RDEVS, self.rdevs.len()),
            (tags::FILE_MTIMES, self.mtimes.len()),
            (tags::FILE_DIGESTS, self.digests.len()),
            (tags::FILE_LINKTOS, self.targets.len()),
            (tags::FILE_FLAGS, self.flags.len()),
            (tags::FILE_USERNAME, self.owners.len()),
            (tags::FILE_GROUPNAME, self.groups.len()),
            (tags::FILE_VERIFY_FLAGS, self.verify.len()),
            (tags::FILE_DEVICES, self.devices.len()),
            (tags::FILE_INODES, self.inodes.len()),
            (tags::FILE_LANGS, self.langs.len()),
        ] {
            if length != files {
                return Err(self.header.error(tag, format!("{length} values for {files} files")));
            }
        }
        Ok(())
    }

    /// Directory names ascend, begin and end with a slash, and each one is used.
    fn directories(&self) -> Result<(), ReadError> {
        let wrong = |rule: String| Err(self.header.error(tags::DIR_NAMES, rule));
        if let Some(pair) = self.dirs.windows(2).find(|pair| pair[0] >= pair[1]) {
            return wrong(format!("{:?} does not ascend", pair[1]));
        }
        if let Some(dir) = self.dirs.iter().find(|dir| !dir.starts_with('/') || !dir.ends_with('/')) {
            return wrong(format!("{dir:?} does not begin and end with a slash"));
        }
        let mut used = vec![false; self.dirs.len()];
        for &index in self.dir_indexes {
            match used.get_mut(index as usize) {
                Some(used) => *used = true,
                None => return wrong(format!("directory {index} is not in the list")),
            }
        }
        match used.iter().position(|used| !used) {
            Some(unused) => wrong(format!("{:?} is not used", self.dirs[unused])),
            None => Ok(()),
        }
    }

    fn record(&self, at: usize, profile: Profile) -> Result<Record, ReadError> {
        let name = &self.names[at];
        let path = format!("{}{name}", self.dirs[self.dir_indexes[at] as usize]);
        let wrong = |tag, rule: &str| Err(self.header.error(tag, format!("{path}: {rule}")));
        if name.is_empty() || name.contains('/') {
            return wrong(tags::BASE_NAMES, "not a base name");
        }
        let mode = self.modes[at];
        let ghost = self.flags[at] & GHOST != 0;
        let target = &self.targets[at];
        let kind = match mode & TYPE_MASK {
            TYPE_DIR if !ghost => RecordKind::Dir,
            TYPE_FILE if ghost => RecordKind::Ghost,
            TYPE_FILE => RecordKind::File,
            TYPE_SYMLINK if !ghost => RecordKind::Symlink { target: target.clone() },
            _ => return wrong(tags::FILE_MODES, "neither directory, file, symbolic link nor ghost"),
        };
        if !matches!(kind, RecordKind::Symlink { .. }) && !target.is_empty() {
            return wrong(tags::FILE_LINKTOS, "has a target but is no symbolic link");
        }
        let class = match self.flags[at] & !GHOST {
            0 => FileClass::Normal,
            CONFIG => FileClass::Config,
            flags if flags == CONFIG | NOREPLACE => FileClass::ConfigNoReplace,
            DOC => FileClass::Doc,
            _ => return wrong(tags::FILE_FLAGS, "flags which this format does not use"),
        };
        let verify = VerifyFlags(self.verify[at]);
        if ghost && verify != verify.without(VerifyFlags::NOT_FOR_GHOSTS) {
            return wrong(tags::FILE_VERIFY_FLAGS, "a ghost cannot be verified by its content");
        }
        let digest = self
            .digest(at, &kind, profile)
            .map_err(|rule| self.header.error(tags::FILE_DIGESTS, format!("{path}: {rule}")))?;
        let numbers = (self.devices[at], self.inodes[at] as usize, self.rdevs[at]);
        if numbers != (u32::from(!ghost), at + 1, 0) || !self.langs[at].is_empty() {
            return wrong(tags::FILE_INODES, "device, inode, rdev or language is not the canonical one");
        }
        Ok(Record {
            kind,
            mode,
            owner: self.owners[at].clone(),
            group: self.groups[at].clone(),
            class,
            verify,
            size: self.sizes[at],
            mtime: self.mtimes[at],
            inode: self.inodes[at],
            digest,
            path,
        })
    }

    fn digest(&self, at: usize, kind: &RecordKind, profile: Profile) -> Result<Option<Digest>, String> {
        let text = &self.digests[at];
        if *kind != RecordKind::File {
            return if text.is_empty() {
                Ok(None)
            } else {
                Err("a digest of something without content".into())
            };
        }
        let mut sha256 = [0; 32];
        let mut md5 = [0; 16];
        let (digest, result) = match profile {
            Profile::El6 => {
                let result = hex::decode_to_slice(text, &mut sha256);
                (Digest::Sha256(sha256), result)
            }
            Profile::El5 => {
                let result = hex::decode_to_slice(text, &mut md5);
                (Digest::Md5(md5), result)
            }
        };
        result.map_err(|error| error.to_string())?;
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err("hexadecimal digits must be lower case".into());
        }
        Ok(Some(digest))
    }
}
