//! Bundles: one folder under one signed manifest.

use sha2::{Digest, Sha256};

use super::records::{FileRecord, KeyRecord, Manifest, PackageRecord, SCHEMA, canonical};
use crate::archive::{self, ArchiveError, Member};
use crate::plan::{Bundle, Plan};
use crate::signing::{self, Signer, armored_public};
use crate::spec::BundleKind;

/// What a bundle says of itself, and the signature of that.
pub const MANIFEST: &str = "manifest.json";
pub const MANIFEST_SIGNATURE: &str = "manifest.json.asc";

/// Why a bundle was not made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error(transparent)]
    Signing(#[from] signing::Error),
}

/// The name of a bundle's folder: its file name without the extensions.
pub fn folder(file: &str) -> &str {
    let name = file.strip_suffix(".bz2").unwrap_or(file);
    name.strip_suffix(".tar").unwrap_or(name)
}

/// Whether a bundle of this kind is compressed.
pub fn is_compressed(kind: BundleKind) -> bool {
    kind != BundleKind::Ctl
}

/// Makes the bytes of a bundle. `packages` pairs each package's record with its bytes.
pub fn make(
    plan: &Plan,
    bundle: &Bundle,
    key: &KeyRecord,
    packages: &[(&PackageRecord, &[u8])],
    signer: &Signer,
) -> Result<Vec<u8>, BundleError> {
    let mut files: Vec<(String, Vec<u8>)> = match bundle.kind {
        BundleKind::Matrix => rules(plan),
        BundleKind::Server | BundleKind::Ctl => {
            packages.iter().map(|(p, bytes)| (format!("packages/{}", p.file), bytes.to_vec())).collect()
        }
    };
    let public = armored_public(signer.key().certificate())?;
    files.push((format!("keys/{}.asc", key.fingerprint), public.into_bytes()));
    files.sort();
    let manifest = Manifest {
        schema: SCHEMA,
        kind: bundle.kind,
        product: plan.product.name.clone(),
        release: plan.release.id.to_string(),
        created: plan.release.created.clone(),
        expires: plan.release.expires.clone(),
        complete: plan.release.complete,
        key: key.clone(),
        packages: packages.iter().map(|(record, _)| (*record).clone()).collect(),
        members: files.iter().map(|(path, bytes)| file_record(path, bytes)).collect(),
    };
    let text = canonical(&manifest);
    let signature = signer.sign_armored(text.as_bytes())?;
    let members = members(folder(&bundle.file), text, signature, files);
    let mut tar = Vec::new();
    archive::write_tar(&members, plan.release.source_date, &mut tar)?;
    Ok(if is_compressed(bundle.kind) { archive::bzip2(&tar)? } else { tar })
}

/// The paths of a bundle's members in their one order: folder, manifest, signature, then `paths`, each folder
/// before the first of its files. A folder's ends with `/`.
pub fn layout<'a>(root: &str, paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut all = vec![format!("{root}/"), format!("{root}/{MANIFEST}"), format!("{root}/{MANIFEST_SIGNATURE}")];
    let mut current = "";
    for path in paths {
        if let Some((parent, _)) = path.rsplit_once('/')
            && parent != current
        {
            current = parent;
            all.push(format!("{root}/{parent}/"));
        }
        all.push(format!("{root}/{path}"));
    }
    all
}

/// The members of a bundle in their one order.
pub fn members(root: &str, manifest: String, signature: String, files: Vec<(String, Vec<u8>)>) -> Vec<Member> {
    let paths = layout(root, files.iter().map(|(path, _)| path.as_str()));
    let own = [manifest.into_bytes(), signature.into_bytes()].into_iter();
    let mut contents = own.chain(files.into_iter().map(|(_, bytes)| bytes));
    let member = |path: String| {
        let content = if path.ends_with('/') { None } else { contents.next() };
        Member { path, content }
    };
    paths.into_iter().map(member).collect()
}

/// Path, size and digest of some bytes.
pub fn file_record(path: &str, bytes: &[u8]) -> FileRecord {
    FileRecord { path: path.to_owned(), size: bytes.len() as u64, sha256: hex::encode(Sha256::digest(bytes)) }
}

/// The JSON rule files of the compatibility matrix.
fn rules(plan: &Plan) -> Vec<(String, Vec<u8>)> {
    #[derive(serde::Serialize)]
    struct PceRule<'a> {
        ven: &'a crate::plan::VersionRange,
        pce: &'a crate::plan::VersionRange,
    }
    #[derive(serde::Serialize)]
    struct Rules<'a, T> {
        schema: u32,
        release: String,
        rules: &'a [T],
    }
    fn file<T: serde::Serialize>(plan: &Plan, name: &str, rules: &[T]) -> (String, Vec<u8>) {
        let rules = Rules { schema: SCHEMA, release: plan.release.id.to_string(), rules };
        (format!("rules/{name}.json"), canonical(&rules).into_bytes())
    }
    let compatibility = &plan.compatibility;
    let pce: Vec<PceRule<'_>> = compatibility.pce.iter().map(|(ven, pce)| PceRule { ven, pce }).collect();
    vec![
        file(plan, "pce_versions", &pce),
        file(plan, "stepping_stones", &compatibility.stepping_stones),
        file(plan, "upgrade_paths", &compatibility.upgrades),
    ]
}
