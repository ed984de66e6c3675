//! The installation files: procedure scripts and information files, kept under `install/`.

use std::fmt;

use crate::rule::{Problem, Rule, Ruleset};

/// What an installation file is, by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InstallName {
    /// Asks the administrator; runs as `install` or `noaccess`; skipped when a response file is given.
    Request,
    /// Judges the host; runs as `install` or `noaccess`.
    CheckInstall,
    /// Runs as root before the files.
    PreInstall,
    /// Runs as root after the files.
    PostInstall,
    /// Runs as root before the files are removed.
    PreRemove,
    /// Runs as root after the files are removed.
    PostRemove,
    /// `i.<class>`: installs the objects of a class.
    ClassInstall(String),
    /// `r.<class>`: removes the objects of a class.
    ClassRemove(String),
    /// Printed by pkgadd.
    Copyright,
    /// Prerequisites, incompatible and reverse dependencies.
    Depend,
    /// Versions this one is compatible with.
    Compver,
    /// Space needed beyond the objects.
    Space,
    /// A helper of the scripts, found in `install/` beside them.
    Other(String),
}

impl InstallName {
    /// The kind of file a name stands for.
    pub fn from_name(name: &str) -> Self {
        match name {
            "request" => InstallName::Request,
            "checkinstall" => InstallName::CheckInstall,
            "preinstall" => InstallName::PreInstall,
            "postinstall" => InstallName::PostInstall,
            "preremove" => InstallName::PreRemove,
            "postremove" => InstallName::PostRemove,
            "copyright" => InstallName::Copyright,
            "depend" => InstallName::Depend,
            "compver" => InstallName::Compver,
            "space" => InstallName::Space,
            _ => match (name.strip_prefix("i."), name.strip_prefix("r.")) {
                (Some(class), _) => InstallName::ClassInstall(class.into()),
                (_, Some(class)) => InstallName::ClassRemove(class.into()),
                _ => InstallName::Other(name.into()),
            },
        }
    }

    /// Whether `/sbin/sh` runs the file.
    pub fn is_script(&self) -> bool {
        !matches!(
            self,
            InstallName::Copyright
                | InstallName::Depend
                | InstallName::Compver
                | InstallName::Space
                | InstallName::Other(_)
        )
    }
}

impl fmt::Display for InstallName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            InstallName::Request => "request",
            InstallName::CheckInstall => "checkinstall",
            InstallName::PreInstall => "preinstall",
            InstallName::PostInstall => "postinstall",
            InstallName::PreRemove => "preremove",
            InstallName::PostRemove => "postremove",
            InstallName::ClassInstall(class) => return write!(f, "i.{class}"),
            InstallName::ClassRemove(class) => return write!(f, "r.{class}"),
            InstallName::Copyright => "copyright",
            InstallName::Depend => "depend",
            InstallName::Compver => "compver",
            InstallName::Space => "space",
            InstallName::Other(name) => name,
        };
        f.write_str(name)
    }
}

/// One installation file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstallFile {
    /// What it is.
    pub name: InstallName,
    /// Its text.
    pub text: Vec<u8>,
    /// Seconds since 1970.
    pub mtime: u32,
}

impl InstallFile {
    /// A file by its name.
    pub fn new(name: &str, text: impl Into<Vec<u8>>, mtime: u32) -> Self {
        InstallFile { name: InstallName::from_name(name), text: text.into(), mtime }
    }

    /// Whether the text is read by `/sbin/sh`: a procedure script, or a helper that says so.
    pub fn is_shell(&self) -> bool {
        let named = ["#!/sbin/sh", "#!/bin/sh", "#!/usr/bin/sh"].map(str::as_bytes);
        self.name.is_script() || named.iter().any(|start| self.text.starts_with(start))
    }

    /// Everything wrong with name and text, apart from the shell language. What a text says is
    /// judged under the portable rules only: pkgadd is lenient there.
    pub(crate) fn problems(&self, ruleset: Ruleset) -> Vec<Problem> {
        let name = self.name.to_string();
        let place = format!("install/{name}");
        let mut found = Vec::new();
        if let Some(rule) = install_name_rule(&name) {
            found.push(Problem::new(rule, &place, format!("name `{name}`")));
        }
        if ruleset == Ruleset::Format {
            return found;
        }
        if self.text.is_empty() && !matches!(self.name, InstallName::Other(_)) {
            found.push(Problem::new(Rule::InstallEmpty, &place, "empty"));
        }
        let checker: fn(&str) -> Option<Rule> = match self.name {
            InstallName::Depend => depend_rule,
            InstallName::Space => space_rule,
            _ => return found,
        };
        for (index, line) in String::from_utf8_lossy(&self.text).split('\n').enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(rule) = checker(line.trim_end_matches([' ', '\t'])) {
                found.push(Problem::new(rule, format!("{place} line {}", index + 1), format!("`{line}`")));
            }
        }
        found
    }
}

/// The rule a file name under `install/` breaks, if any. `pkginfo` and `pkgmap` live elsewhere.
pub(crate) fn install_name_rule(name: &str) -> Option<Rule> {
    let good = (1..=64).contains(&name.len())
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte))
        && !matches!(name, "pkginfo" | "pkgmap");
    (!good).then_some(Rule::InstallName)
}

fn depend_rule(line: &str) -> Option<Rule> {
    if line.contains('\r') {
        return Some(Rule::DependLine);
    }
    let mut words = line.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let good = if line.starts_with([' ', '\t']) {
        !first.is_empty()
    } else {
        matches!(first, "P" | "I" | "R") && words.next().is_some()
    };
    (!good).then_some(Rule::DependLine)
}

fn space_rule(line: &str) -> Option<Rule> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let good = !line.contains('\r')
        && matches!(words[..], [_, blocks, inodes]
        if blocks.parse::<u32>().is_ok() && inodes.parse::<u32>().is_ok());
    (!good).then_some(Rule::SpaceLine)
}
