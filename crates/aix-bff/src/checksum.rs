//! The two checksums of a package: of backup headers, and of files in the inventory.

use std::fmt;

/// Offset of the 16-bit checksum inside every backup header.
pub(crate) const CHECKSUM_OFFSET: usize = 4;

/// Checksum of a whole backup header (a multiple of 8 bytes, name included).
///
/// Every byte is shifted left by its own low three bits, truncated to 16 bits and summed; the two
/// checksum bytes count as zero. The algorithm agrees with every header of packages made on AIX.
///
/// It is weak: 2 and 8 contribute the same value, so a header can change without changing its
/// checksum. The canonical reader therefore also compares every header with the one it expects.
pub fn header_checksum(header: &[u8]) -> u16 {
    header
        .iter()
        .enumerate()
        .filter(|(offset, _)| !(CHECKSUM_OFFSET..CHECKSUM_OFFSET + 2).contains(offset))
        .fold(0, |sum: u16, (_, &byte)| sum.wrapping_add(u16::from(byte) << (byte & 7)))
}

/// Running BSD checksum (`sum -r`): rotate right by one, add the byte, modulo 65536.
#[derive(Debug, Clone, Default)]
pub struct BsdSum {
    sum: u16,
    length: u64,
}

impl BsdSum {
    /// Adds the next bytes of the file.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sum =
            bytes.iter().fold(self.sum, |sum, &byte| sum.rotate_right(1).wrapping_add(u16::from(byte)));
        self.length += bytes.len() as u64;
    }

    /// The checksum of everything added so far.
    pub fn finish(&self) -> FileSum {
        FileSum { sum: self.sum, kibibytes: self.length.div_ceil(1024) }
    }
}

/// The checksum of a file as an inventory stanza states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileSum {
    /// BSD 16-bit checksum.
    pub sum: u16,
    /// Length of the file in started blocks of 1024 bytes.
    pub kibibytes: u64,
}

impl FileSum {
    /// The checksum of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut sum = BsdSum::default();
        sum.update(bytes);
        sum.finish()
    }

    /// Reads the text between the quotes of `checksum = "…"`: two decimal numbers.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace();
        let sum = parse_digits(words.next()?)?;
        let kibibytes = parse_digits(words.next()?)?;
        words.next().is_none().then_some(())?;
        Some(Self { sum: u16::try_from(sum).ok()?, kibibytes })
    }
}

/// `sum -r` of AIX: five digits, four spaces, the block count, one space. GNU `sum -r` pads the count
/// differently, which is why no external program is used.
impl fmt::Display for FileSum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}    {} ", self.sum, self.kibibytes)
    }
}

/// A decimal number of digits only: no sign, no spaces.
pub(crate) fn parse_digits(text: &str) -> Option<u64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_header_has_the_checksum_that_aix_writes() {
        assert_eq!(header_checksum(&[1, 7, 0x6b, 0xea, 0xff, 0xff, 1, 0]), 0x0a84);
    }

    #[test]
    fn file_sums_agree_with_an_inventory_made_on_aix() {
        assert_eq!(FileSum::of(b"This is the PkgA README\n").to_string(), "08645    1 ");
        let command = b"#!/bin/sh\n\necho \"Here is my PkgA command\"\n";
        assert_eq!(FileSum::of(command).to_string(), "23244    1 ");
    }

    #[test]
    fn file_sums_parse_from_their_text() {
        let sum = FileSum { sum: 14407, kibibytes: 13 };
        assert_eq!(FileSum::parse(&sum.to_string()), Some(sum));
        assert_eq!(FileSum::parse("65536 1"), None);
        assert_eq!(FileSum::parse("+1 1"), None);
        assert_eq!(FileSum::parse("1 1 1"), None);
    }
}
