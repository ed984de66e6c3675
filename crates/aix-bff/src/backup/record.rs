//! The records of a backup stream as values, and their bytes.
//!
//! Every field is kept, also those that AIX fills with stale memory, so that a genuine stream can be
//! written again byte for byte.

use crate::checksum::{CHECKSUM_OFFSET, header_checksum};

/// Magic of a by-name record whose data, if any, is stored as it is.
pub const MAGIC_BY_NAME: u16 = 0xea6b;
/// Magic of a by-name record whose data is Huffman-packed.
pub const MAGIC_PACKED: u16 = 0xea6c;
/// Magic of by-inode backups, which no installp package uses.
pub const MAGIC_BY_INODE: u16 = 0xea6d;
/// A stream is filled with zeros to a multiple of this many bytes.
pub const BLOCK: u64 = 512;
/// Largest file of a package in bytes: one less than 2 GiB.
pub const MAX_FILE_SIZE: u32 = 0x7fff_ffff;

pub(crate) const TYPE_VOLUME: u8 = 0;
pub(crate) const TYPE_END: u8 = 7;
pub(crate) const TYPE_NAME: u8 = 11;

pub(crate) const VOLUME_LENGTH: usize = 72;
pub(crate) const NAME_OFFSET: usize = 64;
pub(crate) const END_LENGTH: usize = 8;
/// A header length is one byte in units of 8 bytes.
pub(crate) const MAX_HEADER_LENGTH: usize = 255 * 8;

/// Bytes that fill `length` to a multiple of `unit`.
pub(crate) fn padding_to(length: u64, unit: u64) -> usize {
    (length.next_multiple_of(unit) - length) as usize
}

fn put16(bytes: &mut [u8], offset: usize, value: u16) {
    bytes[offset..offset + 2].copy_from_slice(&value.to_le_bytes());
}

fn put32(bytes: &mut [u8], offset: usize, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

pub(crate) fn get16(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes([bytes[offset], bytes[offset + 1]])
}

pub(crate) fn get32(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes([bytes[offset], bytes[offset + 1], bytes[offset + 2], bytes[offset + 3]])
}

fn text16(text: &str) -> [u8; 16] {
    let mut field = [0; 16];
    field[..text.len()].copy_from_slice(text.as_bytes());
    field
}

/// Fills the common prefix, and last the checksum over the whole header.
fn seal(bytes: &mut [u8], kind: u8, magic: u16) {
    bytes[0] = (bytes.len() / 8) as u8;
    bytes[1] = kind;
    put16(bytes, 2, magic);
    let checksum = header_checksum(bytes);
    put16(bytes, CHECKSUM_OFFSET, checksum);
}

/// FS_VOLUME: the first record of a stream, 72 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Number of this volume, from 1.
    pub number: u16,
    /// Time of the backup, in seconds since 1970.
    pub date: u32,
    /// Start of the backup, in seconds since 1970.
    pub start_date: u32,
    /// 0x7fffffff in every known stream.
    pub words: u32,
    /// `by name`, NUL-padded.
    pub disk: [u8; 16],
    /// `by name`, NUL-padded.
    pub filesystem: [u8; 16],
    /// User that made the backup, NUL-padded.
    pub user: [u8; 16],
    /// 100 in every known stream.
    pub level: u16,
    /// Zero.
    pub reserved: u16,
}

impl Volume {
    /// The volume record of a package written at `timestamp` (seconds since 1970).
    pub fn canonical(timestamp: u32) -> Self {
        Self {
            number: 1,
            date: timestamp,
            start_date: timestamp,
            words: 0x7fff_ffff,
            disk: text16("by name"),
            filesystem: text16("by name"),
            user: text16("root"),
            level: 100,
            reserved: 0,
        }
    }

    /// The 72 bytes of the record, with its checksum.
    pub fn encode(&self) -> [u8; 72] {
        let mut bytes = [0; VOLUME_LENGTH];
        put16(&mut bytes, 6, self.number);
        put32(&mut bytes, 8, self.date);
        put32(&mut bytes, 12, self.start_date);
        put32(&mut bytes, 16, self.words);
        bytes[20..36].copy_from_slice(&self.disk);
        bytes[36..52].copy_from_slice(&self.filesystem);
        bytes[52..68].copy_from_slice(&self.user);
        put16(&mut bytes, 68, self.level);
        put16(&mut bytes, 70, self.reserved);
        seal(&mut bytes, TYPE_VOLUME, MAGIC_BY_NAME);
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; VOLUME_LENGTH]) -> Self {
        let field16 = |offset: usize| {
            let mut field = [0; 16];
            field.copy_from_slice(&bytes[offset..offset + 16]);
            field
        };
        Self {
            number: get16(bytes, 6),
            date: get32(bytes, 8),
            start_date: get32(bytes, 12),
            words: get32(bytes, 16),
            disk: field16(20),
            filesystem: field16(36),
            user: field16(52),
            level: get16(bytes, 68),
            reserved: get16(bytes, 70),
        }
    }
}

/// How the data of a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// As it is.
    Stored,
    /// Huffman-packed.
    Packed,
}

/// The types of file that a stream may hold. Others are refused: no public sample settles their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileType {
    /// Regular file.
    Regular,
    /// Directory.
    Directory,
}

impl FileType {
    /// The file type bits of a mode (`S_IFMT` is 0o170000).
    pub fn from_mode(mode: u32) -> Option<Self> {
        match mode & 0o170_000 {
            0o100_000 => Some(Self::Regular),
            0o040_000 => Some(Self::Directory),
            _ => None,
        }
    }

    fn bits(self) -> u32 {
        match self {
            Self::Regular => 0o100_000,
            Self::Directory => 0o040_000,
        }
    }
}

/// FS_NAME_X: one file or directory, 64 bytes and the padded name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How the data is stored; it decides the magic.
    pub packing: Packing,
    /// Number of hard links on the host of origin.
    pub link_count: u16,
    /// Inode number; for directories a number counting down from 0xffffffff.
    pub inode: u32,
    /// File type, permissions and AIX flags.
    pub mode: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Length of the unpacked data in bytes.
    pub size: u32,
    /// Access time, seconds since 1970.
    pub accessed: u32,
    /// Modification time, seconds since 1970.
    pub modified: u32,
    /// Status change time, seconds since 1970.
    pub changed: u32,
    /// Major and minor number of the device of origin.
    pub device: [u32; 2],
    /// Major and minor number of a device file.
    pub special_device: [u32; 2],
    /// Stored bytes of the data. AIX writes the size of the directory for directories, which have none.
    pub stored_size: u32,
    /// Zero.
    pub reserved: u32,
    /// The name, ASCII, without NUL.
    pub name: String,
    /// The rest of the name field from its first NUL; AIX leaves stale memory after it.
    pub name_padding: Vec<u8>,
}

impl Header {
    /// The header that the writer gives an entry: owner 0:0, one time, no link, device or packing.
    ///
    /// `permissions` are the low 12 mode bits, `size` is 0 for directories.
    pub fn canonical(
        name: &str,
        kind: FileType,
        permissions: u16,
        size: u32,
        timestamp: u32,
        inode: u32,
    ) -> Self {
        Self {
            packing: Packing::Stored,
            link_count: 1,
            inode,
            mode: kind.bits() | u32::from(permissions & 0o7777),
            uid: 0,
            gid: 0,
            size,
            accessed: timestamp,
            modified: timestamp,
            changed: timestamp,
            device: [0; 2],
            special_device: [0; 2],
            stored_size: size,
            reserved: 0,
            name: name.into(),
            name_padding: vec![0; padding_to(name.len() as u64 + 1, 8) + 1],
        }
    }

    /// The type of file, when it is one that a package may hold.
    pub fn file_type(&self) -> Option<FileType> {
        FileType::from_mode(self.mode)
    }

    /// The low 12 mode bits: permissions, set-id and sticky bits.
    pub fn permissions(&self) -> u16 {
        (self.mode & 0o7777) as u16
    }

    /// Length of the encoded header in bytes.
    pub fn encoded_length(&self) -> usize {
        NAME_OFFSET + self.name.len() + self.name_padding.len()
    }

    /// The bytes of the header, with its checksum. The security record and the data follow it.
    ///
    /// # Panics
    ///
    /// When name and padding are not a multiple of 8 or longer than a header may be (1976 bytes).
    pub fn encode(&self) -> Vec<u8> {
        let length = self.encoded_length();
        assert!(length.is_multiple_of(8) && length <= MAX_HEADER_LENGTH, "header of {length} bytes");
        let mut bytes = vec![0; NAME_OFFSET];
        put16(&mut bytes, 6, self.link_count);
        let words = [
            self.inode,
            self.mode,
            self.uid,
            self.gid,
            self.size,
            self.accessed,
            self.modified,
            self.changed,
            self.device[0],
            self.device[1],
            self.special_device[0],
            self.special_device[1],
            self.stored_size,
            self.reserved,
        ];
        for (index, word) in words.into_iter().enumerate() {
            put32(&mut bytes, 8 + 4 * index, word);
        }
        bytes.extend_from_slice(self.name.as_bytes());
        bytes.extend_from_slice(&self.name_padding);
        let magic = match self.packing {
            Packing::Stored => MAGIC_BY_NAME,
            Packing::Packed => MAGIC_PACKED,
        };
        seal(&mut bytes, TYPE_NAME, magic);
        bytes
    }

    /// The fields before the name; `bytes` has at least 64.
    pub(crate) fn decode(bytes: &[u8], packing: Packing, name: String, name_padding: Vec<u8>) -> Self {
        let word = |index: usize| get32(bytes, 8 + 4 * index);
        Self {
            packing,
            link_count: get16(bytes, 6),
            inode: word(0),
            mode: word(1),
            uid: word(2),
            gid: word(3),
            size: word(4),
            accessed: word(5),
            modified: word(6),
            changed: word(7),
            device: [word(8), word(9)],
            special_device: [word(10), word(11)],
            stored_size: word(12),
            reserved: word(13),
            name,
            name_padding,
        }
    }
}

/// The access control lists behind a header, not covered by its checksum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Security {
    /// The access control list (ACL); a multiple of 8 bytes.
    pub access: Vec<u8>,
    /// The privilege control list (PCL); a multiple of 8 bytes.
    pub privilege: Vec<u8>,
}

impl Security {
    /// The minimal lists for a file of this mode: 16 bytes each.
    pub fn canonical(mode: u32) -> Self {
        let mut access = vec![0; 16];
        put32(&mut access, 0, 16);
        put32(&mut access, 4, mode & 0o7000);
        for (offset, shift) in [(10, 6), (12, 3), (14, 0)] {
            put16(&mut access, offset, (mode >> shift & 7) as u16);
        }
        let mut privilege = vec![0; 16];
        put32(&mut privilege, 0, 16);
        put32(&mut privilege, 4, mode);
        Self { access, privilege }
    }

    /// The bytes of the record: both lengths in units of 8 bytes, then both lists.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; 8];
        put32(&mut bytes, 0, (self.access.len() / 8) as u32);
        put32(&mut bytes, 4, (self.privilege.len() / 8) as u32);
        bytes.extend_from_slice(&self.access);
        bytes.extend_from_slice(&self.privilege);
        bytes
    }
}

/// FS_END: the last record, 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Number of the volume; IBM's own build tool leaves stale memory here.
    pub volume: u16,
}

impl End {
    /// The end of volume 1.
    pub fn canonical() -> Self {
        Self { volume: 1 }
    }

    /// The bytes of the record, with its checksum.
    pub fn encode(&self) -> [u8; 8] {
        let mut bytes = [0; END_LENGTH];
        put16(&mut bytes, 6, self.volume);
        seal(&mut bytes, TYPE_END, MAGIC_BY_NAME);
        bytes
    }
}
