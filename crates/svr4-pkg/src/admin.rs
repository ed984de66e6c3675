//! The admin file: what pkgadd asks, checks and overwrites.

use crate::rule::{Problem, Rule};

const CHECKS: &[&str] = &["ask", "nocheck", "quit"];
const CHANGES: &[&str] = &["ask", "nochange", "nocheck", "quit"];

/// What a key may be set to.
enum Values {
    OneOf(&'static [&'static str]),
    OneOfOrPath(&'static [&'static str]),
    Number,
    Anything,
}

/// The keys of admin(4).
const KEYS: &[(&str, Values)] = &[
    ("mail", Values::Anything),
    ("instance", Values::OneOf(&["ask", "overwrite", "quit", "unique"])),
    ("partial", Values::OneOf(CHECKS)),
    ("runlevel", Values::OneOf(CHECKS)),
    ("idepend", Values::OneOf(CHECKS)),
    ("rdepend", Values::OneOf(CHECKS)),
    ("space", Values::OneOf(CHECKS)),
    ("setuid", Values::OneOf(CHANGES)),
    ("conflict", Values::OneOf(CHANGES)),
    ("action", Values::OneOf(CHECKS)),
    ("networktimeout", Values::Number),
    ("networkretries", Values::Number),
    ("authentication", Values::OneOf(&["nocheck", "quit"])),
    ("keystore", Values::Anything),
    ("proxy", Values::Anything),
    ("basedir", Values::OneOfOrPath(&["ask", "default"])),
    ("rscriptalt", Values::OneOf(&["noaccess", "root"])),
];

/// A parsed admin file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    settings: Vec<(String, String)>,
}

impl Admin {
    /// Reads an admin file as pkgadd does, but refuses what pkgadd only warns about.
    ///
    /// # Errors
    /// Every line that pkgadd would ignore, misread or reject, with its number.
    pub fn parse(text: &str) -> Result<Admin, Vec<Problem>> {
        let mut admin = Admin { settings: Vec::new() };
        let mut problems = Vec::new();
        // Not str::lines(): pkgadd would keep a CR as part of the value.
        for (index, line) in text.split('\n').enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = format!("admin line {}", index + 1);
            let Some((key, value)) = line.split_once('=') else {
                problems.push(Problem::new(Rule::AdminKey, place, format!("no `=` in `{line}`")));
                continue;
            };
            let Some((_, values)) = KEYS.iter().find(|(known, _)| *known == key) else {
                problems.push(Problem::new(Rule::AdminKey, place, format!("key `{key}`")));
                continue;
            };
            if admin.settings.iter().any(|(known, _)| known == key) {
                problems.push(Problem::new(Rule::AdminKey, place, format!("`{key}` again")));
            } else if !value.is_empty() && !values.allow(value) {
                problems.push(Problem::new(Rule::AdminValue, place, format!("`{key}` is `{value}`")));
            } else {
                admin.settings.push((key.to_owned(), value.to_owned()));
            }
        }
        if problems.is_empty() { Ok(admin) } else { Err(problems) }
    }

    /// The value of a key; `None` when it is not set, or set to nothing.
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.settings.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// All lines, in order, with empty values.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str)> {
        self.settings.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

impl Values {
    fn allow(&self, value: &str) -> bool {
        match self {
            Values::OneOf(values) => values.contains(&value),
            Values::OneOfOrPath(values) => {
                values.contains(&value) || value.starts_with('/') && !value.contains(char::is_whitespace)
            }
            Values::Number => value.parse::<u32>().is_ok(),
            Values::Anything => !value.contains(|c: char| c == '#' || c.is_control()),
        }
    }
}
