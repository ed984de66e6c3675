//! A bundle: canonical archive, signed manifest, exactly its members.

use super::{Accepted, Policy, Refusal, Terms, describe, development_note, package, signed_by, utf8};
use crate::archive::{self, Member};
use crate::release::bundle::{file_record, folder, is_compressed, members};
use crate::release::records::{Manifest, PackageRecord, SCHEMA, parse};
use crate::signing::TrustedKey;

/// A bundle that was accepted.
pub struct Bundle<'k> {
    pub manifest: Manifest,
    pub key: &'k TrustedKey,
}

impl Bundle<'_> {
    /// For people.
    pub fn accepted(&self, name: &str) -> Accepted {
        let mut notes = development_note(self.key);
        if !self.manifest.complete {
            notes.push("PARTIAL: flags left packages out of this release".to_owned());
        }
        Accepted {
            what: format!("bundle {name} of release {}", self.manifest.release),
            key: describe(self.key),
            notes,
            checks: vec![
                "archive: canonical, nothing before, between or behind its members".to_owned(),
                format!("manifest: signed; {} members, every digest", self.manifest.members.len()),
                format!("packages: {} opened by strict readers, signatures verified", self.manifest.packages.len()),
            ],
        }
    }
}

/// Verifies a bundle in memory. Its packages are opened as well.
pub fn verify<'k>(name: &str, bytes: &[u8], policy: &'k Policy) -> Result<Bundle<'k>, Vec<Refusal>> {
    let one = |r: Refusal| vec![r];
    let archive_error = |e: archive::ArchiveError| one(Refusal::new(name, "bundle/archive", e.to_string()));
    let compressed = name.ends_with(".bz2");
    let unpacked;
    let tar = if compressed {
        unpacked = archive::bunzip2(bytes).map_err(archive_error)?;
        &unpacked[..]
    } else {
        bytes
    };
    let (found, time) = archive::read_tar(tar).map_err(archive_error)?;
    let root = folder(name);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    for member in &found {
        let Some(content) = &member.content else { continue };
        let Some(path) = member.path.strip_prefix(root).and_then(|p| p.strip_prefix('/')) else {
            return Err(one(Refusal::new(&member.path, "bundle/member", format!("lies outside of {root}/"))));
        };
        files.push((path.to_owned(), content.clone()));
    }
    let mut take = |wanted: &str| match files.iter().position(|(path, _)| path == wanted) {
        Some(i) => utf8(wanted, files.remove(i).1),
        None => Err(Refusal::new(wanted, "bundle/missing-member", "the bundle does not have it")),
    };
    let (text, signature) = (take("manifest.json").map_err(one)?, take("manifest.json.asc").map_err(one)?);
    let key = signed_by("manifest.json", &signature, text.as_bytes(), &policy.keys).map_err(one)?;
    let manifest: Manifest =
        parse(&text).map_err(|why| one(Refusal::new("manifest.json", "bundle/manifest", why)))?;

    let mut refusals = check_manifest(&manifest, compressed, time, key, policy);
    refusals.extend(check_members(&manifest, &files));
    if refusals.is_empty() && members(root, text, signature, files.clone()) != found {
        refusals.push(Refusal::new(name, "bundle/order", "its members are not in the order of the manifest"));
    }
    refusals.extend(check_packages(&manifest, &found, root, key));
    if refusals.is_empty() { Ok(Bundle { manifest, key }) } else { Err(refusals) }
}

fn check_manifest(
    manifest: &Manifest,
    compressed: bool,
    time: u32,
    key: &TrustedKey,
    policy: &Policy,
) -> Vec<Refusal> {
    let refuse = |rule, why: String| Refusal::new("manifest.json", rule, why);
    let terms = Terms {
        file: "manifest.json",
        release: &manifest.release,
        expires: &manifest.expires,
        complete: manifest.complete,
    };
    let mut refusals = terms.check(policy);
    if manifest.schema != SCHEMA {
        refusals.push(refuse("bundle/schema", format!("schema {} is not {SCHEMA}", manifest.schema)));
    }
    if manifest.key.fingerprint != key.fingerprint() {
        refusals.push(refuse("bundle/key", "it names another key than the one that signed it".to_owned()));
    }
    if compressed != is_compressed(manifest.kind) {
        refusals.push(refuse("bundle/kind", "its file name is that of another kind of bundle".to_owned()));
    }
    let created = manifest.created.parse::<jiff::Timestamp>().map(|t| t.as_second());
    if created.ok() != Some(i64::from(time)) {
        refusals.push(refuse("bundle/time", "the members' time is not the manifest's".to_owned()));
    }
    refusals
}

fn check_members(manifest: &Manifest, files: &[(String, Vec<u8>)]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (path, content) in files {
        match manifest.members.iter().find(|m| m.path == *path) {
            None => refusals.push(Refusal::new(path, "bundle/extra-member", "the manifest does not list it")),
            Some(record) if *record != file_record(path, content) => {
                refusals.push(Refusal::new(path, "bundle/digest", "it is not what the manifest lists"));
            }
            Some(_) => {}
        }
    }
    for record in &manifest.members {
        if !files.iter().any(|(path, _)| *path == record.path) {
            refusals.push(Refusal::new(&record.path, "bundle/missing-member", "the manifest lists it"));
        }
    }
    refusals
}

fn check_packages(manifest: &Manifest, found: &[Member], root: &str, key: &TrustedKey) -> Vec<Refusal> {
    let keys = std::slice::from_ref(key);
    let mut refusals = Vec::new();
    for record in &manifest.packages {
        let path = format!("{root}/packages/{}", record.file);
        match found.iter().find(|m| m.path == path).and_then(|m| m.content.as_ref()) {
            None => refusals.push(Refusal::new(&record.file, "bundle/missing-member", "the manifest lists it")),
            Some(content) => refusals.extend(against_record(record, content, keys).err()),
        }
    }
    refusals
}

/// Opens a package and compares it with what a manifest or release.json says of it.
pub fn against_record(record: &PackageRecord, bytes: &[u8], keys: &[TrustedKey]) -> Result<package::Facts, Refusal> {
    let refuse = |why: &str| Err(Refusal::new(&record.file, "package/record", why));
    let file = file_record(&record.file, bytes);
    if file.size != record.size || file.sha256 != record.sha256 {
        return refuse("its size or digest is not the recorded one");
    }
    let facts = package::read(&record.file, bytes)?;
    let (_, signature) = package::signatures(&record.file, &facts, keys)?;
    if signature != record.signature {
        return refuse("its signature is not the recorded one");
    }
    let same = facts.name == record.name
        && facts.version == record.version
        && facts.architecture == record.architecture
        && facts.dependencies == record.dependencies;
    if !same {
        return refuse("its name, version, architecture or dependencies are not the recorded ones");
    }
    Ok(facts)
}
