//! The rules that a package must keep before any of it is written.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, io,
};

use thiserror::Error;

use super::{Entry, EntryKind, Fileset, Package, Part, PartKind, metadata};
use crate::{
    backup::MAX_FILE_SIZE,
    lpp_name::DESCRIPTION_MAX,
    name::{InstallPath, Name, PATH_MAX},
    text::{is_account_name, is_link_target},
};

/// One broken rule.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// A package without filesets.
    #[error("the package {package} has no fileset: add one")]
    NoFileset {
        /// The package.
        package: Name,
    },
    /// Two filesets of one name.
    #[error("the fileset {fileset} occurs twice: every fileset of a package needs its own name")]
    DuplicateFileset {
        /// The name.
        fileset: Name,
    },
    /// A time that AIX cannot express.
    #[error("the timestamp {timestamp} is behind 2038-01-19: AIX packages hold 31-bit times")]
    Timestamp {
        /// Seconds since 1970.
        timestamp: u32,
    },
    /// A text that cannot stand where it should.
    #[error("{what} of {owner} is refused: {rule}")]
    Text {
        /// Which text.
        what: String,
        /// The package or fileset.
        owner: Name,
        /// The broken rule.
        rule: String,
    },
    /// An entry in the wrong part.
    #[error(
        "{path} is in the {part} part: the usr part holds what is below /usr and /opt, the root part \
             everything else"
    )]
    WrongPart {
        /// The path.
        path: InstallPath,
        /// `usr` or `root`.
        part: &'static str,
    },
    /// An entry where installp keeps its own files.
    #[error("{path} is a place of installp: it keeps the control files of the package there")]
    Reserved {
        /// The path.
        path: InstallPath,
    },
    /// Two entries, or an entry and a hard link, of one path.
    #[error("{path} occurs twice in the package: a path belongs to one entry")]
    DuplicatePath {
        /// The path.
        path: InstallPath,
    },
    /// An entry below something that is not a directory.
    #[error("{path} is below {ancestor}, which the package makes no directory")]
    NotADirectory {
        /// The entry.
        path: InstallPath,
        /// The file or link above it.
        ancestor: InstallPath,
    },
    /// A name too long for the backup stream.
    #[error("{path} has {length} bytes in the archive: AIX allows {PATH_MAX}")]
    NameTooLong {
        /// The path.
        path: InstallPath,
        /// Its length in the archive.
        length: usize,
    },
    /// Mode bits that are no permissions.
    #[error("{path} has the mode {mode:#o}: only the 12 permission bits are allowed")]
    Mode {
        /// The path.
        path: InstallPath,
        /// The refused mode.
        mode: u16,
    },
    /// An owner or group that an inventory cannot name.
    #[error("{path} has the {what} `{name}`: use 1 to 255 letters, digits, `_`, `-` and `.`")]
    Account {
        /// The path.
        path: InstallPath,
        /// `owner` or `group`.
        what: &'static str,
        /// The refused name.
        name: String,
    },
    /// A link target that sysck refuses.
    #[error("{path} points at `{target}`: link targets follow the character rules of paths")]
    LinkTarget {
        /// The link.
        path: InstallPath,
        /// The refused target.
        target: String,
    },
    /// A control script that AIX cannot run.
    #[error("the script {script} is refused: {rule}")]
    Script {
        /// Member name.
        script: String,
        /// The broken rule.
        rule: &'static str,
    },
    /// A further member whose name is taken or no plain file name.
    #[error("the control member `{member}` is refused: {rule}")]
    Member {
        /// Member name.
        member: String,
        /// The broken rule.
        rule: &'static str,
    },
    /// A file that the format cannot hold.
    #[error(
        "{path} has more than {MAX_FILE_SIZE} bytes ({source_name}): files of a backup by name must be \
             smaller than 2 GiB; split it"
    )]
    FileTooLarge {
        /// The path.
        path: InstallPath,
        /// What the content is called on the build host.
        source_name: String,
    },
    /// A content that cannot be read.
    #[error("cannot read the content of {path} from {source_name}: {error}")]
    Unreadable {
        /// The path.
        path: InstallPath,
        /// What the content is called on the build host.
        source_name: String,
        /// Why.
        error: io::Error,
    },
}

/// All broken rules of a package.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

impl std::error::Error for Problems {}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the package breaks {} rule(s)", self.0.len())?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl<C> Package<C> {
    /// Every broken rule that can be found without reading contents.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.filesets.is_empty() {
            problems.push(Problem::NoFileset { package: self.name.clone() });
        }
        if self.timestamp > 0x7fff_ffff {
            problems.push(Problem::Timestamp { timestamp: self.timestamp });
        }
        let mut text = |what: &str, owner: &Name, broken: Option<String>| {
            if let Some(rule) = broken {
                problems.push(Problem::Text { what: what.into(), owner: owner.clone(), rule });
            }
        };
        text("the productid", &self.name, self.product_id.as_deref().and_then(broken_lines));
        for fileset in &self.filesets {
            let name = &fileset.name;
            text("the copyright", name, fileset.copyright.as_deref().and_then(broken_lines));
            text("the description", name, broken_description(&fileset.description));
            text("the language", name, broken_language(&fileset.language));
        }
        let mut names = BTreeSet::new();
        for fileset in &self.filesets {
            if !names.insert(&fileset.name) {
                problems.push(Problem::DuplicateFileset { fileset: fileset.name.clone() });
            }
        }
        self.path_problems(&mut problems);
        self.member_problems(&mut problems);
        problems
    }

    fn path_problems(&self, problems: &mut Vec<Problem>) {
        let mut taken: BTreeMap<&InstallPath, bool> = BTreeMap::new();
        let control = format!("/usr/lpp/{}", self.name);
        let (archive, inst_root) = (format!("{control}/liblpp.a"), format!("{control}/inst_root"));
        for (kind, entry) in self.all_entries() {
            let links = match &entry.kind {
                EntryKind::File(file) => file.links.as_slice(),
                _ => &[],
            };
            for path in std::iter::once(&entry.path).chain(links) {
                let is_directory = matches!(entry.kind, EntryKind::Directory);
                if taken.insert(path, is_directory).is_some() {
                    problems.push(Problem::DuplicatePath { path: path.clone() });
                }
                let usr = path.is_below("/usr") || path.is_below("/opt");
                let part = match kind {
                    PartKind::Usr => (!usr).then_some("usr"),
                    // /usr and /opt themselves belong to neither part.
                    PartKind::Root => (usr || matches!(path.as_str(), "/usr" | "/opt")).then_some("root"),
                };
                if let Some(part) = part {
                    problems.push(Problem::WrongPart { path: path.clone(), part });
                }
                let above = matches!(path.as_str(), "/usr/lpp") || path.as_str() == control;
                if above
                    || path.as_str() == archive
                    || path.as_str() == inst_root
                    || path.is_below(&inst_root)
                {
                    problems.push(Problem::Reserved { path: path.clone() });
                }
            }
            entry_problems(entry, problems);
            let length = metadata::record_name(&self.name, kind, &entry.path).len();
            if length > PATH_MAX {
                problems.push(Problem::NameTooLong { path: entry.path.clone(), length });
            }
        }
        for path in taken.keys() {
            let mut above = path.parent();
            while above != "/" {
                let Ok(ancestor) = above.parse::<InstallPath>() else { break };
                if taken.get(&ancestor) == Some(&false) {
                    problems.push(Problem::NotADirectory { path: (*path).clone(), ancestor });
                    break;
                }
                above = &above[..above.rfind('/').unwrap_or(0).max(1)];
            }
        }
    }

    fn all_entries(&self) -> impl Iterator<Item = (PartKind, &Entry<C>)> {
        self.filesets
            .iter()
            .flat_map(Fileset::parts)
            .flat_map(|(kind, part)| part.entries.iter().map(move |entry| (kind, entry)))
    }

    fn member_problems(&self, problems: &mut Vec<Problem>) {
        let mut taken: BTreeSet<String> = BTreeSet::from([metadata::PRODUCT_ID.into()]);
        for fileset in &self.filesets {
            taken.extend(metadata::member_names(&fileset.name));
        }
        for (part, name) in self.extra.keys() {
            let plain = name.len() <= 255
                && !matches!(name.as_str(), "" | "." | "..")
                && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
            let rule = if !plain {
                "a member has a plain file name of 1 to 255 ASCII characters"
            } else if taken.contains(name) {
                "the name belongs to a control member of the format"
            } else if *part == PartKind::Root && !self.has_root() {
                "no fileset has a root part"
            } else {
                continue;
            };
            problems.push(Problem::Member { member: name.clone(), rule });
        }
        for fileset in &self.filesets {
            for (_, part) in fileset.parts() {
                script_problems(&fileset.name, part, problems);
            }
        }
    }
}

fn entry_problems<C>(entry: &Entry<C>, problems: &mut Vec<Problem>) {
    let Entry { path, owner, group, mode, kind } = entry;
    if *mode > 0o7777 {
        problems.push(Problem::Mode { path: path.clone(), mode: *mode });
    }
    for (what, name) in [("owner", owner), ("group", group)] {
        if !is_account_name(name) {
            problems.push(Problem::Account { path: path.clone(), what, name: name.clone() });
        }
    }
    if let EntryKind::Symlink { target } = kind
        && !is_link_target(target)
    {
        problems.push(Problem::LinkTarget { path: path.clone(), target: target.clone() });
    }
}

fn script_problems<C>(fileset: &Name, part: &Part<C>, problems: &mut Vec<Problem>) {
    for (script, text) in &part.scripts {
        let rule = if !text.starts_with(b"#!/") {
            "it must start with `#!` and the path of its interpreter"
        } else if text.contains(&0) || text.contains(&b'\r') {
            "it must be text with newlines only: no NUL, no carriage return"
        } else if !text.ends_with(b"\n") {
            "its last line must end with a newline"
        } else {
            continue;
        };
        problems.push(Problem::Script { script: format!("{fileset}.{}", script.suffix()), rule });
    }
}

fn broken_lines(text: &str) -> Option<String> {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\t' | b'\n'));
    (!plain || !text.ends_with('\n')).then(|| "it must be ASCII lines, each ended by a newline".into())
}

fn broken_description(text: &str) -> Option<String> {
    let plain = (1..=DESCRIPTION_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ')
        && text.trim() == text;
    (!plain).then(|| format!("it must be 1 to {DESCRIPTION_MAX} printable ASCII characters on one line"))
}

fn broken_language(text: &str) -> Option<String> {
    let plain = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    (!plain).then(|| "it must be a locale name such as en_US".into())
}
