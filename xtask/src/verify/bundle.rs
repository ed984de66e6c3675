//! A bundle: canonical archive, signed manifest, exactly its members.

use super::{Accepted, Policy, Refusal, Terms, describe, development_note, package, signed_by, utf8};
use crate::archive::{self, Member};
use crate::release::bundle::{MANIFEST, MANIFEST_SIGNATURE, file_record, folder, is_compressed, layout};
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

/// Largest beginning of a bundle that is looked at before its signature is verified: 2 MiB. It has the manifest,
/// of about 1 KiB for each package, and the signature.
const HEAD: usize = 2 << 20;

/// Verifies a bundle in memory. Its packages are opened as well.
///
/// Nothing is unpacked on the word of a stranger: the beginning has the signed manifest, which says how large the
/// rest is.
pub fn verify<'k>(name: &str, bytes: &[u8], policy: &'k Policy) -> Result<Bundle<'k>, Vec<Refusal>> {
    let one = |r: Refusal| vec![r];
    let archive_error = |e: archive::ArchiveError| one(Refusal::new(name, "bundle/archive", e.to_string()));
    let compressed = name.ends_with(".bz2");
    let root = folder(name);

    let mut unpacked = Vec::new();
    if compressed {
        unpacked = archive::bunzip2_head(bytes, HEAD as u64).map_err(archive_error)?;
    }
    let start = if compressed { &unpacked[..] } else { &bytes[..bytes.len().min(HEAD)] };
    let head = archive::first_members(start, 3).map_err(archive_error)?;
    let text = head_member(&head, root, 1, MANIFEST).map_err(one)?;
    let signature = head_member(&head, root, 2, MANIFEST_SIGNATURE).map_err(one)?;
    let key = signed_by(MANIFEST, &signature, text.as_bytes(), &policy.keys).map_err(one)?;
    let manifest: Manifest = parse(&text).map_err(|why| one(Refusal::new(MANIFEST, "bundle/manifest", why)))?;

    let tar = if compressed {
        unpacked = archive::bunzip2(bytes, size(&manifest, &text, &signature)).map_err(archive_error)?;
        &unpacked[..]
    } else {
        bytes
    };
    let (found, time) = archive::read_tar(tar).map_err(archive_error)?;
    let mut files: Vec<(&str, &[u8])> = Vec::new();
    for member in &found {
        let Some(content) = &member.content else { continue };
        let Some(path) = member.path.strip_prefix(root).and_then(|p| p.strip_prefix('/')) else {
            return Err(one(Refusal::new(&member.path, "bundle/member", format!("lies outside of {root}/"))));
        };
        files.push((path, content));
    }
    // Manifest and signature: read above.
    files.drain(..2);

    let mut refusals = check_manifest(&manifest, compressed, time, key, policy);
    refusals.extend(check_members(&manifest, &files));
    let paths = layout(root, manifest.members.iter().map(|m| m.path.as_str()));
    if refusals.is_empty() && !found.iter().map(|m| &m.path).eq(&paths) {
        let why = "its members are not each once and in the order of the manifest";
        refusals.push(Refusal::new(name, "bundle/order", why));
    }
    // Only what the manifest vouches for is worth opening.
    if refusals.is_empty() {
        refusals.extend(check_packages(&manifest, &files, key));
    }
    if refusals.is_empty() { Ok(Bundle { manifest, key }) } else { Err(refusals) }
}

/// The text of one of the members with which every bundle begins.
fn head_member(head: &[Member], root: &str, index: usize, wanted: &str) -> Result<String, Refusal> {
    match head.get(index).and_then(|member| Some((&member.path, member.content.as_ref()?))) {
        Some((path, content)) if *path == format!("{root}/{wanted}") => utf8(wanted, content.clone()),
        Some((path, _)) if !path.starts_with(&format!("{root}/")) => {
            Err(Refusal::new(path, "bundle/member", format!("lies outside of {root}/")))
        }
        _ => Err(Refusal::new(wanted, "bundle/missing-member", "it is not where every bundle begins")),
    }
}

/// Bytes of the archive that a manifest describes.
fn size(manifest: &Manifest, text: &str, signature: &str) -> u64 {
    let folders = layout("", manifest.members.iter().map(|m| m.path.as_str())).len() - manifest.members.len() - 2;
    let own = [text.len() as u64, signature.len() as u64];
    let members = manifest.members.iter().map(|m| m.size);
    archive::tar_size(own.into_iter().chain(members).chain(std::iter::repeat_n(0, folders)))
}

fn check_manifest(
    manifest: &Manifest,
    compressed: bool,
    time: u32,
    key: &TrustedKey,
    policy: &Policy,
) -> Vec<Refusal> {
    let refuse = |rule, why: String| Refusal::new(MANIFEST, rule, why);
    let terms = Terms {
        file: MANIFEST,
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

fn check_members(manifest: &Manifest, files: &[(&str, &[u8])]) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    for (path, content) in files {
        match manifest.members.iter().find(|m| m.path == *path) {
            None => refusals.push(Refusal::new(*path, "bundle/extra-member", "the manifest does not list it")),
            Some(record) if *record != file_record(path, content) => {
                refusals.push(Refusal::new(*path, "bundle/digest", "it is not what the manifest lists"));
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

fn check_packages(manifest: &Manifest, files: &[(&str, &[u8])], key: &TrustedKey) -> Vec<Refusal> {
    let keys = std::slice::from_ref(key);
    let mut refusals = Vec::new();
    for record in &manifest.packages {
        let wanted = format!("packages/{}", record.file);
        match files.iter().find(|(path, _)| *path == wanted) {
            None => refusals.push(Refusal::new(&record.file, "bundle/missing-member", "the manifest lists it")),
            Some((_, content)) => refusals.extend(against_record(record, content, keys).err()),
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
