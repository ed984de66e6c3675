//! cpio "newc" members, magic 070701, as Sun's `cpio -ocD` writes them.

use crate::layout::{DIRECTORY, REGULAR};
use crate::rule::Rule;

/// Length of a member header without its name.
pub(crate) const HEADER: usize = 110;
/// Archives and the stream header end on this boundary.
pub(crate) const BLOCK: u64 = 512;
/// Longest member name with its NUL: `reloc/` and the longest path, or `<pkg>/pkginfo`.
pub(crate) const MAX_NAME: usize = 1100;

const TRAILER: &str = "TRAILER!!!";

/// The thirteen numbers of a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Header {
    pub(crate) ino: u32,
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) nlink: u32,
    pub(crate) mtime: u32,
    pub(crate) size: u32,
    pub(crate) dev: [u32; 2],
    pub(crate) rdev: [u32; 2],
    pub(crate) name_size: u32,
    pub(crate) check: u32,
}

impl Header {
    /// The header this writer gives a member.
    pub(crate) fn canonical(ino: u32, mode: u32, mtime: u32, size: u32, name: &str) -> Header {
        let nlink = if mode & DIRECTORY != 0 { 2 } else { 1 };
        Header { ino, mode, nlink, mtime, size, name_size: name.len() as u32 + 1, ..Header::default() }
    }

    pub(crate) fn trailer() -> Header {
        Header { nlink: 1, name_size: TRAILER.len() as u32 + 1, ..Header::default() }
    }

    pub(crate) fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == DIRECTORY
    }

    fn fields(&self) -> [u32; 13] {
        [
            self.ino,
            self.mode,
            self.uid,
            self.gid,
            self.nlink,
            self.mtime,
            self.size,
            self.dev[0],
            self.dev[1],
            self.rdev[0],
            self.rdev[1],
            self.name_size,
            self.check,
        ]
    }

    /// Header, name, NUL and padding to 4.
    pub(crate) fn encode(&self, name: &str) -> Vec<u8> {
        let mut bytes = b"070701".to_vec();
        for field in self.fields() {
            bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.push(0);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// Reads the fixed part.
    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Result<Header, Rule> {
        if &bytes[..6] != b"070701" {
            return Err(Rule::CpioMagic);
        }
        let mut fields = [0u32; 13];
        for (field, hex) in fields.iter_mut().zip(bytes[6..].chunks_exact(8)) {
            if !hex.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(Rule::CpioField);
            }
            let hex = std::str::from_utf8(hex).map_err(|_| Rule::CpioField)?;
            *field = u32::from_str_radix(hex, 16).map_err(|_| Rule::CpioField)?;
        }
        let [ino, mode, uid, gid, nlink, mtime, size, dev0, dev1, rdev0, rdev1, name_size, check] = fields;
        let (dev, rdev) = ([dev0, dev1], [rdev0, rdev1]);
        Ok(Header { ino, mode, uid, gid, nlink, mtime, size, dev, rdev, name_size, check })
    }

    /// Judges the fields of a member that is not the trailer.
    pub(crate) fn check(&self) -> Result<(), Rule> {
        match self.mode & 0o170_000 {
            REGULAR if self.mode & 0o7000 != 0 => return Err(Rule::CpioKind),
            REGULAR if self.nlink != 1 => return Err(Rule::CpioLink),
            DIRECTORY if self.size != 0 => return Err(Rule::CpioField),
            DIRECTORY if self.nlink == 0 => return Err(Rule::CpioLink),
            REGULAR | DIRECTORY => {}
            _ => return Err(Rule::CpioKind),
        }
        if self.mode > 0o177_777 {
            return Err(Rule::CpioKind);
        }
        if self.check != 0 {
            return Err(Rule::CpioChecksum);
        }
        Ok(())
    }
}

/// Whether header and name are the end of an archive; a name alone is not enough.
pub(crate) fn is_trailer(header: &Header, name: &str) -> Result<bool, Rule> {
    match (name == TRAILER, *header == Header::trailer()) {
        (true, true) => Ok(true),
        (true, false) => Err(Rule::CpioField),
        (false, _) => Ok(false),
    }
}

/// The end of an archive, without the padding to the block.
pub(crate) fn trailer() -> Vec<u8> {
    Header::trailer().encode(TRAILER)
}

/// Bytes a member takes.
pub(crate) fn member_length(name: &str, size: u32) -> u64 {
    ((HEADER + name.len() + 1) as u64).next_multiple_of(4) + u64::from(size).next_multiple_of(4)
}

/// Bytes an archive takes whose members take `members` bytes.
pub(crate) fn archive_length(members: u64) -> u64 {
    (members + trailer().len() as u64).next_multiple_of(BLOCK)
}

/// Takes the name apart from its NUL.
pub(crate) fn name(bytes: &[u8]) -> Result<&str, Rule> {
    let text = bytes.strip_suffix(&[0]).ok_or(Rule::CpioName)?;
    let name = std::str::from_utf8(text).map_err(|_| Rule::CpioName)?;
    let good = !name.contains('\0') && name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    good.then_some(name).ok_or(Rule::CpioName)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailer_is_the_one_suns_cpio_writes() {
        let mut expected = b"07070100000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000b00000000TRAILER!!!".to_vec();
        expected.extend_from_slice(&[0; 4]);
        assert_eq!(expected.len(), 124);
        assert_eq!(trailer(), expected);
    }

    #[test]
    fn a_header_survives_encoding_and_decoding() {
        let header = Header::canonical(7, REGULAR | 0o644, 1_704_164_645, 0xcf, "acme-ven/pkginfo");
        let bytes = header.encode("acme-ven/pkginfo");
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(Header::decode(bytes[..HEADER].try_into().unwrap()), Ok(header));
        assert_eq!(&bytes[6..22], b"00000007000081a4");
    }
}
