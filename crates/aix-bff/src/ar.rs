//! AIX archives: `liblpp.a` with the control members of a package.
//!
//! Written in the small format `<aiaff>`, as all known installp packages have it; the big format
//! `<bigaf>` is read too. FORMAT.md has the byte tables.

use std::fmt::Write as _;

use thiserror::Error;

use crate::checksum::parse_digits;

/// Most members an archive may have when it is read.
const MAX_MEMBERS: usize = 65_536;
/// Longest member name in bytes: that of an AIX file name.
const MAX_NAME: usize = 255;
/// Unused bytes behind every member, which `ar` of AIX leaves and skips by its chain of offsets.
const SPARE: usize = 2;

/// The two formats of AIX archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArchiveFormat {
    /// `<aiaff>`, up to AIX 4.2 and for installp.
    Small,
    /// `<bigaf>`, the default of `ar` since AIX 4.3.
    Big,
}

impl ArchiveFormat {
    fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Small => b"<aiaff>\n",
            Self::Big => b"<bigaf>\n",
        }
    }

    /// Width of numbers that are offsets or sizes.
    fn wide(self) -> usize {
        match self {
            Self::Small => 12,
            Self::Big => 20,
        }
    }

    /// Number of offsets in the file header.
    fn header_offsets(self) -> usize {
        match self {
            Self::Small => 5,
            Self::Big => 6,
        }
    }

    fn file_header_length(self) -> usize {
        8 + self.header_offsets() * self.wide()
    }

    /// Three wide numbers; date, owner, group and mode of 12; name length of 4.
    fn member_header_length(self) -> usize {
        3 * self.wide() + 4 * 12 + 4
    }
}

/// One file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// File name without directories.
    pub name: String,
    /// Modification time in seconds since 1970.
    pub date: u32,
    /// Numeric owner.
    pub uid: u32,
    /// Numeric group.
    pub gid: u32,
    /// Permissions, without file type bits.
    pub mode: u32,
    /// The content.
    pub data: Vec<u8>,
}

/// Why an archive is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// Not an AIX archive.
    #[error(
        "not an AIX archive: it must start with <aiaff> or <bigaf>; GNU and System V archives (!<arch>) are not read by AIX"
    )]
    Magic,
    /// Too short for what it says.
    #[error("the archive ends before {what} at byte {offset}")]
    Truncated {
        /// The missing part.
        what: &'static str,
        /// Where it should be.
        offset: usize,
    },
    /// Something that is not a decimal (mode: octal) number filled with spaces.
    #[error("{what} at byte {offset} is not a number filled with spaces")]
    Number {
        /// The field.
        what: &'static str,
        /// Where it stands.
        offset: usize,
    },
    /// A member name that is empty, too long, or not a plain file name.
    #[error("the member at byte {offset} has no plain file name")]
    Name {
        /// Start of the member.
        offset: usize,
    },
    /// Two members of one name.
    #[error("the archive has two members `{name}`")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Offsets that contradict each other.
    #[error("the archive is inconsistent at byte {offset}: {rule}")]
    Inconsistent {
        /// Where.
        offset: usize,
        /// The broken rule.
        rule: &'static str,
    },
}

fn number(text: &mut Vec<u8>, width: usize, value: impl std::fmt::Display) {
    let mut digits = String::new();
    write!(digits, "{value:<width$}").expect("writing to a String cannot fail");
    debug_assert_eq!(digits.len(), width);
    text.extend_from_slice(digits.as_bytes());
}

/// Writes a small archive of `members`, in their order.
///
/// # Errors
///
/// When a name is not a plain file name of at most 255 bytes, or occurs twice.
pub fn write(members: &[Member]) -> Result<Vec<u8>, ArchiveError> {
    let format = ArchiveFormat::Small;
    let mut offsets = Vec::with_capacity(members.len());
    let mut next = format.file_header_length();
    for (index, member) in members.iter().enumerate() {
        check_name(&member.name, next)?;
        if members[..index].iter().any(|other| other.name == member.name) {
            return Err(ArchiveError::Duplicate { name: member.name.clone() });
        }
        offsets.push(next);
        next += format.member_header_length() + even(member.name.len()) + 2 + even(member.data.len()) + SPARE;
    }
    let table = next;
    let mut out = format.magic().to_vec();
    let (first, last) = (offsets.first().copied().unwrap_or(0), offsets.last().copied().unwrap_or(0));
    for offset in [table, 0, first, last, 0] {
        number(&mut out, 12, offset);
    }
    for (index, member) in members.iter().enumerate() {
        let following = offsets.get(index + 1).copied().unwrap_or(table);
        let previous = if index == 0 { 0 } else { offsets[index - 1] };
        put_member(&mut out, member, following, previous);
        out.resize(out.len() + SPARE, 0);
    }
    let mut data = Vec::new();
    number(&mut data, 12, members.len());
    offsets.iter().for_each(|offset| number(&mut data, 12, offset));
    for member in members {
        data.extend_from_slice(member.name.as_bytes());
        data.push(0);
    }
    let table = Member { name: String::new(), date: 0, uid: 0, gid: 0, mode: 0, data };
    put_member(&mut out, &table, 0, last);
    Ok(out)
}

fn even(length: usize) -> usize {
    length + length % 2
}

fn put_member(out: &mut Vec<u8>, member: &Member, next: usize, previous: usize) {
    number(out, 12, member.data.len());
    number(out, 12, next);
    number(out, 12, previous);
    number(out, 12, member.date);
    number(out, 12, member.uid);
    number(out, 12, member.gid);
    number(out, 12, format_args!("{:o}", member.mode).to_string());
    number(out, 4, member.name.len());
    out.extend_from_slice(member.name.as_bytes());
    out.resize(even(out.len()), 0);
    out.extend_from_slice(b"`\n");
    out.extend_from_slice(&member.data);
    out.resize(even(out.len()), 0);
}

fn check_name(name: &str, offset: usize) -> Result<(), ArchiveError> {
    let plain = (1..=MAX_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
        && !matches!(name, "." | "..");
    plain.then_some(()).ok_or(ArchiveError::Name { offset })
}

/// Reads an archive of either format and checks that its chain of members and its member table agree.
///
/// # Errors
///
/// When the bytes are not one consistent archive without symbol table, with its members in the order
/// of the file. Never allocates more than a small multiple of `bytes`.
pub fn read(bytes: &[u8]) -> Result<(ArchiveFormat, Vec<Member>), ArchiveError> {
    let format = [ArchiveFormat::Small, ArchiveFormat::Big]
        .into_iter()
        .find(|format| bytes.starts_with(format.magic()))
        .ok_or(ArchiveError::Magic)?;
    let cursor = Cursor { bytes, format };
    let wide = format.wide();
    let header = |index: usize| cursor.header_offset(8 + index * wide);
    let (table, symbols) = (header(0)?, header(1)?);
    let (symbols64, rest) = match format {
        ArchiveFormat::Small => (0, 2),
        ArchiveFormat::Big => (header(2)?, 3),
    };
    let (first, last, free) = (header(rest)?, header(rest + 1)?, header(rest + 2)?);
    let inconsistent = |offset, rule| ArchiveError::Inconsistent { offset, rule };
    if symbols != 0 || symbols64 != 0 {
        return Err(inconsistent(8, "control archives have no symbol table"));
    }
    if free != 0 {
        return Err(inconsistent(8, "control archives have no free list"));
    }

    let mut members: Vec<Member> = Vec::new();
    let mut offsets = Vec::new();
    let (mut at, mut previous) = (first, 0);
    let mut lowest = format.file_header_length();
    while at != 0 && offsets.last() != Some(&last) {
        if at < lowest {
            return Err(inconsistent(at, "a member must start behind the one before it"));
        }
        if members.len() == MAX_MEMBERS {
            return Err(inconsistent(at, "more members than an archive may have"));
        }
        let found = cursor.member(at)?;
        check_name(&found.member.name, at)?;
        if found.previous != previous {
            return Err(inconsistent(at, "a member must name the offset of the one before it"));
        }
        offsets.push(at);
        members.push(found.member);
        (previous, lowest, at) = (at, found.end, found.next);
    }
    if offsets.last().copied().unwrap_or(0) != last {
        return Err(inconsistent(8, "the chain of members must end at the last member"));
    }
    // ar of AIX lets the last member point at the table; other producers write 0.
    if !members.is_empty() && at != table && (at != 0 || format == ArchiveFormat::Small) {
        return Err(inconsistent(last, "the last member must point at the member table"));
    }
    check_table(&cursor, table, lowest, &offsets, &members)?;
    let mut names: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ArchiveError::Duplicate { name: pair[0].into() });
    }
    Ok((format, members))
}

fn check_table(
    cursor: &Cursor<'_>,
    at: usize,
    lowest: usize,
    offsets: &[usize],
    members: &[Member],
) -> Result<(), ArchiveError> {
    let inconsistent = |rule| Err(ArchiveError::Inconsistent { offset: at, rule });
    if at < lowest {
        return inconsistent("the member table must stand behind the members");
    }
    let found = cursor.member(at)?;
    let mut data = Vec::new();
    let wide = cursor.format.wide();
    number(&mut data, wide, members.len());
    offsets.iter().for_each(|offset| number(&mut data, wide, offset));
    for member in members {
        data.extend_from_slice(member.name.as_bytes());
        data.push(0);
    }
    // GNU ar counts the byte that makes the table of a big archive even.
    if cursor.format == ArchiveFormat::Big && data.len() % 2 == 1 && found.member.data.len() > data.len() {
        data.push(0);
    }
    if !found.member.name.is_empty() || found.member.data != data {
        return inconsistent("the member table must list exactly the members");
    }
    if (found.previous, found.next) != (offsets.last().copied().unwrap_or(0), 0) {
        return inconsistent("the member table must stand last in the chain");
    }
    if cursor.bytes.len() != even(found.end) {
        return inconsistent("the archive must end with the member table, filled to an even length");
    }
    Ok(())
}

struct Cursor<'a> {
    bytes: &'a [u8],
    format: ArchiveFormat,
}

struct Found {
    member: Member,
    next: usize,
    previous: usize,
    end: usize,
}

impl Cursor<'_> {
    fn slice(&self, offset: usize, length: usize, what: &'static str) -> Result<&[u8], ArchiveError> {
        offset
            .checked_add(length)
            .and_then(|end| self.bytes.get(offset..end))
            .ok_or(ArchiveError::Truncated { what, offset })
    }

    fn digits(&self, offset: usize, width: usize, what: &'static str) -> Result<&str, ArchiveError> {
        let field = self.slice(offset, width, what)?;
        let text = std::str::from_utf8(field).map_err(|_| ArchiveError::Number { what, offset })?;
        Ok(text.trim_end_matches(' '))
    }

    fn decimal(&self, offset: usize, width: usize, what: &'static str) -> Result<usize, ArchiveError> {
        parse_digits(self.digits(offset, width, what)?)
            .and_then(|value| usize::try_from(value).ok())
            .ok_or(ArchiveError::Number { what, offset })
    }

    /// An offset of the file header. GNU ar leaves the unused ones empty, and fills with NUL.
    fn header_offset(&self, offset: usize) -> Result<usize, ArchiveError> {
        let what = "an offset of the file header";
        match self.digits(offset, self.format.wide(), what)?.trim_end_matches('\0') {
            "" if self.format == ArchiveFormat::Big => Ok(0),
            text => parse_digits(text)
                .and_then(|value| usize::try_from(value).ok())
                .ok_or(ArchiveError::Number { what, offset }),
        }
    }

    fn word(&self, offset: usize, what: &'static str) -> Result<u32, ArchiveError> {
        u32::try_from(self.decimal(offset, 12, what)?).map_err(|_| ArchiveError::Number { what, offset })
    }

    fn member(&self, at: usize) -> Result<Found, ArchiveError> {
        let wide = self.format.wide();
        self.slice(at, self.format.member_header_length(), "a member header")?;
        let size = self.decimal(at, wide, "the size of a member")?;
        let next = self.decimal(at + wide, wide, "the next offset of a member")?;
        let previous = self.decimal(at + 2 * wide, wide, "the previous offset of a member")?;
        let fields = at + 3 * wide;
        let date = self.word(fields, "the date of a member")?;
        let uid = self.word(fields + 12, "the owner of a member")?;
        let gid = self.word(fields + 24, "the group of a member")?;
        let mode_text = self.digits(fields + 36, 12, "the mode of a member")?;
        let mode = parse_digits(mode_text)
            .and_then(|_| u32::from_str_radix(mode_text, 8).ok())
            .ok_or(ArchiveError::Number { what: "the mode of a member", offset: fields + 36 })?;
        let name_length = self.decimal(fields + 48, 4, "the name length of a member")?;
        let name_at = fields + 52;
        let name = self.slice(name_at, name_length, "the name of a member")?;
        let name = std::str::from_utf8(name).map_err(|_| ArchiveError::Name { offset: at })?.to_owned();
        let mark = name_at + even(name_length);
        if self.slice(mark, 2, "the end of a member header")? != b"`\n" {
            return Err(ArchiveError::Inconsistent { offset: mark, rule: "a member header ends with `\\n" });
        }
        let data = self.slice(mark + 2, size, "the data of a member")?.to_vec();
        let end = mark + 2 + size;
        Ok(Found { member: Member { name, date, uid, gid, mode, data }, next, previous, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, data: &[u8]) -> Member {
        Member { name: name.into(), date: 1_700_000_000, uid: 0, gid: 0, mode: 0o644, data: data.to_vec() }
    }

    #[test]
    fn members_of_odd_and_even_names_and_data_come_back_the_same() {
        for count in 0..5 {
            let members: Vec<Member> = (0..count)
                .map(|n| member(&"name"[..=n % 4].repeat(n + 1), &b"some data"[..n * 2 % 9]))
                .collect();
            assert_eq!(read(&write(&members).unwrap()), Ok((ArchiveFormat::Small, members)));
        }
    }

    #[test]
    fn names_that_are_no_file_names_or_occur_twice_are_refused() {
        for name in ["", ".", "..", "a/b", "a b", "\0", &"x".repeat(256)] {
            assert!(matches!(write(&[member(name, b"")]), Err(ArchiveError::Name { .. })), "{name:?}");
        }
        let twice = [member("a", b"1"), member("a", b"2")];
        assert_eq!(write(&twice), Err(ArchiveError::Duplicate { name: "a".into() }));
    }

    #[test]
    fn other_archives_and_truncated_ones_are_refused() {
        assert_eq!(read(b"!<arch>\n"), Err(ArchiveError::Magic));
        let archive = write(&[member("odd", b"odd"), member("even", b"even")]).unwrap();
        for length in 0..archive.len() {
            assert!(read(&archive[..length]).is_err(), "{length}");
        }
        assert!(read(&[archive.as_slice(), b"more"].concat()).is_err());
    }

    #[test]
    fn a_chain_that_does_not_agree_with_its_header_or_table_is_refused() {
        let archive = write(&[member("first", b"1"), member("second", b"2")]).unwrap();
        // Every digit of every offset is changed: file header, both member headers, member table.
        let text = |offset: usize| archive[offset].is_ascii_digit();
        let second = 68 + 88 + 6 + 2 + 2 + SPARE;
        let fields = (8..68).chain(68 + 12..68 + 36).chain(second + 12..second + 36);
        let table = second + 88 + 6 + 2 + 2 + SPARE;
        let fields =
            fields.chain(table..table + 12).chain(table + 24..table + 36).chain(table + 90..archive.len());
        let mut changed_fields = 0;
        for offset in fields.filter(|&offset| text(offset)) {
            let mut changed = archive.clone();
            changed[offset] = if changed[offset] == b'1' { b'2' } else { b'1' };
            assert!(read(&changed).is_err(), "byte {offset}");
            changed_fields += 1;
        }
        assert!(changed_fields > 20, "{changed_fields}");
    }
}
