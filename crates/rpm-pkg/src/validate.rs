//! Rules of a spec. All problems are found at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Problem, Problems, Rule};
use crate::spec::{Compression, Dependency, Entry, FileClass, Interpreter, Kind, Profile, Scriptlet, Spec};

/// Longest path in bytes: Linux's `PATH_MAX` with the archive's leading `.` and the final NUL.
const PATH_MAX: usize = 4094;
/// Longest path component in bytes (`NAME_MAX`).
const COMPONENT_MAX: usize = 255;
/// Longest user or group name in bytes (`useradd`).
const OWNER_MAX: usize = 32;
/// Sizes are stored in 32 bits (`RPMTAG_FILESIZES`, newc, `RPMSIGTAG_SIZE`).
pub(crate) const SIZE_MAX: u64 = u32::MAX as u64;

struct Checker {
    problems: Vec<Problem>,
}

impl Checker {
    fn push(&mut self, place: impl Into<String>, rule: Rule) {
        self.problems.push(Problem { place: place.into(), rule });
    }

    fn check(&mut self, place: &str, result: Result<(), Rule>) {
        if let Err(rule) = result {
            self.push(place, rule);
        }
    }
}

/// Check a whole spec.
pub(crate) fn validate(spec: &Spec) -> Result<(), Problems> {
    let mut checker = Checker { problems: Vec::new() };
    identity(spec, &mut checker);
    profile(spec, &mut checker);
    dependencies(spec, &mut checker);
    for (name, script) in spec.scriptlets.iter() {
        checker.check(&format!("scriptlet {name}"), scriptlet(script));
    }
    for (index, entry) in spec.changelog.iter().enumerate() {
        checker.check(&format!("changelog entry {index}, author"), line(&entry.author));
        checker.check(&format!("changelog entry {index}, text"), text(&entry.text));
    }
    entries(spec, &mut checker);
    if checker.problems.is_empty() { Ok(()) } else { Err(Problems(checker.problems)) }
}

fn identity(spec: &Spec, checker: &mut Checker) {
    checker.check("name", package_name(&spec.name));
    checker.check("version", version(&spec.version));
    checker.check("release", version(&spec.release));
    for (place, value) in [
        ("summary", &spec.summary),
        ("license", &spec.license),
        ("group", &spec.group),
        ("build_host", &spec.build_host),
        ("rpm_version", &spec.rpm_version),
    ] {
        checker.check(place, line(value));
    }
    for (place, value) in [("vendor", &spec.vendor), ("packager", &spec.packager), ("url", &spec.url)] {
        if let Some(value) = value {
            checker.check(place, line(value));
        }
    }
    checker.check("description", text(&spec.description));
    for prefix in &spec.prefixes {
        checker.check(&format!("prefix {prefix:?}"), path(prefix));
    }
    let distinct: BTreeSet<_> = spec.prefixes.iter().collect();
    if distinct.len() != spec.prefixes.len() {
        checker.push("prefixes", Rule::Duplicate);
    }
}

fn profile(spec: &Spec, checker: &mut Checker) {
    let why = match (spec.compression, spec.profile) {
        (Compression::Gzip { level } | Compression::Xz { level }, _) if level > 9 => "levels go from 0 to 9",
        (Compression::Xz { .. } | Compression::None, Profile::El5) => "rpm 4.4 needs gzip",
        _ => return,
    };
    let rule = Rule::Compression { compression: spec.compression, profile: spec.profile, why };
    checker.push("compression", rule);
}

fn dependencies(spec: &Spec, checker: &mut Checker) {
    let all = &spec.dependencies;
    for (kind, list) in [
        ("requires", &all.requires),
        ("requires_pre", &all.requires_pre),
        ("provides", &all.provides),
        ("conflicts", &all.conflicts),
        ("obsoletes", &all.obsoletes),
        ("recommends", &all.recommends),
    ] {
        for dependency in list {
            checker.check(&format!("{kind} {:?}", dependency.to_string()), dependency_rule(dependency));
        }
    }
}

fn dependency_rule(dependency: &Dependency) -> Result<(), Rule> {
    let name = &dependency.name;
    if name.is_empty() {
        return Err(Rule::Empty);
    }
    if name.starts_with('(') {
        return Err(Rule::RichDependency(name.clone()));
    }
    if name.starts_with("rpmlib(") {
        return Err(Rule::RpmlibDependency(name.clone()));
    }
    let first = name.as_bytes()[0];
    let printable = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b',' | b'<' | b'>');
    if !(first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/')) || !name.bytes().all(printable) {
        return Err(Rule::DependencyName(name.clone()));
    }
    dependency.constraint.as_ref().map_or(Ok(()), |constraint| evr(&constraint.evr))
}

/// `[epoch:]version[-release]`.
fn evr(value: &str) -> Result<(), Rule> {
    let wrong = || Rule::Evr(value.to_owned());
    let rest = match value.split_once(':') {
        Some((epoch, rest)) => {
            let digits = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
            if !digits || epoch.parse::<u32>().is_err() {
                return Err(wrong());
            }
            rest
        }
        None => value,
    };
    let (first, second) = match rest.split_once('-') {
        Some((first, second)) => (first, Some(second)),
        None => (rest, None),
    };
    version(first).map_err(|_| wrong())?;
    second.map_or(Ok(()), |release| version(release).map_err(|_| wrong()))
}

fn package_name(name: &str) -> Result<(), Rule> {
    let first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let inner = |byte: u8| first(byte) || matches!(byte, b'.' | b'+' | b'-');
    if name.bytes().next().is_some_and(first) && name.bytes().all(inner) {
        Ok(())
    } else {
        Err(Rule::Name(name.to_owned()))
    }
}

fn version(value: &str) -> Result<(), Rule> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'+');
    if !value.is_empty() && value.bytes().all(allowed) {
        Ok(())
    } else {
        Err(Rule::Version(value.to_owned()))
    }
}

/// A field of one line.
fn line(value: &str) -> Result<(), Rule> {
    if value.is_empty() {
        Err(Rule::Empty)
    } else if value.chars().any(char::is_control) {
        Err(Rule::ControlCharacter(value.to_owned()))
    } else {
        Ok(())
    }
}

/// A field of many lines: tabs and newlines are fine.
fn text(value: &str) -> Result<(), Rule> {
    if value.is_empty() {
        Err(Rule::Empty)
    } else if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        Err(Rule::ControlCharacter(value.to_owned()))
    } else {
        Ok(())
    }
}

fn scriptlet(script: &Scriptlet) -> Result<(), Rule> {
    if let Interpreter::Program(program) = &script.interpreter {
        let plain = program.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || path(program).is_err() {
            return Err(Rule::Interpreter(program.clone()));
        }
    }
    if script.body.is_empty() {
        Err(Rule::Empty)
    } else if script.body.contains('\0') {
        Err(Rule::Nul)
    } else {
        Ok(())
    }
}

fn path(value: &str) -> Result<(), Rule> {
    if value.chars().any(char::is_control) {
        return Err(Rule::ControlCharacter(value.to_owned()));
    }
    let Some(relative) = value.strip_prefix('/') else { return Err(Rule::Path(value.to_owned())) };
    if relative.split('/').any(|component| matches!(component, "" | "." | "..")) {
        return Err(Rule::Path(value.to_owned()));
    }
    let long = relative.split('/').any(|component| component.len() > COMPONENT_MAX);
    if long || value.len() > PATH_MAX {
        return Err(Rule::PathTooLong { path: value.to_owned(), max: PATH_MAX });
    }
    Ok(())
}

fn owner(name: &str) -> Result<(), Rule> {
    let first = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    let inner = |byte: u8| first(byte) || byte.is_ascii_digit() || byte == b'-';
    if name.bytes().next().is_some_and(first) && name.bytes().all(inner) && name.len() <= OWNER_MAX {
        Ok(())
    } else {
        Err(Rule::Owner(name.to_owned()))
    }
}

fn entries(spec: &Spec, checker: &mut Checker) {
    let mut kinds: BTreeMap<&str, &Kind> = BTreeMap::new();
    for entry in &spec.entries {
        checker.check(&entry.path, path(&entry.path));
        checker.check(&entry.path, owner(&entry.owner));
        checker.check(&entry.path, owner(&entry.group));
        entry_rules(entry, checker);
        if kinds.insert(&entry.path, &entry.kind).is_some() {
            checker.push(&entry.path, Rule::Duplicate);
        }
        let below = |prefix: &String| {
            entry
                .path
                .strip_prefix(prefix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if !spec.prefixes.is_empty() && !spec.prefixes.iter().any(below) {
            checker.push(&entry.path, Rule::OutsidePrefix(spec.prefixes.clone()));
        }
    }
    for path in kinds.keys() {
        let parents = path.char_indices().filter(|&(at, c)| c == '/' && at > 0).map(|(at, _)| &path[..at]);
        for parent in parents {
            if kinds.get(parent).is_some_and(|kind| !matches!(kind, Kind::Dir)) {
                checker.push(*path, Rule::BelowNonDirectory(parent.to_owned()));
            }
        }
    }
    let sizes = spec.entries.iter().map(|entry| content_size(&entry.kind));
    checker.check("entries", total_size(sizes));
}

fn entry_rules(entry: &Entry, checker: &mut Checker) {
    let place = &entry.path;
    if entry.mode > 0o7777 {
        checker.push(place, Rule::Mode(entry.mode));
    }
    let classless = match &entry.kind {
        Kind::Dir => Some("a directory"),
        Kind::Symlink { target } => {
            if entry.mode != 0o777 {
                checker.push(place, Rule::SymlinkMode(entry.mode));
            }
            checker.check(place, line(target));
            if target.len() > PATH_MAX {
                checker.push(place, Rule::PathTooLong { path: target.clone(), max: PATH_MAX });
            }
            Some("a symbolic link")
        }
        Kind::File { .. } | Kind::Ghost => None,
    };
    if let (Some(what), true) = (classless, entry.class != FileClass::Normal) {
        checker.push(place, Rule::Class(what));
    }
}

/// Bytes an entry takes in the archive.
pub(crate) fn content_size(kind: &Kind) -> u64 {
    match kind {
        Kind::File { content } => content.len() as u64,
        Kind::Symlink { target } => target.len() as u64,
        Kind::Dir | Kind::Ghost => 0,
    }
}

fn total_size(sizes: impl Iterator<Item = u64>) -> Result<(), Rule> {
    let total = sizes.fold(0u64, u64::saturating_add);
    if total > SIZE_MAX { Err(Rule::TooBig(total)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_which_together_reach_4_gib_are_refused() {
        assert_eq!(total_size([SIZE_MAX - 1, 1].into_iter()), Ok(()));
        assert_eq!(total_size([SIZE_MAX, 1].into_iter()), Err(Rule::TooBig(1 << 32)));
        assert_eq!(total_size([u64::MAX, 7].into_iter()), Err(Rule::TooBig(u64::MAX)));
    }
}
