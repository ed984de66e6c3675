//! Which packages and bundles a run makes, under which names.

use std::collections::BTreeSet;

use serde::Serialize;

use super::dependencies::{Dependency, parse_all};
use super::{LeftOut, Release, Request, from_flag};
use crate::spec::problem::suggestion;
use crate::spec::version::Version;
use crate::spec::{
    ArchitectureSpec, Compression, FamilySpec, Format, Located, PlatformSpec, Problems, RpmProfile, Specs,
};

/// An architecture: the specs' name for it, and the format's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Arch {
    pub name: String,
    /// As the package format writes it.
    pub in_package: String,
}

/// A package to make.
#[derive(Debug, Clone, Serialize)]
pub struct Package {
    /// `<tag>.<architecture in the package>`, e.g. `c8.x86_64`, `u22.amd64`.
    pub id: String,
    pub file: String,
    pub format: Format,
    pub tag: String,
    pub family: String,
    pub distribution: String,
    pub os_versions: Vec<String>,
    pub arch: Arch,
    /// Rust target whose binaries it carries.
    pub target: String,
    pub compression: Compression,
    pub requires: Vec<Dependency>,
    pub requires_pre: Vec<Dependency>,
    #[serde(flatten)]
    pub details: PackageDetails,
}

/// What only one format has.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum PackageDetails {
    /// Version is the product's, release is `<build>.<tag>`.
    Rpm { profile: RpmProfile, rpm_release: String },
    /// `<version>-<build>.<tag>`.
    Deb { deb_version: String },
}

/// The packages that the flags left.
pub(super) struct Selection {
    pub packages: Vec<Package>,
    pub left_out: Vec<LeftOut>,
    /// Whether the run makes all that the specs name for this version.
    pub complete: bool,
}

/// A glob that picks platforms, and whether it picked any.
struct Picker {
    text: Located<String>,
    pattern: glob::Pattern,
}

impl Picker {
    fn picks(&self, package: &Package) -> bool {
        self.pattern.matches(&package.tag) || self.pattern.matches(&package.id)
    }
}

pub(super) fn packages(
    specs: &Specs,
    request: &Request,
    release: Option<&Release>,
    problems: &Problems,
) -> Option<Selection> {
    super::architectures::check(specs, problems);
    check_families(specs, problems);
    let mut known: Vec<(Package, Option<Version>)> = Vec::new();
    let mut tags: BTreeSet<&str> = BTreeSet::new();
    for family in &specs.families {
        for platform in &family.platforms {
            if !tags.insert(&platform.tag) {
                let message = format!("a second platform \"{}\": both would write the same files", platform.tag.value);
                problems.add("platform/duplicate", &platform.tag.at, message, "give each platform its own tag");
                continue;
            }
            known.extend(platform_packages(specs, family, platform, release, problems));
        }
    }
    let pickers = pickers(specs, request, problems);
    let formats = wanted_formats(request, problems);
    // Without a release there are no packages to compare with, and that is another mistake.
    for picker in pickers.iter().filter(|_| release.is_some()) {
        if !known.iter().any(|(package, _)| picker.picks(package)) {
            let names = known.iter().flat_map(|(p, _)| [p.tag.as_str(), p.id.as_str()]);
            let tags: BTreeSet<&str> = names.collect();
            let mend = suggestion(&picker.text, tags.iter().copied());
            problems.add("platform/unknown", &picker.text.at, "matches no platform".to_owned(), mend);
        }
    }
    let release = release?;
    let mut selection = Selection { packages: Vec::new(), left_out: Vec::new(), complete: true };
    let mut too_old = None;
    for (package, since) in known {
        let picked = pickers.iter().any(|p| p.picks(&package));
        if let Some(since) = since.filter(|since| release.version < *since) {
            if picked {
                too_old = Some(since);
                let reason = format!("needs version {since} or later");
                selection.left_out.push(LeftOut { package: package.id, reason });
            }
        } else if !picked || !formats.contains(&package.format) {
            selection.complete = false;
            selection.left_out.push(LeftOut { package: package.id, reason: "left out by flags".to_owned() });
        } else {
            selection.packages.push(package);
        }
    }
    if selection.packages.is_empty() && problems.is_empty() {
        let at = &pickers.first()?.text.at;
        let message = match too_old {
            Some(since) => format!("nothing to make: these platforms need version {since} or later"),
            None => "nothing to make: no package has this platform and this format".to_owned(),
        };
        problems.add("plan/empty", at, message, "widen --platform or --format; `cargo xtask plan` shows all");
    }
    Some(selection)
}

fn pickers(specs: &Specs, request: &Request, problems: &Problems) -> Vec<Picker> {
    let texts: Vec<Located<String>> = if request.platforms.is_empty() {
        specs.product.platforms.clone()
    } else {
        request.platforms.iter().map(|p| from_flag("--platform", p)).collect()
    };
    let compiled = texts.into_iter().filter_map(|text| match glob::Pattern::new(&text) {
        Ok(pattern) => Some(Picker { text, pattern }),
        Err(e) => {
            problems.add("platform/glob", &text.at, format!("is no glob: {}", e.msg), "write c8, c*, or *.x86_64");
            None
        }
    });
    compiled.collect()
}

fn wanted_formats(request: &Request, problems: &Problems) -> Vec<Format> {
    if request.formats.is_empty() {
        return Format::ALL.iter().map(|(_, format)| *format).collect();
    }
    let wanted = request.formats.iter().filter_map(|name| {
        let found = Format::ALL.iter().find(|(n, _)| n == name).map(|(_, format)| *format);
        if found.is_none() {
            let text = from_flag("--format", name);
            let mend = suggestion(name, Format::ALL.iter().map(|(n, _)| *n));
            problems.add("format/unknown", &text.at, format!("there is no format \"{name}\""), mend);
        }
        found
    });
    wanted.collect()
}

fn platform_packages(
    specs: &Specs,
    family: &FamilySpec,
    platform: &PlatformSpec,
    release: Option<&Release>,
    problems: &Problems,
) -> Vec<(Package, Option<Version>)> {
    let format = family.format.value;
    check_platform(family, platform, problems);
    let since = platform.since.as_ref().and_then(|text| match text.parse::<Version>() {
        Ok(version) => Some(version),
        Err(e) => {
            problems.add("platform/since", &text.at, e.to_string(), "write the first version, such as 23.2.10");
            None
        }
    });
    let mut requires_texts = platform.requires.clone();
    requires_texts.push(platform.ca_certificates.clone());
    let requires = parse_all(&requires_texts, format, &specs.product.name, problems);
    let requires_pre = parse_all(&platform.requires_pre, format, &specs.product.name, problems);
    let mut packages = Vec::new();
    let mut seen = BTreeSet::new();
    for name in &platform.architectures {
        if !seen.insert(name.value.as_str()) {
            let message = format!("architecture \"{}\" is named twice", name.value);
            problems.add("platform/duplicate-architecture", &name.at, message, "name it once");
            continue;
        }
        let Some(arch) = specs.agent.architectures.iter().find(|a| a.name.value == name.value) else {
            let message = format!("specs/agent.toml has no architecture \"{}\"", name.value);
            let names = specs.agent.architectures.iter().map(|a| a.name.as_str());
            problems.add("platform/unknown-architecture", &name.at, message, suggestion(name, names));
            continue;
        };
        let Some(release) = release else { continue };
        let package = package(specs, family, platform, arch, release, &requires, &requires_pre);
        if packages.iter().any(|(other, _): &(Package, _)| other.file == package.file) {
            let message = format!("a second package would be named {}", package.file);
            problems.add("platform/duplicate-file", &name.at, message, "name one architecture for each package");
            continue;
        }
        packages.push((package, since));
    }
    packages
}

fn package(
    specs: &Specs,
    family: &FamilySpec,
    platform: &PlatformSpec,
    arch: &ArchitectureSpec,
    release: &Release,
    requires: &[Dependency],
    requires_pre: &[Dependency],
) -> Package {
    let (format, tag) = (family.format.value, &platform.tag.value);
    let in_package = match format {
        Format::Rpm => &arch.rpm.value,
        Format::Deb => &arch.deb.value,
    };
    let (name, id) = (&specs.product.name.value, release.id);
    Package {
        id: format!("{tag}.{in_package}"),
        file: format!("{name}-{id}.{tag}.{in_package}.{}", format.name()),
        format,
        tag: tag.clone(),
        family: family.name.value.clone(),
        distribution: family.distribution.value.clone(),
        os_versions: platform.os_versions.iter().map(|v| v.value.clone()).collect(),
        arch: Arch { name: arch.name.value.clone(), in_package: in_package.clone() },
        target: arch.target.value.clone(),
        compression: platform.compression.value,
        requires: requires.to_vec(),
        requires_pre: requires_pre.to_vec(),
        details: match format {
            Format::Rpm => PackageDetails::Rpm {
                profile: platform.profile.as_ref().map_or(RpmProfile::El6, |p| p.value),
                rpm_release: format!("{}.{tag}", id.build),
            },
            Format::Deb => PackageDetails::Deb { deb_version: format!("{id}.{tag}") },
        },
    }
}

/// What the files of specs/platforms say together.
fn check_families(specs: &Specs, problems: &Problems) {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for family in &specs.families {
        if !names.insert(&family.name) {
            let message = format!("a second family \"{}\"", family.name.value);
            problems.add("family/duplicate", &family.name.at, message, "give each file its own family");
        }
        for text in [&family.name, &family.distribution] {
            if text.is_empty() || text.trim() != text.as_str() || text.chars().any(char::is_control) {
                problems.add("family/text", &text.at, "must be one line of text", "write one line");
            }
        }
        if family.platforms.is_empty() {
            let message = format!("family \"{}\" has no platform", family.name.value);
            problems.add("family/empty", &family.name.at, message, "add a [[platform]], or remove the file");
        }
    }
    let platforms = || specs.families.iter().flat_map(|f| f.platforms.iter().map(move |p| (f, p)));
    for (index, (family, platform)) in platforms().enumerate() {
        for version in &platform.os_versions {
            let rival = platforms().take(index).find(|(f, p)| {
                f.distribution.value == family.distribution.value
                    && p.tag.value != platform.tag.value
                    && p.os_versions.iter().any(|v| v.value == version.value)
                    && p.architectures.iter().any(|a| platform.architectures.iter().any(|b| a.value == b.value))
            });
            if let Some((_, rival)) = rival {
                problems.add(
                    "platform/os-version-claimed",
                    &version.at,
                    format!("{} {} is platform \"{}\" already", family.distribution.value, version.value, rival.tag.value),
                    "let one platform serve each OS version: a host could not tell which package is its own",
                );
            }
        }
    }
}

fn check_platform(family: &FamilySpec, platform: &PlatformSpec, problems: &Problems) {
    let tag = &platform.tag;
    if tag.is_empty() || !tag.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()) {
        problems.add(
            "platform/tag",
            &tag.at,
            format!("\"{}\" cannot be part of a release and of a file name", tag.value),
            "use lower-case letters and digits, such as c9",
        );
    }
    match (family.format.value, &platform.profile) {
        (Format::Rpm, None) => problems.add(
            "platform/profile",
            &platform.at,
            format!("platform \"{}\" has no rpm profile", tag.value),
            "add profile = \"el6\" (or \"el5\" for rpm 4.4)",
        ),
        (Format::Deb, Some(profile)) => problems.add(
            "platform/profile",
            &profile.at,
            "deb packages have no rpm profile".to_owned(),
            "remove `profile`",
        ),
        (Format::Rpm, Some(profile))
            if profile.value == RpmProfile::El5 && platform.compression.value != Compression::Gzip =>
        {
            problems.add(
                "platform/compression",
                &platform.compression.at,
                "rpm 4.4 reads gzip payloads only",
                "write compression = \"gzip\"",
            );
        }
        _ => {}
    }
    let mut seen = BTreeSet::new();
    for version in &platform.os_versions {
        let numeric = version.split('.').all(|p| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit()));
        if !numeric || !seen.insert(version.as_str()) {
            let message = format!("\"{}\" is not an OS version, or is named twice", version.value);
            problems.add("platform/os-version", &version.at, message, "write each once, as numbers with dots");
        }
    }
}
