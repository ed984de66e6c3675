//! Where this machine gets Debian packages from, as apt's own files say.

use std::path::{Path, PathBuf};

/// An archive of packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    pub uri: String,
    /// What it is signed by, where the entry says so.
    pub keyring: Option<PathBuf>,
    suites: Vec<String>,
    components: Vec<String>,
}

impl Archive {
    /// The archive with that suite; else the one with this machine's own Debian release, which has all of them.
    pub fn of_this_machine(suite: &str) -> Result<Archive, String> {
        let mut all = Vec::new();
        let list = Path::new("/etc/apt/sources.list");
        let folder = std::fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = folder.map(|e| e.path()).collect();
        files.sort();
        for file in std::iter::once(list.to_owned()).chain(files) {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            match file.extension().and_then(|e| e.to_str()) {
                Some("list") => all.extend(one_line_entries(&text)),
                Some("sources") => all.extend(deb822_entries(&text)),
                _ => {}
            }
        }
        let os = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
        let own = os.lines().find_map(|l| l.strip_prefix("VERSION_CODENAME=")).unwrap_or_default();
        let found = choose(&all, suite, own);
        let found = found.ok_or_else(|| {
            format!("no Debian archive in /etc/apt/sources.list*: add one that has {suite}, with the component main")
        })?;
        resolve_mirror_list(found)
    }
}

/// The first of `archives` with the suite, or else with the suite `own`.
pub fn choose(archives: &[Archive], suite: &str, own: &str) -> Option<Archive> {
    let with = |suite: &str| {
        let has =
            |a: &&Archive| a.suites.iter().any(|s| s == suite) && a.components.iter().any(|c| c == "main");
        archives.iter().find(has).cloned()
    };
    with(suite).or_else(|| with(own))
}

/// `mirror+file:/PATH`: the first address in that file.
fn resolve_mirror_list(archive: Archive) -> Result<Archive, String> {
    let Some(path) = archive.uri.strip_prefix("mirror+file:") else { return Ok(archive) };
    let text = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let first = text.lines().map(str::trim).find(|l| !l.is_empty() && !l.starts_with('#'));
    let uri = first.and_then(|l| l.split_whitespace().next()).ok_or_else(|| format!("{path}: no address"))?;
    Ok(Archive { uri: uri.to_owned(), ..archive })
}

/// Entries of `*.list` files: `deb [OPTIONS] URI SUITE COMPONENT…`.
pub fn one_line_entries(text: &str) -> Vec<Archive> {
    let entry = |line: &str| {
        let line = line.split('#').next()?.trim().strip_prefix("deb")?;
        if !line.starts_with([' ', '\t', '[']) {
            return None;
        }
        let (options, rest) = match line.trim_start().strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", line),
        };
        let signed_by = options.split_whitespace().find_map(|o| o.strip_prefix("signed-by="));
        let mut words = rest.split_whitespace().map(str::to_owned);
        Some(Archive {
            uri: words.next()?,
            keyring: signed_by.and_then(keyring),
            suites: vec![words.next()?],
            components: words.collect(),
        })
    };
    text.lines().filter_map(entry).collect()
}

/// Entries of `*.sources` files: stanzas of fields.
pub fn deb822_entries(text: &str) -> Vec<Archive> {
    let mut found = Vec::new();
    let lines: Vec<&str> = text.lines().filter(|l| !l.starts_with('#')).collect();
    for stanza in lines.split(|l| l.trim().is_empty()) {
        let field = |name: &str| -> Vec<String> {
            let starts =
                |l: &&str| l.split_once(':').is_some_and(|(n, _)| n.trim().eq_ignore_ascii_case(name));
            let Some(at) = stanza.iter().position(starts) else { return Vec::new() };
            let first = stanza[at].split_once(':').map_or("", |(_, value)| value);
            let more = stanza[at + 1..].iter().take_while(|l| l.starts_with([' ', '\t']));
            std::iter::once(first)
                .chain(more.copied())
                .flat_map(str::split_whitespace)
                .map(str::to_owned)
                .collect()
        };
        if !field("Types").iter().any(|t| t == "deb") || field("Enabled").iter().any(|v| v == "no") {
            continue;
        }
        for uri in field("URIs") {
            found.push(Archive {
                uri,
                keyring: field("Signed-By").first().and_then(|k| keyring(k)),
                suites: field("Suites"),
                components: field("Components"),
            });
        }
    }
    found
}

/// A keyring in a file; a key inside the entry itself is left to debootstrap's own.
fn keyring(value: &str) -> Option<PathBuf> {
    value.starts_with('/').then(|| PathBuf::from(value))
}
