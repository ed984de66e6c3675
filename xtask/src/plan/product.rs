//! Checks of product.toml and agent.toml.

use jiff::{SignedDuration, Timestamp};

use super::{Agent, Install, Product, Release, Request, from_flag};
use crate::spec::version::{ReleaseId, Version, parse_build};
use crate::spec::{Located, Problems, ProductSpec, Specs};

/// Key material older than this cannot sign: OpenPGP readers refuse signatures from before their key.
const EARLIEST: &str = "2020-01-01T00:00:00Z";

pub(super) fn release(specs: &Specs, request: &Request, problems: &Problems) -> Option<Release> {
    let spec = &specs.product;
    let version_text = request.version.as_ref().map_or(spec.version.clone(), |v| from_flag("--version", v));
    let version = version_text.parse::<Version>().map_err(|e| {
        problems.add("release/version", &version_text.at, e.to_string(), "write it as major.minor.patch");
    });
    let build = match &request.build {
        None => Ok(spec.build.value as u32),
        Some(flag) => {
            let text = from_flag("--build", flag);
            parse_build(&text).map_err(|e| {
                problems.add("release/build", &text.at, e.to_string(), "write a number such as 1234");
            })
        }
    };
    let created = created(spec, request, problems);
    let (version, build, created) = (version.ok()?, build.ok()?, created?);
    let expires = created + SignedDuration::from_hours(24 * spec.valid_days.value as i64);
    if expires.as_second() <= request.now {
        problems.add(
            "release/expired",
            &spec.valid_days.at,
            format!("a bundle of {created} would have expired on {expires}, before it is made"),
            "set `released` to the date of this release, or raise `valid_days`",
        );
    }
    Some(Release {
        id: ReleaseId { version, build },
        version,
        source_date: created.as_second() as u32,
        created: created.to_string(),
        expires: expires.to_string(),
        complete: true,
    })
}

fn created(spec: &ProductSpec, request: &Request, problems: &Problems) -> Option<Timestamp> {
    let mend = format!("write a time from {EARLIEST} to 2105");
    let (text, time) = match &request.source_date_epoch {
        Some(value) => {
            let text = from_flag("SOURCE_DATE_EPOCH", value);
            let time = value.parse::<i64>().ok().and_then(|s| Timestamp::from_second(s).ok());
            (text, time)
        }
        None => (spec.released.clone(), spec.released.parse::<Timestamp>().ok()),
    };
    let Some(time) = time else {
        problems.add("release/date", &text.at, format!("\"{}\" is not a time", text.value), mend);
        return None;
    };
    let earliest: Timestamp = EARLIEST.parse().expect("a constant date");
    if time < earliest || time.as_second() > i64::from(u32::MAX) {
        problems.add(
            "release/date",
            &text.at,
            format!("{time} is outside of what package formats and keys can carry"),
            mend,
        );
        return None;
    }
    if time.subsec_nanosecond() != 0 {
        problems.add("release/date", &text.at, "packages carry whole seconds", "leave out the fraction");
        return None;
    }
    Some(time)
}

pub(super) fn product(spec: &ProductSpec, problems: &Problems) -> Option<Product> {
    let name = &spec.name;
    let plain = name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain {
        problems.add(
            "product/name",
            &name.at,
            format!("\"{}\" is not a package name that every format takes", name.value),
            "use lower-case letters, digits and `-`, beginning with a letter, two characters or more",
        );
    }
    for text in [&spec.summary, &spec.vendor, &spec.maintainer, &spec.homepage, &spec.license] {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            problems.add("product/text", &text.at, "must be one line of text", "write one line");
        }
    }
    if spec.summary.chars().count() > 80 {
        problems.add("product/text", &spec.summary.at, "the summary is over 80 characters", "shorten it");
    }
    if spec.description.trim().is_empty() || spec.description.chars().any(|c| c.is_control() && c != '\n') {
        problems.add(
            "product/text",
            &spec.description.at,
            "the description must be text without control characters",
            "write lines of text",
        );
    }
    let address = spec.maintainer.split_once(" <").and_then(|(_, rest)| rest.strip_suffix('>'));
    if !address.is_some_and(|a| a.split_once('@').is_some_and(|(l, d)| !l.is_empty() && d.contains('.'))) {
        problems.add(
            "product/maintainer",
            &spec.maintainer.at,
            format!("\"{}\" is not a name with an address", spec.maintainer.value),
            "write `Name <name@example.com>`",
        );
    }
    if !spec.homepage.starts_with("https://") && !spec.homepage.starts_with("http://") {
        problems.add("product/homepage", &spec.homepage.at, "is not a URL", "write https://…");
    }
    Some(Product {
        name: name.value.clone(),
        summary: spec.summary.value.clone(),
        description: spec.description.trim_end().to_owned(),
        vendor: spec.vendor.value.clone(),
        maintainer: spec.maintainer.value.clone(),
        homepage: spec.homepage.value.clone(),
        license: spec.license.value.clone(),
    })
}

pub(super) fn install(spec: &ProductSpec, problems: &Problems) -> Install {
    let prefix = &spec.prefix;
    let absolute = prefix.len() > 1
        && prefix.starts_with('/')
        && prefix[1..].split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if !absolute {
        problems.add(
            "install/prefix",
            &prefix.at,
            format!("\"{}\" cannot be the prefix of a relocatable package", prefix.value),
            "write an absolute path below `/` without a slash at its end, such as /opt",
        );
    }
    if spec.directory.is_empty() || spec.directory.contains('/') || spec.directory.starts_with('.') {
        problems.add(
            "install/directory",
            &spec.directory.at,
            format!("\"{}\" is not the name of one directory below the prefix", spec.directory.value),
            "write a single name such as illumio_ven",
        );
    }
    for account in [&spec.user, &spec.group] {
        if !is_account_name(account) || account.as_str() == "root" {
            problems.add(
                "install/account",
                &account.at,
                format!("\"{}\" cannot be the unprivileged account of the agent", account.value),
                "use up to 32 lower-case letters, digits, `-` and `_`, beginning with a letter; not root",
            );
        }
    }
    Install {
        prefix: prefix.value.clone(),
        directory: spec.directory.value.clone(),
        user: spec.user.value.clone(),
        group: spec.group.value.clone(),
    }
}

fn is_account_name(name: &str) -> bool {
    name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

pub(super) fn agent(specs: &Specs, problems: &Problems) -> Agent {
    let spec = &specs.agent;
    if !workspace_has_package(specs, &spec.package) {
        problems.add(
            "agent/package",
            &spec.package.at,
            format!("the workspace has no package \"{}\"", spec.package.value),
            "name a package whose Cargo.toml is in a folder of this workspace",
        );
    }
    let mut seen: Vec<&Located<String>> = Vec::new();
    for binary in &spec.binaries {
        if seen.iter().any(|b| b.value == binary.value) {
            problems.add("agent/binary", &binary.at, "is named twice", "name each binary once");
        }
        seen.push(binary);
    }
    Agent {
        package: spec.package.value.clone(),
        profile: spec.profile.value.clone(),
        binaries: spec.binaries.iter().map(|b| b.value.clone()).collect(),
    }
}

fn workspace_has_package(specs: &Specs, name: &str) -> bool {
    let manifests = std::fs::read_dir(&specs.root).into_iter().flatten().flatten().map(|e| e.path().join("Cargo.toml"));
    manifests.filter_map(|m| std::fs::read_to_string(m).ok()).any(|text| {
        let parsed = text.parse::<toml::Table>().unwrap_or_default();
        parsed.get("package").and_then(|p| p.get("name")).and_then(|n| n.as_str()) == Some(name)
    })
}
