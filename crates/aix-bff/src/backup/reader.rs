//! Reads any by-name stream, record by record, in bounded memory.

use std::io::{self, BufReader, Read};

use thiserror::Error;

use super::record::{
    END_LENGTH, End, FileType, Header, MAGIC_BY_INODE, MAGIC_BY_NAME, MAGIC_PACKED, MAX_FILE_SIZE,
    NAME_OFFSET, Packing, Security, TYPE_END, TYPE_NAME, TYPE_VOLUME, VOLUME_LENGTH, Volume, get16, get32,
    padding_to,
};
use crate::{
    checksum::{CHECKSUM_OFFSET, header_checksum},
    huffman::Unpacker,
};

/// Longest access or privilege control list that is read, in bytes.
const MAX_LIST: u32 = 64 * 1024;

/// Why a stream is refused. Offsets count from the start of the stream.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// The input failed.
    #[error("cannot read the backup stream at byte {offset}")]
    Io {
        /// Where.
        offset: u64,
        /// What the input said.
        source: io::Error,
    },
    /// The input ends inside a record.
    #[error("the backup stream ends at byte {offset}, inside {within}: the file is truncated")]
    Truncated {
        /// Where the input ends.
        offset: u64,
        /// The unfinished part.
        within: &'static str,
    },
    /// Not a backup by name, or a record that is not one.
    #[error(
        "byte {offset} has the magic {magic:#06x}: a backup by name has {MAGIC_BY_NAME:#06x}, or \
             {MAGIC_PACKED:#06x} for packed files"
    )]
    Magic {
        /// Start of the record.
        offset: u64,
        /// What stands there.
        magic: u16,
    },
    /// A backup by inode.
    #[error(
        "byte {offset} starts a by-inode record ({MAGIC_BY_INODE:#06x}): packages are backups by name (`backup -i`)"
    )]
    ByInode {
        /// Start of the record.
        offset: u64,
    },
    /// A record type out of place, or unknown.
    #[error("byte {offset} has a record of type {kind}: expected {expected}")]
    RecordType {
        /// Start of the record.
        offset: u64,
        /// The type byte.
        kind: u8,
        /// What may stand here.
        expected: &'static str,
    },
    /// A record whose length byte does not fit its type.
    #[error("the record at byte {offset} has {length} bytes: not possible for type {kind}")]
    RecordLength {
        /// Start of the record.
        offset: u64,
        /// Its length in bytes.
        length: usize,
        /// The type byte.
        kind: u8,
    },
    /// A header whose bytes changed.
    #[error(
        "the header at byte {offset} has the checksum {stored:#06x}, its bytes give {computed:#06x}: it was changed"
    )]
    Checksum {
        /// Start of the record.
        offset: u64,
        /// The stored checksum.
        stored: u16,
        /// The right one.
        computed: u16,
    },
    /// A name that is empty, not ASCII or without its NUL.
    #[error("the header at byte {offset} has no name of ASCII characters ended by NUL")]
    Name {
        /// Start of the record.
        offset: u64,
    },
    /// A symbolic link, device, socket or FIFO.
    #[error(
        "`{name}` at byte {offset} has mode {mode:#o}: only files and directories are supported; links belong in the inventory"
    )]
    FileType {
        /// Start of the record.
        offset: u64,
        /// Name of the record.
        name: String,
        /// Its mode.
        mode: u32,
    },
    /// Sizes that contradict each other or the limit.
    #[error("`{name}` at byte {offset} has size {size} and {stored} stored bytes: {rule}")]
    Size {
        /// Start of the record.
        offset: u64,
        /// Name of the record.
        name: String,
        /// Unpacked size.
        size: u32,
        /// Stored size.
        stored: u32,
        /// The broken rule.
        rule: &'static str,
    },
    /// An access control list of an impossible length.
    #[error("`{name}` at byte {offset} has a control list of {length} units of 8 bytes: the limit is {limit}", limit = MAX_LIST / 8)]
    List {
        /// Start of the record.
        offset: u64,
        /// Name of the record.
        name: String,
        /// The length in units of 8 bytes.
        length: u32,
    },
}

enum Body {
    None,
    Stored,
    Packed(Box<Unpacker>),
}

/// Reads a stream record by record.
///
/// [`next_record`](Self::next_record) gives the header of a file or directory, after which the reader
/// itself, as [`Read`], yields its unpacked data. Every header checksum is verified.
pub struct StreamReader<R> {
    input: BufReader<R>,
    offset: u64,
    volume: Volume,
    end: Option<End>,
    body: Body,
    stored_left: u64,
    padding_left: usize,
}

impl<R: Read> StreamReader<R> {
    /// Reads the volume record.
    ///
    /// # Errors
    ///
    /// When the input does not start with one.
    pub fn new(input: R) -> Result<Self, StreamError> {
        let mut reader = Self {
            input: BufReader::with_capacity(64 * 1024, input),
            offset: 0,
            volume: Volume::canonical(0),
            end: None,
            body: Body::None,
            stored_left: 0,
            padding_left: 0,
        };
        let header = reader.header("the volume record")?;
        let (kind, length) = (header[1], header.len());
        if kind != TYPE_VOLUME {
            return Err(StreamError::RecordType { offset: 0, kind, expected: "the volume record (0)" });
        }
        if get16(&header, 2) != MAGIC_BY_NAME {
            return Err(StreamError::Magic { offset: 0, magic: get16(&header, 2) });
        }
        let bytes: &[u8; VOLUME_LENGTH] = header
            .as_slice()
            .try_into()
            .map_err(|_| StreamError::RecordLength { offset: 0, length, kind })?;
        reader.volume = Volume::decode(bytes);
        Ok(reader)
    }

    /// The volume record.
    pub fn volume(&self) -> &Volume {
        &self.volume
    }

    /// The end record, once it was read.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Bytes read so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next file or directory, `None` after the end record. Unread data of the one before is
    /// skipped.
    ///
    /// # Errors
    ///
    /// When the stream is damaged, truncated or has a record that is not supported.
    pub fn next_record(&mut self) -> Result<Option<(Header, Security)>, StreamError> {
        self.finish_record()?;
        if self.end.is_some() {
            return Ok(None);
        }
        let offset = self.offset;
        let bytes = self.header("the records: there is no end record")?;
        let (kind, length) = (bytes[1], bytes.len());
        let length_error = StreamError::RecordLength { offset, length, kind };
        let packing = match get16(&bytes, 2) {
            MAGIC_PACKED if kind == TYPE_NAME => Packing::Packed,
            MAGIC_BY_NAME => Packing::Stored,
            magic => return Err(StreamError::Magic { offset, magic }),
        };
        match kind {
            TYPE_END if length == END_LENGTH => {
                self.end = Some(End { volume: get16(&bytes, 6) });
                return Ok(None);
            }
            TYPE_NAME if length > NAME_OFFSET => {}
            TYPE_END | TYPE_NAME => return Err(length_error),
            _ => {
                let expected = "a named file (11) or the end (7)";
                return Err(StreamError::RecordType { offset, kind, expected });
            }
        }
        let header = named(offset, &bytes, packing)?;
        let security = self.security(offset, &header.name)?;
        self.start_body(offset, &header)?;
        Ok(Some((header, security)))
    }

    /// Skips what is left of the data and returns the bytes that fill it to a multiple of 8.
    ///
    /// # Errors
    ///
    /// When the stream ends before them.
    pub fn finish_record(&mut self) -> Result<Vec<u8>, StreamError> {
        self.body = Body::None;
        while self.stored_left > 0 {
            let mut scratch = [0; 8192];
            let wanted = self.stored_left.min(scratch.len() as u64) as usize;
            self.exact(&mut scratch[..wanted], "the data of a file")?;
            self.stored_left -= wanted as u64;
        }
        let mut padding = vec![0; std::mem::take(&mut self.padding_left)];
        self.exact(&mut padding, "the padding of a file")?;
        Ok(padding)
    }

    /// Reads on behind the end record: the padding that fills the last block.
    ///
    /// # Errors
    ///
    /// Those of the input.
    pub fn read_trailer(&mut self, buffer: &mut [u8]) -> Result<usize, StreamError> {
        let read =
            self.input.read(buffer).map_err(|source| StreamError::Io { offset: self.offset, source })?;
        self.offset += read as u64;
        Ok(read)
    }

    /// Reads one header whole and verifies magic family and checksum.
    fn header(&mut self, within: &'static str) -> Result<Vec<u8>, StreamError> {
        let offset = self.offset;
        let mut header = vec![0; 8];
        self.exact(&mut header, within)?;
        match get16(&header, 2) {
            MAGIC_BY_NAME | MAGIC_PACKED => {}
            MAGIC_BY_INODE => return Err(StreamError::ByInode { offset }),
            magic => return Err(StreamError::Magic { offset, magic }),
        }
        let length = usize::from(header[0]) * 8;
        if length < header.len() {
            return Err(StreamError::RecordLength { offset, length, kind: header[1] });
        }
        header.resize(length, 0);
        self.exact(&mut header[8..], "a header")?;
        let (stored, computed) = (get16(&header, CHECKSUM_OFFSET), header_checksum(&header));
        if stored != computed {
            return Err(StreamError::Checksum { offset, stored, computed });
        }
        Ok(header)
    }

    fn security(&mut self, offset: u64, name: &str) -> Result<Security, StreamError> {
        let mut lengths = [0; 8];
        self.exact(&mut lengths, "a security record")?;
        let mut list = |at: usize| {
            let length = get32(&lengths, at);
            if length > MAX_LIST / 8 {
                return Err(StreamError::List { offset, name: name.into(), length });
            }
            let mut bytes = vec![0; length as usize * 8];
            self.exact(&mut bytes, "a control list")?;
            Ok(bytes)
        };
        Ok(Security { access: list(0)?, privilege: list(4)? })
    }

    fn start_body(&mut self, offset: u64, header: &Header) -> Result<(), StreamError> {
        let (size, stored) = (header.size, header.stored_size);
        let refuse = |rule| Err(StreamError::Size { offset, name: header.name.clone(), size, stored, rule });
        match header.file_type() {
            // AIX states the size that the directory had on disk as stored size, but stores nothing.
            Some(FileType::Directory) if size == 0 => return Ok(()),
            Some(FileType::Directory) => return refuse("a directory has no data"),
            Some(FileType::Regular) => {}
            None => {
                let (name, mode) = (header.name.clone(), header.mode);
                return Err(StreamError::FileType { offset, name, mode });
            }
        }
        if size > MAX_FILE_SIZE || stored > MAX_FILE_SIZE {
            return refuse("files must be smaller than 2 GiB");
        }
        match header.packing {
            Packing::Stored if size != stored => return refuse("an unpacked file stores exactly its size"),
            Packing::Packed if (size == 0) != (stored == 0) => return refuse("an empty file stores nothing"),
            _ => {}
        }
        self.stored_left = stored.into();
        self.padding_left = padding_to(stored.into(), 8);
        self.body = match header.packing {
            _ if size == 0 => Body::None,
            Packing::Stored => Body::Stored,
            Packing::Packed => {
                let mut source =
                    Counted { input: &mut self.input, offset: &mut self.offset, left: &mut self.stored_left };
                let unpacker = Unpacker::new(&mut source, size.into());
                let offset = *source.offset;
                Body::Packed(Box::new(unpacker.map_err(|source| StreamError::Io { offset, source })?))
            }
        };
        Ok(())
    }

    fn exact(&mut self, buffer: &mut [u8], within: &'static str) -> Result<(), StreamError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => return Err(StreamError::Truncated { offset: self.offset, within }),
                Ok(read) => {
                    filled += read;
                    self.offset += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(StreamError::Io { offset: self.offset, source }),
            }
        }
        Ok(())
    }
}

/// The unpacked data of the current record.
impl<R: Read> Read for StreamReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut source =
            Counted { input: &mut self.input, offset: &mut self.offset, left: &mut self.stored_left };
        match &mut self.body {
            Body::None => Ok(0),
            Body::Stored => {
                let expected = *source.left > 0 && !buffer.is_empty();
                match source.read(buffer)? {
                    0 if expected => Err(io::ErrorKind::UnexpectedEof.into()),
                    read => Ok(read),
                }
            }
            Body::Packed(unpacker) => unpacker.read(&mut source, buffer),
        }
    }
}

/// The stored bytes of one record, counted.
struct Counted<'a, R> {
    input: &'a mut R,
    offset: &'a mut u64,
    left: &'a mut u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = (*self.left).min(buffer.len() as u64) as usize;
        let read = self.input.read(&mut buffer[..wanted])?;
        *self.left -= read as u64;
        *self.offset += read as u64;
        Ok(read)
    }
}

fn named(offset: u64, bytes: &[u8], packing: Packing) -> Result<Header, StreamError> {
    let field = &bytes[NAME_OFFSET..];
    let end = field.iter().position(|&b| b == 0).filter(|&end| end > 0);
    let name = end
        .map(|end| &field[..end])
        .filter(|name| name.is_ascii())
        .and_then(|name| std::str::from_utf8(name).ok())
        .ok_or(StreamError::Name { offset })?;
    Ok(Header::decode(bytes, packing, name.to_owned(), field[name.len()..].to_vec()))
}
