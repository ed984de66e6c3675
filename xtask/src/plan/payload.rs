//! The tree that every package carries; its templates and the scriptlets are checked, not yet rendered.

mod privilege;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::scriptlets::{self, Context, Family};
use crate::spec::version::ReleaseId;
use crate::spec::{EntryKind, EntrySpec, Located, Location, Problems, Source, Specs, problem::suggestion};

/// One entry of the payload.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Relative to the prefix, without a slash at either end.
    pub path: String,
    #[serde(flatten)]
    pub kind: Kind,
    pub owner: String,
    pub group: String,
    pub role: Option<String>,
}

/// What an entry is.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    Dir {
        #[serde(serialize_with = "octal")]
        mode: u32,
    },
    File {
        #[serde(serialize_with = "octal")]
        mode: u32,
        content: Content,
    },
    Symlink {
        target: String,
    },
}

/// Where a file's bytes come from.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// A binary of the agent, by name.
    Agent(String),
    /// A template, by its path below templates/.
    Template(String),
}

fn octal<S: Serializer>(mode: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

/// Entries sorted by path.
pub(super) fn payload(specs: &Specs, id: Option<ReleaseId>, problems: &Problems) -> Option<Vec<Entry>> {
    let mut entries: Vec<Option<Entry>> = Vec::new();
    for spec in &specs.payload {
        check_path(specs, spec, problems);
        check_role(spec, problems);
        check_owner(specs, spec, problems);
        entries.push(entry(specs, spec, problems));
    }
    check_tree(specs, problems);
    privilege::check(&specs.payload, problems);
    check_templates(specs, id, problems);
    let mut entries = entries.into_iter().collect::<Option<Vec<_>>>()?;
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    Some(entries)
}

/// Whether every scriptlet is there, and every template asks for variables that exist.
fn check_templates(specs: &Specs, id: Option<ReleaseId>, problems: &Problems) {
    let product = &specs.product;
    let id = id.map_or_else(|| "0.0.0-1".to_owned(), |id| id.to_string());
    let context = Context {
        package: product.name.value.clone(),
        package_file: format!("{}-{id}.rpm", product.name.value),
        release_id: id,
        default_prefix: product.prefix.value.clone(),
        default_user: product.user.value.clone(),
        default_group: product.group.value.clone(),
    };
    let sources = specs.payload.iter().filter_map(|e| e.source.as_ref()?.strip_prefix("template:"));
    let files: Vec<&str> = sources.filter(|name| specs.root.join("templates").join(name).is_file()).collect();
    for error in scriptlets::check(&specs.root.join("templates"), &Family::ALL, &files, &context) {
        template_problem(specs, &error, problems);
    }
}

/// A template's mistake, located in the template itself.
fn template_problem(specs: &Specs, error: &scriptlets::Error, problems: &Problems) {
    let (rule, path, line, mend) = match error {
        scriptlets::Error::Read { path, .. } => ("template/unreadable", path.as_path(), 1, "restore the templates folder"),
        scriptlets::Error::MissingScript { path, .. } => {
            ("script/missing", path.as_path(), 1, "write the script: its format's packages cannot do without")
        }
        scriptlets::Error::MissingTemplate { path, .. } => {
            ("template/missing", path.as_path(), 1, "create it, or correct the name that includes it")
        }
        scriptlets::Error::UndefinedVariable { path, line, .. } => {
            ("template/undefined-variable", path.as_path(), *line, "use a variable that is defined (templates/README.md)")
        }
        scriptlets::Error::Template { path, line, .. } => {
            ("template/syntax", path.as_path(), *line, "correct the template's syntax (minijinja)")
        }
        scriptlets::Error::Value { name, .. } => {
            let product = &specs.product;
            let text = match *name {
                "default_prefix" => &product.prefix,
                "default_user" => &product.user,
                "default_group" => &product.group,
                _ => &product.name,
            };
            // What is refused there for itself need not be refused for its use in scripts as well.
            if !problems.any_at(&text.at) {
                problems.add("template/value", &text.at, error.to_string(), "use a value without characters of the shell");
            }
            return;
        }
    };
    let name = path.strip_prefix(&specs.root).unwrap_or(path).to_owned();
    let text = std::fs::read_to_string(specs.root.join(&name)).unwrap_or_default();
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    let at = Location { source: Arc::new(Source { name, text }), span: start..start + length };
    // The place is relative to the project, and so is what the message repeats of it.
    let message = error.to_string().replace(&format!("{}/", specs.root.display()), "");
    problems.add(rule, &at, message, mend);
}

fn entry(specs: &Specs, spec: &EntrySpec, problems: &Problems) -> Option<Entry> {
    let kind = match spec.kind.value {
        EntryKind::Dir => {
            refuse(&spec.source, "a directory has no `source`", problems);
            refuse(&spec.target, "a directory has no `target`", problems);
            Kind::Dir { mode: mode(spec, problems)? }
        }
        EntryKind::File => {
            refuse(&spec.target, "a file has no `target`", problems);
            let mode = mode(spec, problems);
            let content = content(specs, spec, problems);
            Kind::File { mode: mode?, content: content? }
        }
        EntryKind::Symlink => {
            refuse(&spec.source, "a symbolic link has no `source`", problems);
            refuse(&spec.mode, "a symbolic link has no `mode`", problems);
            Kind::Symlink { target: link_target(specs, spec, problems)? }
        }
    };
    Some(Entry {
        path: spec.path.value.clone(),
        kind,
        owner: spec.owner.value.clone(),
        group: spec.group.value.clone(),
        role: spec.role.as_ref().map(|r| r.value.clone()),
    })
}

fn refuse(field: &Option<Located<String>>, why: &str, problems: &Problems) {
    if let Some(text) = field {
        problems.add("payload/stray-field", &text.at, why, "remove it");
    }
}

fn mode(spec: &EntrySpec, problems: &Problems) -> Option<u32> {
    let Some(text) = &spec.mode else {
        problems.add(
            "payload/mode",
            &spec.at,
            format!("{} has no mode", spec.path.value),
            "add mode = \"0750\": a mode never comes from the build host",
        );
        return None;
    };
    let parsed = u32::from_str_radix(text, 8).ok().filter(|m| *m <= 0o7777 && text.len() == 4);
    let Some(mode) = parsed else {
        problems.add(
            "payload/mode",
            &text.at,
            format!("\"{}\" is not a mode", text.value),
            "write four octal digits, such as \"0750\"",
        );
        return None;
    };
    let why = if mode & 0o7000 != 0 {
        Some("setuid, setgid and sticky bits have no place in this package")
    } else if mode & 0o002 != 0 {
        Some("every user of the host could change it")
    } else if mode & 0o400 == 0 {
        Some("its owner could not read it")
    } else if spec.kind.value == EntryKind::Dir && mode & 0o100 == 0 {
        Some("its owner could not enter it")
    } else if spec.kind.value == EntryKind::File && is_run(spec) && mode & 0o100 == 0 {
        Some("it is a program, and its owner could not run it")
    } else if spec.kind.value == EntryKind::File && !is_run(spec) && mode & 0o111 != 0 {
        Some("nothing runs it: only programs and scripts are executable")
    } else {
        None
    };
    if let Some(why) = why {
        problems.add("payload/mode", &text.at, format!("mode {}: {why}", text.value), "choose a mode such as 0750 or 0640");
    }
    Some(mode)
}

/// The roles, and the kind of entry that has each.
const ROLES: [(&str, EntryKind); 5] = [
    ("directory", EntryKind::Dir),
    ("program", EntryKind::File),
    ("script", EntryKind::File),
    ("service-template", EntryKind::File),
    ("doc", EntryKind::File),
];

/// Whether an entry is there to be run.
fn is_run(spec: &EntrySpec) -> bool {
    let role = spec.role.as_ref().map(|r| r.as_str());
    matches!(role, Some("program" | "script")) || spec.source.as_ref().is_some_and(|s| s.starts_with("agent:"))
}

fn check_role(spec: &EntrySpec, problems: &Problems) {
    let Some(role) = &spec.role else { return };
    let is_agent = spec.source.as_ref().is_some_and(|s| s.starts_with("agent:"));
    let Some((_, kind)) = ROLES.iter().find(|(name, _)| *name == role.as_str()) else {
        let message = format!("there is no role \"{}\"", role.value);
        return problems.add("payload/role", &role.at, message, suggestion(role, ROLES.map(|(name, _)| name)));
    };
    if *kind != spec.kind.value {
        let message = format!("{} cannot have the role \"{}\"", spec.path.value, role.value);
        problems.add("payload/role", &role.at, message, "give it the role of its kind");
    } else if is_agent != (role.as_str() == "program") && *kind == EntryKind::File {
        let message = format!("\"{}\": a program is what the agent's build makes, and nothing else is one", role.value);
        problems.add("payload/role", &role.at, message, "write role = \"program\" for agent:NAME, another for template:NAME");
    }
}

fn content(specs: &Specs, spec: &EntrySpec, problems: &Problems) -> Option<Content> {
    let Some(source) = &spec.source else {
        let message = format!("{} has no source", spec.path.value);
        problems.add("payload/source", &spec.at, message, "add source = \"agent:NAME\" or \"template:NAME\"");
        return None;
    };
    match source.split_once(':') {
        Some(("agent", binary)) => {
            let known = specs.agent.binaries.iter().map(|b| b.as_str());
            if !known.clone().any(|b| b == binary) {
                let message = format!("specs/agent.toml builds no binary \"{binary}\"");
                problems.add("payload/unknown-binary", &source.at, message, suggestion(binary, known));
            }
            Some(Content::Agent(binary.to_owned()))
        }
        Some(("template", name)) => {
            if !specs.root.join("templates").join(name).is_file() {
                problems.add(
                    "payload/missing-template",
                    &source.at,
                    format!("there is no templates/{name}"),
                    "create it, or correct the name",
                );
                return None;
            }
            Some(Content::Template(name.to_owned()))
        }
        _ => {
            let message = format!("\"{}\" is no source", source.value);
            problems.add("payload/source", &source.at, message, "write \"agent:NAME\" or \"template:NAME\"");
            None
        }
    }
}

fn check_path(specs: &Specs, spec: &EntrySpec, problems: &Problems) {
    let (path, directory) = (&spec.path, specs.product.directory.as_str());
    let add = |rule, message: String, mend: &str| problems.add(rule, &path.at, message, mend);
    let own = format!("paths are relative to the prefix and begin with {directory}/");
    if path.starts_with('/') {
        let message = format!("\"{}\" is absolute: it could not move with the prefix", path.value);
        return add("payload/absolute-path", message, &own);
    }
    if path.is_empty() || path.as_str() == "." {
        let prefix = &specs.product.prefix.value;
        let message = format!("would package {prefix} itself, and change its owner and mode on every host");
        return add("payload/packages-prefix", message, &own);
    }
    if path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return add("payload/path", format!("\"{}\" is not in its plain form", path.value), "leave out `.`, `..` and `//`");
    }
    if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/+".contains(&b)) {
        let message = format!("\"{}\" has characters that some format cannot carry", path.value);
        return add("payload/path-characters", message, "use ASCII letters, digits and . _ - +");
    }
    if path.split('/').next() != Some(directory) {
        let message = format!("\"{}\" lies outside of the package's own directory", path.value);
        add("payload/outside", message, "what lies elsewhere is made by the scriptlets, so that the package stays relocatable");
    }
}

fn check_owner(specs: &Specs, spec: &EntrySpec, problems: &Problems) {
    let product = &specs.product;
    for (name, allowed, what) in [(&spec.owner, &product.user, "owner"), (&spec.group, &product.group, "group")] {
        if name.as_str() != "root" && name.value != allowed.value {
            problems.add(
                "payload/owner",
                &name.at,
                format!("{what} \"{}\" exists on no host that the package is installed on", name.value),
                format!("use root, or the account that the scriptlets create: {}", allowed.value),
            );
        }
    }
}

fn link_target(specs: &Specs, spec: &EntrySpec, problems: &Problems) -> Option<String> {
    let Some(target) = &spec.target else {
        let message = format!("{} has no target", spec.path.value);
        problems.add("payload/link", &spec.at, message, "add target = \"…\", relative to the link");
        return None;
    };
    let mut depth = spec.path.split('/').count() as i64 - 2;
    for part in target.split('/') {
        depth += match part {
            ".." => -1,
            "." | "" => 0,
            _ => 1,
        };
        if depth < 0 {
            break;
        }
    }
    if target.starts_with('/') || depth < 0 {
        problems.add(
            "payload/link",
            &target.at,
            format!("\"{}\" points out of {}/: a relocated install would follow it elsewhere", target.value, specs.product.directory.value),
            "use a relative target inside the package's directory",
        );
    }
    Some(target.value.clone())
}

/// Duplicates, and parents that are missing or no directories.
fn check_tree(specs: &Specs, problems: &Problems) {
    let mut kinds: BTreeMap<&str, EntryKind> = BTreeMap::new();
    for spec in &specs.payload {
        if kinds.insert(&spec.path, spec.kind.value).is_some() {
            let message = format!("a second entry \"{}\"", spec.path.value);
            problems.add("payload/duplicate", &spec.path.at, message, "keep one of them");
        }
    }
    for spec in &specs.payload {
        let Some((parent, _)) = spec.path.rsplit_once('/') else { continue };
        let why = match kinds.get(parent) {
            Some(EntryKind::Dir) => continue,
            Some(_) => format!("\"{parent}\" is not a directory"),
            None if parent.is_empty() => continue,
            None => format!("the directory \"{parent}\" has no entry: its owner and mode would be anyone's guess"),
        };
        problems.add("payload/parent", &spec.path.at, why, "add an entry of kind \"dir\" for it");
    }
}
