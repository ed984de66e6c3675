//! Dependencies as the specs write them: `name`, `name >= 1.2`, and for deb also `a | b`.

use serde::Serialize;

use crate::spec::{Format, Located, Problems};

/// One relation; more than one alternative only for deb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dependency {
    pub alternatives: Vec<Relation>,
}

/// A name, and perhaps a condition on its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relation {
    pub name: String,
    pub condition: Option<(Comparison, String)>,
}

/// How a version is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Comparison {
    #[serde(rename = "<")]
    Less,
    #[serde(rename = "<=")]
    LessOrEqual,
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = ">=")]
    GreaterOrEqual,
    #[serde(rename = ">")]
    Greater,
}

const COMPARISONS: [(&str, Comparison); 5] = [
    ("<", Comparison::Less),
    ("<=", Comparison::LessOrEqual),
    ("=", Comparison::Equal),
    (">=", Comparison::GreaterOrEqual),
    (">", Comparison::Greater),
];

/// Parses a list, recording what this format's oldest reader would not understand.
pub fn parse_all(texts: &[Located<String>], format: Format, product: &str, problems: &Problems) -> Vec<Dependency> {
    let mut all: Vec<Dependency> = Vec::new();
    for text in texts {
        let Some(dependency) = parse(text, format, problems) else { continue };
        if dependency.alternatives.iter().any(|r| r.name == product) {
            let message = format!("{product} would require itself");
            problems.add("dependency/itself", &text.at, message, "remove it: a package is always there with itself");
        }
        if all.iter().any(|d| d.alternatives[0].name == dependency.alternatives[0].name) {
            let message = format!("\"{}\" is required twice", dependency.alternatives[0].name);
            problems.add("dependency/duplicate", &text.at, message, "keep the stricter of the two");
        }
        all.push(dependency);
    }
    all
}

fn parse(text: &Located<String>, format: Format, problems: &Problems) -> Option<Dependency> {
    if format == Format::Rpm && (text.starts_with('(') || text.contains('|')) {
        problems.add(
            "dependency/rich",
            &text.at,
            format!("\"{}\" is a rich dependency: rpm before 4.13 cannot parse it", text.value),
            "name one package, or a capability or file that each alternative provides",
        );
        return None;
    }
    let alternatives: Option<Vec<Relation>> =
        text.split('|').map(|part| relation(part.trim(), text, format, problems)).collect();
    Some(Dependency { alternatives: alternatives? })
}

fn relation(part: &str, text: &Located<String>, format: Format, problems: &Problems) -> Option<Relation> {
    let words: Vec<&str> = part.split_whitespace().collect();
    let (name, condition) = match words.as_slice() {
        [name] => (*name, None),
        [name, op, version] => match COMPARISONS.iter().find(|(symbol, _)| symbol == op) {
            Some((_, comparison)) => (*name, Some((*comparison, (*version).to_owned()))),
            None => {
                let message = format!("\"{op}\" compares nothing");
                problems.add("dependency/syntax", &text.at, message, "use <, <=, =, >= or >");
                return None;
            }
        },
        _ => {
            problems.add(
                "dependency/syntax",
                &text.at,
                format!("\"{}\" is not a dependency", text.value),
                "write `name` or `name >= 1.2`, with blanks around the comparison",
            );
            return None;
        }
    };
    if name.contains(['<', '>', '=']) {
        let message = format!("\"{part}\" has no blanks around its comparison");
        problems.add("dependency/syntax", &text.at, message, "write `name >= 1.2`");
        return None;
    }
    if format == Format::Rpm && name.starts_with("rpmlib(") {
        let message = format!("\"{name}\" is added by the writer, as the package's own features need it");
        problems.add("dependency/name", &text.at, message, "remove it");
        return None;
    }
    if !is_name(name, format) {
        problems.add(
            "dependency/name",
            &text.at,
            format!("\"{name}\" cannot be a package name in a {} package", format.name()),
            match format {
                Format::Rpm => "use letters, digits and . _ + - ( ), or an absolute path",
                Format::Deb => "use lower-case letters, digits and . + -, two characters or more",
            },
        );
        return None;
    }
    if let Some((_, version)) = &condition
        && !is_version(version, format)
    {
        problems.add(
            "dependency/version",
            &text.at,
            format!("\"{version}\" is not a version that the oldest {} reads", format.name()),
            match format {
                // rpm before 4.10 misreads `~`, before 4.15 `^`.
                Format::Rpm => "write [epoch:]version[-release] of letters, digits and . + _, beginning with a digit",
                Format::Deb => "write [epoch:]version[-revision] of letters, digits and . + ~, beginning with a digit",
            },
        );
        return None;
    }
    Some(Relation { name: name.to_owned(), condition })
}

fn is_version(version: &str, format: Format) -> bool {
    if format == Format::Deb {
        return version.parse::<deb_pkg::Version>().is_ok();
    }
    let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
    let (first, release) = rest.split_once('-').unwrap_or((rest, "0"));
    let plain = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b".+_".contains(&b))
    };
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let begins = first.starts_with(|c: char| c.is_ascii_digit());
    digits(epoch) && epoch.parse::<u32>().is_ok() && begins && plain(first) && plain(release)
}

fn is_name(name: &str, format: Format) -> bool {
    match format {
        Format::Rpm if name.starts_with('/') => {
            name.len() > 1 && name.bytes().all(|b| b.is_ascii_graphic() && !b"()<>=,|&".contains(&b))
        }
        Format::Rpm => {
            name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._+-()".contains(&b))
        }
        Format::Deb => {
            name.len() >= 2
                && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".+-".contains(&b))
        }
    }
}
