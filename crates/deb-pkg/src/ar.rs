//! The outer ar archive: one fixed form of header, written and required.

/// Global header of an ar archive.
pub(crate) const MAGIC: &[u8; 8] = b"!<arch>\n";
/// Length of a member header.
pub(crate) const HEADER: usize = 60;
/// Largest member: ten decimal digits.
pub(crate) const MAX_SIZE: u64 = 9_999_999_999;

/// Why bytes are not an ar archive in the form of a package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArError {
    /// Not an ar archive.
    #[error("ar: the file does not begin with {:?}", "!<arch>\n")]
    Magic,
    /// The archive ends inside a member.
    #[error("ar: truncated at byte {offset}")]
    Truncated {
        /// Where more bytes were needed.
        offset: usize,
    },
    /// A header is not in the form that this crate writes.
    #[error("ar: member header at byte {offset} is not canonical")]
    Header {
        /// Start of the header.
        offset: usize,
    },
    /// The byte that fills an odd member up is not a newline.
    #[error("ar: padding at byte {offset} is not a newline")]
    Padding {
        /// Where the byte stands.
        offset: usize,
    },
}

/// The header of a member: name without slash, owner 0:0, mode 100644 (deb(5)).
pub(crate) fn header(name: &str, mtime: u64, size: u64) -> [u8; HEADER] {
    let text = format!("{name:<16}{mtime:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, "100644");
    text.into_bytes().try_into().expect("names, times and sizes fit their fields")
}

/// One member as it stands in an archive.
#[derive(Debug)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) mtime: u64,
    pub(crate) content: &'a [u8],
}

/// Splits an archive into its members.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Member<'_>>, ArError> {
    if !bytes.starts_with(MAGIC) {
        return Err(ArError::Magic);
    }
    let mut members = Vec::new();
    let mut at = MAGIC.len();
    while at < bytes.len() {
        let offset = at;
        let head = bytes.get(at..at + HEADER).ok_or(ArError::Truncated { offset })?;
        let refuse = ArError::Header { offset };
        if !head.is_ascii() {
            return Err(refuse);
        }
        let field = |from: usize, to: usize| {
            let text = std::str::from_utf8(&head[from..to]).map_err(|_| refuse.clone())?;
            Ok::<_, ArError>(text.trim_end_matches(' '))
        };
        let name = field(0, 16)?;
        let mtime = field(16, 28)?.parse().map_err(|_| refuse.clone())?;
        let size: u64 = field(48, 58)?.parse().map_err(|_| refuse.clone())?;
        if header(name, mtime, size) != head {
            return Err(refuse);
        }
        at += HEADER;
        let content = usize::try_from(size)
            .ok()
            .and_then(|size| at.checked_add(size))
            .and_then(|end| bytes.get(at..end))
            .ok_or(ArError::Truncated { offset: at })?;
        at += content.len();
        if content.len() % 2 == 1 {
            match bytes.get(at) {
                Some(b'\n') => at += 1,
                Some(_) => return Err(ArError::Padding { offset: at }),
                None => return Err(ArError::Truncated { offset: at }),
            }
        }
        members.push(Member { name, mtime, content });
    }
    Ok(members)
}
