//! Canonical tar archives, plain and bzip2: one byte sequence for one list of members, so that a reader can
//! refuse every archive that our writer would not have written.

use std::io::{Read, Write};

use bzip2::Compression;
use bzip2::read::BzDecoder;
use bzip2::write::BzEncoder;

/// The most that an archive may unpack to: 4 GiB.
const LIMIT: u64 = 4 << 30;

/// A member of an archive: a file, or a directory where there is no content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Relative path; `/` at the end of a directory's.
    pub path: String,
    pub content: Option<Vec<u8>>,
}

impl Member {
    pub fn dir(path: impl Into<String>) -> Member {
        Member { path: format!("{}/", path.into()), content: None }
    }

    pub fn file(path: impl Into<String>, content: impl Into<Vec<u8>>) -> Member {
        Member { path: path.into(), content: Some(content.into()) }
    }
}

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{action}: {source}")]
    Io { action: &'static str, source: std::io::Error },
    #[error("member \"{0}\" has a name that could leave the archive's folder")]
    UnsafeName(String),
    #[error("member \"{path}\" is neither a file nor a directory")]
    Kind { path: String },
    #[error("the archive is not in the form that its writer gives it: {0}")]
    NotCanonical(&'static str),
    #[error("the archive unpacks to more than {LIMIT} bytes")]
    TooLarge,
}

fn io(action: &'static str) -> impl FnOnce(std::io::Error) -> ArchiveError {
    move |source| ArchiveError::Io { action, source }
}

/// Writes members in the order given: root:root, 0644 or 0755, all of one time.
pub fn write_tar(members: &[Member], time: u32, out: impl Write) -> Result<(), ArchiveError> {
    let mut builder = tar::Builder::new(out);
    for member in members {
        check_name(&member.path)?;
        let mut header = tar::Header::new_ustar();
        let content = member.content.as_deref().unwrap_or_default();
        let (kind, mode) = match member.content {
            Some(_) => (tar::EntryType::Regular, 0o644),
            None => (tar::EntryType::Directory, 0o755),
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(u64::from(time));
        header.set_size(content.len() as u64);
        header.set_username("root").and_then(|()| header.set_groupname("root")).map_err(io("writing a tar header"))?;
        header.set_path(&member.path).map_err(io("writing a tar header"))?;
        header.set_cksum();
        builder.append(&header, content).map_err(io("writing a tar archive"))?;
    }
    builder.into_inner().and_then(|mut out| out.flush()).map_err(io("writing a tar archive"))
}

/// Compresses as `bzip2 -9` does.
pub fn bzip2(bytes: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let mut encoder = BzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).map_err(io("compressing"))?;
    encoder.finish().map_err(io("compressing"))
}

/// Unpacks what [`bzip2`] wrote, and nothing else: the bytes are compressed again and compared.
pub fn bunzip2(bytes: &[u8]) -> Result<Vec<u8>, ArchiveError> {
    let mut plain = Vec::new();
    BzDecoder::new(bytes).take(LIMIT + 1).read_to_end(&mut plain).map_err(io("decompressing"))?;
    if plain.len() as u64 > LIMIT {
        return Err(ArchiveError::TooLarge);
    }
    if bzip2(&plain)? != bytes {
        return Err(ArchiveError::NotCanonical("its compressed bytes differ"));
    }
    Ok(plain)
}

/// Reads what [`write_tar`] wrote at `time`, and nothing else: the members are written again and compared.
pub fn read_tar(bytes: &[u8]) -> Result<(Vec<Member>, u32), ArchiveError> {
    let mut archive = tar::Archive::new(bytes);
    let mut members = Vec::new();
    let mut time = None;
    for entry in archive.entries().map_err(io("reading a tar archive"))? {
        let mut entry = entry.map_err(io("reading a tar archive"))?;
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        check_name(&path)?;
        let mtime = entry.header().mtime().map_err(io("reading a tar header"))?;
        time.get_or_insert(mtime);
        let content = match entry.header().entry_type() {
            tar::EntryType::Directory => None,
            tar::EntryType::Regular => {
                if entry.size() > bytes.len() as u64 {
                    return Err(ArchiveError::NotCanonical("a member is larger than the archive"));
                }
                let mut content = Vec::with_capacity(entry.size() as usize);
                entry.read_to_end(&mut content).map_err(io("reading a member"))?;
                Some(content)
            }
            _ => return Err(ArchiveError::Kind { path }),
        };
        members.push(Member { path, content });
    }
    let time = u32::try_from(time.unwrap_or(0)).map_err(|_| ArchiveError::NotCanonical("its time is out of range"))?;
    let mut again = Vec::with_capacity(bytes.len());
    write_tar(&members, time, &mut again)?;
    if again != bytes {
        return Err(ArchiveError::NotCanonical("headers or padding differ"));
    }
    Ok((members, time))
}

fn check_name(path: &str) -> Result<(), ArchiveError> {
    let plain = path.strip_suffix('/').unwrap_or(path);
    let safe = !plain.is_empty()
        && plain.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && plain.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if safe { Ok(()) } else { Err(ArchiveError::UnsafeName(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let members = [Member::dir("r"), Member::file("r/a", "one"), Member::file("r/b.bin", vec![0u8; 700])];
        let mut bytes = Vec::new();
        write_tar(&members, 1_700_000_000, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn members_come_back_and_every_flipped_bit_changes_or_breaks_the_archive() {
        let bytes = sample();
        let (members, time) = read_tar(&bytes).unwrap();
        assert_eq!((members.len(), time), (3, 1_700_000_000));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok((other, other_time)) = read_tar(&changed) {
                assert!(other != members || other_time != time, "bit {bit} goes unnoticed");
            }
        }
    }

    #[test]
    fn every_flipped_bit_of_a_compressed_archive_is_refused() {
        let packed = bzip2(&sample()).unwrap();
        assert_eq!(bunzip2(&packed).unwrap(), sample());
        for bit in 0..packed.len() * 8 {
            let mut changed = packed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(bunzip2(&changed).is_err(), "bit {bit} goes unnoticed");
        }
        let extended = [&packed[..], b"x"].concat();
        assert!(bunzip2(&extended).is_err(), "trailing bytes go unnoticed");
        assert!(bunzip2(&packed[..packed.len() - 1]).is_err(), "truncation goes unnoticed");
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for bad in ["../x", "/x", "a//b", "a/./b", "", "a b"] {
            assert!(write_tar(&[Member::file(bad, "x")], 0, Vec::new()).is_err(), "{bad:?}");
        }
    }
}
