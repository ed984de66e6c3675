//! Forged releases and bundles: what somebody with, or without, the release key could put together.

#![allow(dead_code, reason = "each test program uses its own part")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tempfile::TempDir;
use xtask::archive::{Member, read_tar, write_tar};
use xtask::plan::{Request, key_plan};
use xtask::release::bundle::file_record;
use xtask::release::records::{Manifest, Release, canonical, parse};
use xtask::release::{RELEASE, SUMS, SUMS_SIGNATURE, sums};
use xtask::signing::{KeyStore, Signer, TrustedKey};
use xtask::verify::{Policy, Refusal};

use crate::common::{copy_of_release, key_dir, release, root};

/// A folder on the file system of the release, so that files can be linked.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder is writable")
}

/// A private copy of the release.
pub fn copy() -> (TempDir, PathBuf) {
    let dir = scratch();
    let path = copy_of_release(dir.path());
    (dir, path)
}

/// What the release says of itself.
pub fn record() -> &'static Release {
    static RECORD: OnceLock<Release> = OnceLock::new();
    RECORD.get_or_init(|| {
        let text = std::fs::read_to_string(release().join(RELEASE)).expect("dist writes it");
        parse(&text).expect("dist writes it in canonical form")
    })
}

/// The time inside the release, in seconds since 1970.
pub fn time() -> u32 {
    let created: jiff::Timestamp = record().created.parse().expect("a time");
    created.as_second() as u32
}

/// Trusts the key of the release, one day after it was made.
pub fn policy() -> Policy {
    let keys = vec![signer().key().clone()];
    Policy { keys, now: i64::from(time()) + 86_400, newer_than: None, require_complete: false }
}

/// The key of the release, in the hands of somebody who makes mistakes.
pub fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| open(&key_dir()))
}

/// Somebody else's key.
pub fn stranger() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(|| open(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("strangers-keys")))
}

fn open(keys: &Path) -> Signer {
    let now = i64::from(time());
    let plan = key_plan(&root(), &Request { now, ..Request::default() }).expect("the specs are good");
    Signer::open(&plan, &KeyStore::new(keys.to_owned()), &root(), time())
        .expect("development keys make themselves")
}

/// Both keys.
pub fn both_keys() -> Vec<TrustedKey> {
    vec![stranger().key().clone(), signer().key().clone()]
}

/// The rules that a refusal names; nothing where it was accepted.
pub fn rules<T>(result: Result<T, Vec<Refusal>>) -> BTreeSet<&'static str> {
    result.err().into_iter().flatten().map(|refusal| refusal.rule).collect()
}

/// Asserts that `result` is a refusal for exactly these reasons.
#[track_caller]
pub fn assert_refused<T>(result: Result<T, Vec<Refusal>>, wanted: &[&'static str]) {
    assert_eq!(rules(result), wanted.iter().copied().collect());
}

/// Every file of a release directory, by relative path.
pub fn files(release: &Path) -> Vec<String> {
    let entries =
        walkdir::WalkDir::new(release).sort_by_file_name().into_iter().map(|e| e.expect("readable"));
    let files = entries.filter(|e| e.file_type().is_file());
    files
        .map(|e| e.path().strip_prefix(release).expect("below").to_str().expect("our names").to_owned())
        .collect()
}

/// Makes `SHA256SUMS` fit the files again, as anybody can.
pub fn relist(release: &Path) {
    let own = [SUMS, SUMS_SIGNATURE];
    let listed = files(release).into_iter().filter(|f| !own.contains(&f.as_str()));
    let records: Vec<_> =
        listed.map(|f| file_record(&f, &std::fs::read(release.join(&f)).expect("readable"))).collect();
    std::fs::write(release.join(SUMS), sums(&records)).expect("writable");
}

/// The same, signed.
pub fn resign(release: &Path, signer: &Signer) {
    relist(release);
    let text = std::fs::read(release.join(SUMS)).expect("just written");
    std::fs::write(release.join(SUMS_SIGNATURE), signer.sign_armored(&text).expect("a good key"))
        .expect("writable");
}

/// Changes release.json; sizes and digests of packages and bundles are brought up to date as well.
pub fn edit_record(release: &Path, edit: impl FnOnce(&mut Release)) {
    let path = release.join(RELEASE);
    let mut record: Release = parse(&std::fs::read_to_string(&path).expect("there")).expect("canonical");
    for package in &mut record.packages {
        let now =
            file_record("", &std::fs::read(release.join("packages").join(&package.file)).expect("there"));
        (package.size, package.sha256) = (now.size, now.sha256);
    }
    for bundle in &mut record.bundles {
        *bundle = file_record(&bundle.path, &std::fs::read(release.join(&bundle.path)).expect("there"));
    }
    edit(&mut record);
    std::fs::write(path, canonical(&record)).expect("writable");
}

/// A bundle taken apart.
#[derive(Clone)]
pub struct Bundle {
    pub name: String,
    pub members: Vec<Member>,
    pub time: u32,
}

impl Bundle {
    /// The uncompressed bundle of the release.
    pub fn ctl() -> Bundle {
        let path = &record().bundles.iter().find(|b| b.path.ends_with(".tar")).expect("there is one").path;
        let bytes = std::fs::read(release().join(path)).expect("readable");
        let (members, time) = read_tar(&bytes).expect("canonical");
        Bundle { name: path.rsplit('/').next().expect("a name").to_owned(), members, time }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_tar(&self.members, self.time, &mut bytes).expect("plain names");
        bytes
    }

    pub fn manifest(&self) -> Manifest {
        let text = self.members[1].content.clone().expect("manifest.json");
        parse(&String::from_utf8(text).expect("text")).expect("canonical")
    }

    /// Puts another manifest in, properly signed.
    pub fn sign(&mut self, text: &str, signer: &Signer) {
        self.members[1].content = Some(text.as_bytes().to_vec());
        self.members[2].content =
            Some(signer.sign_armored(text.as_bytes()).expect("a good key").into_bytes());
    }

    /// Indices of the packages.
    pub fn packages(&self) -> Vec<usize> {
        let is_package = |m: &Member| m.content.is_some() && m.path.contains("/packages/");
        (0..self.members.len()).filter(|&i| is_package(&self.members[i])).collect()
    }

    pub fn verify(&self, policy: &Policy) -> Result<(), Vec<Refusal>> {
        xtask::verify::bundle::verify(&self.name, &self.bytes(), policy).map(drop)
    }
}
