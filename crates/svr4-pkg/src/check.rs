//! The rules over a whole package, for the writer before it writes and for the reader after it read.

use std::collections::{HashMap, HashSet};

use crate::bourne_lint;
use crate::install::{InstallFile, InstallName};
use crate::object::{Attributes, DirectoryKind, Object, ObjectKind, parent};
use crate::pkginfo::{PkgInfo, class_rule};
use crate::rule::{Problem, Rule, Ruleset};

/// Longest path, in bytes (PATH_MAX less the NUL).
pub const MAX_PATH_LENGTH: usize = 1023;

/// Directories that Solaris itself owns. Listing one with a mode changes it on the target.
const OS_DIRECTORIES: &[&str] = &[
    "/bin",
    "/dev",
    "/devices",
    "/etc",
    "/etc/cron.d",
    "/etc/default",
    "/etc/inet",
    "/etc/init.d",
    "/etc/ipf",
    "/etc/opt",
    "/etc/rc0.d",
    "/etc/rc1.d",
    "/etc/rc2.d",
    "/etc/rc3.d",
    "/etc/rcS.d",
    "/etc/security",
    "/etc/skel",
    "/etc/ssh",
    "/etc/svc",
    "/export",
    "/export/home",
    "/home",
    "/kernel",
    "/kernel/drv",
    "/lib",
    "/lib/svc",
    "/lib/svc/manifest",
    "/lib/svc/method",
    "/mnt",
    "/net",
    "/opt",
    "/platform",
    "/proc",
    "/root",
    "/sbin",
    "/system",
    "/tmp",
    "/usr",
    "/usr/bin",
    "/usr/lib",
    "/usr/local",
    "/usr/sadm",
    "/usr/sbin",
    "/usr/share",
    "/usr/share/man",
    "/usr/xpg4",
    "/var",
    "/var/adm",
    "/var/log",
    "/var/opt",
    "/var/run",
    "/var/sadm",
    "/var/spool",
    "/var/spool/cron",
    "/var/spool/cron/crontabs",
    "/var/svc",
    "/var/svc/log",
    "/var/svc/manifest",
    "/var/svc/manifest/application",
    "/var/svc/manifest/network",
    "/var/svc/manifest/site",
    "/var/svc/manifest/system",
    "/var/tmp",
];

/// Everything wrong with a package as far as it can be judged without reading payload.
pub(crate) fn package_problems<P>(
    info: &PkgInfo,
    objects: &[Object<P>],
    install: &[InstallFile],
    ruleset: Ruleset,
) -> Vec<Problem> {
    let mut found = info.problems(ruleset);
    let base = info.get("BASEDIR");
    if ruleset == Ruleset::Portable
        && base.is_none()
        && let Some(object) = objects.iter().find(|object| !object.path.starts_with('/'))
    {
        found.push(Problem::new(
            Rule::BasedirMissing,
            "pkginfo BASEDIR",
            format!("missing, but `{}` is relative", object.path),
        ));
    }
    let base = base.unwrap_or("/");
    let mut kinds: HashMap<String, bool> = HashMap::new();
    for object in objects {
        let is_directory = matches!(object.kind, ObjectKind::Directory { .. });
        if kinds.insert(resolve(base, &object.path), is_directory).is_some() {
            found.push(Problem::new(Rule::PathDuplicate, place(&object.path), "listed twice"));
        }
    }
    let classes = info.classes();
    for object in objects {
        object_problems(object, ruleset, &mut found);
        if ruleset == Ruleset::Portable && !classes.contains(&object.class.as_str()) {
            let detail = format!("class `{}` is not in CLASSES", object.class);
            found.push(Problem::new(Rule::ClassUnlisted, place(&object.path), detail));
        }
        tree_problems(object, base, &kinds, ruleset, &mut found);
    }
    install_problems(info, install, ruleset, &mut found);
    found
}

fn place(path: &str) -> String {
    format!("pkgmap {path}")
}

/// The path on the target as long as nobody overrides BASEDIR.
fn resolve(base: &str, path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("{}/{path}", base.trim_end_matches('/')) }
}

fn object_problems<P>(object: &Object<P>, ruleset: Ruleset, found: &mut Vec<Problem>) {
    let mut say = |rule, detail: String| found.push(Problem::new(rule, place(&object.path), detail));
    if let Some(rule) = path_rule(&object.path) {
        say(rule, format!("path {:?}", object.path));
    }
    if let Some(rule) = class_rule(&object.class, ruleset) {
        say(rule, format!("class `{}`", object.class));
    }
    if let Some(attributes) = object.attributes() {
        for (rule, detail) in attribute_problems(attributes, ruleset) {
            say(rule, detail);
        }
    }
    let portable = ruleset == Ruleset::Portable;
    match &object.kind {
        ObjectKind::Directory { attributes, .. } => {
            if portable && !attributes.is_set() && !attributes.is_keep() {
                say(Rule::KeepAttributes, "only some of mode, owner and group are `?`".into());
            }
        }
        ObjectKind::File { attributes, mtime, .. } => {
            if portable && !attributes.is_set() {
                say(Rule::KeepAttributes, "a file without mode, owner or group".into());
            }
            if let Some(rule) = mtime_rule(*mtime) {
                say(rule, format!("mtime {mtime}"));
            }
        }
        ObjectKind::Symlink { target } => {
            if !link_target_is_good(target) {
                say(Rule::LinkTarget, format!("target {target:?}"));
            }
        }
        ObjectKind::HardLink { target } => {
            if !link_target_is_good(target) {
                say(Rule::LinkTarget, format!("target {target:?}"));
            }
            if portable {
                say(Rule::HardLink, format!("hard link to `{target}`"));
            }
        }
        ObjectKind::Device { attributes, .. } | ObjectKind::Pipe { attributes } => {
            if portable {
                say(Rule::DeviceFile, "a device or pipe".into());
                if !attributes.is_set() {
                    say(Rule::KeepAttributes, "a device or pipe without mode, owner or group".into());
                }
            }
        }
    }
}

fn attribute_problems(attributes: &Attributes, ruleset: Ruleset) -> Vec<(Rule, String)> {
    let mut found = Vec::new();
    if let Some(mode) = attributes.mode.filter(|mode| *mode > 0o7777) {
        found.push((Rule::Mode, format!("mode {mode:o}")));
    }
    let longest = match ruleset {
        Ruleset::Format => 63,
        Ruleset::Portable => 14,
    };
    for name in [&attributes.owner, &attributes.group].into_iter().flatten() {
        let good = (1..=longest).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
            && !name.starts_with(['-', '.']);
        if !good {
            found.push((Rule::OwnerName, format!("`{name}`")));
        }
    }
    found
}

/// What depends on the other objects: parents, and whose directory it is.
fn tree_problems<P>(
    object: &Object<P>,
    base: &str,
    kinds: &HashMap<String, bool>,
    ruleset: Ruleset,
    found: &mut Vec<Problem>,
) {
    let full = resolve(base, &object.path);
    let mut ancestor = parent(&full);
    while let Some(path) = ancestor {
        if kinds.get(path) == Some(&false) {
            found.push(Problem::new(
                Rule::ParentKind,
                place(&object.path),
                format!("`{path}` is no directory"),
            ));
        }
        ancestor = parent(path);
    }
    if ruleset != Ruleset::Portable {
        return;
    }
    let own_parent = parent(&full).filter(|path| *path != base.trim_end_matches('/'));
    if let (ObjectKind::Symlink { .. } | ObjectKind::HardLink { .. }, Some(path)) = (&object.kind, own_parent)
        && !kinds.contains_key(path)
    {
        found.push(Problem::new(
            Rule::LinkParentMissing,
            place(&object.path),
            format!("the directory `{path}` is not listed"),
        ));
    }
    if let ObjectKind::Directory { kind, attributes } = &object.kind
        && OS_DIRECTORIES.contains(&full.as_str())
        && !(attributes.is_keep() && *kind == DirectoryKind::Shared)
    {
        found.push(Problem::new(
            Rule::OsDirectory,
            place(&object.path),
            format!("`{full}` belongs to the operating system"),
        ));
    }
}

fn install_problems(info: &PkgInfo, install: &[InstallFile], ruleset: Ruleset, found: &mut Vec<Problem>) {
    let mut names = HashSet::new();
    for file in install {
        found.extend(file.problems(ruleset));
        let place = format!("install/{}", file.name);
        if !names.insert(&file.name) {
            found.push(Problem::new(Rule::InstallDuplicate, &place, "given twice"));
        }
        if let Some(rule) = mtime_rule(file.mtime) {
            found.push(Problem::new(rule, &place, format!("mtime {}", file.mtime)));
        }
        if ruleset == Ruleset::Portable && file.is_shell() {
            for finding in bourne_lint::lint(&String::from_utf8_lossy(&file.text)) {
                found.push(Problem::new(
                    Rule::BourneShell,
                    format!("{place} line {}", finding.line),
                    finding.to_string(),
                ));
            }
        }
    }
    let this_zone = info.get("SUNW_PKG_THISZONE").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if this_zone && names.contains(&InstallName::Request) {
        found.push(Problem::new(
            Rule::RequestThisZone,
            "install/request",
            "request script in a package with SUNW_PKG_THISZONE=true",
        ));
    }
}

/// The rule a path of pkgmap breaks, if any.
pub(crate) fn path_rule(path: &str) -> Option<Rule> {
    if path.is_empty() || path == "/" {
        return Some(Rule::PathEmpty);
    }
    if path.len() > MAX_PATH_LENGTH {
        return Some(Rule::PathLength);
    }
    for c in path.chars() {
        match c {
            ' ' | '\t' => return Some(Rule::PathBlank),
            '=' => return Some(Rule::PathEquals),
            '$' => return Some(Rule::PathDollar),
            c if c.is_control() => return Some(Rule::PathControl),
            // Blanks that Unicode knows: the C library's isspace() may take them for blanks too.
            c if c.is_whitespace() => return Some(Rule::PathBlank),
            _ => {}
        }
    }
    for component in path.strip_prefix('/').unwrap_or(path).split('/') {
        match component {
            "" | "." | ".." => return Some(Rule::PathComponent),
            "PKG_INSTALL_ROOT" | "BASEDIR" | "CLIENT_BASEDIR" => return Some(Rule::PathReserved),
            _ => {}
        }
    }
    None
}

fn link_target_is_good(target: &str) -> bool {
    (1..=MAX_PATH_LENGTH).contains(&target.len())
        && !target.chars().any(|c| c.is_whitespace() || c.is_control() || c == '=' || c == '$')
}

fn mtime_rule(mtime: u32) -> Option<Rule> {
    i32::try_from(mtime).is_err().then_some(Rule::Mtime)
}
