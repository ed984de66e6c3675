//! The specs: what `specs/*.toml` and `signing/profiles.toml` say, with the place of every value.
//!
//! Reading only checks form (types, unknown keys, choices). What the values mean together is checked by
//! [`crate::plan`], which turns them into one immutable plan.

pub mod decode;
pub mod problem;
pub mod version;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use decode::Table;
pub use problem::{Located, Location, Problem, Problems, Source};

type Text = Located<String>;

/// A package format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RPM.
    Rpm,
    /// Debian binary package.
    Deb,
}

impl Format {
    /// Every format, by its name in specs and flags.
    pub const ALL: &'static [(&'static str, Format)] = &[("rpm", Format::Rpm), ("deb", Format::Deb)];

    /// The name in specs and flags, which is also the file extension.
    pub fn name(self) -> &'static str {
        match self {
            Format::Rpm => "rpm",
            Format::Deb => "deb",
        }
    }
}

/// How a payload is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// gzip, level 9.
    Gzip,
    /// xz, level 6.
    Xz,
}

/// Which generation of rpm a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RpmProfile {
    /// rpm 4.4: MD5 file digests, V3 signatures.
    El5,
    /// rpm 4.8 and later: SHA-256 file digests, V4 signatures.
    El6,
}

/// `[product]`, `[release]`, `[install]` and `[keys]` of product.toml.
#[derive(Debug)]
pub struct ProductSpec {
    pub source: Arc<Source>,
    pub name: Text,
    pub summary: Text,
    pub description: Text,
    pub vendor: Text,
    pub maintainer: Text,
    pub homepage: Text,
    pub license: Text,
    pub version: Text,
    pub build: Located<u64>,
    pub released: Text,
    pub valid_days: Located<u64>,
    pub platforms: Vec<Text>,
    pub prefix: Text,
    pub directory: Text,
    pub user: Text,
    pub group: Text,
    pub keys: Text,
}

/// agent.toml.
#[derive(Debug)]
pub struct AgentSpec {
    pub package: Text,
    pub profile: Text,
    pub binaries: Vec<Text>,
    pub architectures: Vec<ArchitectureSpec>,
}

/// `[[architecture]]` of agent.toml.
#[derive(Debug)]
pub struct ArchitectureSpec {
    pub at: Location,
    pub name: Text,
    pub target: Text,
    pub rpm: Text,
    pub deb: Text,
}

/// One file of specs/platforms.
#[derive(Debug)]
pub struct FamilySpec {
    pub name: Text,
    pub distribution: Text,
    pub format: Located<Format>,
    pub platforms: Vec<PlatformSpec>,
}

/// `[[platform]]`.
#[derive(Debug)]
pub struct PlatformSpec {
    pub at: Location,
    pub tag: Text,
    pub os_versions: Vec<Text>,
    pub architectures: Vec<Text>,
    pub profile: Option<Located<RpmProfile>>,
    pub compression: Located<Compression>,
    pub since: Option<Text>,
    pub requires: Vec<Text>,
    pub requires_pre: Vec<Text>,
    pub ca_certificates: Text,
}

/// What kind of bundle a `[[bundle]]` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BundleKind {
    /// Loaded into a PCE's VEN Library.
    Server,
    /// Every package in one tar.
    Ctl,
    /// The compatibility rules as JSON.
    Matrix,
}

/// `[[bundle]]` of bundles.toml.
#[derive(Debug)]
pub struct BundleSpec {
    pub kind: Located<BundleKind>,
    pub file: Text,
    pub formats: Vec<Located<Format>>,
}

/// `[[entry]]` of payload.toml.
#[derive(Debug)]
pub struct EntrySpec {
    pub at: Location,
    pub path: Text,
    pub kind: Located<EntryKind>,
    pub mode: Option<Text>,
    pub owner: Text,
    pub group: Text,
    pub source: Option<Text>,
    pub target: Option<Text>,
    pub role: Option<Text>,
}

/// Kind of a payload entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    Dir,
    File,
    Symlink,
}

/// A span of versions, both ends inclusive; an absent end is open.
#[derive(Debug)]
pub struct RangeSpec {
    pub from: Text,
    pub to: Option<Text>,
}

/// compatibility.toml.
#[derive(Debug)]
pub struct CompatibilitySpec {
    pub pce: Vec<(RangeSpec, RangeSpec)>,
    pub upgrades: Vec<UpgradeSpec>,
    pub stepping_stones: Vec<SteppingStoneSpec>,
}

/// `[[upgrade]]`.
#[derive(Debug)]
pub struct UpgradeSpec {
    pub formats: Vec<Text>,
    pub from: RangeSpec,
    pub to: RangeSpec,
}

/// `[[stepping_stone]]`.
#[derive(Debug)]
pub struct SteppingStoneSpec {
    pub from_format: Text,
    pub to_format: Text,
    pub from: RangeSpec,
    pub through: Vec<Text>,
    pub to: RangeSpec,
    pub reason: Text,
}

/// `[[profile]]` of signing/profiles.toml.
#[derive(Debug)]
pub struct ProfileSpec {
    pub at: Location,
    pub name: Text,
    pub backend: Located<BackendKind>,
    pub secret_key: Option<Text>,
    pub passphrase_env: Option<Text>,
    pub passphrase_fd: Option<Located<u64>>,
    pub public_key: Option<Text>,
    pub protocol: Option<Text>,
    pub command: Vec<Text>,
}

/// Where a profile's key lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendKind {
    /// Made on first use: a development key.
    Generated,
    /// A file with an OpenPGP secret key.
    File,
    /// An external program.
    Command,
}

/// All specs of a project.
#[derive(Debug)]
pub struct Specs {
    pub root: PathBuf,
    pub product: ProductSpec,
    pub agent: AgentSpec,
    pub families: Vec<FamilySpec>,
    pub bundles: Vec<BundleSpec>,
    pub bundles_source: Arc<Source>,
    pub payload: Vec<EntrySpec>,
    pub compatibility: CompatibilitySpec,
    pub profiles: Vec<ProfileSpec>,
    pub targets: Vec<TargetSpec>,
}

/// `[[target]]` of targets.toml: only its name matters to the plan.
#[derive(Debug)]
pub struct TargetSpec {
    pub triple: String,
}

impl Specs {
    /// Reads every spec below `root`. Returns `None` where a mistake of form leaves a hole; the problems say
    /// which.
    pub fn load(root: &Path, problems: &Problems) -> Option<Specs> {
        let read = |name: &str| Reader { root, name: PathBuf::from(name), problems };
        let product = read("specs/product.toml").document(product);
        let agent = read("specs/agent.toml").document(agent);
        let bundles = read("specs/bundles.toml").document(|t| (t.tables("bundle", bundle), t.at().source));
        let payload = read("specs/payload.toml").document(|t| t.tables("entry", entry));
        let compatibility = read("specs/compatibility.toml").document(compatibility);
        let profiles = read("signing/profiles.toml").document(|t| t.tables("profile", profile));
        let mut families = Vec::new();
        for name in platform_files(root, problems) {
            families.push(Reader { root, name, problems }.document(family).flatten());
        }
        let (bundles, bundles_source) = bundles.unzip();
        let targets = targets(root, problems);
        Some(Specs {
            root: root.to_owned(),
            product: product.flatten()?,
            agent: agent.flatten()?,
            families: families.into_iter().collect::<Option<Vec<_>>>()?,
            bundles: complete(bundles?)?,
            bundles_source: bundles_source?,
            payload: complete(payload?)?,
            compatibility: compatibility.flatten()?,
            profiles: complete(profiles?)?,
            targets: targets?,
        })
    }
}

fn targets(root: &Path, problems: &Problems) -> Option<Vec<TargetSpec>> {
    let name = PathBuf::from("specs/targets.toml");
    let text = std::fs::read_to_string(root.join(&name)).map_err(|e| missing_file(problems, &name, &e)).ok()?;
    let source = Arc::new(Source { name, text });
    let at = |span| Location { source: source.clone(), span };
    let parsed = toml::from_str::<cross_build::Targets>(&source.text);
    let table = parsed
        .map_err(|e| {
            let mend = "crates/cross-build describes what a target says";
            problems.add("targets/malformed", &at(e.span().unwrap_or(0..0)), e.message(), mend);
        })
        .ok()?;
    for mistake in table.validate() {
        let about = mistake.split_once(": ").map_or("", |(name, _)| name);
        let start = source.text.rfind(&format!("\"{about}\"")).unwrap_or(0);
        let mend = "correct the target: nothing is built from a target that contradicts itself";
        problems.add("targets/mistake", &at(start..start), mistake, mend);
    }
    Some(table.targets.into_iter().map(|target| TargetSpec { triple: target.triple }).collect())
}

fn complete<T>(items: Vec<Option<T>>) -> Option<Vec<T>> {
    items.into_iter().collect()
}

struct Reader<'a> {
    root: &'a Path,
    name: PathBuf,
    problems: &'a Problems,
}

impl Reader<'_> {
    fn document<T>(&self, read: impl FnOnce(&mut Table<'_>) -> T) -> Option<T> {
        match std::fs::read_to_string(self.root.join(&self.name)) {
            Ok(text) => Some(decode::document(&self.name, &text, self.problems, read)),
            Err(e) => {
                missing_file(self.problems, &self.name, &e);
                None
            }
        }
    }
}

fn missing_file(problems: &Problems, name: &Path, error: &std::io::Error) {
    let at = Location::start_of(&Arc::new(Source { name: name.to_owned(), text: String::new() }));
    problems.add("spec/unreadable", &at, format!("cannot be read: {error}"), "restore the file, or run from the project");
}

fn platform_files(root: &Path, problems: &Problems) -> Vec<PathBuf> {
    let folder = Path::new("specs/platforms");
    let entries = match std::fs::read_dir(root.join(folder)) {
        Ok(entries) => entries,
        Err(e) => {
            missing_file(problems, folder, &e);
            return Vec::new();
        }
    };
    let all = entries.filter_map(|e| e.ok().map(|e| folder.join(e.file_name())));
    let hidden = |name: &Path| name.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"."));
    let (mut names, strays): (Vec<PathBuf>, Vec<PathBuf>) =
        all.filter(|name| !hidden(name)).partition(|name| name.extension().is_some_and(|x| x == "toml"));
    for name in strays.into_iter().filter(|name| name.extension().is_none_or(|x| x != "md")) {
        let at = Location::start_of(&Arc::new(Source { name, text: String::new() }));
        let message = "is no .toml file: its platforms would be left out in silence";
        problems.add("spec/stray-file", &at, message, "rename it to NAME.toml, or move it away");
    }
    names.sort();
    names
}

fn product(t: &mut Table<'_>) -> Option<ProductSpec> {
    let source = t.at().source;
    let texts = t.table("product", |t| {
        Some((
            t.text("name"),
            t.text("summary"),
            t.text("description"),
            t.text("vendor"),
            t.text("maintainer"),
            t.text("homepage"),
            t.text("license"),
        ))
    });
    let release = t.table("release", |t| {
        (
            t.text("version"),
            t.integer("build", 1..=999_999),
            t.text("released"),
            t.integer("valid_days", 1..=3650),
            t.texts("platforms"),
        )
    });
    let install = t.table("install", |t| (t.text("prefix"), t.text("directory"), t.text("user"), t.text("group")));
    let keys = t.table("keys", |t| t.text("profile")).flatten();
    let (name, summary, description, vendor, maintainer, homepage, license) = texts??;
    let (version, build, released, valid_days, platforms) = release?;
    let (prefix, directory, user, group) = install?;
    Some(ProductSpec {
        source,
        name: name?,
        summary: summary?,
        description: description?,
        vendor: vendor?,
        maintainer: maintainer?,
        homepage: homepage?,
        license: license?,
        version: version?,
        build: build?,
        released: released?,
        valid_days: valid_days?,
        platforms,
        prefix: prefix?,
        directory: directory?,
        user: user?,
        group: group?,
        keys: keys?,
    })
}

fn agent(t: &mut Table<'_>) -> Option<AgentSpec> {
    let agent = t.table("agent", |t| (t.text("package"), t.text("profile"), t.texts("binaries")));
    let architectures = t.tables("architecture", |t| {
        let at = t.at();
        let (name, target, rpm, deb) = (t.text("name"), t.text("target"), t.text("rpm"), t.text("deb"));
        Some(ArchitectureSpec { at, name: name?, target: target?, rpm: rpm?, deb: deb? })
    });
    let (package, profile, binaries) = agent?;
    Some(AgentSpec { package: package?, profile: profile?, binaries, architectures: complete(architectures)? })
}

fn family(t: &mut Table<'_>) -> Option<FamilySpec> {
    let head = t.table("family", |t| (t.text("name"), t.text("distribution"), t.choice("format", Format::ALL)));
    let platforms = t.tables("platform", platform);
    let (name, distribution, format) = head?;
    Some(FamilySpec {
        name: name?,
        distribution: distribution?,
        format: format?,
        platforms: complete(platforms)?,
    })
}

fn platform(t: &mut Table<'_>) -> Option<PlatformSpec> {
    let at = t.at();
    let tag = t.text("tag");
    let os_versions = t.texts("os_versions");
    let architectures = t.texts("architectures");
    let before = t.problems().count();
    let profile = t.optional_choice("profile", &[("el5", RpmProfile::El5), ("el6", RpmProfile::El6)]);
    // A profile that does not exist was meant all the same: one mistake, not also a missing profile.
    let misspelt = t.problems().count() > before;
    let profile = profile.or_else(|| misspelt.then(|| Located { value: RpmProfile::El6, at: at.clone() }));
    let compression = t.choice("compression", &[("gzip", Compression::Gzip), ("xz", Compression::Xz)]);
    let since = t.optional_text("since");
    let requires = t.optional_texts("requires");
    let requires_pre = t.optional_texts("requires_pre");
    let ca_certificates = t.text("ca_certificates");
    Some(PlatformSpec {
        at,
        tag: tag?,
        os_versions,
        architectures,
        profile,
        compression: compression?,
        since,
        requires,
        requires_pre,
        ca_certificates: ca_certificates?,
    })
}

fn bundle(t: &mut Table<'_>) -> Option<BundleSpec> {
    let kinds =
        [("server", BundleKind::Server), ("ctl", BundleKind::Ctl), ("matrix", BundleKind::Matrix)];
    let kind = t.choice("kind", &kinds);
    let file = t.text("file");
    let mut formats = Vec::new();
    for text in t.optional_texts("formats") {
        match Format::ALL.iter().find(|(name, _)| *name == text.as_str()) {
            Some((_, format)) => formats.push(Located { value: *format, at: text.at }),
            None => {
                let mend = problem::suggestion(&text, Format::ALL.iter().map(|(name, _)| *name));
                let message = format!("there is no format \"{}\"", text.value);
                t.problems().add("bundle/unknown-format", &text.at, message, mend);
            }
        }
    }
    Some(BundleSpec { kind: kind?, file: file?, formats })
}

fn entry(t: &mut Table<'_>) -> Option<EntrySpec> {
    let at = t.at();
    let path = t.text("path");
    let kinds = [("dir", EntryKind::Dir), ("file", EntryKind::File), ("symlink", EntryKind::Symlink)];
    let kind = t.choice("kind", &kinds);
    let mode = t.optional_text("mode");
    let owner = t.text("owner");
    let group = t.text("group");
    let source = t.optional_text("source");
    let target = t.optional_text("target");
    let role = t.optional_text("role");
    Some(EntrySpec { at, path: path?, kind: kind?, mode, owner: owner?, group: group?, source, target, role })
}

fn range(t: &mut Table<'_>, key: &'static str) -> Option<RangeSpec> {
    t.table(key, |t| {
        let from = t.text("from");
        let to = t.optional_text("to");
        Some(RangeSpec { from: from?, to })
    })
    .flatten()
}

fn compatibility(t: &mut Table<'_>) -> Option<CompatibilitySpec> {
    let pce = t.tables("pce", |t| {
        let (ven, pce) = (range(t, "ven"), range(t, "pce"));
        Some((ven?, pce?))
    });
    let upgrades = t.tables("upgrade", |t| {
        let formats = t.texts("formats");
        let (from, to) = (range(t, "from"), range(t, "to"));
        Some(UpgradeSpec { formats, from: from?, to: to? })
    });
    let stepping_stones = t.tables("stepping_stone", |t| {
        let (from_format, to_format) = (t.text("from_format"), t.text("to_format"));
        let (from, to) = (range(t, "from"), range(t, "to"));
        let (through, reason) = (t.texts("through"), t.text("reason"));
        Some(SteppingStoneSpec {
            from_format: from_format?,
            to_format: to_format?,
            from: from?,
            through,
            to: to?,
            reason: reason?,
        })
    });
    Some(CompatibilitySpec {
        pce: complete(pce)?,
        upgrades: complete(upgrades)?,
        stepping_stones: complete(stepping_stones)?,
    })
}

fn profile(t: &mut Table<'_>) -> Option<ProfileSpec> {
    let at = t.at();
    let name = t.text("name");
    let backends =
        [("generated", BackendKind::Generated), ("file", BackendKind::File), ("command", BackendKind::Command)];
    let backend = t.choice("backend", &backends);
    let secret_key = t.optional_text("secret_key");
    let passphrase_env = t.optional_text("passphrase_env");
    let passphrase_fd = t.optional_integer("passphrase_fd", 3..=1023);
    let public_key = t.optional_text("public_key");
    let protocol = t.optional_text("protocol");
    let command = t.optional_texts("command");
    Some(ProfileSpec {
        at,
        name: name?,
        backend: backend?,
        secret_key,
        passphrase_env,
        passphrase_fd,
        public_key,
        protocol,
        command,
    })
}
