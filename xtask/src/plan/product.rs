//! Checks of product.toml and agent.toml.

use jiff::{SignedDuration, Timestamp};

use super::{Install, Product, Release, Request, from_flag};
use crate::spec::version::{ReleaseId, Version, parse_build};
use crate::spec::{Located, ProductSpec, Problems, Specs};

/// Key material older than this cannot sign: OpenPGP readers refuse signatures from before their key.
const EARLIEST: &str = "2020-01-01T00:00:00Z";

/// Seconds that a release may be dated ahead: a day, for whoever writes the date of tomorrow's release.
const FUTURE: i64 = 86_400;

pub(super) fn release(specs: &Specs, request: &Request, problems: &Problems) -> Option<Release> {
    let spec = &specs.product;
    let version_text = version_text(specs, request);
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

/// The version that this run makes, where it is written.
pub(super) fn version_text(specs: &Specs, request: &Request) -> Located<String> {
    request.version.as_ref().map_or(specs.product.version.clone(), |v| from_flag("--version", v))
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
    if time.as_second() > request.now + FUTURE {
        problems.add(
            "release/future",
            &text.at,
            format!("{time} has not come yet: readers of signatures refuse what was signed in the future"),
            "write the date of this release, and check this machine's clock",
        );
    }
    Some(time)
}

pub(super) fn product(spec: &ProductSpec, problems: &Problems) -> Option<Product> {
    let name = &spec.name;
    let plain = name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.contains("--")
        && !name.ends_with('-');
    if !plain {
        problems.add(
            "product/name",
            &name.at,
            format!("\"{}\" is not a package name that every format takes", name.value),
            "use lower-case letters, digits and single `-` between them, beginning with a letter, two characters or more",
        );
    }
    for text in [&spec.summary, &spec.vendor, &spec.maintainer, &spec.homepage, &spec.license] {
        if text.is_empty() || text.trim() != text.as_str() || text.chars().any(char::is_control) {
            let mend = "write one line, without blanks at its ends";
            problems.add("product/text", &text.at, "must be one line of text", mend);
        }
    }
    if spec.summary.chars().count() > 80 {
        problems.add("product/text", &spec.summary.at, "the summary is over 80 characters", "shorten it");
    }
    let description = &spec.description;
    if description.trim().is_empty() || description.chars().any(|c| c.is_control() && c != '\n') {
        problems.add(
            "product/text",
            &description.at,
            "the description must be text without tabs and other control characters",
            "write lines of text",
        );
    }
    // As the deb will carry it: lines flow anew, and one that begins with a dot has a meaning there.
    let folded = deb_pkg::Description::fold("", description);
    if let Some(line) = folded.lines.iter().find(|line| line.starts_with('.')) {
        let message = format!("a line of the description would begin with a dot: \"{line}\"");
        problems.add("product/text", &description.at, message, "put another word before it");
    }
    if !is_mail_name(&spec.maintainer) {
        problems.add(
            "product/maintainer",
            &spec.maintainer.at,
            format!("\"{}\" is not a name with an address", spec.maintainer.value),
            "write `Name <name@example.com>`",
        );
    }
    let address = ["https://", "http://"].iter().find_map(|scheme| spec.homepage.strip_prefix(scheme));
    if address.is_none_or(|rest| rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace)) {
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

/// `Name <name@example.com>`.
fn is_mail_name(text: &str) -> bool {
    let Some((name, address)) = text.split_once(" <") else { return false };
    let Some((local, domain)) = address.strip_suffix('>').and_then(|a| a.split_once('@')) else { return false };
    let plain = |part: &str| !part.is_empty() && !part.contains(['<', '>', '@', ' ']);
    !name.trim().is_empty() && plain(local) && plain(domain) && domain.contains('.')
}

/// Trees that are private to a user, to a boot or to a transaction: nothing installed there can be relied on.
const NO_PREFIX: [&str; 10] =
    ["/home", "/root", "/tmp", "/var/tmp", "/proc", "/sys", "/dev", "/run", "/mnt", "/media"];

/// Accounts that hosts have already: the scriptlets would take them over, and remove them with the package.
const SYSTEM_ACCOUNTS: [&str; 12] =
    ["root", "bin", "daemon", "adm", "sys", "mail", "nobody", "nogroup", "wheel", "staff", "users", "sshd"];

pub(super) fn install(spec: &ProductSpec, problems: &Problems) -> Install {
    let prefix = &spec.prefix;
    let absolute = prefix.len() > 1
        && prefix.starts_with('/')
        && prefix[1..].split('/').all(|part| !matches!(part, "" | "." | "..") && is_plain(part));
    if !absolute {
        problems.add(
            "install/prefix",
            &prefix.at,
            format!("\"{}\" cannot be the prefix of a relocatable package", prefix.value),
            "write an absolute path below `/` without a slash at its end, such as /opt",
        );
    }
    let below = |tree: &&&str| prefix.strip_prefix(**tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if let Some(tree) = NO_PREFIX.iter().find(below) {
        problems.add(
            "install/prefix",
            &prefix.at,
            format!("{tree} is no place for packaged files: a host may clear, hide or mount over it"),
            "choose a prefix that every process of a host sees, such as /opt",
        );
    }
    if spec.directory.starts_with('.') || !is_plain(&spec.directory) {
        problems.add(
            "install/directory",
            &spec.directory.at,
            format!("\"{}\" is not the name of one directory below the prefix", spec.directory.value),
            "write a single name such as illumio_ven",
        );
    }
    for account in [&spec.user, &spec.group] {
        if !is_account_name(account) || SYSTEM_ACCOUNTS.contains(&account.as_str()) {
            problems.add(
                "install/account",
                &account.at,
                format!("\"{}\" cannot be the unprivileged account of the agent", account.value),
                "use up to 31 lower-case letters, digits, `-` and `_`, beginning with a letter; no account of the system",
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

/// Whether a name goes unquoted into scripts and into every format.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-".contains(&b))
}

/// At most 31 characters: a deb's archive has no room for more.
fn is_account_name(name: &str) -> bool {
    name.len() <= 31
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}
