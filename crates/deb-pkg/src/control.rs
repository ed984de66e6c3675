//! The `control` file (Debian Policy 5): one paragraph, fields in one fixed order.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

use crate::fields::FieldError;
use crate::relation::{Dependency, RelationError};
use crate::spec::{Description, Spec};

/// Why a control file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// A line is not `Name: value`, nor a continuation of the description.
    #[error("control line {line}: {rule}")]
    Line {
        /// Number of the line, from 1.
        line: usize,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A field that every package has is not there.
    #[error("control: field {0} is missing")]
    Missing(&'static str),
    /// The value of a field breaks its rule.
    #[error("control: {field}: {source}")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// The rule that was broken.
        source: FieldError,
    },
    /// A relation field breaks its rule.
    #[error("control: {field}: {source}")]
    Relation {
        /// Name of the field.
        field: &'static str,
        /// The rule that was broken.
        source: RelationError,
    },
    /// `Installed-Size` is not a number.
    #[error("control: Installed-Size {0:?} is not a number")]
    InstalledSize(String),
}

/// Names of the relation fields, each with the list of a specification that it holds, in control file order.
pub(crate) fn relation_fields(spec: &Spec) -> [(&'static str, &Vec<Dependency>); 8] {
    [
        ("Pre-Depends", &spec.pre_depends),
        ("Depends", &spec.depends),
        ("Recommends", &spec.recommends),
        ("Suggests", &spec.suggests),
        ("Conflicts", &spec.conflicts),
        ("Breaks", &spec.breaks),
        ("Replaces", &spec.replaces),
        ("Provides", &spec.provides),
    ]
}

/// Every field name that a [`Spec`] has a place for, so that no extra field may have it.
pub(crate) const OWN_FIELDS: [&str; 17] = [
    "Package",
    "Version",
    "Architecture",
    "Maintainer",
    "Installed-Size",
    "Pre-Depends",
    "Depends",
    "Recommends",
    "Suggests",
    "Conflicts",
    "Breaks",
    "Replaces",
    "Provides",
    "Section",
    "Priority",
    "Homepage",
    "Description",
];

/// Writes the control file of a valid specification.
pub(crate) fn render(spec: &Spec, installed_size: u64) -> String {
    let mut out = String::new();
    let mut put = |name: &str, value: &str| writeln!(out, "{name}: {value}").expect("writing to a string");
    put("Package", spec.name.as_str());
    put("Version", spec.version.as_str());
    put("Architecture", spec.architecture.as_str());
    put("Maintainer", &spec.maintainer);
    put("Installed-Size", &installed_size.to_string());
    for (name, dependencies) in relation_fields(spec) {
        if !dependencies.is_empty() {
            let items: Vec<String> = dependencies.iter().map(ToString::to_string).collect();
            put(name, &items.join(", "));
        }
    }
    put("Section", &spec.section);
    put("Priority", spec.priority.as_str());
    if let Some(homepage) = &spec.homepage {
        put("Homepage", homepage);
    }
    for (name, value) in &spec.extra_fields {
        put(name, value);
    }
    put("Description", &spec.description.synopsis);
    for line in &spec.description.lines {
        let line = if line.is_empty() { "." } else { line };
        writeln!(out, " {line}").expect("writing to a string");
    }
    out
}

/// The fields of a control file, not yet given a meaning.
#[derive(Debug)]
pub(crate) struct Fields {
    by_name: BTreeMap<&'static str, String>,
    description: Vec<String>,
    /// Fields that no [`Spec`] field stands for, in their order.
    pub(crate) extra: Vec<(String, String)>,
}

impl Fields {
    /// Splits a control file into fields.
    pub(crate) fn parse(text: &str) -> Result<Self, ControlError> {
        let mut fields = Self { by_name: BTreeMap::new(), description: Vec::new(), extra: Vec::new() };
        let mut in_description = false;
        for (index, line) in text.lines().enumerate() {
            let refuse = |rule| ControlError::Line { line: index + 1, rule };
            if let Some(continuation) = line.strip_prefix(' ') {
                if !in_description {
                    return Err(refuse("only the description may have more than one line"));
                }
                let line = if continuation == "." { "" } else { continuation };
                fields.description.push(line.to_owned());
                continue;
            }
            if in_description {
                return Err(refuse("the description must be the last field"));
            }
            let (name, value) = line.split_once(": ").ok_or(refuse("a field must be 'Name: value'"))?;
            match OWN_FIELDS.into_iter().find(|own| *own == name) {
                Some(own) => {
                    if fields.by_name.insert(own, value.to_owned()).is_some() {
                        return Err(refuse("the field stands here a second time"));
                    }
                    in_description = own == "Description";
                }
                None => fields.extra.push((name.to_owned(), value.to_owned())),
            }
        }
        Ok(fields)
    }

    /// A field that must be there.
    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ControlError> {
        self.optional(name).ok_or(ControlError::Missing(name))
    }

    /// A field that may be there.
    pub(crate) fn optional(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// A required field with a grammar.
    pub(crate) fn typed<T: FromStr<Err = FieldError>>(&self, name: &'static str) -> Result<T, ControlError> {
        self.required(name)?.parse().map_err(|source| ControlError::Field { field: name, source })
    }

    /// A relation field; empty when it is not there.
    pub(crate) fn relations(&self, name: &'static str) -> Result<Vec<Dependency>, ControlError> {
        let Some(value) = self.optional(name) else { return Ok(Vec::new()) };
        let items = value.split(',').map(str::parse).collect::<Result<_, _>>();
        items.map_err(|source| ControlError::Relation { field: name, source })
    }

    /// `Installed-Size` in KiB.
    pub(crate) fn installed_size(&self) -> Result<u64, ControlError> {
        let value = self.required("Installed-Size")?;
        value.parse().map_err(|_| ControlError::InstalledSize(value.to_owned()))
    }

    /// The description.
    pub(crate) fn description(&self) -> Result<Description, ControlError> {
        let synopsis = self.required("Description")?.to_owned();
        Ok(Description { synopsis, lines: self.description.clone() })
    }
}
