//! pkginfo: the parameters of a package.

use crate::params::{is_key, parse_params, render_params};
use crate::rule::{Problem, Rule, Ruleset};

/// The parameters pkgadd demands, in the order they are written.
pub const REQUIRED: [&str; 5] = ["PKG", "NAME", "ARCH", "VERSION", "CATEGORY"];

/// Longest package name that every reader takes, in bytes.
pub const MAX_PKG_LENGTH: usize = 31;

/// The parameters of a package, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PkgInfo {
    params: Vec<(String, String)>,
}

impl PkgInfo {
    /// The required parameters.
    pub fn new(pkg: &str, name: &str, arch: &str, version: &str, category: &str) -> Self {
        let values = [pkg, name, arch, version, category];
        let params = REQUIRED.iter().zip(values).map(|(key, value)| ((*key).into(), value.into())).collect();
        PkgInfo { params }
    }

    /// Sets a parameter: replaces it where it stands, or appends it.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let (key, value) = (key.into(), value.into());
        match self.params.iter_mut().find(|(known, _)| *known == key) {
            Some(param) => param.1 = value,
            None => self.params.push((key, value)),
        }
        self
    }

    /// The value of a parameter.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// Package abbreviation (PKG); empty when the parameter is missing.
    pub fn pkg(&self) -> &str {
        self.get("PKG").unwrap_or_default()
    }

    /// All parameters in order.
    pub fn params(&self) -> impl Iterator<Item = (&str, &str)> {
        self.params.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The classes in installation order: CLASSES, or `none`.
    pub fn classes(&self) -> Vec<&str> {
        self.get("CLASSES").unwrap_or("none").split_ascii_whitespace().collect()
    }

    /// The text of the file: the required parameters first, then the others as given.
    pub fn render(&self) -> Vec<u8> {
        let first = REQUIRED.iter().filter_map(|key| self.get(key).map(|value| (*key, value)));
        let rest = self.params().filter(|(key, _)| !REQUIRED.contains(key));
        render_params(first.chain(rest))
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// The problems of the text; the values are judged by [`PkgInfo::problems`].
    pub fn parse(text: &[u8]) -> Result<PkgInfo, Vec<Problem>> {
        parse_params("pkginfo", text).map(|params| PkgInfo { params })
    }

    /// Everything wrong with the parameters themselves.
    pub fn problems(&self, ruleset: Ruleset) -> Vec<Problem> {
        let mut found = Vec::new();
        let mut say = |rule, key: &str, detail: String| {
            found.push(Problem::new(rule, format!("pkginfo {key}"), detail));
        };
        for key in REQUIRED {
            if self.get(key).unwrap_or_default().is_empty() {
                say(Rule::ParameterMissing, key, "missing or empty".into());
            }
        }
        for (key, value) in self.params() {
            if !is_key(key) || key == "PATH" {
                say(Rule::ParameterKey, key, format!("key `{key}`"));
            }
            if value.chars().any(char::is_control) || value.trim_matches([' ', '\t']) != value {
                say(Rule::ParameterValue, key, format!("value {value:?}"));
            }
            let quote = match ruleset {
                Ruleset::Format => value.starts_with(['\'', '"']) || value.ends_with('\\'),
                Ruleset::Portable => value.contains(['\'', '"', '\\']),
            };
            if quote {
                say(Rule::ParameterQuote, key, format!("value {value:?}"));
            }
            if ruleset == Ruleset::Portable && !value.is_ascii() {
                say(Rule::ParameterAscii, key, format!("value {value:?}"));
            }
            match key {
                "PKG" => {
                    if let Some(rule) = pkg_name_rule(value) {
                        say(rule, key, format!("name `{value}` of {} bytes", value.len()));
                    }
                }
                "NAME" | "VERSION" if value.len() > 256 => {
                    say(Rule::NameLength, key, format!("{} bytes", value.len()));
                }
                "VERSION" if value.starts_with('(') => say(Rule::Version, key, format!("`{value}`")),
                "ARCH" if !tokens(value, |b| b.is_ascii_graphic()) => {
                    say(Rule::Arch, key, format!("`{value}`"))
                }
                "CATEGORY" if !tokens(value, |b| b.is_ascii_alphanumeric()) => {
                    say(Rule::Category, key, format!("`{value}`"));
                }
                "BASEDIR" if !value.starts_with('/') => {
                    say(Rule::BasedirMissing, key, format!("`{value}` is not absolute"));
                }
                _ => {}
            }
        }
        let on = |key: &str| self.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let (all, this, hollow) = (on("SUNW_PKG_ALLZONES"), on("SUNW_PKG_THISZONE"), on("SUNW_PKG_HOLLOW"));
        if all && this {
            say(Rule::Zones, "SUNW_PKG_THISZONE", "true together with SUNW_PKG_ALLZONES".into());
        }
        if hollow && !all {
            say(Rule::Zones, "SUNW_PKG_HOLLOW", "true without SUNW_PKG_ALLZONES".into());
        }
        for class in self.classes() {
            if let Some(rule) = class_rule(class, ruleset) {
                say(rule, "CLASSES", format!("class `{class}`"));
            }
        }
        found
    }
}

fn tokens(value: &str, good: impl Fn(u8) -> bool) -> bool {
    value.is_empty()
        || value.split(',').all(|token| (1..=16).contains(&token.len()) && token.bytes().all(&good))
}

/// The rule a package name breaks, if any.
pub(crate) fn pkg_name_rule(name: &str) -> Option<Rule> {
    if name.is_empty() {
        return None; // reported as missing
    }
    let letters = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-'));
    if !letters || matches!(name, "all" | "install" | "new") {
        Some(Rule::PkgName)
    } else if name.len() > MAX_PKG_LENGTH {
        Some(Rule::PkgNameLength)
    } else {
        None
    }
}

/// The rule a class name breaks, if any. Documentation says 12 characters, the code takes 64.
pub(crate) fn class_rule(class: &str, ruleset: Ruleset) -> Option<Rule> {
    let longest = match ruleset {
        Ruleset::Format => 64,
        Ruleset::Portable => 12,
    };
    let good = (1..=longest).contains(&class.len()) && class.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (!good).then_some(Rule::ClassName)
}
