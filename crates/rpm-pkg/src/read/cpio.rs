//! The archive: "new ASCII" cpio (newc), compared entry by entry with the header's file list.

use std::sync::Arc;

use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::files::{Record, RecordKind};
use crate::error::ReadError;
use crate::package::{Digest, FileInfo};
use crate::spec::{Entry, Kind};

const MAGIC: &[u8] = b"070701";
/// Magic and 13 fields of 8 hexadecimal digits.
const HEADER: usize = 6 + 13 * 8;
const TRAILER: &str = "TRAILER!!!";
const PART: &str = "archive";

/// Read the whole archive. It has one entry for each record but the ghosts, in the same order.
pub(crate) fn read(archive: &[u8], records: Vec<Record>) -> Result<Vec<FileInfo>, ReadError> {
    let mut reader = Reader { archive, at: 0 };
    let mut files = Vec::with_capacity(records.len());
    for record in records {
        let content = match record.kind {
            RecordKind::Ghost if record.size != 0 => {
                let rule = format!("a ghost of {} bytes", record.size);
                return Err(ReadError::Entry { path: record.path, rule });
            }
            RecordKind::Ghost => &[][..],
            _ => reader.entry(&format!(".{}", record.path), &fields(&record))?,
        };
        files.push(file(record, content)?);
    }
    reader.entry(TRAILER, &Fields { inode: 0, mode: 0, mtime: 0, size: 0 })?;
    if reader.at != archive.len() {
        let rule = "bytes follow the trailer".into();
        return Err(ReadError::Structure { part: PART, offset: reader.at, rule });
    }
    Ok(files)
}

/// The fields of a newc header which differ between entries; the others are constant.
struct Fields {
    inode: u32,
    mode: u32,
    mtime: u32,
    size: u32,
}

fn fields(record: &Record) -> Fields {
    Fields { inode: record.inode, mode: record.mode.into(), mtime: record.mtime, size: record.size }
}

struct Reader<'a> {
    archive: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], ReadError> {
        let end = self.at.checked_add(length).filter(|&end| end <= self.archive.len());
        let end = end.ok_or(ReadError::Truncated { part: PART })?;
        let bytes = &self.archive[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    fn padding(&mut self) -> Result<(), ReadError> {
        let at = self.at;
        if self.take(at.next_multiple_of(4) - at)?.iter().any(|&byte| byte != 0) {
            let rule = "padding is not zero".into();
            return Err(ReadError::Structure { part: PART, offset: at, rule });
        }
        Ok(())
    }

    /// The content of the next entry, whose header must be exactly the one for `name` and `fields`.
    fn entry(&mut self, name: &str, fields: &Fields) -> Result<&'a [u8], ReadError> {
        let wrong = |rule: String| ReadError::Entry { path: name.to_owned(), rule };
        let found = self.take(HEADER)?;
        if !found.starts_with(MAGIC) {
            return Err(wrong("magic is not 070701".into()));
        }
        let name_size = name.len() as u32 + 1;
        for (number, (field, expected)) in [
            ("inode", fields.inode),
            ("mode", fields.mode),
            ("uid", 0),
            ("gid", 0),
            ("link count", 1),
            ("mtime", fields.mtime),
            ("size", fields.size),
            ("device major", 0),
            ("device minor", 0),
            ("rdev major", 0),
            ("rdev minor", 0),
            ("name size", name_size),
            ("checksum", 0),
        ]
        .into_iter()
        .enumerate()
        {
            let digits = &found[MAGIC.len() + number * 8..][..8];
            if digits != format!("{expected:08x}").as_bytes() {
                let found = String::from_utf8_lossy(digits);
                return Err(wrong(format!("{field} is {found:?}, the header says {expected:08x}")));
            }
        }
        let stored = self.take(name_size as usize)?;
        if stored[..name.len()] != *name.as_bytes() || stored[name.len()] != 0 {
            return Err(wrong(format!("the archive has {:?} in its place", String::from_utf8_lossy(stored))));
        }
        self.padding()?;
        let content = self.take(fields.size as usize)?;
        self.padding()?;
        Ok(content)
    }
}

fn file(record: Record, content: &[u8]) -> Result<FileInfo, ReadError> {
    let permissions = record.permissions();
    let wrong = |rule: &str| ReadError::Entry { path: record.path.clone(), rule: rule.into() };
    let kind = match &record.kind {
        RecordKind::Dir if record.size != 0 => return Err(wrong("a directory with content")),
        RecordKind::Dir => Kind::Dir,
        RecordKind::Ghost => Kind::Ghost,
        RecordKind::Symlink { target } if content != target.as_bytes() => {
            return Err(wrong("the target in the archive is not that in the header"));
        }
        RecordKind::Symlink { target } => Kind::Symlink { target: target.clone() },
        RecordKind::File => Kind::File { content: Arc::from(content) },
    };
    let found = record.digest.map(|stated| match stated {
        Digest::Sha256(_) => Digest::Sha256(Sha256::digest(content).into()),
        Digest::Md5(_) => Digest::Md5(Md5::digest(content).into()),
    });
    if let (Some(stated), Some(found)) = (record.digest, found)
        && stated != found
    {
        return Err(ReadError::Mismatch {
            what: format!("digest of {}", record.path),
            stated: stated.to_string(),
            found: found.to_string(),
        });
    }
    let Record { path, owner, group, class, verify, size, mtime, digest, .. } = record;
    let entry = Entry { path, kind, mode: permissions, owner, group, class, verify };
    Ok(FileInfo { entry, size, mtime, digest })
}
