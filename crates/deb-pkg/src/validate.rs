//! The rules that a specification must keep; all that are broken are reported together.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::control::{OWN_FIELDS, relation_fields};
use crate::relation::Comparison;
use crate::spec::{Entry, EntryKind, Owner, Spec};
use crate::tar::{MAX_ID, MAX_OWNER, MAX_TIME};
use crate::tree::parents;

/// One broken rule of a [`Spec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The value of a control field.
    #[error("field {field}: {rule}")]
    Field {
        /// Name of the control field.
        field: String,
        /// What the value must be.
        rule: &'static str,
    },
    /// The description.
    #[error("description line {line} (0 is the synopsis): {rule}")]
    Description {
        /// Number of the line of the text, from 1; 0 for the synopsis.
        line: usize,
        /// What the line must be.
        rule: &'static str,
    },
    /// The path of an entry.
    #[error("path {path:?}: {rule}")]
    Path {
        /// The path as given.
        path: String,
        /// What a path must be.
        rule: &'static str,
    },
    /// Two entries have the same path.
    #[error("path {path:?}: given more than once; keep one entry for each path")]
    Duplicate {
        /// The path.
        path: String,
    },
    /// An entry lies below something that is not a directory.
    #[error("path {path:?}: {parent:?} above it is a {kind}, not a directory")]
    Parent {
        /// The lower path.
        path: String,
        /// The entry above it.
        parent: String,
        /// What the entry above is.
        kind: &'static str,
    },
    /// Mode or link target of an entry.
    #[error("entry {path:?}: {rule}")]
    Entry {
        /// The path of the entry.
        path: String,
        /// What the entry must be.
        rule: &'static str,
    },
    /// Owner of an entry.
    #[error("entry {path:?}: {role} {name:?} ({id}): {rule}")]
    Owner {
        /// The path of the entry.
        path: String,
        /// `user` or `group`.
        role: &'static str,
        /// The name as given.
        name: String,
        /// The number as given.
        id: u32,
        /// What an owner must be.
        rule: &'static str,
    },
    /// A maintainer script.
    #[error("script {script}: {rule}")]
    Script {
        /// Which script.
        script: &'static str,
        /// What a script must be.
        rule: &'static str,
    },
    /// A conffile.
    #[error("conffile {path:?}: {rule}")]
    Conffile {
        /// The path as given.
        path: String,
        /// What a conffile must be.
        rule: &'static str,
    },
    /// The source date does not fit the archive headers.
    #[error("source date {0}: must be below 8^11 seconds, the limit of a tar header")]
    SourceDate(u64),
    /// The level of the control compression.
    #[error("control compression level {0}: gzip and xz have levels 0 to 9")]
    ControlCompression(u32),
}

/// A [`Spec`] that breaks rules: every problem that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSpec {
    /// At least one problem.
    pub problems: Vec<Problem>,
}

impl fmt::Display for InvalidSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the package specification breaks {} rule(s)", self.problems.len())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for InvalidSpec {}

/// Every rule that `spec` breaks.
pub(crate) fn problems(spec: &Spec) -> Vec<Problem> {
    let mut found = Vec::new();
    fields(spec, &mut found);
    description(spec, &mut found);
    entries(spec, &mut found);
    scripts(spec, &mut found);
    conffiles(spec, &mut found);
    if spec.source_date > MAX_TIME {
        found.push(Problem::SourceDate(spec.source_date));
    }
    if spec.control_compression.level() > 9 {
        found.push(Problem::ControlCompression(spec.control_compression.level()));
    }
    found
}

/// The rule that a one-line value breaks.
fn one_line(value: &str) -> Option<&'static str> {
    if value.is_empty() {
        Some("must not be empty")
    } else if value.chars().any(char::is_control) {
        Some("must be one line without control characters")
    } else if value.trim() != value {
        Some("must not begin or end with white space")
    } else {
        None
    }
}

fn fields(spec: &Spec, found: &mut Vec<Problem>) {
    let mut refuse = |field: &str, rule| found.push(Problem::Field { field: field.to_owned(), rule });
    let mut lines = vec![("Maintainer", spec.maintainer.as_str()), ("Section", &spec.section)];
    lines.extend(spec.homepage.as_deref().map(|homepage| ("Homepage", homepage)));
    lines.extend(spec.extra_fields.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    for (name, value) in lines {
        if let Some(rule) = one_line(value) {
            refuse(name, rule);
        }
    }
    let address = spec.maintainer.split_once(" <").and_then(|(_, rest)| rest.strip_suffix('>'));
    if !address.is_some_and(|address| address.contains('@') && !address.contains([' ', '<', '>'])) {
        refuse("Maintainer", "must be 'Name <mail@domain>' (Debian Policy 5.6.2)");
    }
    let section = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '/';
    if !spec.section.chars().all(section) {
        refuse("Section", "may hold a-z, 0-9, '-' and '/' only (Debian Policy 2.4)");
    }
    if let Some(homepage) = &spec.homepage {
        let scheme = homepage.starts_with("https://") || homepage.starts_with("http://");
        if !scheme || homepage.contains(' ') {
            refuse("Homepage", "must be an http or https address (Debian Policy 5.6.23)");
        }
    }
    let mut names: BTreeSet<String> = OWN_FIELDS.iter().map(|name| name.to_ascii_lowercase()).collect();
    for (name, _) in &spec.extra_fields {
        let allowed = |c: u8| c.is_ascii_graphic() && c != b':';
        if name.is_empty() || name.starts_with(['#', '-']) || !name.bytes().all(allowed) {
            refuse(
                name,
                "a field name is printable ASCII without ':', not led by '#' or '-' (Debian Policy 5.1)",
            );
        }
        if !names.insert(name.to_ascii_lowercase()) {
            refuse(name, "the specification has this field already");
        }
    }
    for (name, dependencies) in relation_fields(spec) {
        let single = matches!(name, "Conflicts" | "Breaks" | "Replaces" | "Provides");
        for dependency in dependencies {
            if dependency.alternatives().is_empty() {
                refuse(name, "a dependency needs at least one package");
            }
            if single && dependency.alternatives().len() > 1 {
                refuse(name, "alternatives are not allowed here (Debian Policy 7.1)");
            }
            let versions = dependency.alternatives().iter().filter_map(|relation| relation.version.as_ref());
            if name == "Provides" && versions.into_iter().any(|(op, _)| *op != Comparison::Equal) {
                refuse(name, "a provided version must be given with '=' (Debian Policy 7.5)");
            }
        }
    }
}

fn description(spec: &Spec, found: &mut Vec<Problem>) {
    let mut refuse = |line, rule| found.push(Problem::Description { line, rule });
    if let Some(rule) = one_line(&spec.description.synopsis) {
        refuse(0, rule);
    }
    if spec.description.synopsis.chars().count() > 80 {
        refuse(0, "must have at most 80 characters (Debian Policy 3.4.1)");
    }
    for (index, line) in spec.description.lines.iter().enumerate() {
        if line.chars().any(char::is_control) {
            refuse(
                index + 1,
                "must be one line without tabs and other control characters (Debian Policy 5.6.13)",
            );
        }
        if line.starts_with('.') {
            refuse(index + 1, "must not begin with '.', which is reserved (Debian Policy 5.6.13)");
        }
        if line.trim_end() != line {
            refuse(index + 1, "must not end with white space; leave an empty line empty");
        }
    }
}

/// `NAME_MAX` of Linux file systems without the longest suffix that dpkg adds while it unpacks.
const MAX_COMPONENT: usize = 255 - ".dpkg-dist".len();
/// `PATH_MAX` of Linux without its NUL.
const MAX_PATH: usize = 4095;

/// The rule that an absolute path breaks.
fn path_rule(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("must be absolute, as /opt/name/file");
    }
    if path.len() > MAX_PATH - ".dpkg-dist".len() {
        return Some("must have at most 4085 bytes: Linux takes 4095, and dpkg adds '.dpkg-dist'");
    }
    if path == "/" {
        return Some("the root directory belongs to the system, not to a package");
    }
    if path.chars().any(char::is_control) {
        return Some(
            "must not hold a newline, NUL or other control character: dpkg's lists are lines of text",
        );
    }
    for component in path[1..].split('/') {
        match component {
            "" => return Some("must not have empty components or a slash at the end"),
            "." | ".." => return Some("must not have '.' or '..' components"),
            _ if component.len() > MAX_COMPONENT => {
                return Some(
                    "a component may have at most 245 bytes: dpkg unpacks it with '.dpkg-dist' at its end",
                );
            }
            _ if component.trim() != component => {
                return Some(
                    "no component may begin or end with white space, which dpkg's lists do not keep",
                );
            }
            _ => {}
        }
    }
    None
}

fn entries(spec: &Spec, found: &mut Vec<Problem>) {
    let mut by_path: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in &spec.entries {
        if by_path.insert(&entry.path, entry).is_some() {
            found.push(Problem::Duplicate { path: entry.path.clone() });
        }
    }
    for entry in &spec.entries {
        let path = || entry.path.clone();
        if let Some(rule) = path_rule(&entry.path) {
            found.push(Problem::Path { path: path(), rule });
        }
        for parent in parents(&entry.path).filter_map(|parent| by_path.get(parent)) {
            let kind = match parent.kind {
                EntryKind::Directory => continue,
                EntryKind::File { .. } => "file",
                EntryKind::Symlink { .. } => "symbolic link",
            };
            found.push(Problem::Parent { path: path(), parent: parent.path.clone(), kind });
        }
        if entry.mode > 0o7777 {
            found.push(Problem::Entry {
                path: path(),
                rule: "the mode must be permission bits, at most 07777",
            });
        }
        if let EntryKind::Symlink { target } = &entry.kind {
            if entry.mode != 0o777 {
                found.push(Problem::Entry { path: path(), rule: "the mode of a symbolic link must be 0777" });
            }
            if target.is_empty() || target.len() > MAX_PATH || target.chars().any(char::is_control) {
                let rule = "a link target must have 1 to 4095 bytes and no control characters";
                found.push(Problem::Entry { path: path(), rule });
            }
        }
        for (role, owner) in [("user", &entry.user), ("group", &entry.group)] {
            if let Some(rule) = owner_rule(owner) {
                let (name, id) = (owner.name.clone(), owner.id);
                found.push(Problem::Owner { path: path(), role, name, id, rule });
            }
        }
    }
}

/// The rule that an owner breaks.
fn owner_rule(owner: &Owner) -> Option<&'static str> {
    let first = |c: u8| c.is_ascii_lowercase() || c == b'_';
    let allowed = |c: u8| first(c) || c.is_ascii_digit() || c == b'-';
    if !owner.name.bytes().next().is_some_and(first) || !owner.name.bytes().all(allowed) {
        Some("a name must match [a-z_][a-z0-9_-]*")
    } else if owner.name.len() > MAX_OWNER {
        Some("a name must have at most 31 characters, the limit of a tar header")
    } else if owner.id > MAX_ID {
        Some("a number must be at most 2097151, the limit of a tar header")
    } else if owner.name == "root" && owner.id != 0 {
        Some("root has the number 0")
    } else {
        None
    }
}

fn scripts(spec: &Spec, found: &mut Vec<Problem>) {
    for (script, text) in spec.scripts.iter() {
        if !text.starts_with("#!/") {
            let rule = "must begin with '#!' and the absolute path of an interpreter (Debian Policy 6.1)";
            found.push(Problem::Script { script, rule });
        }
        if text.contains('\0') {
            found.push(Problem::Script { script, rule: "must not hold NUL" });
        }
        if text.lines().next().is_some_and(|line| line.contains('\r')) || text.contains("\r\n") {
            found.push(Problem::Script { script, rule: "must have line ends of Unix, not CR LF" });
        }
    }
}

fn conffiles(spec: &Spec, found: &mut Vec<Problem>) {
    let files: BTreeSet<&str> = spec
        .entries
        .iter()
        .filter(|entry| matches!(entry.kind, EntryKind::File { .. }))
        .map(|entry| entry.path.as_str())
        .collect();
    let mut seen = BTreeSet::new();
    for path in &spec.conffiles {
        if !files.contains(path.as_str()) {
            let rule = "must be the path of a regular file among the entries";
            found.push(Problem::Conffile { path: path.clone(), rule });
        }
        if path.contains(char::is_whitespace) {
            let rule = "must not hold white space: tools take the first word of the line for an instruction";
            found.push(Problem::Conffile { path: path.clone(), rule });
        }
        if !seen.insert(path) {
            found.push(Problem::Conffile { path: path.clone(), rule: "is listed more than once" });
        }
    }
}
