//! Opens what was made, with readers that did not write it, and refuses everything that its writer would not
//! have written.

pub mod bundle;
pub mod package;
pub mod release;

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use crate::signing::TrustedKey;
use crate::spec::version::ReleaseId;

/// What a reader accepts.
#[derive(Debug)]
pub struct Policy {
    /// Keys that may have signed.
    pub keys: Vec<TrustedKey>,
    /// The clock: seconds since 1970.
    pub now: i64,
    /// Refuse this release and every older one.
    pub newer_than: Option<ReleaseId>,
    /// Refuse releases from which flags left out packages.
    pub require_complete: bool,
}

/// One reason to refuse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Which file, relative to what was verified.
    pub file: String,
    /// Stable name of the rule, e.g. `release/missing-file`.
    pub rule: &'static str,
    pub why: String,
}

impl Refusal {
    pub fn new(file: impl Into<String>, rule: &'static str, why: impl Into<String>) -> Refusal {
        Refusal { file: file.into(), rule, why: why.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: [{}] {}", self.file, self.rule, self.why)
    }
}

/// What was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// What it is, e.g. `release 23.5.10-1234`.
    pub what: String,
    /// Fingerprint and name of the key that signed.
    pub key: String,
    /// Things that whoever accepts it should know: a development key, a partial release.
    pub notes: Vec<String>,
    /// What was checked, one line for each kind of check.
    pub checks: Vec<String>,
}

/// Verifies a release directory, a bundle or a package.
pub fn path(path: &Path, policy: &Policy) -> Result<Accepted, Vec<Refusal>> {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    if path.is_dir() {
        return release::verify(path, policy);
    }
    let bytes = read_file(path, &name).map_err(|r| vec![r])?;
    if package::format_of(&bytes).is_some() {
        return single_package(&name, &bytes, policy).map_err(|r| vec![r]);
    }
    if name.ends_with(".tar") || name.ends_with(".tar.bz2") {
        let bundle = bundle::verify(&name, &bytes, policy)?;
        return Ok(bundle.accepted(&name));
    }
    let why = "neither a release directory, a bundle (.tar, .tar.bz2) nor a package (RPM, deb)";
    Err(vec![Refusal::new(name, "verify/unknown", why)])
}

fn single_package(name: &str, bytes: &[u8], policy: &Policy) -> Result<Accepted, Refusal> {
    let facts = package::read(name, bytes)?;
    let (key, record) = package::signatures(name, &facts, &policy.keys)?;
    if let Some(floor) = policy.newer_than {
        let id = facts.version.rsplit_once('.').map_or(facts.version.as_str(), |(id, _)| id);
        let newer = id.parse::<ReleaseId>().is_ok_and(|id| id > floor);
        if !newer {
            return Err(Refusal::new(name, "release/not-newer", format!("{} is not newer than {floor}", facts.version)));
        }
    }
    Ok(Accepted {
        what: format!("package {} {} {}", facts.name, facts.version, facts.architecture),
        key: describe(key),
        notes: development_note(key),
        checks: vec![
            format!("structure: strict reader, {} entries, every digest", facts.tree.len()),
            format!("signature: {} V{}", record.kind, record.version),
        ],
    })
}

fn describe(key: &TrustedKey) -> String {
    format!("{} (\"{}\")", key.fingerprint(), key.name())
}

fn development_note(key: &TrustedKey) -> Vec<String> {
    let note = || "DEVELOPMENT KEY: nobody should trust this signature".to_owned();
    key.is_development().then(note).into_iter().collect()
}

/// Largest file that is read: 4 GiB, what package formats and archives of packages can reach.
const LARGEST: u64 = 4 << 30;

/// Reads a regular file; a symbolic link or a device is refused.
fn read_file(path: &Path, name: &str) -> Result<Vec<u8>, Refusal> {
    let refuse = |why: String| Refusal::new(name, "verify/unreadable", why);
    let kind = std::fs::symlink_metadata(path).map_err(|e| refuse(e.to_string()))?;
    if !kind.is_file() {
        return Err(refuse("not a regular file".to_owned()));
    }
    if kind.len() > LARGEST {
        return Err(Refusal::new(name, "verify/too-large", format!("larger than {LARGEST} bytes")));
    }
    std::fs::read(path).map_err(|e| refuse(e.to_string()))
}

/// Checks that hold for a release and for a bundle alike.
struct Terms<'a> {
    file: &'a str,
    release: &'a str,
    expires: &'a str,
    complete: bool,
}

impl Terms<'_> {
    fn check(&self, policy: &Policy) -> Vec<Refusal> {
        let refuse = |rule, why| Refusal::new(self.file, rule, why);
        let mut refusals = Vec::new();
        match self.release.parse::<ReleaseId>() {
            Ok(id) => {
                if let Some(floor) = policy.newer_than.filter(|floor| id <= *floor) {
                    refusals.push(refuse("release/not-newer", format!("{id} is not newer than {floor}")));
                }
            }
            Err(e) => refusals.push(refuse("release/id", e.to_string())),
        }
        match self.expires.parse::<jiff::Timestamp>() {
            Ok(time) if time.as_second() > policy.now => {}
            Ok(time) => refusals.push(refuse("release/expired", format!("it expired on {time}"))),
            Err(e) => refusals.push(refuse("release/expired", format!("no expiry: {e}"))),
        }
        if policy.require_complete && !self.complete {
            refusals.push(refuse("release/partial", "flags left packages out of it".to_owned()));
        }
        refusals
    }
}

/// Verifies `armored` over `data` with the first key that fits.
fn signed_by<'k>(
    file: &str,
    armored: &str,
    data: &[u8],
    keys: &'k [TrustedKey],
) -> Result<&'k TrustedKey, Refusal> {
    let mut why = "there is no key to verify it with: name one with --key FILE or --keys PROFILE".to_owned();
    for key in keys {
        match key.verify_armored(armored, data) {
            Ok(()) => return Ok(key),
            Err(e) => why = e.to_string(),
        }
    }
    Err(Refusal::new(file, "signature", why))
}

fn utf8(file: &str, bytes: Vec<u8>) -> Result<String, Refusal> {
    String::from_utf8(bytes).map_err(|_| Refusal::new(file, "verify/unreadable", "not text"))
}

/// Everything below a folder, by relative path: files, and folders; anything else is refused.
fn below(root: &Path) -> Result<(BTreeSet<String>, BTreeSet<String>), Refusal> {
    let (mut files, mut folders) = (BTreeSet::new(), BTreeSet::new());
    for entry in walkdir::WalkDir::new(root).min_depth(1).sort_by_file_name() {
        let entry = entry.map_err(|e| Refusal::new(root.to_string_lossy(), "verify/unreadable", e.to_string()))?;
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path()).to_string_lossy().into_owned();
        if entry.file_type().is_file() {
            files.insert(relative);
        } else if entry.file_type().is_dir() {
            folders.insert(relative);
        } else {
            return Err(Refusal::new(relative, "release/stray-file", "neither a file nor a directory"));
        }
    }
    Ok((files, folders))
}
