//! What a release says of itself: `release.json`, and the `manifest.json` of each bundle.
//!
//! Both are written in one canonical form (keys in the order below, two blanks of indent, one newline at the
//! end), so that a reader refuses every other byte sequence, and neither says anything of the build machine.

use serde::{Deserialize, Serialize};

use crate::payload::TreeRecord;
use crate::spec::BundleKind;

/// Version of both forms.
pub const SCHEMA: u32 = 1;

/// `release.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    pub schema: u32,
    pub product: String,
    pub release: String,
    /// RFC 3339: the time inside every artifact.
    pub created: String,
    /// RFC 3339.
    pub expires: String,
    /// False when flags left out packages that the specs name.
    pub complete: bool,
    pub left_out: Vec<LeftOut>,
    pub key: KeyRecord,
    pub targets: Vec<TargetRecord>,
    pub packages: Vec<PackageRecord>,
    pub bundles: Vec<FileRecord>,
    /// How many distinct payload streams the packages carry; each was compressed once.
    pub payload_streams: usize,
}

/// A package that was not made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub package: String,
    pub reason: String,
}

/// Who signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    pub profile: String,
    pub fingerprint: String,
    /// True: a development key, which nobody should trust.
    pub development: bool,
}

/// A Rust target: what built it, how far it was verified, and what it put into packages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRecord {
    pub target: String,
    pub provider: serde_json::Value,
    pub verification: serde_json::Value,
    pub payload: Vec<TreeRecord>,
}

/// A package, as release.json and the manifests list it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageRecord {
    pub id: String,
    pub file: String,
    pub format: String,
    pub name: String,
    /// As the package itself states it: `version-release` for RPM.
    pub version: String,
    pub family: String,
    pub distribution: String,
    pub os_versions: Vec<String>,
    /// As the package format writes it.
    pub architecture: String,
    pub target: String,
    pub dependencies: Vec<String>,
    pub size: u64,
    pub sha256: String,
    pub signature: SignatureRecord,
}

/// A signature inside a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignatureRecord {
    /// `rpm` (header, and header with payload) or `debsig` (`_gpgorigin`).
    pub kind: String,
    /// OpenPGP packet version: 3 or 4.
    pub version: u8,
    pub fingerprint: String,
}

/// A file with its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileRecord {
    /// Relative path.
    pub path: String,
    pub size: u64,
    pub sha256: String,
}

/// `manifest.json` of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    pub kind: BundleKind,
    pub product: String,
    pub release: String,
    pub created: String,
    pub expires: String,
    pub complete: bool,
    pub key: KeyRecord,
    pub packages: Vec<PackageRecord>,
    /// Every member but the manifest and its signature, in the order of the archive.
    pub members: Vec<FileRecord>,
}

/// The canonical bytes of a record.
///
/// # Panics
/// Never for the records of this module: they have no map keys that are not strings.
pub fn canonical<T: Serialize>(record: &T) -> String {
    let mut text = serde_json::to_string_pretty(record).expect("records are plain data");
    text.push('\n');
    text
}

/// Reads a record, refusing every form but the canonical one.
pub fn parse<T: Serialize + for<'a> Deserialize<'a>>(text: &str) -> Result<T, String> {
    let record: T = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if canonical(&record) != text {
        return Err("it is not in its canonical form".to_owned());
    }
    Ok(record)
}
