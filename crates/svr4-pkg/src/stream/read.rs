//! Strictly reads a datastream.

use std::io::{BufReader, Read};

use super::header::{self, HeaderLine};
use super::tape::Tape;
use super::write::fact_slots_of;
use crate::cpio::{BLOCK, Header};
use crate::layout::Slot;
use crate::package::{Package, PackageReader, Visit};
use crate::reading::{Form, ReadError, ReadOptions};
use crate::rule::Rule;

/// A datastream that was read to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Datastream {
    /// The packages, in order.
    pub packages: Vec<Package>,
    /// The PEM PKCS7 block of a signed stream. Its truth is not judged here.
    pub signature: Option<Vec<u8>>,
    /// Length in bytes.
    pub size: u64,
    /// SHA-256 of the whole stream.
    pub sha256: [u8; 32],
}

/// Reads a datastream to its end in pieces; `visit` sees each file's content as it passes.
///
/// # Errors
/// [`ReadError`] at the first thing that is not as pkgtrans writes it, with its offset and rule.
pub fn read(input: impl Read, options: &ReadOptions, visit: &mut Visit<'_>) -> Result<Datastream, ReadError> {
    // Headers are short; the buffer keeps them from being read one by one.
    let mut tape = Tape::new(BufReader::with_capacity(64 * 1024, input));
    let announced = read_header(&mut tape, options)?;
    let (readers, signature) = read_facts(&mut tape, &announced, options)?;
    let mut packages = Vec::with_capacity(readers.len());
    for reader in readers {
        packages.push(read_package(&mut tape, reader, options, visit)?);
    }
    let (size, sha256) = tape.end()?;
    Ok(Datastream { packages, signature, size, sha256 })
}

fn read_header(tape: &mut Tape<impl Read>, options: &ReadOptions) -> Result<Vec<HeaderLine>, ReadError> {
    // A line takes at most 128 bytes (the reader's buffer on Solaris).
    let longest = (options.limits.packages * 128 + 128).next_multiple_of(BLOCK as usize);
    let mut blocks = Vec::new();
    loop {
        let start = blocks.len();
        if start >= longest {
            return Err(ReadError::refused(Rule::Limit, "header", format!("longer than {longest} bytes")));
        }
        blocks.resize(start + BLOCK as usize, 0);
        tape.fill(&mut blocks[start..], "header")?;
        if start == 0 && !blocks.starts_with(header::MAGIC.as_bytes()) {
            return Err(ReadError::refused(Rule::HeaderMagic, "header", "another first line"));
        }
        let ended = blocks.windows(header::END.len()).any(|window| window == header::END.as_bytes());
        // pkgtrans leaves at least one NUL, so a text that just fills a block has another one.
        if ended && blocks.last() == Some(&0) {
            break;
        }
    }
    let announced =
        header::parse(&blocks).map_err(|(rule, detail)| ReadError::refused(rule, "header", detail))?;
    if announced.len() > options.limits.packages {
        return Err(ReadError::refused(Rule::Limit, "header", format!("{} packages", announced.len())));
    }
    if options.form == Form::Canonical && header::render(&announced) != blocks {
        return Err(ReadError::refused(Rule::NotCanonical, "header", "would be written differently"));
    }
    Ok(announced)
}

/// The first archive: pkginfo and pkgmap of every package, and perhaps a signature.
fn read_facts(
    tape: &mut Tape<impl Read>,
    announced: &[HeaderLine],
    options: &ReadOptions,
) -> Result<(Vec<PackageReader>, Option<Vec<u8>>), ReadError> {
    const ARCHIVE: &str = "first archive";
    let mut readers = Vec::with_capacity(announced.len());
    let mut headers = Vec::new();
    for HeaderLine { pkg, blocks } in announced {
        let start = tape.position();
        let mut texts = Vec::with_capacity(2);
        for (name, limit) in [("pkginfo", options.limits.pkginfo), ("pkgmap", options.limits.pkgmap)] {
            let start = tape.position();
            let expected = format!("{pkg}/{name}");
            let (header, found) = tape.member(ARCHIVE)?.ok_or_else(|| {
                ReadError::refused(Rule::MemberMissing, ARCHIVE, format!("`{expected}`")).at(start)
            })?;
            if found != expected || header.is_directory() {
                let detail = format!("`{found}` where `{expected}` belongs");
                return Err(ReadError::refused(Rule::MemberOrder, ARCHIVE, detail).at(start));
            }
            texts.push(small(tape, &header, &found, limit)?);
            headers.push(header);
        }
        let (Some(pkgmap), Some(pkginfo)) = (texts.pop(), texts.pop()) else { continue };
        let reader = PackageReader::new(pkginfo, pkgmap, options)?;
        if reader.info().pkg() != pkg || reader.map().blocks != *blocks {
            let detail = format!(
                "header: `{pkg}` {blocks}, package: `{}` {}",
                reader.info().pkg(),
                reader.map().blocks
            );
            return Err(ReadError::refused(Rule::HeaderMismatch, pkg, detail).at(start));
        }
        readers.push(reader);
    }
    if options.form == Form::Canonical {
        let facts = readers.iter().flat_map(|reader| fact_slots_of(reader.info().pkg(), &reader.slots));
        for (index, (slot, header)) in facts.zip(&headers).enumerate() {
            canonical_member(index, &slot, header, &slot.path)?;
        }
    }
    let start = tape.position();
    let mut signature = None;
    while let Some((header, name)) = tape.member(ARCHIVE)? {
        if name != "signature" || signature.is_some() || header.is_directory() {
            return Err(ReadError::refused(Rule::MemberUnexpected, ARCHIVE, format!("`{name}`")).at(start));
        }
        if options.form == Form::Canonical {
            return Err(ReadError::refused(Rule::NotCanonical, ARCHIVE, "a signature").at(start));
        }
        let text = small(tape, &header, &name, options.limits.install_file)?;
        let pem = text.starts_with(b"-----BEGIN PKCS7-----\n") && text.ends_with(b"-----END PKCS7-----\n");
        if !pem {
            return Err(ReadError::refused(Rule::Signature, ARCHIVE, "not PEM PKCS7").at(start));
        }
        signature = Some(text);
    }
    Ok((readers, signature))
}

/// A member that is kept in memory.
fn small(tape: &mut Tape<impl Read>, header: &Header, name: &str, limit: u32) -> Result<Vec<u8>, ReadError> {
    if header.size > limit {
        let detail = format!("{} bytes, at most {limit} are read", header.size);
        return Err(ReadError::refused(Rule::Limit, name, detail).at(tape.position()));
    }
    let mut text = vec![0; header.size as usize];
    tape.fill(&mut text, name)?;
    tape.padding(4, name)?;
    Ok(text)
}

fn read_package(
    tape: &mut Tape<impl Read>,
    mut reader: PackageReader,
    options: &ReadOptions,
    visit: &mut Visit<'_>,
) -> Result<Package, ReadError> {
    let archive = format!("archive of {}", reader.info().pkg());
    let mut count = 0;
    loop {
        let start = tape.position();
        let Some((header, name)) = tape.member(&archive)? else { break };
        if options.form == Form::Canonical {
            let slot = reader.slots.get(count).ok_or_else(|| {
                ReadError::refused(Rule::MemberUnexpected, &name, "more members than pkgmap lists").at(start)
            })?;
            canonical_member(count, slot, &header, &name).map_err(|error| error.at(start))?;
        }
        count += 1;
        if header.is_directory() {
            reader.directory(&name).map_err(|error| error.at(start))?;
        } else {
            reader.file(&name, header.size.into(), tape, visit).map_err(|error| error.at(start))?;
            tape.padding(4, &name)?;
        }
    }
    let end = tape.position();
    if options.form == Form::Canonical && count != reader.slots.len() {
        let detail = format!("{count} of {} members", reader.slots.len());
        return Err(ReadError::refused(Rule::MemberMissing, archive, detail).at(end));
    }
    reader.finish().map_err(|error| error.at(end))
}

fn canonical_member(index: usize, slot: &Slot, header: &Header, name: &str) -> Result<(), ReadError> {
    let expected = Header::canonical(index as u32 + 1, slot.mode, slot.mtime, slot.size, &slot.path);
    if name == slot.path && *header == expected {
        Ok(())
    } else {
        let detail = format!("member {} should be `{}` with fixed header fields", index + 1, slot.path);
        Err(ReadError::refused(Rule::NotCanonical, name, detail))
    }
}
