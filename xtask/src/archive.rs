//! Canonical tar archives, plain and bzip2: one byte sequence for one list of members, so that a reader can
//! refuse every archive that our writer would not have written.

use std::io::{Read, Write};

use bzip2::Compression;
use bzip2::read::BzDecoder;
use bzip2::write::BzEncoder;

/// What a tar archive is counted in.
const BLOCK: u64 = 512;

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
    #[error("the archive unpacks to more than {limit} bytes")]
    TooLarge { limit: u64 },
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

/// Unpacks the first `most` bytes, or all where there are fewer. What follows is not looked at.
pub fn bunzip2_head(bytes: &[u8], most: u64) -> Result<Vec<u8>, ArchiveError> {
    let mut plain = Vec::new();
    BzDecoder::new(bytes).take(most).read_to_end(&mut plain).map_err(io("decompressing"))?;
    Ok(plain)
}

/// Unpacks at most `limit` bytes of what [`bzip2`] wrote, and nothing else: the bytes are compressed again and
/// compared.
pub fn bunzip2(bytes: &[u8], limit: u64) -> Result<Vec<u8>, ArchiveError> {
    let plain = bunzip2_head(bytes, limit.saturating_add(1))?;
    if plain.len() as u64 > limit {
        return Err(ArchiveError::TooLarge { limit });
    }
    if bzip2(&plain)? != bytes {
        return Err(ArchiveError::NotCanonical("its compressed bytes differ"));
    }
    Ok(plain)
}

/// The size of an archive with members of these sizes; a directory's is 0.
pub fn tar_size(sizes: impl IntoIterator<Item = u64>) -> u64 {
    // A header for each member, its content filled up to the next block, and two empty blocks.
    let blocks = |size: u64| 1 + size.div_ceil(BLOCK);
    sizes.into_iter().map(blocks).fold(2, u64::saturating_add).saturating_mul(BLOCK)
}

/// The first `count` members of an archive of which `head` is the beginning.
pub fn first_members(head: &[u8], count: usize) -> Result<Vec<Member>, ArchiveError> {
    let mut archive = tar::Archive::new(head);
    let entries = archive.entries().map_err(io("reading a tar archive"))?.take(count);
    entries.map(|entry| Ok(member(entry.map_err(io("reading a tar archive"))?, head.len())?.0)).collect()
}

/// Reads what [`write_tar`] wrote, and nothing else: the members are written again and compared.
pub fn read_tar(bytes: &[u8]) -> Result<(Vec<Member>, u32), ArchiveError> {
    let mut archive = tar::Archive::new(bytes);
    let mut members = Vec::new();
    let mut time = None;
    for entry in archive.entries().map_err(io("reading a tar archive"))? {
        let (member, mtime) = member(entry.map_err(io("reading a tar archive"))?, bytes.len())?;
        time.get_or_insert(mtime);
        members.push(member);
    }
    let time = u32::try_from(time.unwrap_or(0)).map_err(|_| ArchiveError::NotCanonical("its time is out of range"))?;
    let mut again = Vec::with_capacity(bytes.len());
    write_tar(&members, time, &mut again)?;
    if again != bytes {
        return Err(ArchiveError::NotCanonical("headers or padding differ"));
    }
    Ok((members, time))
}

/// A member and its time. None can be larger than `available`, the size of the archive.
fn member(mut entry: tar::Entry<'_, &[u8]>, available: usize) -> Result<(Member, u64), ArchiveError> {
    let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    check_name(&path)?;
    let mtime = entry.header().mtime().map_err(io("reading a tar header"))?;
    let content = match entry.header().entry_type() {
        tar::EntryType::Directory => None,
        tar::EntryType::Regular => {
            if entry.size() > available as u64 {
                return Err(ArchiveError::NotCanonical("a member is larger than the archive"));
            }
            let mut content = Vec::with_capacity(entry.size() as usize);
            entry.read_to_end(&mut content).map_err(io("reading a member"))?;
            Some(content)
        }
        _ => return Err(ArchiveError::Kind { path }),
    };
    Ok((Member { path, content }, mtime))
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
        assert_eq!(bunzip2(&packed, 1 << 20).unwrap(), sample());
        for bit in 0..packed.len() * 8 {
            let mut changed = packed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(bunzip2(&changed, 1 << 20).is_err(), "bit {bit} goes unnoticed");
        }
        let extended = [&packed[..], b"x"].concat();
        assert!(bunzip2(&extended, 1 << 20).is_err(), "trailing bytes go unnoticed");
        assert!(bunzip2(&packed[..packed.len() - 1], 1 << 20).is_err(), "truncation goes unnoticed");
    }

    #[test]
    fn sizes_are_known_before_an_archive_is_written_and_unpacking_stops_at_a_limit() {
        let bytes = sample();
        assert_eq!(tar_size([0, 3, 700]), bytes.len() as u64);
        let packed = bzip2(&bytes).unwrap();
        assert_eq!(bunzip2(&packed, bytes.len() as u64).unwrap(), bytes);
        let refused = bunzip2(&packed, bytes.len() as u64 - 1);
        assert!(matches!(refused, Err(ArchiveError::TooLarge { .. })), "{refused:?}");
    }

    #[test]
    fn the_first_members_are_read_without_the_rest() {
        let bytes = sample();
        let first = first_members(&bytes[..1600], 2).unwrap();
        assert_eq!(first, [Member::dir("r"), Member::file("r/a", "one")]);
        assert!(first_members(&bytes[..1600], 3).is_err(), "the third member is cut off");
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for bad in ["../x", "/x", "a//b", "a/./b", "", "a b"] {
            assert!(write_tar(&[Member::file(bad, "x")], 0, Vec::new()).is_err(), "{bad:?}");
        }
    }
}
