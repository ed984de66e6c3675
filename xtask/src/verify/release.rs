//! A release directory: the signed list of digests covers every file, and every file is opened.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::bundle::against_record;
use super::{Accepted, Policy, Refusal, Terms, bundle, describe, development_note, below, read_file, signed_by, utf8};
use crate::release::bundle::file_record;
use crate::release::records::{Release, SCHEMA, parse};
use crate::release::{RELEASE, SUMS, SUMS_SIGNATURE, parse_sums};
use crate::signing::TrustedKey;

/// Verifies a release directory.
pub fn verify(root: &Path, policy: &Policy) -> Result<Accepted, Vec<Refusal>> {
    let one = |r: Refusal| vec![r];
    let text = |name: &str| read_file(&root.join(name), name).and_then(|bytes| utf8(name, bytes));
    let (sums, signature) = (text(SUMS).map_err(one)?, text(SUMS_SIGNATURE).map_err(one)?);
    let key = signed_by(SUMS, &signature, sums.as_bytes(), &policy.keys).map_err(one)?;
    let listed = parse_sums(&sums).map_err(|why| one(Refusal::new(SUMS, "release/sums", why)))?;

    let mut refusals = check_files(root, &listed).map_err(one)?;
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let release: Release = text(RELEASE)
        .and_then(|text| parse(&text).map_err(|why| Refusal::new(RELEASE, "release/record", why)))
        .map_err(one)?;
    refusals.extend(check_record(&release, &listed, key, policy));
    refusals.extend(check_packages(root, &release, key));
    refusals.extend(check_bundles(root, &release, policy));
    if !refusals.is_empty() {
        return Err(refusals);
    }
    let mut notes = development_note(key);
    if !release.complete {
        notes.push(format!("PARTIAL: flags left {} packages out of this release", release.left_out.len()));
    }
    Ok(Accepted {
        what: format!("release {} {}", release.product, release.release),
        key: describe(key),
        notes,
        checks: vec![
            format!("{SUMS}: signed, lists exactly the {} files, every digest", listed.len()),
            format!("packages: {} opened by strict readers, signatures verified, trees as recorded", release.packages.len()),
            format!("bundles: {} opened, manifests signed, members complete", release.bundles.len()),
        ],
    })
}

/// The list against the folder: every file listed, none missing, none else, every digest.
fn check_files(root: &Path, listed: &[(String, String)]) -> Result<Vec<Refusal>, Refusal> {
    let (found, folders) = below(root)?;
    let own = [SUMS, SUMS_SIGNATURE];
    let names: BTreeSet<&str> = listed.iter().map(|(path, _)| path.as_str()).collect();
    let mut refusals: Vec<Refusal> = found
        .iter()
        .filter(|f| !names.contains(f.as_str()) && !own.contains(&f.as_str()))
        .map(|f| Refusal::new(f, "release/extra-file", format!("{SUMS} does not list it")))
        .collect();
    let needed = |folder: &str| names.iter().any(|name| name.strip_prefix(folder).is_some_and(|n| n.starts_with('/')));
    refusals.extend(folders.iter().filter(|f| !needed(f)).map(|f| {
        Refusal::new(f, "release/extra-directory", format!("no file that {SUMS} lists is in it"))
    }));
    let wrong = listed.par_iter().filter_map(|(path, sha256)| {
        if !found.contains(path) {
            return Some(Refusal::new(path, "release/missing-file", format!("{SUMS} lists it")));
        }
        match read_file(&root.join(path), path) {
            Err(refusal) => Some(refusal),
            Ok(bytes) if file_record(path, &bytes).sha256 != *sha256 => {
                Some(Refusal::new(path, "release/digest", format!("it is not what {SUMS} lists")))
            }
            Ok(_) => None,
        }
    });
    refusals.extend(wrong.collect::<Vec<_>>());
    Ok(refusals)
}

fn check_record(release: &Release, listed: &[(String, String)], key: &TrustedKey, policy: &Policy) -> Vec<Refusal> {
    let refuse = |rule, why: String| Refusal::new(RELEASE, rule, why);
    let terms =
        Terms { file: RELEASE, release: &release.release, expires: &release.expires, complete: release.complete };
    let mut refusals = terms.check(policy);
    if release.schema != SCHEMA {
        refusals.push(refuse("release/schema", format!("schema {} is not {SCHEMA}", release.schema)));
    }
    if release.key.fingerprint != key.fingerprint() {
        refusals.push(refuse("release/key", "it names another key than the one that signed".to_owned()));
    }
    let packages = release.packages.iter().map(|p| (format!("packages/{}", p.file), p.sha256.clone()));
    let bundles = release.bundles.iter().map(|b| (b.path.clone(), b.sha256.clone()));
    let recorded: BTreeSet<(String, String)> = packages.chain(bundles).collect();
    let listed: BTreeSet<(String, String)> =
        listed.iter().filter(|(path, _)| path != RELEASE && !path.starts_with("keys/")).cloned().collect();
    for (path, _) in recorded.symmetric_difference(&listed) {
        refusals.push(refuse("release/record", format!("{path} is not both in {SUMS} and in {RELEASE}, alike")));
    }
    refusals
}

fn check_packages(root: &Path, release: &Release, key: &TrustedKey) -> Vec<Refusal> {
    let keys = std::slice::from_ref(key);
    let check = |record: &crate::release::records::PackageRecord| -> Result<(), Refusal> {
        let bytes = read_file(&root.join("packages").join(&record.file), &record.file)?;
        let facts = against_record(record, &bytes, keys)?;
        let refuse = |why: &str| Err(Refusal::new(&record.file, "package/tree", why));
        match release.targets.iter().find(|t| t.target == record.target) {
            None => refuse("its target is not recorded"),
            Some(target) if target.payload != facts.tree => refuse("its tree is not the recorded one"),
            Some(_) => Ok(()),
        }
    };
    release.packages.par_iter().filter_map(|record| check(record).err()).collect()
}

fn check_bundles(root: &Path, release: &Release, policy: &Policy) -> Vec<Refusal> {
    let check = |path: &str| -> Vec<Refusal> {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        let bytes = match read_file(&root.join(path), path) {
            Ok(bytes) => bytes,
            Err(refusal) => return vec![refusal],
        };
        let bundle = match bundle::verify(name, &bytes, policy) {
            Ok(bundle) => bundle,
            Err(refusals) => return refusals,
        };
        let refuse = |why: &str| vec![Refusal::new(name, "bundle/mixed", why)];
        if bundle.manifest.release != release.release || bundle.manifest.key != release.key {
            return refuse("it belongs to another release, or another key signed it");
        }
        if !bundle.manifest.packages.iter().all(|p| release.packages.contains(p)) {
            return refuse("it carries a package that is not this release's");
        }
        Vec::new()
    };
    release.bundles.par_iter().flat_map(|record| check(&record.path)).collect()
}
