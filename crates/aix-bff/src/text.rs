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
    lines(document, bytes)?.into_iter().enumerate().map(parse).collect()
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
