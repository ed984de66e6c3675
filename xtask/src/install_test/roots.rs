//! Roots to install in, made once by debootstrap and kept in the user's cache.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::container::Program;
use super::images::RootSpec;
use crate::spec::Format;

/// What a case's host is made of.
#[derive(Debug, Clone)]
pub enum Medium {
    /// A folder under an overlay.
    Folder(PathBuf),
    /// An image of a container engine.
    Image(Program, String),
}

/// A root that is ready.
#[derive(Debug, Clone)]
pub struct Root {
    pub name: String,
    pub medium: Medium,
    pub formats: Vec<Format>,
    /// Globs over the tags of packages; empty: all.
    pub tags: Vec<String>,
    pub systemd: bool,
    /// Versions of its package managers.
    pub versions: String,
}

/// Why a root cannot be had here.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0} is not installed: apt-get install {1}")]
    Tool(&'static str, &'static str),
    #[error("apt names no Debian mirror: add a Debian suite to /etc/apt and run apt-get update")]
    NoMirror,
    #[error("debootstrap {suite} from {mirror} failed: {why}")]
    Debootstrap { suite: String, mirror: String, why: String },
    #[error("{path}: {why}")]
    Disk { path: PathBuf, why: std::io::Error },
}

/// Bumped when what is done to a root after debootstrap changes.
const REVISION: &str = "1";

/// The URI of the Debian mirror in the machine's apt sources, as apt itself understands them.
pub fn mirror() -> Result<String, Error> {
    let format = "$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)";
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "Created-By: Packages", "--format", format]);
    let output = command.output().map_err(|_| Error::NoMirror)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find_map(|line| {
        let mut fields = line.splitn(4, '|');
        let (origin, component) = (fields.next()?, fields.next()?);
        let (suite, uri) = (fields.next()?, fields.next()?);
        // Updates and security lie elsewhere and hold no whole suite.
        (origin == "Debian" && component == "main" && !suite.contains(['-', '/'])).then(|| uri.to_owned())
    });
    found.ok_or(Error::NoMirror)
}

/// Gives a root, making it when this machine has not got it yet. Others that want the same one wait.
///
/// # Errors
/// What is missing on this machine, or why debootstrap failed.
pub fn provide(spec: &RootSpec, cache: &Path, say: &dyn Fn(&str)) -> Result<Root, Error> {
    let base = cache.join("install-test/roots");
    let disk = |path: &Path, why| Error::Disk { path: path.to_owned(), why };
    std::fs::create_dir_all(&base).map_err(|e| disk(&base, e))?;
    let name = format!("{}-{}", spec.name, &digest(spec)[..12]);
    let lock = base.join(format!("{name}.lock"));
    let held = File::create(&lock).map_err(|e| disk(&lock, e))?;
    held.lock().map_err(|e| disk(&lock, e))?;

    let folder = base.join(&name);
    if !folder.is_dir() {
        say(&format!("making the root {}: once, in {}", spec.name, folder.display()));
        make(spec, &base, &folder)?;
    }
    let versions = folder.with_extension("versions");
    let versions = std::fs::read_to_string(&versions).map_err(|e| disk(&versions, e))?;
    Ok(Root {
        name: spec.name.clone(),
        medium: Medium::Folder(folder.clone()),
        formats: spec.formats.clone(),
        tags: Vec::new(),
        systemd: spec.systemd,
        versions: format!("{}, {}", versions.trim(), plugin(&folder)),
    })
}

/// Newer rpm runs scriptlets without network and with private directories.
fn plugin(root: &Path) -> &'static str {
    match root.join("usr/lib/rpm/macros.d/macros.transaction_unshare").exists() {
        true => "rpm's unshare plugin on",
        false => "rpm has no unshare plugin",
    }
}

fn digest(spec: &RootSpec) -> String {
    let mut hasher = Sha256::new();
    let fields = [REVISION, &spec.suite, std::env::consts::ARCH].into_iter();
    for field in fields.chain(spec.include.iter().map(String::as_str)) {
        hasher.update(field.as_bytes());
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
}

fn make(spec: &RootSpec, base: &Path, folder: &Path) -> Result<(), Error> {
    let disk = |path: &Path, why| Error::Disk { path: path.to_owned(), why };
    let mirror = mirror()?;
    // Beside its place, so that renaming is atomic. Its path has no symbolic link that debootstrap would resolve.
    let staging = tempfile::Builder::new().prefix("making-").tempdir_in(base).map_err(|e| disk(base, e))?;
    let root = staging.path().join("root");
    let mut command = Command::new("debootstrap");
    command.args(["--variant=minbase", &format!("--include={}", spec.include.join(","))]).arg(&spec.suite);
    command.arg(&root).arg(&mirror).env("DEBIAN_FRONTEND", "noninteractive");
    let output = command.output().map_err(|_| Error::Tool("debootstrap", "debootstrap"))?;
    if !output.status.success() {
        let said = [output.stdout, output.stderr].concat();
        let log = std::fs::read_to_string(root.join("debootstrap/debootstrap.log")).unwrap_or_default();
        let why = last_lines(&format!("{}\n{log}", String::from_utf8_lossy(&said)));
        return Err(Error::Debootstrap { suite: spec.suite.clone(), mirror, why });
    }
    finish(&root)?;
    let versions = versions(&root);
    let path = folder.with_extension("versions");
    std::fs::write(&path, versions).map_err(|e| disk(&path, e))?;
    std::fs::rename(&root, folder).map_err(|e| disk(folder, e))
}

/// What debootstrap leaves to do: rpm's database where other distributions have it, and no downloads.
fn finish(root: &Path) -> Result<(), Error> {
    let disk = |path: &Path, why| Error::Disk { path: path.to_owned(), why };
    let macros = root.join("etc/rpm/macros");
    let folder = root.join("etc/rpm");
    std::fs::create_dir_all(&folder).map_err(|e| disk(&folder, e))?;
    // Debian's rpm keeps its database in the home directory of whoever calls it.
    std::fs::write(&macros, "%_dbpath /var/lib/rpm\n").map_err(|e| disk(&macros, e))?;
    let archives = root.join("var/cache/apt/archives");
    for entry in std::fs::read_dir(&archives).map_err(|e| disk(&archives, e))?.flatten() {
        if entry.path().extension().is_some_and(|e| e == "deb") {
            std::fs::remove_file(entry.path()).map_err(|e| disk(&entry.path(), e))?;
        }
    }
    Ok(())
}

fn versions(root: &Path) -> String {
    let query = |package: &str| {
        let mut command = Command::new("chroot");
        command.arg(root).args(["dpkg-query", "-W", "-f", "${Version}", package]);
        let output = command.output().map(|o| o.stdout).unwrap_or_default();
        String::from_utf8_lossy(&output).trim().to_owned()
    };
    format!("rpm {}, dpkg {}", query("rpm"), query("dpkg"))
}

/// The end of what a program said.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(6)..].join(" | ")
}
