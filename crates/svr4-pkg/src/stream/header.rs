//! The text in front of the archives.

use crate::cpio::BLOCK;
use crate::pkginfo::pkg_name_rule;
use crate::rule::Rule;

/// First line of every datastream.
pub(super) const MAGIC: &str = "# PaCkAgE DaTaStReAm\n";
/// Last line of the header.
pub(super) const END: &str = "# end of header\n";

/// A package as the header announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HeaderLine {
    pub(super) pkg: String,
    /// Space in 512-byte blocks, as in the first line of pkgmap.
    pub(super) blocks: u32,
}

/// The header with its padding. pkgtrans always leaves at least one NUL.
pub(super) fn render(packages: &[HeaderLine]) -> Vec<u8> {
    let mut text = MAGIC.as_bytes().to_vec();
    for HeaderLine { pkg, blocks } in packages {
        text.extend_from_slice(format!("{pkg} 1 {blocks}\n").as_bytes());
    }
    text.extend_from_slice(END.as_bytes());
    text.push(0);
    text.resize(text.len().next_multiple_of(BLOCK as usize), 0);
    text
}

/// Reads the header's blocks: everything up to the block in which the end line closes.
pub(super) fn parse(blocks: &[u8]) -> Result<Vec<HeaderLine>, (Rule, String)> {
    let text_end = blocks.iter().position(|byte| *byte == 0).unwrap_or(blocks.len());
    let (text, padding) = blocks.split_at(text_end);
    let text = std::str::from_utf8(text).map_err(|_| (Rule::HeaderLine, "not UTF-8".to_owned()))?;
    let body = text
        .strip_prefix(MAGIC)
        .ok_or_else(|| (Rule::HeaderMagic, "another first line".to_owned()))?
        .strip_suffix(END)
        .ok_or_else(|| (Rule::HeaderLine, "the end line is not the last".to_owned()))?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err((Rule::Padding, "after the header".to_owned()));
    }
    let mut found: Vec<HeaderLine> = Vec::new();
    for line in body.split_terminator('\n') {
        let bad = || (Rule::HeaderLine, format!("`{}`", line.escape_debug()));
        let [pkg, "1", blocks] = line.split(' ').collect::<Vec<_>>()[..] else { return Err(bad()) };
        let plain = blocks == "0" || !blocks.starts_with('0');
        let blocks =
            blocks.parse::<u32>().ok().filter(|_| plain && !blocks.starts_with('+')).ok_or_else(bad)?;
        if pkg.is_empty() || pkg_name_rule(pkg).is_some() {
            return Err(bad());
        }
        if found.iter().any(|known| known.pkg == pkg) {
            return Err((Rule::StreamDuplicate, format!("`{pkg}`")));
        }
        found.push(HeaderLine { pkg: pkg.to_owned(), blocks });
    }
    if found.is_empty() { Err((Rule::StreamEmpty, "no package line".to_owned())) } else { Ok(found) }
}
