//! What a case did to the file system: snapshots of the tree and their comparison.
//!
//! A snapshot holds what differs from the root that the case began with: for an overlay that is its upper
//! layer, so that a comparison costs what was written, not the size of the root.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub kind: Kind,
    /// Permission bits with set-id and sticky.
    pub mode: u32,
    pub owner: u32,
    pub group: u32,
}

/// A kind of file, with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Directory,
    /// Size and SHA-256 of the content.
    File {
        size: u64,
        sha256: [u8; 32],
    },
    Symlink(PathBuf),
    /// Socket, FIFO or device.
    Special(u32),
}

/// The paths that may differ from the root, with what stands there now; `None` where nothing does.
pub type Snapshot = BTreeMap<PathBuf, Option<Entry>>;

/// Looks up what the untouched root has at a path.
pub trait Base {
    /// The entry at a path that begins with `/`.
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>>;
}

/// A root on this machine's disk.
pub struct Root(pub PathBuf);

impl Base for Root {
    fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        entry(&below(&self.0, path))
    }
}

/// A snapshot that is complete: what it does not name is not there.
pub struct Complete;

impl Base for Complete {
    fn entry(&self, _: &Path) -> io::Result<Option<Entry>> {
        Ok(None)
    }
}

fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn entry(path: &Path) -> io::Result<Option<Entry>> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(e) => return Err(e),
    };
    let kind = if found.is_dir() {
        Kind::Directory
    } else if found.is_symlink() {
        Kind::Symlink(std::fs::read_link(path)?)
    } else if found.is_file() {
        let mut hasher = Sha256::new();
        let size = io::copy(&mut std::fs::File::open(path)?, &mut hasher)?;
        Kind::File { size, sha256: hasher.finalize().into() }
    } else {
        Kind::Special(found.mode() & 0o170_000)
    };
    Ok(Some(Entry { kind, mode: found.mode() & 0o7777, owner: found.uid(), group: found.gid() }))
}

/// The snapshot of an overlay: `upper` says where to look, `merged` what is there. What lies on other file
/// systems mounted into `merged` is not part of the tree.
pub fn of_overlay(lower: &Path, upper: &Path, merged: &Path) -> io::Result<Snapshot> {
    let mut snapshot = Snapshot::new();
    overlay_folder(lower, upper, merged, Path::new("/"), &mut snapshot)?;
    Ok(snapshot)
}

fn overlay_folder(
    lower: &Path,
    upper: &Path,
    merged: &Path,
    path: &Path,
    into: &mut Snapshot,
) -> io::Result<()> {
    let names = |folder: PathBuf| -> io::Result<BTreeSet<std::ffi::OsString>> {
        match std::fs::read_dir(folder) {
            Ok(entries) => entries.map(|e| e.map(|e| e.file_name())).collect(),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(BTreeSet::new())
            }
            Err(e) => Err(e),
        }
    };
    let mut changed = names(below(upper, path))?;
    // A folder that was removed and made again hides the lower one without a whiteout for each name.
    let now = names(below(merged, path))?;
    changed.extend(names(below(lower, path))?.into_iter().filter(|name| !now.contains(name)));
    for name in changed {
        let path = path.join(name);
        let found = match entry(&below(merged, &path)) {
            // A socket or a FIFO may go while one looks.
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            found => found?,
        };
        let is_folder = matches!(found, Some(Entry { kind: Kind::Directory, .. }));
        into.insert(path.clone(), found);
        if is_folder || below(lower, &path).is_dir() {
            overlay_folder(lower, upper, merged, &path, into)?;
        }
    }
    Ok(())
}

/// The snapshot of a whole file system in a tar stream, as `podman export` writes it.
///
/// # Errors
/// A stream that is no tar, or breaks off.
pub fn of_tar(stream: impl Read) -> io::Result<Snapshot> {
    let mut snapshot = Snapshot::new();
    for member in tar::Archive::new(stream).entries()? {
        let mut member = member?;
        let path = Path::new("/").join(member.path()?.components().as_path());
        let header = member.header();
        let (mode, owner, group) = (header.mode()? & 0o7777, header.uid()? as u32, header.gid()? as u32);
        let kind = match header.entry_type() {
            tar::EntryType::Directory => Kind::Directory,
            tar::EntryType::Symlink => Kind::Symlink(member.link_name()?.unwrap_or_default().into_owned()),
            tar::EntryType::Link => {
                let target = Path::new("/").join(member.link_name()?.unwrap_or_default());
                match snapshot.get(&target) {
                    Some(Some(entry)) => entry.kind.clone(),
                    _ => Kind::Special(0),
                }
            }
            tar::EntryType::Regular | tar::EntryType::Continuous => {
                let mut hasher = Sha256::new();
                let size = io::copy(&mut member, &mut hasher)?;
                Kind::File { size, sha256: hasher.finalize().into() }
            }
            _ => Kind::Special(1),
        };
        snapshot.insert(path, Some(Entry { kind, mode, owner, group }));
    }
    Ok(snapshot)
}

/// A path whose entry differs between two snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub path: PathBuf,
    pub before: Option<Entry>,
    pub after: Option<Entry>,
}

/// Where two snapshots of the same root differ.
pub fn compare(base: &dyn Base, before: &Snapshot, after: &Snapshot) -> io::Result<Vec<Difference>> {
    let paths: BTreeSet<&PathBuf> = before.keys().chain(after.keys()).collect();
    let mut found = Vec::new();
    for path in paths {
        let at = |snapshot: &Snapshot| match snapshot.get(path) {
            Some(entry) => Ok(entry.clone()),
            None => base.entry(path),
        };
        let (before, after) = (at(before)?, at(after)?);
        if before != after {
            found.push(Difference { path: path.clone(), before, after });
        }
    }
    Ok(found)
}

/// A path that package managers and systems write on their own, and why its changes say nothing of a package.
pub struct Noise {
    pub glob: &'static str,
    pub reason: &'static str,
}

const fn noise(glob: &'static str, reason: &'static str) -> Noise {
    Noise { glob, reason }
}

/// Everything that a comparison leaves out. `**` matches any number of folders.
pub const NOISE: &[Noise] = &[
    noise("/var/lib/rpm", "rpm's database"),
    noise("/var/lib/rpm/**", "rpm's database"),
    noise("/usr/lib/sysimage/rpm/**", "rpm's database"),
    noise("/var/lib/dpkg/status*", "dpkg's database; `query` expectations look into it"),
    noise("/var/lib/dpkg/available*", "dpkg's database"),
    noise("/var/lib/dpkg/diversions*", "dpkg's database"),
    noise("/var/lib/dpkg/lock*", "dpkg's locks"),
    noise("/var/lib/dpkg/arch", "dpkg --add-architecture"),
    noise("/var/lib/dpkg/updates", "dpkg's journal"),
    noise("/var/lib/dpkg/updates/**", "dpkg's journal"),
    noise("/var/lib/dpkg/triggers/**", "dpkg's triggers"),
    noise("/var/lib/dpkg/info", "its time only"),
    noise("/var/log/**", "logs of dpkg, apt and the system"),
    noise("/var/cache/ldconfig/**", "ldconfig"),
    noise("/etc/ld.so.cache", "ldconfig"),
    noise("/etc/passwd-", "useradd's copy of the file before"),
    noise("/etc/group-", "groupadd's copy of the file before"),
    noise("/etc/shadow-", "useradd's copy of the file before"),
    noise("/etc/gshadow-", "groupadd's copy of the file before"),
    noise("/etc/subuid*", "useradd's number ranges"),
    noise("/etc/subgid*", "useradd's number ranges"),
    noise("/etc/.pwd.lock", "lock of the account tools"),
    noise("/run/**", "does not outlive a boot"),
    noise("/tmp", "does not outlive a boot"),
    noise("/dev/**", "devices"),
    noise("/root/.gnupg/**", "key import"),
    noise("/var/lib/systemd/**", "state of systemd itself"),
    noise("/var/lib/private/**", "state of systemd itself"),
    noise("/var/tmp/systemd-private-*", "state of systemd itself"),
    noise("/var/tmp/systemd-private-*/**", "state of systemd itself"),
    noise("/tmp/systemd-private-*", "state of systemd itself"),
    noise("/tmp/systemd-private-*/**", "state of systemd itself"),
];

/// Patterns of paths that may differ.
pub struct Allowed(Vec<glob::Pattern>);

impl Allowed {
    /// The noise and `more`. A pattern `DIR/**` also allows `DIR` itself.
    pub fn new(more: &[String]) -> Allowed {
        let noise = NOISE.iter().map(|n| n.glob.to_owned());
        let more =
            more.iter().flat_map(|p| [Some(p.clone()), p.strip_suffix("/**").map(str::to_owned)]).flatten();
        Allowed(noise.chain(more).filter_map(|p| glob::Pattern::new(&p).ok()).collect())
    }

    /// Whether a path may differ.
    pub fn allows(&self, path: &Path) -> bool {
        let options = glob::MatchOptions { require_literal_separator: true, ..Default::default() };
        let text = String::from_utf8_lossy(path.as_os_str().as_bytes());
        self.0.iter().any(|p| p.matches_with(&text, options))
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = format!("{:04o} {}:{}", self.mode, self.owner, self.group);
        match &self.kind {
            Kind::Directory => write!(f, "directory {ids}"),
            Kind::File { size, sha256 } => {
                write!(f, "file {ids} {size} bytes sha256 {}", hex::encode(&sha256[..6]))
            }
            Kind::Symlink(target) => write!(f, "link to {}", target.display()),
            Kind::Special(_) => write!(f, "special file {ids}"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(f, "{} was added: {after}", self.path.display()),
            (Some(before), None) => write!(f, "{} is gone: was {before}", self.path.display()),
            (Some(before), Some(after)) => write!(f, "{} changed: {before} -> {after}", self.path.display()),
            (None, None) => write!(f, "{} is not there", self.path.display()),
        }
    }
}
