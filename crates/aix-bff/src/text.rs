//! What the control texts have in common: the error, and the two simple lists (`.size`, `.cfgfiles`).

use std::fmt;

use thiserror::Error;

use crate::{
    checksum::parse_digits,
    name::{InstallPath, refused_character},
};

/// A line of a control text that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{document}, line {line}: `{text}`: {rule}")]
pub struct TextError {
    /// The text: `lpp_name` or the name of a member.
    pub document: String,
    /// Number of the line, from 1.
    pub line: usize,
    /// The line, or the refused part of it.
    pub text: String,
    /// The broken rule.
    pub rule: String,
}

impl TextError {
    pub(crate) fn new(document: &str, line: usize, text: &str, rule: impl fmt::Display) -> Self {
        let text = text.chars().take(200).collect();
        Self { document: document.into(), line, text, rule: rule.to_string() }
    }
}

/// Most lines of a control text: it bounds the memory of the reader.
const MAX_LINES: usize = 1 << 20;
/// Most entries of an apply list or inventory: it bounds the memory of the reader.
pub(crate) const MAX_ENTRIES: usize = 1 << 17;

/// Control texts are ASCII with a newline at the end of every line.
pub(crate) fn lines<'a>(document: &str, bytes: &'a [u8]) -> Result<Vec<&'a str>, TextError> {
    let refuse = |offset: usize, rule: &str| {
        let line = 1 + bytes[..offset].iter().filter(|&&b| b == b'\n').count();
        Err(TextError::new(document, line, "", rule))
    };
    let plain = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\n');
    if let Some(offset) = bytes.iter().position(|b| !plain(b)) {
        return refuse(offset, "only printable ASCII characters are allowed");
    }
    if bytes.iter().filter(|&&b| b == b'\n').count() > MAX_LINES {
        return refuse(bytes.len(), "the text has more lines than are read");
    }
    match std::str::from_utf8(bytes).unwrap_or_default() {
        "" => Ok(Vec::new()),
        text => match text.strip_suffix('\n') {
            Some(text) => Ok(text.split('\n').collect()),
            None => refuse(bytes.len(), "the last line must end with a newline"),
        },
    }
}

/// A line of the size section: disk space in blocks of 512 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SizeLine {
    /// A directory, or a keyword such as `INSTWORK` or `PAGESPACE`.
    pub item: String,
    /// Blocks that stay in use.
    pub permanent: u64,
    /// Blocks in use only during the installation.
    pub temporary: Option<u64>,
}

impl SizeLine {
    pub(crate) fn parse(document: &str, line: usize, text: &str) -> Result<Self, TextError> {
        let refuse = |rule: &str| TextError::new(document, line, text, rule);
        let words: Vec<&str> = text.split(' ').collect();
        let blocks =
            |word: &str| parse_digits(word).ok_or_else(|| refuse("sizes are decimal numbers of blocks"));
        let (item, permanent, temporary) = match words[..] {
            [item, permanent] => (item, blocks(permanent)?, None),
            [item, permanent, temporary] => (item, blocks(permanent)?, Some(blocks(temporary)?)),
            _ => return Err(refuse("expected `directory blocks [temporary blocks]`")),
        };
        if item.is_empty() {
            return Err(refuse("a size needs a directory or a keyword"));
        }
        Ok(Self { item: item.into(), permanent, temporary })
    }
}

impl fmt::Display for SizeLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.item, self.permanent)?;
        self.temporary.map_or(Ok(()), |temporary| write!(f, " {temporary}"))
    }
}

/// Reads a `.size` member.
pub(crate) fn read_sizes(document: &str, bytes: &[u8]) -> Result<Vec<SizeLine>, TextError> {
    lines(document, bytes)?
        .into_iter()
        .enumerate()
        .map(|(index, line)| SizeLine::parse(document, index + 1, line))
        .collect()
}

/// What an update does with a configuration file that the user changed (`.cfgfiles`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConfigHandling {
    /// The user's file stays.
    Preserve,
    /// A script of the package merges during the installation.
    AutoMerge,
    /// The new file is installed, the user's is saved.
    HoldNew,
    /// The user's file is saved to be merged by hand.
    UserMerge,
    /// The new file replaces the old one.
    Replace,
    /// A script of the package does what is needed.
    Other,
}

impl ConfigHandling {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Preserve, Self::AutoMerge, Self::HoldNew, Self::UserMerge, Self::Replace, Self::Other];

    /// The keyword in `.cfgfiles`.
    pub fn keyword(self) -> &'static str {
        match self {
            Self::Preserve => "preserve",
            Self::AutoMerge => "auto_merge",
            Self::HoldNew => "hold_new",
            Self::UserMerge => "user_merge",
            Self::Replace => "replace",
            Self::Other => "other",
        }
    }
}

/// Reads a `.cfgfiles` member: path, space, keyword. Some packages write the path as `./etc/…`.
pub(crate) fn read_config_files(
    document: &str,
    bytes: &[u8],
) -> Result<Vec<(InstallPath, ConfigHandling)>, TextError> {
    let parse = |(index, line): (usize, &str)| {
        let refuse = |rule: String| TextError::new(document, index + 1, line, rule);
        let (path, keyword) = line.split_once(' ').ok_or_else(|| refuse("expected `path keyword`".into()))?;
        let path = path.strip_prefix('.').unwrap_or(path).parse();
        let path = path.map_err(|error: crate::PathError| refuse(error.to_string()))?;
        let handling = ConfigHandling::ALL.into_iter().find(|handling| handling.keyword() == keyword.trim());
        Ok((path, handling.ok_or_else(|| refuse(format!("`{keyword}` is not a keyword of cfgfiles")))?))
    };
    lines(document, bytes)?.into_iter().enumerate().map(parse).collect()
}

/// Reads an apply list: one `./path` per line.
pub(crate) fn read_apply_list(document: &str, bytes: &[u8]) -> Result<Vec<InstallPath>, TextError> {
    let parse = |(index, line): (usize, &str)| {
        let path = line.strip_prefix('.').unwrap_or_default().parse();
        path.map_err(|error: crate::PathError| TextError::new(document, index + 1, line, error))
    };
    let lines = lines(document, bytes)?;
    if lines.len() > MAX_ENTRIES {
        return Err(TextError::new(document, lines.len(), "", "the list has more entries than are read"));
    }
    lines.into_iter().enumerate().map(parse).collect()
}

/// Whether `text` can be the target of a symbolic link in an inventory.
pub(crate) fn is_link_target(text: &str) -> bool {
    !text.is_empty() && text.len() <= crate::PATH_MAX && refused_character(text).is_none()
}

/// Whether `text` can be an owner or group name in an inventory.
pub(crate) fn is_account_name(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        && !text.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_would_take_much_memory_are_refused() {
        assert!(lines("x", "\n".repeat(MAX_LINES).as_bytes()).is_ok());
        assert!(lines("x", "\n".repeat(MAX_LINES + 1).as_bytes()).is_err());
        let list = |entries: usize| read_apply_list("x.al", "./a\n".repeat(entries).as_bytes());
        assert_eq!(list(MAX_ENTRIES).unwrap().len(), MAX_ENTRIES);
        assert!(list(MAX_ENTRIES + 1).is_err());
    }

    #[test]
    fn a_refused_line_is_named_with_its_number() {
        let error = lines("x", b"one\ntw\0o\n").unwrap_err();
        assert_eq!((error.document.as_str(), error.line), ("x", 2));
        assert_eq!(lines("x", b"one\ntwo").unwrap_err().line, 2);
        let error = read_sizes("x.size", b"/opt 8\n/usr eight\n").unwrap_err();
        assert_eq!(error.to_string(), "x.size, line 2: `/usr eight`: sizes are decimal numbers of blocks");
        assert!(read_config_files("x.cfgfiles", b"/etc/x keep\n").is_err());
        assert!(read_apply_list("x.al", b"/etc/x\n").is_err());
    }

    #[test]
    fn configuration_files_are_read_with_and_without_the_leading_dot() {
        let files = read_config_files("x.cfgfiles", b"/etc/x preserve\n./etc/y hold_new\n").unwrap();
        assert_eq!(files[1], ("/etc/y".parse().unwrap(), ConfigHandling::HoldNew));
        assert_eq!(files[0].1, ConfigHandling::Preserve);
    }
}
