//! What the caller says about a package.

use std::sync::Arc;

use crate::compress::Compression;
use crate::fields::{Architecture, PackageName, Priority, Version};
use crate::relation::Dependency;

/// A complete binary package: control metadata, maintainer scripts and the tree to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spec {
    /// `Package`.
    pub name: PackageName,
    /// `Version`.
    pub version: Version,
    /// `Architecture`.
    pub architecture: Architecture,
    /// `Maintainer`: `Name <mail@domain>`.
    pub maintainer: String,
    /// `Section`: `admin`, `net`, `non-free/net`.
    pub section: String,
    /// `Priority`.
    pub priority: Priority,
    /// `Homepage`: an http or https address.
    pub homepage: Option<String>,
    /// `Description`.
    pub description: Description,
    /// `Pre-Depends`: what must be configured before this package is unpacked.
    pub pre_depends: Vec<Dependency>,
    /// `Depends`.
    pub depends: Vec<Dependency>,
    /// `Recommends`.
    pub recommends: Vec<Dependency>,
    /// `Suggests`.
    pub suggests: Vec<Dependency>,
    /// `Conflicts`; no alternatives.
    pub conflicts: Vec<Dependency>,
    /// `Breaks`; no alternatives.
    pub breaks: Vec<Dependency>,
    /// `Replaces`; no alternatives.
    pub replaces: Vec<Dependency>,
    /// `Provides`; no alternatives, and only `=` as operator.
    pub provides: Vec<Dependency>,
    /// Other control fields, name and one-line value, in the order they are to have.
    pub extra_fields: Vec<(String, String)>,
    /// Maintainer scripts.
    pub scripts: Scripts,
    /// Configuration files, which dpkg keeps when the administrator changed them: absolute paths of files of
    /// [`Spec::entries`].
    pub conffiles: Vec<String>,
    /// The tree to install, in any order. Missing parent directories are added as `root:root 0755`.
    pub entries: Vec<Entry>,
    /// Modification time of everything in the package: seconds since 1970-01-01 UTC, below 8^11.
    pub source_date: u64,
    /// Compression of the control archive. dpkg before 1.17.6 reads only [`Compression::Gzip`] here.
    pub control_compression: Compression,
}

/// The `Description` field: one line for lists, and a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// One line of at most 80 characters.
    pub synopsis: String,
    /// The text, line by line, without the leading space of the control file. An empty line parts paragraphs; a
    /// line that starts with a space is shown as it is.
    pub lines: Vec<String>,
}

impl Description {
    /// Widest line of the text that [`Description::fold`] makes; with the leading space of the control file a
    /// line then has 79 columns.
    pub const WIDTH: usize = 78;

    /// Folds `text` to lines of at most [`Description::WIDTH`] characters. Lines that start with a space stay
    /// as they are, an empty line parts paragraphs, other lines flow together; leading and trailing empty lines
    /// are dropped.
    pub fn fold(synopsis: impl Into<String>, text: &str) -> Self {
        let mut lines: Vec<String> = Vec::new();
        // The paragraph that following lines still flow into.
        let mut open = false;
        for line in text.lines().map(str::trim_end) {
            if line.is_empty() {
                if lines.last().is_some_and(|last| !last.is_empty()) {
                    lines.push(String::new());
                }
                open = false;
            } else if line.starts_with(' ') {
                lines.push(line.to_owned());
                open = false;
            } else {
                for word in line.split_whitespace() {
                    match lines.last_mut() {
                        Some(last)
                            if open && last.chars().count() + 1 + word.chars().count() <= Self::WIDTH =>
                        {
                            last.push(' ');
                            last.push_str(word);
                        }
                        _ => lines.push(word.to_owned()),
                    }
                    open = true;
                }
            }
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        Self { synopsis: synopsis.into(), lines }
    }
}

/// Maintainer scripts (Debian Policy 6): whole files, each beginning with `#!`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scripts {
    /// Runs before the package is unpacked.
    pub preinst: Option<String>,
    /// Runs after the package was unpacked, and configures it.
    pub postinst: Option<String>,
    /// Runs before files are removed.
    pub prerm: Option<String>,
    /// Runs after files were removed, and on purge.
    pub postrm: Option<String>,
}

impl Scripts {
    /// The scripts that are there, with their names, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("postinst", &self.postinst),
            ("postrm", &self.postrm),
            ("preinst", &self.preinst),
            ("prerm", &self.prerm),
        ]
        .into_iter()
        .filter_map(|(name, script)| script.as_deref().map(|script| (name, script)))
    }
}

/// One thing of the tree to install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Absolute path, `/opt/x/y`: no empty, `.` or `..` component, no trailing slash.
    pub path: String,
    /// What it is.
    pub kind: EntryKind,
    /// Permission bits, at most 0o7777; 0o777 for a symbolic link.
    pub mode: u32,
    /// Owning user.
    pub user: Owner,
    /// Owning group.
    pub group: Owner,
}

/// The kind of an [`Entry`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File {
        /// All its bytes.
        content: Arc<[u8]>,
    },
    /// A symbolic link.
    Symlink {
        /// Where it points; relative or absolute, existing or not.
        target: String,
    },
}

/// A user or a group. dpkg looks the name up on the host after `preinst` ran, and takes the number only when the
/// name does not exist there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// `[a-z_][a-z0-9_-]*`, at most 31 characters.
    pub name: String,
    /// Number for hosts without that name, at most 0o7777777; 0 for `root`.
    pub id: u32,
}

impl Owner {
    /// `root`, 0.
    pub fn root() -> Self {
        Self { name: "root".to_owned(), id: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_flows_paragraphs_and_keeps_verbatim_lines() {
        let text =
            format!("\n{}\n{}\n\n\n  * item\n  * item two\nend.\n\n", "word ".repeat(12), "x".repeat(30));
        let folded = Description::fold("s", &text);
        assert_eq!(
            folded.lines,
            ["word ".repeat(12).trim_end(), &"x".repeat(30), "", "  * item", "  * item two", "end."]
        );
    }
}
