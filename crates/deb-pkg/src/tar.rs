//! tar archives in the one form that this crate writes and reads: GNU format, `./`-rooted, sorted.
//!
//! One encoder defines the form. The reader decodes a header and then requires that encoding the result gives
//! the same bytes, so there is no second way to write an entry.

use std::io::{self, Write};
use std::sync::Arc;

use crate::spec::{Entry, EntryKind, Owner};

const BLOCK: usize = 512;
/// Two zero blocks end an archive (POSIX.1 `pax`, ustar interchange format).
const END: usize = 2 * BLOCK;
/// Longest name and link target that fit a header; longer ones go the GNU way.
const NAME_FIELD: usize = 100;
/// Largest modification time and size: 11 octal digits.
pub(crate) const MAX_TIME: u64 = 0o77777777777;
/// Largest user and group number: 7 octal digits.
pub(crate) const MAX_ID: u32 = 0o7777777;
/// Longest user and group name: 32 bytes with the terminating NUL.
pub(crate) const MAX_OWNER: usize = 31;
const LONG_LINK: &[u8] = b"././@LongLink";

/// Why bytes are not a tar archive that this crate writes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// The archive ends inside a header or a file.
    #[error("tar: truncated at byte {offset}")]
    Truncated {
        /// Where more bytes were needed.
        offset: usize,
    },
    /// A header field cannot be read at all.
    #[error("tar: header at byte {offset}: field {field} is malformed")]
    Field {
        /// Start of the header block.
        offset: usize,
        /// Name of the field in the ustar format.
        field: &'static str,
    },
    /// The type flag is not a regular file, directory or symbolic link.
    #[error("tar: header at byte {offset}: type {flag:#04x} is not allowed in a package")]
    Type {
        /// Start of the header block.
        offset: usize,
        /// The type flag.
        flag: u8,
    },
    /// The header means what its fields say, but its bytes are not those that this crate writes.
    #[error("tar: header of {path:?} at byte {offset} is not canonical")]
    NotCanonical {
        /// Start of the header block.
        offset: usize,
        /// Path of the entry.
        path: String,
    },
    /// Bytes that must be zero are not.
    #[error("tar: padding at byte {offset} is not zero, or the archive does not end after two zero blocks")]
    Padding {
        /// Where the padding begins.
        offset: usize,
    },
    /// Entries are not in strictly ascending order.
    #[error("tar: {path:?} does not sort after the entry before it")]
    Order {
        /// Path of the second entry.
        path: String,
    },
    /// Not all entries have the same modification time.
    #[error("tar: {path:?} has another modification time than the entries before it")]
    Time {
        /// Path of the first entry that differs.
        path: String,
    },
    /// The archive has no entries.
    #[error("tar: the archive is empty")]
    Empty,
}

/// Writes a whole archive: `entries` in their order, each modified at `mtime`.
pub(crate) fn write<'a>(
    entries: impl IntoIterator<Item = &'a Entry>,
    mtime: u64,
    mut out: impl Write,
) -> io::Result<()> {
    for entry in entries {
        out.write_all(&encode_headers(entry, mtime))?;
        if let EntryKind::File { content } = &entry.kind {
            out.write_all(content)?;
            out.write_all(&[0; BLOCK][..padding(content.len())])?;
        }
    }
    out.write_all(&[0; END])
}

/// Reads a whole archive: its entries with absolute paths, `/` for `./`, and their common modification time.
pub(crate) fn read(bytes: &[u8]) -> Result<(Vec<Entry>, u64), TarError> {
    let mut reader = Reader { bytes, at: 0 };
    let mut entries: Vec<Entry> = Vec::new();
    let mut time = None;
    while let Some((entry, mtime)) = reader.entry()? {
        if *time.get_or_insert(mtime) != mtime {
            return Err(TarError::Time { path: entry.path });
        }
        if entries.last().is_some_and(|last| last.path.as_bytes() >= entry.path.as_bytes()) {
            return Err(TarError::Order { path: entry.path });
        }
        entries.push(entry);
    }
    Ok((entries, time.ok_or(TarError::Empty)?))
}

/// Zero bytes that fill `size` bytes up to whole blocks.
fn padding(size: usize) -> usize {
    size.next_multiple_of(BLOCK) - size
}

/// All header blocks of an entry, those for long names included.
fn encode_headers(entry: &Entry, mtime: u64) -> Vec<u8> {
    let mut name = format!(".{}", entry.path);
    let (flag, size, target) = match &entry.kind {
        EntryKind::Directory => (b'5', 0, ""),
        EntryKind::File { content } => (b'0', content.len() as u64, ""),
        EntryKind::Symlink { target } => (b'2', 0, target.as_str()),
    };
    if flag == b'5' && entry.path != "/" {
        name.push('/');
    }
    let mut out = Vec::with_capacity(BLOCK);
    // GNU tar writes the link target before the name.
    for (flag, text) in [(b'K', target), (b'L', name.as_str())] {
        if text.len() > NAME_FIELD {
            out.extend(encode_long(flag, text.as_bytes()));
        }
    }
    out.extend(encode_header(&Fields {
        name: name.as_bytes(),
        mode: entry.mode,
        user: &entry.user,
        group: &entry.group,
        size,
        mtime,
        flag,
        target: target.as_bytes(),
    }));
    out
}

/// A GNU long name: a pseudo entry whose content is the name and a NUL. Header values as GNU tar writes them.
fn encode_long(flag: u8, text: &[u8]) -> Vec<u8> {
    let root = Owner::root();
    let size = text.len() + 1;
    let mut out = encode_header(&Fields {
        name: LONG_LINK,
        mode: 0o644,
        user: &root,
        group: &root,
        size: size as u64,
        mtime: 0,
        flag,
        target: b"",
    })
    .to_vec();
    out.extend_from_slice(text);
    out.resize(out.len() + 1 + padding(size), 0);
    out
}

struct Fields<'a> {
    name: &'a [u8],
    mode: u32,
    user: &'a Owner,
    group: &'a Owner,
    size: u64,
    mtime: u64,
    flag: u8,
    target: &'a [u8],
}

fn encode_header(fields: &Fields<'_>) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, width: usize, bytes: &[u8]| {
        let length = bytes.len().min(width);
        block[at..at + length].copy_from_slice(&bytes[..length]);
    };
    put(0, NAME_FIELD, fields.name);
    put(100, 8, format!("{:07o}", fields.mode).as_bytes());
    put(108, 8, format!("{:07o}", fields.user.id).as_bytes());
    put(116, 8, format!("{:07o}", fields.group.id).as_bytes());
    put(124, 12, format!("{:011o}", fields.size).as_bytes());
    put(136, 12, format!("{:011o}", fields.mtime).as_bytes());
    put(148, 8, b"        ");
    put(156, 1, &[fields.flag]);
    put(157, NAME_FIELD, fields.target);
    put(257, 8, b"ustar  ");
    put(265, MAX_OWNER, fields.user.name.as_bytes());
    put(297, MAX_OWNER, fields.group.name.as_bytes());
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], TarError> {
        let taken = self
            .at
            .checked_add(length)
            .and_then(|end| self.bytes.get(self.at..end))
            .ok_or(TarError::Truncated { offset: self.at })?;
        self.at += length;
        Ok(taken)
    }

    fn take_zeros(&mut self, length: usize) -> Result<(), TarError> {
        let offset = self.at;
        if self.take(length)?.iter().any(|&byte| byte != 0) {
            return Err(TarError::Padding { offset });
        }
        Ok(())
    }

    /// The next entry, or `None` at the end of the archive.
    fn entry(&mut self) -> Result<Option<(Entry, u64)>, TarError> {
        let start = self.at;
        let mut header = Header { block: self.take(BLOCK)?, offset: start };
        if header.block.iter().all(|&byte| byte == 0) {
            self.take_zeros(BLOCK)?;
            if self.at != self.bytes.len() {
                return Err(TarError::Padding { offset: self.at });
            }
            return Ok(None);
        }
        let mut long = [None, None];
        for (slot, flag) in long.iter_mut().zip([b'K', b'L']) {
            if header.flag() == flag {
                *slot = Some(self.long_text(&header)?);
                let offset = self.at;
                header = Header { block: self.take(BLOCK)?, offset };
            }
        }
        let [target, name] = long;
        let name = match name {
            Some(name) => name,
            None => header.text(0, NAME_FIELD, "name")?,
        };
        let target = match target {
            Some(target) => target,
            None => header.text(157, NAME_FIELD, "linkname")?,
        };
        let (mut entry, mtime) = header.decode(name, target)?;
        let headers_end = self.at;
        if let EntryKind::File { content } = &mut entry.kind {
            let size = header.octal(124, 12, "size")?;
            let size = usize::try_from(size).map_err(|_| TarError::Truncated { offset: start })?;
            *content = self.take(size)?.into();
            self.take_zeros(padding(size))?;
        }
        if encode_headers(&entry, mtime) != self.bytes[start..headers_end] {
            return Err(TarError::NotCanonical { offset: start, path: entry.path });
        }
        Ok(Some((entry, mtime)))
    }

    /// The content of a GNU long name entry, without its NUL.
    fn long_text(&mut self, header: &Header<'_>) -> Result<String, TarError> {
        let malformed = TarError::Field { offset: header.offset, field: "long name" };
        let size = header.octal(124, 12, "size")?;
        let size = usize::try_from(size).map_err(|_| malformed.clone())?;
        let text = self.take(size)?;
        self.take_zeros(padding(size))?;
        match text.split_last() {
            Some((0, text)) if !text.contains(&0) => String::from_utf8(text.to_vec()).map_err(|_| malformed),
            _ => Err(malformed),
        }
    }
}

/// One header block and where it stands.
struct Header<'a> {
    block: &'a [u8],
    offset: usize,
}

impl Header<'_> {
    fn flag(&self) -> u8 {
        self.block[156]
    }

    fn decode(&self, name: String, target: String) -> Result<(Entry, u64), TarError> {
        let field = |field| TarError::Field { offset: self.offset, field };
        let path = name.strip_prefix('.').filter(|path| path.starts_with('/')).ok_or(field("name"))?;
        let (path, kind) = match self.flag() {
            b'0' => (path, EntryKind::File { content: Arc::from([]) }),
            b'2' => (path, EntryKind::Symlink { target }),
            b'5' if path == "/" => (path, EntryKind::Directory),
            b'5' => (path.strip_suffix('/').ok_or(field("name"))?, EntryKind::Directory),
            flag => return Err(TarError::Type { offset: self.offset, flag }),
        };
        let id = |at, field| -> Result<u32, TarError> {
            let value = self.octal(at, 8, field)?;
            u32::try_from(value).map_err(|_| TarError::Field { offset: self.offset, field })
        };
        let entry = Entry {
            path: path.to_owned(),
            kind,
            mode: id(100, "mode")?,
            user: Owner { name: self.text(265, MAX_OWNER + 1, "uname")?, id: id(108, "uid")? },
            group: Owner { name: self.text(297, MAX_OWNER + 1, "gname")?, id: id(116, "gid")? },
        };
        Ok((entry, self.octal(136, 12, "mtime")?))
    }

    /// A text field up to its first NUL.
    fn text(&self, at: usize, width: usize, field: &'static str) -> Result<String, TarError> {
        let bytes = &self.block[at..at + width];
        let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(width);
        match std::str::from_utf8(&bytes[..length]) {
            Ok(text) => Ok(text.to_owned()),
            Err(_) => Err(TarError::Field { offset: self.offset, field }),
        }
    }

    /// A number of `width - 1` octal digits and a NUL.
    fn octal(&self, at: usize, width: usize, field: &'static str) -> Result<u64, TarError> {
        let (&end, digits) = self.block[at..at + width].split_last().expect("fields are not empty");
        let mut value = 0;
        for &digit in digits {
            if !(b'0'..=b'7').contains(&digit) {
                return Err(TarError::Field { offset: self.offset, field });
            }
            value = value << 3 | u64::from(digit - b'0');
        }
        if end != 0 {
            return Err(TarError::Field { offset: self.offset, field });
        }
        Ok(value)
    }
}
