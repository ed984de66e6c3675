//! Scenarios as data: `ci/scenarios/*.toml`, read strictly.

use std::path::{Path, PathBuf};

use crate::spec::decode::{self, Table};
use crate::spec::{Format, Located, Location, Problem, Problems, Source};

/// What runs as process 1 while a scenario's steps run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Host {
    /// Nothing of this root: a chroot, as when an image is built.
    Offline,
    /// A process called `init` that reaps orphans: a host with SysV init, or with cron alone.
    Init,
    /// A root with systemd installed, of which nothing runs.
    Image,
    /// systemd.
    Systemd,
}

impl Host {
    const ALL: &'static [(&'static str, Host)] = &[
        ("offline", Host::Offline),
        ("init", Host::Init),
        ("image", Host::Image),
        ("systemd", Host::Systemd),
    ];

    /// Whether the root has systemd installed.
    pub fn has_systemd(self) -> bool {
        matches!(self, Host::Image | Host::Systemd)
    }

    /// Whether process 1 belongs to the root.
    pub fn has_own_init(self) -> bool {
        matches!(self, Host::Init | Host::Systemd)
    }

    /// The name in scenario files.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, host)| *host == self).map_or("", |(name, _)| name)
    }
}

/// On how many packages a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spread {
    /// On every matching package in every matching root.
    Every,
    /// On one matching package of each architecture in every matching root: for what does not differ
    /// between tags.
    One,
}

/// Which isolation a scenario needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// Overlay and namespaces over a root made by debootstrap.
    Roots,
    /// podman or docker with an image.
    Container,
}

/// A scenario.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub file: PathBuf,
    pub name: String,
    pub title: String,
    pub formats: Vec<Format>,
    /// Globs over the tag (`c8`) or the package id (`c8.x86_64`).
    pub packages: Vec<String>,
    /// Globs over the name of the root or image.
    pub roots: Vec<String>,
    pub engines: Vec<EngineKind>,
    pub host: Host,
    pub spread: Spread,
    /// Shell commands that make the host what the scenario supposes; the tree is looked at after them.
    pub prepare: Vec<String>,
    /// `NAME=value` for every step.
    pub environment: Vec<String>,
    pub steps: Vec<Step>,
}

/// How a command must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Success,
    /// Any other exit code.
    Refused,
    /// This one.
    Code(i32),
}

/// With what the tree after a step must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agrees {
    /// Not compared.
    NotCompared,
    /// The tree before this step.
    BeforeStep,
    /// The tree before the first step.
    AtStart,
    /// The same, unless the command failed or its output has a warning about what is left.
    AtStartOrWarned,
}

/// A command and what must be true after it.
#[derive(Debug, Clone)]
pub struct Step {
    /// Only for these formats; empty: all.
    pub formats: Vec<Format>,
    /// A shell command with placeholders (see [`super::places`]).
    pub run: String,
    pub environment: Vec<String>,
    pub outcome: Outcome,
    pub contains: Vec<String>,
    pub lacks: Vec<String>,
    pub files: Vec<FileExpectation>,
    /// Lines of the recorded settings.
    pub settings: Vec<String>,
    /// Names of processes (`comm`) that run.
    pub running: Vec<String>,
    /// Names of processes that do not run.
    pub stopped: Vec<String>,
    pub tree: Agrees,
    /// Globs of paths that may differ.
    pub except: Vec<String>,
    /// Every external command of the scriptlets fails, one call in each case. How the step then ends is open;
    /// files, settings, processes and tree must be as it says all the same.
    pub inject: Option<Inject>,
    /// Globs of the commands that fail.
    pub only: Vec<String>,
}

/// When failures are injected into a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inject {
    /// While it installs or upgrades.
    Install,
    /// While it removes.
    Removal,
}

/// What kind of file stands at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Absent,
    Exists,
    File,
    Directory,
    Symlink,
}

impl Scenario {
    /// The step whose commands fail, where there is one.
    pub fn injected(&self) -> Option<&Step> {
        self.steps.iter().find(|s| s.inject.is_some())
    }
}

/// What must be true of a path. Values may have placeholders.
#[derive(Debug, Clone)]
pub struct FileExpectation {
    pub path: String,
    pub kind: FileKind,
    pub owner: Option<String>,
    pub group: Option<String>,
    /// Octal, four digits.
    pub mode: Option<String>,
    pub contains: Vec<String>,
    pub lacks: Vec<String>,
}

const FORMATS: &[(&str, Format)] = Format::ALL;
const OUTCOMES: &[(&str, Outcome)] = &[("success", Outcome::Success), ("refused", Outcome::Refused)];
const TREES: &[(&str, Agrees)] = &[
    ("as-before-step", Agrees::BeforeStep),
    ("as-at-start", Agrees::AtStart),
    ("as-at-start-or-warned", Agrees::AtStartOrWarned),
];
const KINDS: &[(&str, FileKind)] = &[
    ("absent", FileKind::Absent),
    ("exists", FileKind::Exists),
    ("file", FileKind::File),
    ("directory", FileKind::Directory),
    ("symlink", FileKind::Symlink),
];

/// Reads every scenario below `folder`, in the order of file names. `root` is what names in messages are
/// relative to.
///
/// # Errors
/// Every mistake of every file.
pub fn load(root: &Path, folder: &Path) -> Result<Vec<Scenario>, Vec<Problem>> {
    let problems = Problems::default();
    let mut scenarios: Vec<(Scenario, Location)> = Vec::new();
    let mut files: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(entries) => entries
            .flatten()
            .map(|e| e.path())
            .filter(|p| p.extension().is_some_and(|e| e == "toml"))
            .collect(),
        Err(_) => Vec::new(),
    };
    files.sort();
    if files.is_empty() {
        let source = Source { name: folder.to_owned(), text: String::new() }.into();
        problems.add("scenario/none", &Location::start_of(&source), "no *.toml is here", "add a scenario");
    }
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).to_owned();
        match std::fs::read_to_string(&path) {
            Ok(text) => scenarios.extend(parse(&name, &text, &problems)),
            Err(e) => {
                let source = Source { name, text: String::new() }.into();
                problems.add(
                    "scenario/read",
                    &Location::start_of(&source),
                    e.to_string(),
                    "make it readable",
                );
            }
        }
    }
    check_names(&scenarios, &problems);
    if problems.is_empty() {
        Ok(scenarios.into_iter().map(|(s, _)| s).collect())
    } else {
        Err(problems.into_sorted())
    }
}

fn check_names(scenarios: &[(Scenario, Location)], problems: &Problems) {
    for (i, (scenario, at)) in scenarios.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if scenario.name.is_empty() || !scenario.name.chars().all(plain) {
            problems.add(
                "scenario/name",
                at,
                format!("\"{}\" is not a name", scenario.name),
                "use a-z, 0-9 and -",
            );
        }
        if scenarios[..i].iter().any(|(other, _)| other.name == scenario.name) {
            let message = format!("\"{}\" is the name of two scenarios", scenario.name);
            problems.add("scenario/duplicate", at, message, "rename one of them");
        }
    }
}

/// Reads one file.
pub fn parse(name: &Path, text: &str, problems: &Problems) -> Vec<(Scenario, Location)> {
    let found = decode::document(name, text, problems, |t| {
        t.tables("scenario", |t| {
            let at = t.at();
            scenario(name, t).map(|scenario| (scenario, at))
        })
    });
    found.into_iter().flatten().collect()
}

fn scenario(file: &Path, t: &mut Table<'_>) -> Option<Scenario> {
    let at = t.at();
    let name = t.text("name");
    let title = t.text("title");
    let formats = choices(t, "formats", FORMATS);
    let packages = globs(t, "packages");
    let roots = globs(t, "roots");
    let engines =
        choices(t, "engines", &[("roots", EngineKind::Roots), ("container", EngineKind::Container)]);
    let host = t.choice("host", Host::ALL);
    let spread = t.optional_choice("spread", &[("every", Spread::Every), ("one", Spread::One)]);
    let prepare = commands(t, "prepare");
    let environment = assignments(t, "environment");
    let steps: Vec<Option<Step>> = t.tables("step", step);
    if steps.is_empty() {
        t.problems().add("scenario/empty", &at, "it has no [[scenario.step]]", "add one");
    }
    let host = host?.value;
    let both = || vec![EngineKind::Roots, EngineKind::Container];
    let engines = if engines.is_empty() { both() } else { engines };
    Some(Scenario {
        file: file.to_owned(),
        name: name?.value,
        title: title?.value,
        formats: if formats.is_empty() { vec![Format::Rpm, Format::Deb] } else { formats },
        packages,
        roots,
        // What is process 1 is for the roots engine alone to say.
        engines: if host == Host::Offline { engines } else { vec![EngineKind::Roots] },
        host,
        spread: spread.map_or(Spread::Every, |s| s.value),
        prepare,
        environment,
        steps: steps.into_iter().collect::<Option<_>>()?,
    })
}

fn step(t: &mut Table<'_>) -> Option<Step> {
    let at = t.at();
    let formats = choices(t, "formats", FORMATS);
    let run = t.text("run");
    if let Some(run) = &run {
        known_places(t, run);
    }
    let environment = assignments(t, "environment");
    let outcome = t.optional_choice("outcome", OUTCOMES);
    let exit = t.optional_integer("exit", 0..=255);
    if outcome.is_some() && exit.is_some() {
        t.problems().add("scenario/exit", &at, "has both `outcome` and `exit`", "keep one");
    }
    let contains = commands(t, "contains");
    let lacks = commands(t, "lacks");
    let files: Vec<Option<FileExpectation>> = t.tables("files", file);
    let tree = t.optional_choice("tree", TREES);
    let except = globs(t, "except");
    let inject = t.optional_choice("inject", &[("install", Inject::Install), ("removal", Inject::Removal)]);
    if tree.is_none() && !except.is_empty() {
        t.problems().add(
            "scenario/except",
            &at,
            "`except` without `tree` says nothing",
            "add `tree`, or remove it",
        );
    }
    Some(Step {
        formats,
        run: run?.value,
        environment,
        outcome: match exit {
            Some(code) => Outcome::Code(code.value as i32),
            None => outcome.map_or(Outcome::Success, |o| o.value),
        },
        contains,
        lacks,
        settings: commands(t, "settings"),
        running: commands(t, "running"),
        stopped: commands(t, "stopped"),
        files: files.into_iter().collect::<Option<_>>()?,
        tree: tree.map_or(Agrees::NotCompared, |t| t.value),
        except,
        inject: inject.map(|i| i.value),
        only: globs(t, "only"),
    })
}

fn file(t: &mut Table<'_>) -> Option<FileExpectation> {
    let at = t.at();
    let path = t.text("path");
    let kind = t.optional_choice("kind", KINDS).map_or(FileKind::Exists, |k| k.value);
    let text = |v: Option<Located<String>>| v.map(|v| v.value);
    let expectation = FileExpectation {
        owner: text(t.optional_text("owner")),
        group: text(t.optional_text("group")),
        mode: text(t.optional_text("mode")),
        contains: commands(t, "contains"),
        lacks: commands(t, "lacks"),
        kind,
        path: path?.value,
    };
    if !expectation.path.starts_with(['/', '{']) {
        t.problems().add(
            "scenario/path",
            &at,
            format!("\"{}\" is relative", expectation.path),
            "begin it with /",
        );
    }
    let octal = |mode: &&String| mode.len() == 4 && mode.bytes().all(|b| (b'0'..=b'7').contains(&b));
    if let Some(mode) = expectation.mode.as_ref().filter(|mode| !octal(mode)) {
        let message = format!("\"{mode}\" is not a mode");
        t.problems().add("scenario/mode", &at, message, "write four octal digits");
    }
    let says_nothing =
        expectation.owner.is_none() && expectation.group.is_none() && expectation.mode.is_none();
    if kind == FileKind::Absent
        && !(says_nothing && expectation.contains.is_empty() && expectation.lacks.is_empty())
    {
        t.problems().add(
            "scenario/absent",
            &at,
            "what is absent has no other property",
            "remove the other keys",
        );
    }
    Some(expectation)
}

fn choices<T: Copy>(t: &mut Table<'_>, key: &'static str, all: &[(&str, T)]) -> Vec<T> {
    let texts = t.optional_texts(key);
    let found = texts.iter().filter_map(|text| {
        let value = all.iter().find(|(name, _)| *name == text.as_str()).map(|(_, value)| *value);
        if value.is_none() {
            let mend = crate::spec::problem::suggestion(text, all.iter().map(|(name, _)| *name));
            t.problems().add(
                "toml/choice",
                &text.at,
                format!("`{key}` cannot hold \"{}\"", text.value),
                mend,
            );
        }
        value
    });
    found.collect()
}

fn globs(t: &mut Table<'_>, key: &'static str) -> Vec<String> {
    let texts = t.optional_texts(key);
    for text in &texts {
        if let Err(e) = glob::Pattern::new(text) {
            t.problems().add("scenario/glob", &text.at, format!("`{key}`: {e}"), "write a glob such as c*");
        }
    }
    texts.into_iter().map(|text| text.value).collect()
}

/// Texts with placeholders.
fn commands(t: &mut Table<'_>, key: &'static str) -> Vec<String> {
    let texts = t.optional_texts(key);
    texts.iter().for_each(|text| known_places(t, text));
    texts.into_iter().map(|text| text.value).collect()
}

fn known_places(t: &Table<'_>, text: &Located<String>) {
    for name in super::places::used(text) {
        if !super::places::NAMES.contains(&name) {
            let mend = crate::spec::problem::suggestion(name, super::places::NAMES.iter().copied());
            t.problems().add(
                "scenario/placeholder",
                &text.at,
                format!("unknown placeholder {{{name}}}"),
                mend,
            );
        }
    }
}

fn assignments(t: &mut Table<'_>, key: &'static str) -> Vec<String> {
    let texts = t.optional_texts(key);
    for text in &texts {
        let name = text.split_once('=').map_or("", |(name, _)| name);
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            t.problems().add(
                "scenario/environment",
                &text.at,
                format!("\"{}\" is not NAME=value", text.value),
                "write NAME=value",
            );
        }
        known_places(t, text);
    }
    texts.into_iter().map(|text| text.value).collect()
}
