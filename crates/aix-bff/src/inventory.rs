//! The `.inventory` member: what sysck makes of the installed files.

use std::fmt;

use crate::{
    checksum::{FileSum, parse_digits},
    name::InstallPath,
    text::{MAX_ENTRIES, TextError, is_account_name, is_link_target, lines},
};

/// Permission bits of an inventory: the low nine, and the three special ones by name.
const SPECIAL_BITS: [(u16, &str); 3] = [(0o4000, "SUID"), (0o2000, "SGID"), (0o1000, "SVTX")];

/// A value that sysck compares, or one that may change on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded<T> {
    /// The value at the time of packaging.
    Value(T),
    /// `VOLATILE`: not compared.
    Volatile,
}

/// What a stanza describes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InventoryKind {
    /// `type = DIRECTORY`.
    Directory,
    /// `type = FILE`.
    File {
        /// Length in bytes.
        size: Recorded<u32>,
        /// BSD checksum.
        checksum: Recorded<FileSum>,
        /// Further names, made by sysck as hard links.
        links: Vec<InstallPath>,
    },
    /// `type = SYMLINK`, made by sysck.
    Symlink {
        /// What the link points at.
        target: String,
    },
}

/// One stanza.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryEntry {
    /// The installed path.
    pub path: InstallPath,
    /// Name of the owner.
    pub owner: String,
    /// Name of the group.
    pub group: String,
    /// Low 12 mode bits.
    pub mode: u16,
    /// Type and what belongs to it.
    pub kind: InventoryKind,
    /// Classes, for example `apply`, `inventory` and the fileset.
    pub class: Vec<String>,
}

/// The stanza, ended by an empty line.
impl fmt::Display for InventoryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, value: &dyn fmt::Display| writeln!(f, "          {name} = {value}");
        let mut mode = String::new();
        for (bit, name) in SPECIAL_BITS {
            if self.mode & bit != 0 {
                mode.push_str(name);
                mode.push(',');
            }
        }
        mode.push_str(&format!("{:o}", self.mode & 0o777));
        let class = self.class.join(",");
        let quoted = |sum: &Recorded<FileSum>| match sum {
            Recorded::Value(sum) => format!("\"{sum}\""),
            Recorded::Volatile => "VOLATILE".into(),
        };
        let kind = match &self.kind {
            InventoryKind::Directory => "DIRECTORY",
            InventoryKind::File { .. } => "FILE",
            InventoryKind::Symlink { .. } => "SYMLINK",
        };
        line("owner", &self.owner)?;
        line("group", &self.group)?;
        line("mode", &mode)?;
        line("type", &kind)?;
        match &self.kind {
            InventoryKind::Directory => line("class", &class)?,
            InventoryKind::Symlink { target } => {
                line("target", target)?;
                line("class", &class)?;
            }
            InventoryKind::File { size, checksum, links } => {
                if !links.is_empty() {
                    let links: Vec<&str> = links.iter().map(InstallPath::as_str).collect();
                    line("links", &links.join(","))?;
                }
                line("class", &class)?;
                match size {
                    Recorded::Value(size) => line("size", size)?,
                    Recorded::Volatile => line("size", &"VOLATILE")?,
                }
                line("checksum", &quoted(checksum))?;
            }
        }
        Ok(())
    }
}

/// The text of an inventory.
pub fn write(entries: &[InventoryEntry]) -> String {
    entries.iter().map(|entry| format!("{}:\n{entry}\n", entry.path)).collect()
}

/// Reads an inventory. `document` names it in errors.
///
/// # Errors
///
/// When a line is not part of a stanza, an attribute is missing, unknown, repeated or of the wrong
/// form, or the type is not FILE, DIRECTORY or SYMLINK.
pub fn read(document: &str, bytes: &[u8]) -> Result<Vec<InventoryEntry>, TextError> {
    let lines = lines(document, bytes)?;
    let mut entries = Vec::new();
    let mut index = 0;
    while index < lines.len() {
        let start = index;
        index += 1;
        if lines[start].trim().is_empty() {
            continue;
        }
        let path = lines[start].strip_suffix(':').unwrap_or_default().parse();
        let path =
            path.map_err(|error: crate::PathError| TextError::new(document, start + 1, lines[start], error))?;
        let mut stanza = Stanza { document, line: start + 1, path, attributes: Vec::new() };
        while let Some(line) =
            lines.get(index).filter(|line| line.starts_with([' ', '\t']) && !line.trim().is_empty())
        {
            stanza.add(index + 1, line)?;
            index += 1;
        }
        entries.push(stanza.finish()?);
        if entries.len() > MAX_ENTRIES {
            return Err(TextError::new(
                document,
                start + 1,
                "",
                "the inventory has more entries than are read",
            ));
        }
    }
    Ok(entries)
}

struct Stanza<'a> {
    document: &'a str,
    line: usize,
    path: InstallPath,
    attributes: Vec<(&'a str, &'a str, usize)>,
}

impl<'a> Stanza<'a> {
    fn add(&mut self, line: usize, text: &'a str) -> Result<(), TextError> {
        let refuse = |rule: &str| Err(TextError::new(self.document, line, text, rule));
        let Some((name, value)) = text.split_once('=') else {
            return refuse("expected `attribute = value`");
        };
        let (name, value) = (name.trim(), value.trim());
        if self.attributes.iter().any(|(other, ..)| *other == name) {
            return refuse("the attribute occurs twice in its stanza");
        }
        self.attributes.push((name, value, line));
        Ok(())
    }

    fn take(&mut self, name: &str) -> Option<(&'a str, usize)> {
        let index = self.attributes.iter().position(|(other, ..)| *other == name)?;
        let (_, value, line) = self.attributes.remove(index);
        Some((value, line))
    }

    fn need<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, TextError> {
        let (document, path) = (self.document, &self.path);
        let missing =
            TextError::new(document, self.line, path.as_str(), format!("the stanza needs `{name}`"));
        let (value, line) = self.take(name).ok_or(missing)?;
        parse(value).ok_or_else(|| TextError::new(document, line, value, rule))
    }

    fn finish(mut self) -> Result<InventoryEntry, TextError> {
        let account = |value: &str| is_account_name(value).then(|| value.to_owned());
        let owner = self.need("owner", "not an account name", account)?;
        let group = self.need("group", "not a group name", account)?;
        let mode = self.need("mode", "expected octal permissions after SUID, SGID or SVTX", parse_mode)?;
        let class = self.need("class", "expected class names", |value| {
            let class: Vec<String> = value.split(',').map(str::to_owned).collect();
            class.iter().all(|name| !name.is_empty() && !name.contains([' ', '\t'])).then_some(class)
        })?;
        let kind = match self.need("type", "not a file type", Some)? {
            "DIRECTORY" => InventoryKind::Directory,
            "SYMLINK" => InventoryKind::Symlink {
                target: self.need("target", "not a link target", |value| {
                    is_link_target(value).then(|| value.to_owned())
                })?,
            },
            "FILE" => self.file()?,
            other => {
                let rule = "only FILE, DIRECTORY and SYMLINK are supported";
                return Err(TextError::new(self.document, self.line, other, rule));
            }
        };
        if let Some((name, _, line)) = self.attributes.first() {
            let rule = format!("no attribute of a {} stanza", kind_name(&kind));
            return Err(TextError::new(self.document, *line, name, rule));
        }
        Ok(InventoryEntry { path: self.path, owner, group, mode, kind, class })
    }

    fn file(&mut self) -> Result<InventoryKind, TextError> {
        let size = self.need("size", "expected bytes or VOLATILE", |value| {
            recorded(value, |value| parse_digits(value).and_then(|size| u32::try_from(size).ok()))
        })?;
        let checksum = self.need("checksum", "expected a quoted `sum -r` or VOLATILE", |value| {
            recorded(value, |value| FileSum::parse(value.strip_prefix('"')?.strip_suffix('"')?))
        })?;
        let links = match self.take("links") {
            None => Vec::new(),
            Some((value, line)) => value
                .split(',')
                .map(|link| link.trim().parse())
                .collect::<Result<_, _>>()
                .map_err(|error: crate::PathError| TextError::new(self.document, line, value, error))?,
        };
        Ok(InventoryKind::File { size, checksum, links })
    }
}

fn recorded<T>(value: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<Recorded<T>> {
    match value {
        "VOLATILE" => Some(Recorded::Volatile),
        value => parse(value).map(Recorded::Value),
    }
}

fn parse_mode(value: &str) -> Option<u16> {
    let mut words: Vec<&str> = value.split(',').map(str::trim).collect();
    let permissions = words.pop()?;
    parse_digits(permissions)?;
    let mut mode = u16::from_str_radix(permissions, 8).ok().filter(|&mode| mode <= 0o7777)?;
    for word in words {
        mode |= SPECIAL_BITS.iter().find(|(_, name)| *name == word)?.0;
    }
    Some(mode)
}

fn kind_name(kind: &InventoryKind) -> &'static str {
    match kind {
        InventoryKind::Directory => "DIRECTORY",
        InventoryKind::File { .. } => "FILE",
        InventoryKind::Symlink { .. } => "SYMLINK",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANZA: &str = "/opt/x:\n          owner = root\n          group = system\n          mode = SUID,SGID,755\n          \
                          type = FILE\n          links = /opt/y,/opt/z\n          class = apply,inventory,acme\n          \
                          size = 42\n          checksum = \"23244    1 \"\n\n";

    #[test]
    fn a_stanza_with_special_bits_and_links_reads_and_writes_back_the_same() {
        let entries = read("x", STANZA.as_bytes()).unwrap();
        assert_eq!(entries[0].mode, 0o6755);
        assert!(matches!(&entries[0].kind, InventoryKind::File { links, .. } if links.len() == 2));
        assert_eq!(write(&entries), STANZA);
    }

    #[test]
    fn the_order_of_attributes_and_blank_lines_does_not_matter() {
        let text =
            "\n/opt/x:\n\tclass = apply\n\ttype = DIRECTORY\n\tmode = 2755\n\tgroup = g\n\towner = o\n\n\n";
        let entries = read("x", text.as_bytes()).unwrap();
        assert_eq!((entries[0].mode, &entries[0].kind), (0o2755, &InventoryKind::Directory));
    }

    #[test]
    fn damaged_stanzas_are_refused() {
        for (from, to) in [
            ("owner = root", "owner root"),
            ("owner = root", "owner = ro ot"),
            ("owner = root", "group = root"),
            ("mode = SUID,", "mode = SUIDS,"),
            ("755", "9"),
            ("type = FILE", "type = FIFO"),
            ("type = FILE", "type = DIRECTORY"),
            ("size = 42", "size = 99999999999"),
            ("size = 42", "target = 42"),
            ("\"23244    1 \"", "23244 1"),
            ("/opt/x:", "/opt/x"),
            ("/opt/x:", "opt/x:"),
            ("/opt/y,/opt/z", "/opt/y,../z"),
            ("          class = apply,inventory,acme\n", ""),
        ] {
            let text = STANZA.replacen(from, to, 1);
            assert!(read("x", text.as_bytes()).is_err(), "{text}");
        }
    }
}
