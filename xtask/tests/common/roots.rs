//! Root file systems of distributions, in which packages are installed.
//!
//! A [`Root`] is made once by debootstrap and kept in the user's cache, where it never changes. A [`Host`] is a
//! machine made of it: an overlay that takes the changes, with processes, mounts, network and host name of its own
//! for each command. What a command leaves running ends with it; nothing is mounted outside of it.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest, Sha256};

use sources::Archive;

#[path = "apt_sources.rs"]
pub mod sources;

/// What a root is made of. Another value makes another root: the cache knows it by a digest of all fields.
#[derive(Debug)]
pub struct Recipe {
    pub name: &'static str,
    /// Debian release that debootstrap knows.
    pub suite: &'static str,
    /// On top of the minimal system.
    pub packages: &'static [&'static str],
    /// Files to write: path and text.
    pub files: &'static [(&'static str, &'static str)],
}

/// Every root there is.
pub const RECIPES: [Recipe; 1] = [Recipe {
    name: "bookworm",
    suite: "bookworm",
    // rpm and what the deb of Debian 12 depends on.
    packages: &["rpm", "cpio", "nftables", "ca-certificates"],
    // Debian's rpm keeps its database in the home directory of whoever calls it.
    files: &[("etc/rpm/macros", "%_dbpath /var/lib/rpm\n")],
}];

/// Why there is no root.
#[derive(Debug)]
pub enum Unavailable {
    /// This process may not make one, or may not use it.
    NotPermitted(&'static str),
    /// It could not be made.
    Failed(String),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unavailable::NotPermitted(need) => write!(f, "needs {need}"),
            Unavailable::Failed(why) => f.write_str(why),
        }
    }
}

/// A file or folder of this machine that a host sees at another place, read-only.
#[derive(Debug, Clone, Copy)]
pub struct Bind<'a> {
    pub from: &'a Path,
    /// Absolute path on the host; made there if it is missing.
    pub to: &'a str,
}

/// A root file system that nobody changes.
#[derive(Debug, Clone)]
pub struct Root {
    pub dir: PathBuf,
}

impl Root {
    /// The root of that name; made now if the cache lacks it, which takes a minute and the machine's apt mirror.
    ///
    /// # Panics
    /// When no recipe has that name.
    pub fn get(name: &str) -> Result<Root, Unavailable> {
        let recipe = RECIPES.iter().find(|r| r.name == name).expect("a recipe of that name");
        if !rustix::process::geteuid().is_root() {
            return Err(Unavailable::NotPermitted("root"));
        }
        let mounts = Command::new("unshare").args(["-m", "-p", "-f", "-u", "-i", "-n", "true"]).output();
        match mounts {
            Err(e) => return Err(Unavailable::Failed(format!("unshare (package util-linux): {e}"))),
            Ok(o) if !o.status.success() => {
                return Err(Unavailable::NotPermitted("the right to make namespaces (CAP_SYS_ADMIN)"));
            }
            Ok(_) => {}
        }
        recipe.root(&cache().join("roots")).map_err(Unavailable::Failed)
    }

    /// A new host.
    pub fn host(&self) -> Host {
        // Overlays want an upper folder on a real file system; in memory is fastest.
        let memory = Path::new("/dev/shm");
        let in_memory = rustix::fs::statfs(memory).is_ok_and(|s| s.f_type == TMPFS_MAGIC);
        let mut builder = tempfile::Builder::new();
        builder.prefix("ven-host-");
        let state = if in_memory { builder.tempdir_in(memory) } else { builder.tempdir() };
        let state = state.expect("temporary folders can be made");
        for part in ["upper", "work", "root"] {
            fs::create_dir(state.path().join(part)).expect("temporary folders are writable");
        }
        Host { root: self.clone(), state }
    }

    /// Runs one script on a host of its own.
    pub fn run(&self, script: &str, env: &[(&str, &str)], binds: &[Bind<'_>]) -> Output {
        self.host().run(script, env, binds)
    }
}

/// `TMPFS_MAGIC` of statfs(2).
const TMPFS_MAGIC: i64 = 0x0102_1994;

/// Runs as process 1 of the new namespaces: $1 the root, $2 the folder of the host, $3 the script, then pairs of
/// bound paths up to `--`, then the environment.
const ENTER: &str = r#"set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work,metacopy=off,redirect_dir=off" "$2/root"
root=$2/root script=$3
shift 3
mount -t proc proc "$root/proc"
hostname host
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$2"; else mkdir -p "$root${2%/*}"; [ -e "$root$2" ] || : >"$root$2"; fi
    mount --bind "$1" "$root$2"
    mount -o remount,bind,ro "$root$2"
    shift 2
done
shift
cd "$root"
exec chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "$@" /bin/sh -e -c "$script"
"#;

/// A machine made of a root. It keeps its changes from one command to the next, and is gone when dropped.
#[derive(Debug)]
pub struct Host {
    root: Root,
    state: tempfile::TempDir,
}

/// How a path of a host differs from the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Added,
    /// Content, kind, mode or owner.
    Modified,
    Removed,
}

impl Host {
    /// Runs a script with `sh -e` and nothing in its environment but PATH, HOME, LC_ALL and `env`. It sees no network
    /// and no process of this machine.
    pub fn run(&self, script: &str, env: &[(&str, &str)], binds: &[Bind<'_>]) -> Output {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--fork", "--uts", "--ipc", "--net", "--kill-child"]);
        command.args(["sh", "-c", ENTER, "enter"]).arg(&self.root.dir).arg(self.state.path()).arg(script);
        for bind in binds {
            command.arg(bind.from).arg(bind.to);
        }
        command.arg("--").args(env.iter().map(|(name, value)| format!("{name}={value}")));
        command.stdin(Stdio::null());
        command.output().expect("unshare was there a moment ago")
    }

    /// Every path that differs from the root, with its absolute path on the host. Times are not compared.
    pub fn changes(&self) -> BTreeMap<String, Change> {
        let upper = self.state.path().join("upper");
        let mut changes = BTreeMap::new();
        for entry in walkdir::WalkDir::new(&upper).min_depth(1) {
            let entry = entry.expect("the host's folder is readable");
            let name = entry.path().strip_prefix(&upper).expect("below");
            let below = self.root.dir.join(name);
            let meta = entry.metadata().expect("readable");
            let change = match below.symlink_metadata() {
                // An overlay marks what is gone by a device 0:0.
                _ if meta.file_type().is_char_device() && meta.rdev() == 0 => Change::Removed,
                Err(_) => Change::Added,
                Ok(old) if same(&meta, entry.path(), &old, &below) => continue,
                Ok(_) => Change::Modified,
            };
            changes.insert(format!("/{}", name.display()), change);
        }
        changes
    }
}

fn same(new: &fs::Metadata, new_path: &Path, old: &fs::Metadata, old_path: &Path) -> bool {
    let status = |m: &fs::Metadata| (m.mode(), m.uid(), m.gid());
    if status(new) != status(old) {
        return false;
    }
    if new.is_dir() {
        // Removed and made anew: what was below it is not seen any more.
        let mut value = [0u8; 8];
        let opaque = rustix::fs::lgetxattr(new_path, "trusted.overlay.opaque", &mut value);
        return !opaque.is_ok_and(|n| value[..n].starts_with(b"y")) || is_empty(old_path);
    }
    if new.file_type().is_symlink() {
        return fs::read_link(new_path).ok() == fs::read_link(old_path).ok();
    }
    new.len() == old.len() && (!new.is_file() || fs::read(new_path).ok() == fs::read(old_path).ok())
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// The folder that the program's own caches are in, too.
pub fn cache() -> PathBuf {
    if let Some(named) = std::env::var_os("VEN_PACKAGES_CACHE") {
        return named.into();
    }
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache");
    base.unwrap_or_else(home).join("ven-packages")
}

/// Makes a folder of the cache whole or not at all; only one process makes it, others wait.
pub fn cached(place: &Path, make: impl FnOnce(&Path) -> Result<(), String>) -> Result<(), String> {
    let (folder, name) =
        (place.parent().expect("a folder"), place.file_name().expect("a name").to_string_lossy());
    fn fail(what: &Path) -> impl FnOnce(std::io::Error) -> String {
        move |e| format!("{}: {e}", what.display())
    }
    fs::create_dir_all(folder).map_err(fail(folder))?;
    let lock = folder.join(format!(".{name}.lock"));
    let held = File::create(&lock).map_err(fail(&lock))?;
    rustix::fs::flock(&held, rustix::fs::FlockOperation::LockExclusive).map_err(|e| fail(&lock)(e.into()))?;
    if place.is_dir() {
        return Ok(());
    }
    let unfinished = folder.join(format!(".{name}.unfinished"));
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(fail(&unfinished))?;
    }
    fs::create_dir(&unfinished).map_err(fail(&unfinished))?;
    make(&unfinished)?;
    fs::rename(&unfinished, place).map_err(fail(place))
}

impl Recipe {
    fn root(&self, folder: &Path) -> Result<Root, String> {
        let digest = hex::encode(&Sha256::digest(format!("{self:?}"))[..6]);
        let dir = folder.join(format!("{}-{digest}", self.name));
        cached(&dir, |place| {
            eprintln!("making the root {} in {} (once)", self.name, dir.display());
            self.debootstrap(place)
        })?;
        Ok(Root { dir })
    }

    fn debootstrap(&self, place: &Path) -> Result<(), String> {
        let archive = Archive::of_this_machine(self.suite)?;
        // In a mount namespace: an interrupted run leaves nothing mounted.
        let mut command = Command::new("unshare");
        command.args(["--mount", "debootstrap", "--variant=minbase"]);
        command.arg(format!("--include={}", self.packages.join(",")));
        if let Some(keyring) = &archive.keyring {
            command.arg(format!("--keyring={}", keyring.display()));
        }
        command.arg(self.suite).arg(place).arg(&archive.uri).stdin(Stdio::null());
        let output = command.output().map_err(|e| format!("unshare (package util-linux): {e}"))?;
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stdout);
            let last: Vec<&str> = text.lines().rev().take(5).collect();
            let error = String::from_utf8_lossy(&output.stderr);
            return Err(format!("debootstrap (package debootstrap) of {}: {error}{last:?}", self.suite));
        }
        for (path, text) in self.files {
            let path = place.join(path);
            let written =
                fs::create_dir_all(path.parent().expect("a folder")).and_then(|()| fs::write(&path, text));
            written.map_err(|e| format!("{}: {e}", path.display()))?;
        }
        Ok(())
    }
}

/// The root for a test: nothing, with a word why, where this process may not use one.
///
/// # Panics
/// When the root cannot be made.
pub fn for_test(name: &str) -> Option<Root> {
    match Root::get(name) {
        Ok(root) => Some(root),
        Err(Unavailable::NotPermitted(need)) => {
            println!("skipped: needs {need}");
            None
        }
        Err(Unavailable::Failed(why)) => panic!("{why}; `cargo xtask test` installs what tests need"),
    }
}
