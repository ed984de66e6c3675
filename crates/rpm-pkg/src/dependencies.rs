//! Dependency arrays of the header: what the spec says and what the writer adds.

use crate::spec::{Comparison, Compression, Dependency, FileClass, Interpreter, Profile, Spec};

// rpm's `rpmds.h`, enum rpmsenseFlags_e.
const LESS: u32 = 1 << 1;
const GREATER: u32 = 1 << 2;
const EQUAL: u32 = 1 << 3;
const POSTTRANS: u32 = 1 << 5;
const PRETRANS: u32 = 1 << 7;
const INTERP: u32 = 1 << 8;
const SCRIPT_PRE: u32 = 1 << 9;
const SCRIPT_POST: u32 = 1 << 10;
const SCRIPT_PREUN: u32 = 1 << 11;
const SCRIPT_POSTUN: u32 = 1 << 12;
const RPMLIB: u32 = 1 << 24;
const CONFIG: u32 = 1 << 28;

/// One element of a dependency array, as stored.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeaderDependency {
    /// `RPMTAG_…NAME`.
    pub name: String,
    /// `RPMTAG_…VERSION`; empty for any version.
    pub version: String,
    /// `RPMTAG_…FLAGS`, rpm's `rpmsenseFlags`.
    pub flags: u32,
}

impl HeaderDependency {
    fn new(name: impl Into<String>, version: impl Into<String>, flags: u32) -> Self {
        HeaderDependency { name: name.into(), version: version.into(), flags }
    }

    /// The spec's form, and whether it is `Requires(pre)`; `None` for what only the writer adds.
    pub(crate) fn to_spec(&self) -> Option<(Dependency, bool)> {
        let pre = self.flags & SCRIPT_PRE != 0;
        let op = match self.flags & !SCRIPT_PRE {
            0 => None,
            LESS => Some(Comparison::Less),
            GREATER => Some(Comparison::Greater),
            EQUAL => Some(Comparison::Equal),
            flags if flags == LESS | EQUAL => Some(Comparison::LessOrEqual),
            flags if flags == GREATER | EQUAL => Some(Comparison::GreaterOrEqual),
            _ => return None,
        };
        match op {
            None if self.version.is_empty() => Some((Dependency::any(&self.name), pre)),
            Some(op) => Some((Dependency::versioned(&self.name, op, &self.version), pre)),
            None => None,
        }
    }
}

fn stored(dependency: &Dependency, extra: u32) -> HeaderDependency {
    match &dependency.constraint {
        None => HeaderDependency::new(&dependency.name, "", extra),
        Some(constraint) => {
            let sense = match constraint.op {
                Comparison::Less => LESS,
                Comparison::LessOrEqual => LESS | EQUAL,
                Comparison::Equal => EQUAL,
                Comparison::GreaterOrEqual => GREATER | EQUAL,
                Comparison::Greater => GREATER,
            };
            HeaderDependency::new(&dependency.name, &constraint.evr, sense | extra)
        }
    }
}

/// rpmbuild sorts by name, version, flags and drops duplicates.
fn canonical(mut list: Vec<HeaderDependency>) -> Vec<HeaderDependency> {
    list.sort();
    list.dedup();
    list
}

fn has_config(spec: &Spec) -> bool {
    spec.entries.iter().any(|entry| matches!(entry.class, FileClass::Config | FileClass::ConfigNoReplace))
}

/// What the writer adds to the requirements.
pub(crate) fn automatic_requires(spec: &Spec) -> Vec<HeaderDependency> {
    let mut list = Vec::new();
    let mut rpmlib = |feature: &str, since: &str| {
        list.push(HeaderDependency::new(format!("rpmlib({feature})"), since, LESS | EQUAL | RPMLIB));
    };
    if !spec.entries.is_empty() {
        rpmlib("CompressedFileNames", "3.0.4-1");
        rpmlib("PayloadFilesHavePrefix", "4.0-1");
        if spec.profile == Profile::El6 {
            rpmlib("FileDigests", "4.6.0-1");
        }
    }
    if matches!(spec.compression, Compression::Xz { .. }) {
        rpmlib("PayloadIsXz", "5.2-1");
    }
    if spec.scriptlets.iter().any(|(_, scriptlet)| scriptlet.interpreter == Interpreter::BuiltinLua) {
        rpmlib("BuiltinLuaScripts", "4.2.2-1");
    }
    for (name, scriptlet) in spec.scriptlets.iter() {
        let phase = match name {
            "pre" => SCRIPT_PRE,
            "post" => SCRIPT_POST,
            "preun" => SCRIPT_PREUN,
            "postun" => SCRIPT_POSTUN,
            "pretrans" => PRETRANS,
            _ => POSTTRANS,
        };
        if let Interpreter::Program(path) = &scriptlet.interpreter {
            list.push(HeaderDependency::new(path, "", INTERP | phase));
        }
    }
    if has_config(spec) {
        list.push(HeaderDependency::new(format!("config({})", spec.name), spec.evr(), EQUAL | CONFIG));
    }
    list
}

/// What the writer adds to the provisions.
pub(crate) fn automatic_provides(spec: &Spec) -> Vec<HeaderDependency> {
    let mut list = vec![HeaderDependency::new(&spec.name, spec.evr(), EQUAL)];
    if let Some(isa) = spec.arch.isa() {
        list.push(HeaderDependency::new(format!("{}({isa})", spec.name), spec.evr(), EQUAL));
    }
    if has_config(spec) {
        list.push(HeaderDependency::new(format!("config({})", spec.name), spec.evr(), EQUAL | CONFIG));
    }
    list
}

pub(crate) fn requires(spec: &Spec) -> Vec<HeaderDependency> {
    let mut list = automatic_requires(spec);
    list.extend(spec.dependencies.requires.iter().map(|dependency| stored(dependency, 0)));
    list.extend(spec.dependencies.requires_pre.iter().map(|dependency| stored(dependency, SCRIPT_PRE)));
    canonical(list)
}

pub(crate) fn provides(spec: &Spec) -> Vec<HeaderDependency> {
    let mut list = automatic_provides(spec);
    list.extend(spec.dependencies.provides.iter().map(|dependency| stored(dependency, 0)));
    canonical(list)
}

/// Conflicts, obsoletes and recommends, to which the writer adds nothing.
pub(crate) fn plain(dependencies: &[Dependency]) -> Vec<HeaderDependency> {
    canonical(dependencies.iter().map(|dependency| stored(dependency, 0)).collect())
}
