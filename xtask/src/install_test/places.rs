//! The placeholders of scenarios: one step text serves both formats and every tag.

use crate::spec::Format;

/// Folder inside a case under which the packages of both releases lie, read-only.
pub const PACKAGES: &str = "/mnt/packages";

/// Every placeholder.
pub const NAMES: &[&str] = &[
    "package",
    "next_package",
    "package_file",
    "next_package_file",
    "name",
    "release",
    "next_release",
    "install",
    "reinstall",
    "upgrade",
    "upgrade_again",
    "downgrade",
    "erase",
    "purge",
    "query",
    "query_version",
    "verify",
    "user",
    "group",
    "new_data_owner",
    "prefix",
    "home",
    "data",
    "ctl",
    "settings",
];

/// What the placeholders stand for in one case.
#[derive(Debug, Clone)]
pub struct Places {
    pub format: Format,
    /// Whether the package is for another architecture than the root, where its dependencies cannot be met.
    pub foreign: bool,
    /// Package name, e.g. `illumio-ven`.
    pub name: String,
    /// File name of the package under test.
    pub file: String,
    /// File name of its successor.
    pub next_file: String,
    pub release: String,
    pub next_release: String,
    pub user: String,
    pub group: String,
    pub prefix: String,
    pub directory: String,
}

/// The names between braces in a text; `${NAME}` belongs to the shell.
pub fn used(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let of_shell = rest[..open].ends_with('$');
        rest = &rest[open + 1..];
        let Some(close) = rest.find('}') else { break };
        let name = &rest[..close];
        if !of_shell && !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') {
            names.push(name);
        }
    }
    names
}

impl Places {
    /// The text with every placeholder filled in.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for name in NAMES {
            let place = format!("{{{name}}}");
            if text.contains(&place) {
                text = text.replace(&place, &self.value(name));
            }
        }
        text
    }

    fn value(&self, name: &str) -> String {
        let (package, next) =
            (format!("{PACKAGES}/current/{}", self.file), format!("{PACKAGES}/next/{}", self.next_file));
        let rpm = self.format == Format::Rpm;
        let (home, name_of) = (format!("{}/{}", self.prefix, self.directory), &self.name);
        // The roots have the programs that a package requires, but no RPMs that provide them.
        let by = |rpm_flags: &str, file: &str| {
            let forced = if self.foreign { " --force-depends" } else { "" };
            if rpm { format!("rpm {rpm_flags} --nodeps {file}") } else { format!("dpkg -i{forced} {file}") }
        };
        match name {
            "package" => package,
            "next_package" => next,
            "package_file" => self.file.clone(),
            "next_package_file" => self.next_file.clone(),
            "name" => name_of.clone(),
            "release" => self.release.clone(),
            "next_release" => self.next_release.clone(),
            "install" => by("-iv", &package),
            "reinstall" => by("-Uv --replacepkgs", &package),
            "upgrade" => by("-Uv", &next),
            "upgrade_again" => by("-Uv --replacepkgs", &next),
            "downgrade" => by("-Uv --oldpackage", &package),
            "erase" if rpm => format!("rpm -e {name_of}"),
            "erase" => format!("dpkg -r {name_of}"),
            "purge" if rpm => format!("rpm -e {name_of}"),
            "purge" => format!("dpkg -P {name_of}"),
            "query" if rpm => format!("rpm -q {name_of}"),
            "query" => format!("dpkg-query -W -f '${{Status}}' {name_of} | grep '^install ok installed'"),
            "query_version" if rpm => format!("rpm -q --qf '%{{VERSION}}-%{{RELEASE}}\\n' {name_of}"),
            "query_version" => format!("dpkg-query -W -f '${{Version}} ${{Status}}\\n' {name_of}"),
            "verify" if rpm => format!("rpm -V --nodeps {name_of}"),
            "verify" => format!("dpkg -V {name_of}"),
            "user" => self.user.clone(),
            "group" => self.group.clone(),
            "new_data_owner" => {
                if rpm {
                    self.user.clone()
                } else {
                    "root".to_owned()
                }
            }
            "prefix" => self.prefix.clone(),
            "data" => format!("{home}_data"),
            "ctl" => format!("{home}/illumio-ven-ctl"),
            "home" => home,
            "settings" => format!("/etc/{}/install.env", self.directory),
            _ => unreachable!("NAMES and value() name the same places"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(format: Format) -> Places {
        Places {
            format,
            foreign: false,
            name: "ven".into(),
            file: "a.rpm".into(),
            next_file: "b.rpm".into(),
            release: "1-1".into(),
            next_release: "1-2".into(),
            user: "u".into(),
            group: "g".into(),
            prefix: "/opt".into(),
            directory: "v".into(),
        }
    }

    #[test]
    fn every_placeholder_has_a_value_in_both_formats() {
        for format in [Format::Rpm, Format::Deb] {
            for name in NAMES {
                assert!(!places(format).fill(&format!("{{{name}}}")).contains(&format!("{{{name}}}")));
            }
        }
    }

    #[test]
    fn braces_of_the_shell_and_of_rpm_formats_are_no_placeholders() {
        assert_eq!(used("${install} %{VERSION} {install} {} { x } {ctl}"), ["install", "ctl"]);
    }
}
