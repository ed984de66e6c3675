//! What the tests of the whole program share: running it, and one release to look at.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the project").to_owned()
}

/// The program under test, with nothing of the caller's environment that changes what it makes.
pub fn xtask() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
    command.env_remove("SOURCE_DATE_EPOCH").env("CI", "true").env("VEN_PACKAGES_KEYS", key_dir());
    command
}

/// Where the tests' development key lives: made once, shared by all of them.
pub fn key_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("keys")
}

/// Runs a command that must succeed, and returns its standard output.
pub fn stdout_of(command: &mut Command) -> String {
    let output = run(command);
    assert!(output.status.success(), "{command:?}: {}\n{}", output.status, text(&output));
    String::from_utf8(output.stdout).expect("output is text")
}

/// Runs a command; a program that cannot be started is named together with its mend.
pub fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|e| panic!("{command:?}: {e}; `cargo xtask test` installs what tests need"))
}

/// Both outputs of a command.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The platforms of the shared release: every format, profile and compression, for the machine's own target.
pub const PLATFORMS: [&str; 2] = ["*.x86_64", "*.amd64"];

/// A release directory made by the program under test, once for each state of program and specs. Never change it:
/// [`copy_of_release`] gives a private one.
pub fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("release");
        std::fs::create_dir_all(&base).expect("the target folder is writable");
        let lock = std::fs::File::create(base.join("lock")).expect("the target folder is writable");
        lock.lock().expect("locks work");
        let key = state();
        let out = base.join(&key);
        let done = out.join("done");
        if !done.exists() {
            for old in std::fs::read_dir(&base).expect("just made").flatten() {
                if old.path().is_dir() {
                    std::fs::remove_dir_all(old.path()).expect("old releases can go");
                }
            }
            let mut command = xtask();
            command.arg("dist").arg("--out").arg(&out);
            PLATFORMS.iter().for_each(|p| {
                command.args(["--platform", p]);
            });
            stdout_of(&mut command);
            std::fs::write(&done, "").expect("the target folder is writable");
        }
        let mut found = std::fs::read_dir(&out).expect("just made").flatten().map(|e| e.path());
        found.find(|p| p.join("release.json").is_file()).expect("dist makes a release")
    })
}

/// A digest of everything that the release is made from.
fn state() -> String {
    let mut hasher = Sha256::new();
    hasher.update(std::fs::read(env!("CARGO_BIN_EXE_xtask")).expect("the program under test"));
    for folder in ["specs", "templates", "signing", "agent", "crates/cross-build"] {
        for entry in walkdir::WalkDir::new(root().join(folder)).sort_by_file_name() {
            let entry = entry.expect("the project is readable");
            if entry.file_type().is_file() {
                hasher.update(entry.path().to_string_lossy().as_bytes());
                hasher.update(std::fs::read(entry.path()).expect("the project is readable"));
            }
        }
    }
    hex::encode(&hasher.finalize()[..8])
}

/// A copy of the release that a test may change.
pub fn copy_of_release(into: &Path) -> PathBuf {
    copy_tree(release(), &into.join("release"))
}

/// Copies a folder.
pub fn copy_tree(from: &Path, to: &Path) -> PathBuf {
    for entry in walkdir::WalkDir::new(from) {
        let entry = entry.expect("readable");
        let target = to.join(entry.path().strip_prefix(from).expect("below"));
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(&target).expect("writable");
        } else {
            std::fs::copy(entry.path(), &target).expect("writable");
        }
    }
    to.to_owned()
}

/// A copy of everything that a plan reads, for tests that change specs.
pub fn copy_of_project(into: &Path) -> PathBuf {
    let to = into.join("project");
    for folder in ["specs", "templates", "signing", "agent"] {
        copy_tree(&root().join(folder), &to.join(folder));
    }
    to
}
