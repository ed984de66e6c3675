//! One package, opened by the strict reader of its format.

use deb_pkg::EntryKind;
use rpm_pkg::Kind;

use super::Refusal;
use crate::payload::TreeRecord;
use crate::release::records::SignatureRecord;
use crate::signing::TrustedKey;
use crate::spec::Format;

/// What a package says of itself.
#[derive(Debug)]
pub struct Facts {
    pub name: String,
    /// `version-release` for RPM.
    pub version: String,
    pub architecture: String,
    pub dependencies: Vec<String>,
    pub tree: Vec<TreeRecord>,
    /// Seconds since 1970 on every file.
    pub time: u32,
    pub scripts: Vec<(String, String)>,
    pub signatures: Vec<Signed>,
    pub package: Opened,
}

/// A signature, and the bytes it is over.
#[derive(Debug)]
pub struct Signed {
    pub what: &'static str,
    pub packet: Vec<u8>,
    pub data: Vec<u8>,
}

/// The reader's own view, for what only one format has.
#[derive(Debug)]
pub enum Opened {
    Rpm(Box<rpm_pkg::Package>),
    Deb(Box<deb_pkg::Package>),
}

/// The format of a file, by its first bytes.
pub fn format_of(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(&[0xed, 0xab, 0xee, 0xdb]) {
        Some(Format::Rpm)
    } else if bytes.starts_with(b"!<arch>\n") {
        Some(Format::Deb)
    } else {
        None
    }
}

/// Reads a package strictly. Signatures are taken apart, not yet verified.
pub fn read(file: &str, bytes: &[u8]) -> Result<Facts, Refusal> {
    let refuse = |why: String| Refusal::new(file, "package/structure", why);
    match format_of(bytes) {
        Some(Format::Rpm) => {
            let package = rpm_pkg::Package::read(bytes, &rpm_pkg::Limits::default());
            Ok(rpm(package.map_err(|e| refuse(e.to_string()))?))
        }
        Some(Format::Deb) => Ok(deb(deb_pkg::read(bytes).map_err(|e| refuse(e.to_string()))?)),
        None => Err(refuse("neither an RPM nor a deb".to_owned())),
    }
}

/// Verifies every signature with one of `keys`; all by the same key.
pub fn signatures<'k>(
    file: &str,
    facts: &Facts,
    keys: &'k [TrustedKey],
) -> Result<(&'k TrustedKey, SignatureRecord), Refusal> {
    let refuse = |rule, why: String| Refusal::new(file, rule, why);
    let (kind, wanted) = match facts.package {
        Opened::Rpm(_) => ("rpm", 2),
        Opened::Deb(_) => ("debsig", 1),
    };
    if facts.signatures.len() != wanted {
        let found = facts.signatures.len();
        return Err(refuse("package/unsigned", format!("has {found} signatures where {wanted} belong")));
    }
    let mut last = None;
    for key in keys {
        let all = facts.signatures.iter().try_for_each(|s| {
            key.verify(&s.packet, &s.data).map_err(|e| format!("signature over the {}: {e}", s.what))
        });
        match all {
            Ok(()) => {
                let version = crate::signing::packet_version(&facts.signatures[0].packet);
                let record = SignatureRecord { kind: kind.to_owned(), version, fingerprint: key.fingerprint() };
                return Ok((key, record));
            }
            Err(why) => last = Some(why),
        }
    }
    let why = last.unwrap_or_else(|| "there is no key to verify it with".to_owned());
    Err(refuse("package/signature", why))
}

fn rpm(package: rpm_pkg::Package) -> Facts {
    let spec = package.spec();
    let tree = package
        .files()
        .iter()
        .map(|file| {
            let e = &file.entry;
            match &e.kind {
                Kind::Dir | Kind::Ghost => TreeRecord::dir(&e.path, e.mode.into(), &e.owner, &e.group),
                Kind::File { content } => TreeRecord::file(&e.path, e.mode.into(), &e.owner, &e.group, content),
                Kind::Symlink { target } => TreeRecord::symlink(&e.path, target, &e.owner, &e.group),
            }
        })
        .collect();
    let requires = spec.dependencies.requires.iter().chain(&spec.dependencies.requires_pre);
    let mut dependencies: Vec<String> = requires.map(ToString::to_string).collect();
    dependencies.sort();
    dependencies.dedup();
    let signatures = package.signatures().into_iter().map(|(region, packet)| Signed {
        what: match region {
            rpm_pkg::SignedRegion::Header => "header",
            rpm_pkg::SignedRegion::HeaderAndPayload => "header and payload",
        },
        packet: packet.to_vec(),
        data: package.region(region).to_vec(),
    });
    Facts {
        name: spec.name.clone(),
        version: spec.evr(),
        architecture: spec.arch.to_string(),
        dependencies,
        tree,
        time: spec.source_date,
        scripts: spec.scriptlets.iter().map(|(name, s)| (name.to_owned(), s.body.clone())).collect(),
        signatures: signatures.collect(),
        package: Opened::Rpm(Box::new(package.clone())),
    }
}

/// How many leading entries are only the way to the package's own directory: dpkg wants them in the archive, the
/// payload does not have them.
fn implied_parents(entries: &[deb_pkg::Entry]) -> usize {
    let is_plain = |e: &deb_pkg::Entry| {
        matches!(e.kind, EntryKind::Directory) && e.mode == 0o755 && e.user.name == "root" && e.group.name == "root"
    };
    let leads_to_all = |i: usize| {
        let below = format!("{}/", entries[i].path);
        entries[i + 1..].iter().all(|e| e.path.starts_with(&below))
    };
    (0..entries.len().saturating_sub(1)).take_while(|&i| is_plain(&entries[i]) && leads_to_all(i)).count()
}

fn deb(package: deb_pkg::Package) -> Facts {
    let spec = package.spec();
    let tree = package.entries()[implied_parents(package.entries())..]
        .iter()
        .map(|e| match &e.kind {
            EntryKind::Directory => TreeRecord::dir(&e.path, e.mode, &e.user.name, &e.group.name),
            EntryKind::File { content } => TreeRecord::file(&e.path, e.mode, &e.user.name, &e.group.name, content),
            EntryKind::Symlink { target } => TreeRecord::symlink(&e.path, target, &e.user.name, &e.group.name),
        })
        .collect();
    let mut dependencies: Vec<String> =
        spec.pre_depends.iter().chain(&spec.depends).map(ToString::to_string).collect();
    dependencies.sort();
    dependencies.dedup();
    let signature = package.signature().map(|packet| Signed {
        what: "package",
        packet: packet.to_vec(),
        data: package.signed_bytes().to_vec(),
    });
    Facts {
        name: spec.name.to_string(),
        version: spec.version.to_string(),
        architecture: spec.architecture.to_string(),
        dependencies,
        tree,
        time: spec.source_date as u32,
        scripts: spec.scripts.iter().map(|(name, body)| (name.to_owned(), body.to_owned())).collect(),
        signatures: signature.into_iter().collect(),
        package: Opened::Deb(Box::new(package.clone())),
    }
}
