//! Debian packages, unpacked into the cache without root: apt with a state folder of its own verifies the
//! archive's signatures as always, nothing of the machine changes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{check_digest, with_retries};
use crate::config::Observer;
use crate::error::{Error, IoContext, Result};
use crate::process::{CleanEnv, logged, output};
use crate::store::{Store, sha256_parts};
use crate::target::DebianSet;

const KIND: &str = "debian";
const STATUS: &str = "/var/lib/dpkg/status";

/// One package as `apt-cache show` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deb {
    pub name: String,
    pub version: String,
    pub sha256: String,
    depends: Vec<Vec<String>>,
}

/// A set of packages, unpacked together.
#[derive(Debug, Clone)]
pub(crate) struct Unpacked {
    /// The folder that stands for `/`.
    pub root: PathBuf,
    /// `name version` -> SHA-256 of the .deb.
    pub digests: BTreeMap<String, String>,
}

/// The name of the file that says where the set is: another one when the table names other packages.
fn index(set: &str, spec: &DebianSet) -> String {
    let parts = spec.packages.iter().chain(&spec.keep).map(String::as_str);
    let parts = parts.chain(spec.copy.iter().flat_map(|copy| [copy.from.as_str(), copy.to.as_str()]));
    let alone = if spec.alone { "alone" } else { "with what they need" };
    format!("{set}-{}", &sha256_parts(parts.chain([alone]))[..12])
}

impl Unpacked {
    /// For `LD_LIBRARY_PATH`.
    pub fn library_path(&self) -> PathBuf {
        library_path(&self.root)
    }
}

/// The folder of shared libraries of a tree that stands for `/`.
pub(crate) fn library_path(root: &Path) -> PathBuf {
    root.join("usr/lib").join(format!("{}-linux-gnu", std::env::consts::ARCH))
}

pub(crate) struct Debian<'a> {
    pub store: &'a Store,
    pub env: &'a CleanEnv,
    pub log: &'a Path,
    pub observer: &'a dyn Observer,
}

/// The unpacked set, if it is there. Reads one small file.
pub(crate) fn get(store: &Store, set: &str, spec: &DebianSet) -> Option<Unpacked> {
    let text = std::fs::read_to_string(store.root().join(KIND).join(index(set, spec))).ok()?;
    let mut lines = text.lines();
    let root = store.get("debs", lines.next()?)?.join("root");
    let digests = lines
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, digest)| (name.to_owned(), digest.to_owned()))
        .collect();
    Some(Unpacked { root, digests })
}

impl Debian<'_> {
    /// The set with all that its packages need, except what stands in `host`; unpacked when it is not
    /// there. A set that is there stays as it is: a newer version in Debian does not replace it.
    pub fn ensure(&self, set: &str, spec: &DebianSet, host: &BTreeSet<String>) -> Result<Unpacked> {
        if let Some(found) = get(self.store, set, spec) {
            return Ok(found);
        }
        let _lock = self.store.lock(&format!("debian-{set}"), self.observer)?;
        if let Some(found) = get(self.store, set, spec) {
            return Ok(found);
        }
        let debs = self.closure(spec, host)?;
        let mut lines: Vec<String> =
            debs.iter().map(|deb| format!("{} {} {}", deb.name, deb.version, deb.sha256)).collect();
        let parts = lines.iter().chain(&spec.keep).map(String::as_str);
        let parts = parts.chain(spec.copy.iter().map(|copy| copy.to.as_str()));
        let key = format!("{set}-{}", &sha256_parts(parts)[..16]);
        lines.insert(0, key.clone());
        self.store.ensure("debs", &key, self.observer, |dir| {
            self.observer.progress(&format!("download {} Debian packages for {set}", debs.len()));
            let files = dir.join("download");
            let root = dir.join("root");
            for dir in [&files, &root] {
                std::fs::create_dir_all(dir).at("create", dir)?;
            }
            let what = format!("Debian packages for {set}");
            with_retries(&what, self.observer, || self.download(&debs, &files))?;
            self.unpack(&debs, &files, &root)?;
            crate::store::remove_tree(&files)?;
            for copy in &spec.copy {
                let from = root.join(&copy.from);
                std::fs::copy(&from, root.join(&copy.to)).at("copy in a Debian package", &from)?;
            }
            if spec.keep.is_empty() { Ok(()) } else { keep_only(&spec.keep, &root, &dir.join("kept")) }
        })?;
        let dir = self.store.root().join(KIND);
        std::fs::create_dir_all(&dir).at("create", &dir)?;
        let place = dir.join(index(set, spec));
        let tmp = dir.join(format!(".{set}.tmp"));
        std::fs::write(&tmp, format!("{}\n", lines.join("\n"))).at("write", &tmp)?;
        std::fs::rename(&tmp, &place).at("rename into place", &place)?;
        get(self.store, set, spec).ok_or_else(|| Error::Io {
            action: "read",
            path: place,
            source: std::io::Error::other("the entry vanished while it was made"),
        })
    }

    fn apt(&self, program: &str) -> Result<std::process::Command> {
        let apt = self.store.root().join("apt");
        for dir in ["state/lists/partial", "cache/archives/partial"] {
            let dir = apt.join(dir);
            std::fs::create_dir_all(&dir).at("create", &dir)?;
        }
        let mut command = self.env.command(program);
        for (name, value) in [
            ("Dir::State", apt.join("state")),
            ("Dir::Cache", apt.join("cache")),
            ("Dir::State::status", PathBuf::from(STATUS)),
        ] {
            command.arg("-o").arg(format!("{name}={}", value.display()));
        }
        // Downloads go to folders of the user's, which the account `_apt` cannot enter.
        command.args(["-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3"]);
        Ok(command)
    }

    fn update(&self) -> Result<()> {
        self.observer.progress("read the package lists of Debian");
        with_retries("the package lists of Debian", self.observer, || {
            let mut command = self.apt("apt-get")?;
            // A list that cannot be fetched is an error, not a warning.
            command.args(["-o", "APT::Update::Error-Mode=any", "update"]);
            logged(&mut command, "update of Debian's package lists", self.log)
        })
    }

    /// What `apt-cache show` knows of the packages' candidates.
    fn show(&self, names: &BTreeSet<String>) -> Result<BTreeMap<String, Deb>> {
        let mut command = self.apt("apt-cache")?;
        command.args(["show", "--no-all-versions"]).args(names);
        match output(&mut command, "to find Debian packages") {
            Ok(text) => Ok(parse_show(&text)),
            // It fails when it knows none of them.
            Err(Error::Build { .. }) => Ok(BTreeMap::new()),
            Err(e) => Err(e),
        }
    }

    fn closure(&self, spec: &DebianSet, host: &BTreeSet<String>) -> Result<Vec<Deb>> {
        let lock = self.store.lock("apt", self.observer)?;
        let wanted: BTreeSet<String> = spec.packages.iter().cloned().collect();
        if self.show(&wanted)?.len() < wanted.len() {
            self.update()?;
        }
        let closure = walk(&spec.packages, host, |names| {
            let mut found = self.show(names)?;
            if spec.alone {
                found.values_mut().for_each(|deb| deb.depends.clear());
            }
            Ok(found)
        })?;
        drop(lock);
        Ok(closure)
    }

    fn download(&self, debs: &[Deb], dir: &Path) -> Result<()> {
        let _lock = self.store.lock("apt", self.observer)?;
        let mut command = self.apt("apt-get")?;
        command.arg("download").current_dir(dir);
        command.args(debs.iter().map(|deb| format!("{}={}", deb.name, deb.version)));
        match logged(&mut command, "download of Debian packages", self.log) {
            // The archive no longer has what an old list names: read the lists anew and say so.
            Err(Error::Build { tail, .. })
                if tail.iter().any(|l| l.contains("404") || l.contains("was not found")) =>
            {
                self.update()?;
                Err(Error::Network { what: "Debian packages".into(), attempts: 1, detail: tail.join(" | ") })
            }
            other => other,
        }
    }

    fn unpack(&self, debs: &[Deb], files: &Path, root: &Path) -> Result<()> {
        let mut by_name = BTreeMap::new();
        for entry in std::fs::read_dir(files).at("read", files)? {
            let path = entry.at("read", files)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if let Some((package, _)) = name.split_once('_') {
                by_name.insert(package.to_owned(), path);
            }
        }
        for deb in debs {
            let file = by_name.get(&deb.name).ok_or_else(|| Error::Network {
                what: deb.name.clone(),
                attempts: 1,
                detail: "apt-get download ended well but left no file".to_owned(),
            })?;
            check_digest(file, &deb.sha256, "Debian's package list")?;
            let mut command = self.env.command("dpkg-deb");
            command.arg("-x").arg(file).arg(root);
            logged(&mut command, &format!("unpacking of {}", deb.name), self.log)?;
            std::fs::remove_file(file).at("remove", file)?;
        }
        Ok(())
    }
}

/// Keeps these files and folders of a tree and removes the rest.
fn keep_only(keep: &[String], root: &Path, kept: &Path) -> Result<()> {
    for name in keep {
        let place = kept.join(name);
        if let Some(dir) = place.parent() {
            std::fs::create_dir_all(dir).at("create", dir)?;
        }
        let from = root.join(name);
        std::fs::rename(&from, &place).at("take from a Debian package", &from)?;
    }
    crate::store::remove_tree(root)?;
    std::fs::rename(kept, root).at("rename", kept)
}

/// Everything that `roots` need, sorted by name. Of alternatives (`a | b`) the first known one is taken.
fn walk(
    roots: &[String],
    host: &BTreeSet<String>,
    mut show: impl FnMut(&BTreeSet<String>) -> Result<BTreeMap<String, Deb>>,
) -> Result<Vec<Deb>> {
    let mut chosen: BTreeMap<String, Deb> = BTreeMap::new();
    let mut layer: Vec<(String, Vec<String>)> =
        roots.iter().map(|name| ("targets.toml".to_owned(), vec![name.clone()])).collect();
    while !layer.is_empty() {
        let open = |names: &[String]| !names.iter().any(|n| host.contains(n) || chosen.contains_key(n));
        layer.retain(|(_, names)| open(names));
        let ask: BTreeSet<String> = layer.iter().flat_map(|(_, names)| names.iter().cloned()).collect();
        if ask.is_empty() {
            break;
        }
        let known = show(&ask)?;
        let mut next = Vec::new();
        for (by, names) in layer {
            if names.iter().any(|name| chosen.contains_key(name)) {
                continue;
            }
            let deb = names.iter().find_map(|name| known.get(name)).ok_or_else(|| Error::MissingTool {
                tool: format!("the Debian package {}", names.join(" or ")),
                needed_for: format!("by {by}"),
                mend: "the configured Debian archive does not have it: add an archive that has, or list it \
                       under [debian] host in targets.toml if every build machine has it"
                    .to_owned(),
            })?;
            next.extend(deb.depends.iter().map(|names| (deb.name.clone(), names.clone())));
            chosen.insert(deb.name.clone(), deb.clone());
        }
        layer = next;
    }
    Ok(chosen.into_values().collect())
}

/// Reads stanzas of `Name: value` lines.
fn parse_show(text: &str) -> BTreeMap<String, Deb> {
    let mut debs = BTreeMap::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
        };
        let (Some(name), Some(version), Some(sha256)) = (field("Package"), field("Version"), field("SHA256"))
        else {
            continue;
        };
        let depends = [field("Pre-Depends"), field("Depends")]
            .into_iter()
            .flatten()
            .flat_map(|list| list.split(',').map(alternatives).collect::<Vec<_>>())
            .filter(|names| !names.is_empty())
            .collect();
        debs.entry(name.clone()).or_insert(Deb { name, version, sha256, depends });
    }
    debs
}

/// `a (>= 1) | b:any` -> `a`, `b`.
fn alternatives(text: &str) -> Vec<String> {
    text.split('|')
        .filter_map(|one| one.split_whitespace().next())
        .map(|name| name.split(':').next().unwrap_or(name).to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOW: &str = "Package: top\nVersion: 1.2-3\nPre-Depends: libc6 (>= 2.34)\n\
        Depends: lib-a (>= 1), missing | lib-b:any (= 2), make\nSHA256: 11\n\n\
        Package: lib-a\nVersion: 4\nDepends: lib-b\nDescription: a\n more text, Depends: none\nSHA256: 22\n\n\
        Package: lib-b\nVersion: 5\nSHA256: 33\n\nPackage: lib-b\nVersion: 4\nSHA256: 44\n";

    fn names(list: &[&str]) -> BTreeSet<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    fn archive(asked: &BTreeSet<String>) -> Result<BTreeMap<String, Deb>> {
        let mut known = parse_show(SHOW);
        known.retain(|name, _| asked.contains(name));
        Ok(known)
    }

    #[test]
    fn dependencies_are_followed_and_stop_at_what_every_host_has() {
        let debs = walk(&["top".to_owned()], &names(&["libc6", "make"]), archive).unwrap();
        let found: Vec<_> =
            debs.iter().map(|d| (d.name.as_str(), d.version.as_str(), d.sha256.as_str())).collect();
        assert_eq!(found, [("lib-a", "4", "22"), ("lib-b", "5", "33"), ("top", "1.2-3", "11")]);
    }

    #[test]
    fn a_package_that_the_archive_does_not_have_is_named_with_who_needs_it() {
        let error = walk(&["top".to_owned()], &names(&["libc6"]), archive).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("the Debian package make") && text.contains("by top"), "{text}");
    }
}
