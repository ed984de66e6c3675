//! A package, bundle or release as text: like `rpm -qip --scripts`, `rpm -qlvp` and `dpkg -c` in one.

use std::fmt::Write;

use crate::plan::table::columns;
use crate::release::records::{PackageRecord, Release, parse};
use crate::signing::TrustedKey;
use crate::verify::package::{Facts, Opened, format_of};
use crate::verify::{Policy, Refusal, bundle, package};

/// Everything about a file, by its first bytes and its name.
pub fn render(name: &str, bytes: &[u8], keys: &[TrustedKey], scripts: bool) -> Result<String, Vec<Refusal>> {
    if format_of(bytes).is_some() {
        let facts = package::read(name, bytes).map_err(|r| vec![r])?;
        return Ok(render_package(name, bytes, &facts, keys, scripts));
    }
    if name.ends_with(".json") {
        let text = String::from_utf8_lossy(bytes);
        let release: Release = parse(&text).map_err(|why| vec![Refusal::new(name, "release/record", why)])?;
        return Ok(render_release(&release));
    }
    // Inspecting judges no expiry: `verify` does.
    let policy = Policy { keys: keys.to_vec(), now: i64::MIN, newer_than: None, require_complete: false };
    let found = bundle::verify(name, bytes, &policy)?;
    let m = &found.manifest;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{:?} bundle of release {}\ncreated {}  expires {}  complete {}\nsigned by {} (\"{}\")\n",
        m.kind,
        m.release,
        m.created,
        m.expires,
        m.complete,
        m.key.fingerprint,
        found.key.name()
    );
    out.push_str(&package_table(&m.packages));
    let rows: Vec<Vec<String>> =
        m.members.iter().map(|f| vec![f.size.to_string(), f.sha256.clone(), f.path.clone()]).collect();
    let _ = write!(out, "\nmembers:\n{}", columns(&rows));
    Ok(out)
}

fn render_release(release: &Release) -> String {
    let mut out = format!(
        "release {} {}\ncreated {}  expires {}  complete {}\n\
         key {} (\"{}\"), as the record says of itself: `verify` the release directory to prove it\n\n",
        release.product,
        release.release,
        release.created,
        release.expires,
        release.complete,
        release.key.fingerprint,
        release.key.profile
    );
    out.push_str(&package_table(&release.packages));
    for target in &release.targets {
        let _ = writeln!(out, "\ntarget {}\n  provider {}\n  verification {}", target.target, target.provider, target.verification);
    }
    out
}

fn package_table(packages: &[PackageRecord]) -> String {
    let mut rows = vec![["PACKAGE", "FILE", "OS VERSIONS", "SIZE", "SHA256"].map(str::to_owned).to_vec()];
    rows.extend(packages.iter().map(|p| {
        vec![p.id.clone(), p.file.clone(), p.os_versions.join(" "), p.size.to_string(), p.sha256[..12].to_owned()]
    }));
    columns(&rows)
}

fn render_package(name: &str, bytes: &[u8], facts: &Facts, keys: &[TrustedKey], scripts: bool) -> String {
    let mut fields: Vec<(&str, String)> = vec![
        ("file", name.to_owned()),
        ("size", bytes.len().to_string()),
        ("name", facts.name.clone()),
        ("version", facts.version.clone()),
        ("architecture", facts.architecture.clone()),
    ];
    match &facts.package {
        Opened::Rpm(package) => {
            let spec = package.spec();
            fields.push(("profile", format!("{:?}", spec.profile).to_lowercase()));
            fields.push(("compression", format!("{:?}", spec.compression).to_lowercase()));
            fields.push(("prefixes", spec.prefixes.join(" ")));
            fields.push(("summary", spec.summary.clone()));
            fields.push(("license", spec.license.clone()));
            fields.push(("vendor", spec.vendor.clone().unwrap_or_default()));
            fields.push(("url", spec.url.clone().unwrap_or_default()));
            fields.push(("description", spec.description.replace('\n', "\n             ")));
        }
        Opened::Deb(package) => {
            for line in package.control().lines() {
                if let Some((field, value)) = line.split_once(": ") {
                    fields.push(("control", format!("{field}: {value}")));
                }
            }
            fields.push(("members", format!("{} {}", package.control_member(), package.data_member())));
        }
    }
    let time = jiff::Timestamp::from_second(facts.time.into()).map(|t| t.to_string()).unwrap_or_default();
    fields.push(("time", time));
    fields.push(("requires", facts.dependencies.join(", ")));
    for signed in &facts.signatures {
        let by = match keys.iter().find(|key| key.verify(&signed.packet, &signed.data).is_ok()) {
            Some(key) if key.is_development() => format!("good, DEVELOPMENT KEY {}", key.fingerprint()),
            Some(key) => format!("good, {} (\"{}\")", key.fingerprint(), key.name()),
            None => "NOT VERIFIED: by none of the accepted keys".to_owned(),
        };
        let version = crate::signing::packet_version(&signed.packet);
        fields.push(("signature", format!("V{version} over the {}: {by}", signed.what)));
    }
    if facts.signatures.is_empty() {
        fields.push(("signature", "none".to_owned()));
    }
    let mut out = String::new();
    for (field, value) in fields {
        let _ = writeln!(out, "{field:<12} {value}");
    }
    let rows: Vec<Vec<String>> = facts
        .tree
        .iter()
        .map(|e| {
            let target = e.target.as_ref().map(|t| format!(" -> {t}")).unwrap_or_default();
            vec![
                e.kind.clone(),
                e.mode.clone().unwrap_or_default(),
                format!("{}:{}", e.owner, e.group),
                e.sha256.as_ref().map_or(String::new(), |s| s[..12].to_owned()),
                format!("{}{target}", e.path),
            ]
        })
        .collect();
    let _ = write!(out, "\n{}", columns(&rows));
    if scripts {
        for (script, body) in &facts.scripts {
            let _ = write!(out, "\n--- {script}\n{body}");
        }
    }
    out
}
