//! Writes the datastream.

use std::io::{BufWriter, Write};

use sha2::{Digest, Sha256};

use super::header::{self, HeaderLine};
use crate::cpio::{self, BLOCK, Header};
use crate::layout::{Filling, REGULAR, Slot};
use crate::rule::{Problem, Rule};
use crate::spec::{Prepared, WriteError};

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Length in bytes, a multiple of 512.
    pub size: u64,
    /// SHA-256 of the whole stream.
    pub sha256: [u8; 32],
}

/// Writes packages as one datastream. Content is streamed in pieces of 64 KiB.
///
/// # Errors
/// [`WriteError::Rules`] for an empty, repeated or too long list of packages, before anything is
/// written; [`WriteError::Content`] and [`WriteError::Changed`] for content that is not what it was
/// when prepared; [`WriteError::Output`] when `out` fails.
pub fn write(packages: &[Prepared], out: impl Write) -> Result<Written, WriteError> {
    let header = header::render(
        &packages
            .iter()
            .map(|package| HeaderLine { pkg: package.info().pkg().into(), blocks: package.map().blocks })
            .collect::<Vec<_>>(),
    );
    let facts: Vec<[Slot; 2]> = packages.iter().map(fact_slots).collect();
    let problems = stream_problems(packages, &facts, header.len());
    if !problems.is_empty() {
        return Err(WriteError::Rules(problems));
    }
    let mut tape = Tape { out: BufWriter::with_capacity(64 * 1024, out), size: 0, digest: Sha256::new() };
    tape.put(&header).map_err(WriteError::output("the header"))?;
    let mut ino = 0;
    for (package, [info, map]) in packages.iter().zip(&facts) {
        for (slot, bytes) in [(info, package.pkginfo()), (map, package.pkgmap())] {
            ino += 1;
            tape.start(ino, slot).map_err(WriteError::output(&slot.path))?;
            tape.put(bytes).map_err(WriteError::output(&slot.path))?;
            tape.pad(4).map_err(WriteError::output(&slot.path))?;
        }
    }
    tape.finish_archive().map_err(WriteError::output("the end of the first archive"))?;
    for package in packages {
        for (index, (slot, member)) in package.slots.iter().zip(package.members()).enumerate() {
            tape.start(index as u32 + 1, slot).map_err(WriteError::output(&slot.path))?;
            member.copy_to(&mut tape)?;
            tape.pad(4).map_err(WriteError::output(&slot.path))?;
        }
        tape.finish_archive().map_err(WriteError::output("the end of an archive"))?;
    }
    tape.out.flush().map_err(WriteError::output("the stream"))?;
    Ok(Written { size: tape.size, sha256: tape.digest.finalize().into() })
}

/// pkginfo and pkgmap as the first archive holds them.
fn fact_slots(package: &Prepared) -> [Slot; 2] {
    fact_slots_of(package.info().pkg(), &package.slots)
}

/// The same from a name and the members of a package.
pub(super) fn fact_slots_of(pkg: &str, slots: &[Slot]) -> [Slot; 2] {
    let fact = |filling: Filling, name: &str| {
        let found = slots.iter().find(|slot| slot.filling == filling);
        let (mtime, size) = found.map_or((0, 0), |slot| (slot.mtime, slot.size));
        Slot { path: format!("{pkg}/{name}"), mode: REGULAR | 0o644, mtime, size, filling }
    };
    [fact(Filling::PkgInfo, "pkginfo"), fact(Filling::PkgMap, "pkgmap")]
}

fn stream_problems(packages: &[Prepared], facts: &[[Slot; 2]], header: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    if packages.is_empty() {
        problems.push(Problem::new(Rule::StreamEmpty, "datastream", "no package"));
    }
    for (index, package) in packages.iter().enumerate() {
        let pkg = package.info().pkg();
        if packages[..index].iter().any(|earlier| earlier.info().pkg() == pkg) {
            problems.push(Problem::new(Rule::StreamDuplicate, "datastream", format!("`{pkg}` twice")));
        }
    }
    let length = |slots: &mut dyn Iterator<Item = &Slot>| {
        cpio::archive_length(slots.map(|slot| cpio::member_length(&slot.path, slot.size)).sum())
    };
    let size = header as u64
        + length(&mut facts.iter().flatten())
        + packages.iter().map(|package| length(&mut package.slots.iter())).sum::<u64>();
    if size > u64::from(u32::MAX) {
        problems.push(Problem::new(Rule::StreamSize, "datastream", format!("{size} bytes")));
    }
    problems
}

/// The output with its position and digest.
struct Tape<W> {
    out: W,
    size: u64,
    digest: Sha256,
}

impl<W: Write> Tape<W> {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.out.write_all(bytes)?;
        self.digest.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn start(&mut self, ino: u32, slot: &Slot) -> std::io::Result<()> {
        let header = Header::canonical(ino, slot.mode, slot.mtime, slot.size, &slot.path);
        self.put(&header.encode(&slot.path))
    }

    fn pad(&mut self, boundary: u64) -> std::io::Result<()> {
        let missing = self.size.next_multiple_of(boundary) - self.size;
        self.put(&[0; BLOCK as usize][..missing as usize])
    }

    fn finish_archive(&mut self) -> std::io::Result<()> {
        self.put(&cpio::trailer())?;
        self.pad(BLOCK)
    }
}

impl<W: Write> Write for Tape<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.put(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attributes, Object, PackageSpec, PkgInfo, Ruleset};

    #[test]
    fn a_stream_beyond_4_gib_is_refused_before_anything_is_written() {
        let spec = PackageSpec {
            info: PkgInfo::new("acme", "Acme", "sparc", "1", "application").with("BASEDIR", "/"),
            objects: vec![Object::file("a", Attributes::set(0o644, "root", "bin"), 0, b"x".as_slice())],
            install: Vec::new(),
            mtime: 0,
        };
        let mut package = spec.prepare(Ruleset::Portable).unwrap();
        package.slots.last_mut().unwrap().size = u32::MAX;
        let mut out = Vec::new();
        let Err(WriteError::Rules(problems)) = write(&[package], &mut out) else { panic!("written") };
        assert_eq!(problems.iter().map(|problem| problem.rule).collect::<Vec<_>>(), [Rule::StreamSize]);
        assert_eq!(out, b"");
    }
}
