//! The same inputs give the same bytes, whoever makes the release, where, and with what settings.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{PLATFORMS, key_dir, release, root, run, stdout_of, xtask};
use sha2::{Digest, Sha256};
use xtask::archive::{Member, bunzip2, read_tar};
use xtask::release::records::{Release, parse};
use xtask::release::{RELEASE, SUMS, SUMS_SIGNATURE};

/// Everything that a build reads, at another place.
fn checkout(to: &Path) {
    for file in ["Cargo.toml", "Cargo.lock"] {
        fs::create_dir_all(to).expect("writable");
        fs::copy(root().join(file), to.join(file)).expect("readable");
    }
    for folder in ["agent", "crates", "xtask", "specs", "templates", "signing"] {
        let entries = walkdir::WalkDir::new(root().join(folder))
            .into_iter()
            .filter_entry(|e| e.file_name() != "target");
        for entry in entries {
            let entry = entry.expect("readable");
            let place = to.join(entry.path().strip_prefix(root()).expect("below"));
            if entry.file_type().is_dir() {
                fs::create_dir_all(place).expect("writable");
            } else {
                fs::copy(entry.path(), place).expect("writable");
            }
        }
    }
}

/// The surroundings of a run.
struct Surroundings<'a> {
    checkout: PathBuf,
    home: PathBuf,
    /// A symbolic link to the real one, or that itself.
    cargo_home: PathBuf,
    user: &'a str,
    /// A user number of its own, by a user namespace.
    uid: Option<u32>,
    umask: &'a str,
    time_zone: &'a str,
    locale: &'a str,
    jobs: &'a str,
}

fn from_home(variable: &str, below: &str) -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(below);
    std::env::var_os(variable).map_or_else(home, PathBuf::from)
}

fn cache() -> PathBuf {
    let base = from_home("XDG_CACHE_HOME", ".cache").join("ven-packages");
    std::env::var_os("VEN_PACKAGES_CACHE").map_or(base, PathBuf::from)
}

fn namespace(uid: u32) -> [String; 5] {
    let [user, group] = ["user", "group"].map(|kind| format!("--map-{kind}={uid}"));
    ["unshare".to_owned(), "--user".to_owned(), user, group, "--".to_owned()]
}

fn dist(s: &Surroundings<'_>) -> PathBuf {
    fs::create_dir_all(&s.home).expect("writable");
    let mut command = Command::new("sh");
    command.args(["-c", r#"umask "$0" && exec "$@""#, s.umask]);
    command.args(s.uid.map(namespace).into_iter().flatten());
    command.arg(env!("CARGO_BIN_EXE_xtask")).arg("dist");
    command.arg("--root").arg(&s.checkout).arg("--cache").arg(cache()).arg("--key-dir").arg(key_dir());
    command.args(["--progress", "plain", "--jobs", s.jobs]);
    for platform in PLATFORMS {
        command.args(["--platform", platform]);
    }
    command.env_remove("SOURCE_DATE_EPOCH").env("HOME", &s.home).env("CARGO_HOME", &s.cargo_home);
    command
        .env("RUSTUP_HOME", from_home("RUSTUP_HOME", ".rustup"))
        .env("USER", s.user)
        .env("LOGNAME", s.user);
    command.env("TZ", s.time_zone).env("LC_ALL", s.locale).env("LANG", s.locale).current_dir(&s.home);
    stdout_of(&mut command);
    the_release(&s.checkout.join("out"))
}

/// The one release in an output folder.
fn the_release(out: &Path) -> PathBuf {
    let mut entries = fs::read_dir(out).expect("there").map(|e| e.expect("readable").path());
    entries.find(|p| p.join(RELEASE).is_file()).expect("a release")
}

/// What can be seen of a file: mode, time with nanoseconds, digest of the content.
type Seen = (u32, i64, i64, Option<String>);

fn snapshot(release: &Path) -> BTreeMap<String, Seen> {
    let seen = |entry: walkdir::DirEntry| {
        let meta = entry.metadata().expect("readable");
        let content = meta.is_file().then(|| fs::read(entry.path()).expect("readable"));
        let digest = content.map(|bytes| hex::encode(Sha256::digest(bytes)));
        let path = entry.path().strip_prefix(release).expect("below").to_string_lossy().into_owned();
        (path, (meta.mode(), meta.mtime(), meta.mtime_nsec(), digest))
    };
    walkdir::WalkDir::new(release).into_iter().map(|e| seen(e.expect("readable"))).collect()
}

/// Paths at which two snapshots differ.
fn differences(one: &BTreeMap<String, Seen>, other: &BTreeMap<String, Seen>) -> Vec<String> {
    let paths = one.keys().chain(other.keys());
    let mut all: Vec<String> = paths.filter(|path| one.get(*path) != other.get(*path)).cloned().collect();
    all.sort();
    all.dedup();
    all
}

#[test]
fn two_checkouts_users_umasks_time_zones_locales_and_job_counts_give_the_same_release() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("writable");
    let cargo_home = from_home("CARGO_HOME", ".cargo");
    let linked = dir.path().join("linked-cargo");
    symlink(&cargo_home, &linked).expect("writable");
    let mut probe = namespace(4321).map(Into::into).to_vec();
    probe.push("true".to_owned());
    let other_uid = run(Command::new(&probe[0]).args(&probe[1..])).status.success();
    if !other_uid {
        println!("skipped: another user number, because this system forbids user namespaces");
    }
    let one = Surroundings {
        checkout: dir.path().join("a"),
        home: dir.path().join("home/alice"),
        cargo_home,
        user: "alice",
        uid: None,
        umask: "022",
        time_zone: "Asia/Kathmandu",
        locale: "C",
        jobs: "2",
    };
    let other = Surroundings {
        checkout: dir.path().join("another place/with a longer name/b"),
        home: dir.path().join("home/bob"),
        cargo_home: linked,
        user: "bob",
        uid: other_uid.then_some(4321),
        umask: "077",
        time_zone: "America/St_Johns",
        locale: "tr_TR.UTF-8",
        jobs: "1",
    };
    let [first, second] = [one, other].map(|s| {
        checkout(&s.checkout);
        snapshot(&dist(&s))
    });
    assert!(first.len() > 25, "{first:#?}");
    let agent = |checkout: &str| {
        let found =
            walkdir::WalkDir::new(dir.path().join(checkout).join("out/toolchain")).into_iter().flatten();
        let agent =
            found.into_iter().find(|e| e.path().ends_with("agent/illumio-ven-ctl")).expect("the agent");
        hex::encode(Sha256::digest(fs::read(agent.path()).expect("readable")))
    };
    assert_eq!(agent("a"), agent("another place/with a longer name/b"), "the agent differs");
    assert_eq!(differences(&first, &second), Vec::<String>::new());
    // Nor does it matter that this project itself is the checkout.
    assert_eq!(differences(&first, &snapshot(release())), Vec::<String>::new());
}

/// release.json without what says when it was made, and without sizes and digests of what carries that time.
fn timeless(release: &Path) -> Release {
    let text = fs::read_to_string(release.join(RELEASE)).expect("there");
    let mut record: Release = parse(&text).expect("canonical");
    record.created.clear();
    record.expires.clear();
    for package in &mut record.packages {
        (package.size, package.sha256) = (0, String::new());
    }
    for bundle in &mut record.bundles {
        (bundle.size, bundle.sha256) = (0, String::new());
    }
    record
}

/// Members of a bundle that carry no time.
fn timeless_members(path: &Path) -> Vec<Member> {
    let bytes = fs::read(path).expect("readable");
    let packed = path.extension().is_some_and(|e| e == "bz2");
    let tar = if packed { bunzip2(&bytes, 1 << 30).expect("canonical") } else { bytes };
    let (mut members, _) = read_tar(&tar).expect("canonical");
    let timed = |path: &str| path.contains("/packages/") || path.contains("/manifest.json");
    members.iter_mut().filter(|m| timed(&m.path)).for_each(|m| m.content = None);
    members
}

#[test]
fn another_source_date_changes_times_and_nothing_else() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("writable");
    let time = 1_790_000_000u32;
    let mut command = xtask();
    command.arg("dist").arg("--out").arg(dir.path()).env("SOURCE_DATE_EPOCH", time.to_string());
    for platform in PLATFORMS {
        command.args(["--platform", platform]);
    }
    stdout_of(&mut command);
    let (old, new) = (release().to_owned(), the_release(dir.path()));
    let (before, after) = (snapshot(&old), snapshot(&new));

    assert!(before.keys().eq(after.keys()), "other files: {:?} {:?}", before.keys(), after.keys());
    for (path, (mode, mtime, nanoseconds, digest)) in &after {
        assert_eq!((*mtime, *nanoseconds), (i64::from(time), 0), "{path}");
        assert_eq!(*mode, before[path].0, "{path}");
        // Packages and bundles carry the time; release.json and the list their digests; the key is older than all.
        let timed = path.contains("packages/") || path.contains("bundles/");
        let timed = timed || [RELEASE, SUMS, SUMS_SIGNATURE].contains(&path.as_str());
        assert_eq!(*digest != before[path].3, timed, "{path}");
    }
    let record = timeless(&new);
    assert_eq!(timeless(&old), record);
    for package in &record.packages {
        let facts = |release: &Path| {
            let bytes = fs::read(release.join("packages").join(&package.file)).expect("there");
            xtask::verify::package::read(&package.file, &bytes).expect("genuine")
        };
        let (old, new) = (facts(&old), facts(&new));
        assert_eq!(new.time, time, "{}", package.file);
        assert_eq!((old.tree, old.scripts, old.dependencies), (new.tree, new.scripts, new.dependencies));
    }
    for bundle in &record.bundles {
        assert!(
            timeless_members(&old.join(&bundle.path)) == timeless_members(&new.join(&bundle.path)),
            "{bundle:?}"
        );
    }
}
