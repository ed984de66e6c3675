//! Specs and flags become one immutable [`Plan`]: every package, bundle, signature and file name, before
//! anything runs. Later stages read the plan and nothing else.

mod agent;
mod architectures;
mod bundles;
mod compatibility;
pub mod dependencies;
mod keys;
mod packages;
mod payload;
mod product;
pub mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

pub use bundles::Bundle;
pub use compatibility::{Compatibility, SteppingStone, Upgrade, VersionRange};
pub use keys::{Backend, CommandProtocol, KeyPlan, Passphrase};
pub use packages::{Arch, Package, PackageDetails};
pub use payload::{Content, Entry, Kind};

use crate::spec::version::{ReleaseId, Version};
use crate::spec::{Located, Location, Problem, Problems, Source, Specs};

/// What the command line and the environment say about a plan.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// `--version`.
    pub version: Option<String>,
    /// `--build`.
    pub build: Option<String>,
    /// `--platform`, any number of globs.
    pub platforms: Vec<String>,
    /// `--format`, any number.
    pub formats: Vec<String>,
    /// `--keys`.
    pub keys: Option<String>,
    /// `SOURCE_DATE_EPOCH`.
    pub source_date_epoch: Option<String>,
    /// The clock: seconds since 1970. Only compared with the expiry.
    pub now: i64,
}

/// The release that a plan makes.
#[derive(Debug, Clone, Serialize)]
pub struct Release {
    pub id: ReleaseId,
    #[serde(skip)]
    pub version: Version,
    /// Seconds since 1970: the time inside every artifact.
    pub source_date: u32,
    /// `source_date` as RFC 3339.
    pub created: String,
    /// When readers begin to refuse the bundle, RFC 3339.
    pub expires: String,
    /// Whether flags left out packages that the specs would make.
    pub complete: bool,
}

/// What the packages say of the product.
#[derive(Debug, Clone, Serialize)]
pub struct Product {
    pub name: String,
    pub summary: String,
    pub description: String,
    pub vendor: String,
    pub maintainer: String,
    pub homepage: String,
    pub license: String,
}

/// Where the product stands on a host.
#[derive(Debug, Clone, Serialize)]
pub struct Install {
    pub prefix: String,
    pub directory: String,
    pub user: String,
    pub group: String,
}

/// What is compiled.
#[derive(Debug, Clone, Serialize)]
pub struct Agent {
    pub package: String,
    pub profile: String,
    pub binaries: Vec<String>,
}

/// A package that the specs name but this plan does not make, and why.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    pub package: String,
    pub reason: String,
}

/// Everything a run will do.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    pub release: Release,
    pub product: Product,
    pub install: Install,
    pub agent: Agent,
    pub keys: KeyPlan,
    /// Rust targets, each with the packages it serves.
    pub targets: BTreeMap<String, Vec<String>>,
    pub packages: Vec<Package>,
    pub left_out: Vec<LeftOut>,
    pub bundles: Vec<Bundle>,
    pub payload: Vec<Entry>,
    #[serde(skip)]
    pub compatibility: Compatibility,
    #[serde(skip)]
    pub root: PathBuf,
}

/// All mistakes of the specs and flags.
#[derive(Debug, thiserror::Error)]
#[error("{} in the specs or flags: nothing was made", count(.0.len()))]
pub struct PlanErrors(pub Vec<Problem>);

impl Plan {
    /// The folder of all templates.
    pub fn templates(&self) -> PathBuf {
        self.root.join("templates")
    }
}

fn count(n: usize) -> String {
    if n == 1 { "1 mistake".to_owned() } else { format!("{n} mistakes") }
}

/// Plans a run. `root` is the project's folder.
pub fn plan(root: &std::path::Path, request: &Request) -> Result<Plan, PlanErrors> {
    let problems = Problems::default();
    let specs = Specs::load(root, &problems);
    let made = specs.and_then(|specs| make(&specs, request, &problems));
    match made {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(PlanErrors(problems.into_sorted())),
    }
}

/// Runs every check before it gives up, so that all problems are known.
fn make(specs: &Specs, request: &Request, problems: &Problems) -> Option<Plan> {
    let release = product::release(specs, request, problems);
    let product = product::product(&specs.product, problems);
    let install = product::install(&specs.product, problems);
    let agent = agent::agent(specs, problems);
    let keys = keys::keys(specs, request, problems);
    let compatibility = compatibility::compatibility(&specs.compatibility, problems);
    let payload = payload::payload(specs, release.as_ref().map(|r| r.id), problems);
    let selection = packages::packages(specs, request, release.as_ref(), problems);
    let bundles = bundles::bundles(specs, release.as_ref(), selection.as_ref(), problems);
    if let (Some(rules), Some(selection)) = (&compatibility, &selection) {
        let formats = selection.packages.iter().map(|p| p.format).collect();
        compatibility::check_release(rules, &product::version_text(specs, request), &formats, problems);
    }
    if let (Some(keys), Some(selection)) = (&keys, &selection) {
        keys::check_versions(specs, keys, &selection.packages, problems);
    }
    let (mut release, selection, payload) = (release?, selection?, payload?);
    release.complete = selection.complete;
    let mut targets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &selection.packages {
        targets.entry(package.target.clone()).or_default().push(package.id.clone());
    }
    Some(Plan {
        release,
        product: product?,
        install,
        agent,
        keys: keys?,
        targets,
        packages: selection.packages,
        left_out: selection.left_out,
        bundles,
        payload,
        compatibility: compatibility?,
        root: specs.root.clone(),
    })
}

/// A value of the command line or the environment, located in a pseudo file that is named for it, so that its
/// mistakes read like all others.
fn from_flag(flag: &str, value: &str) -> Located<String> {
    let text = format!("{flag} {value}");
    let span = flag.len() + 1..text.len();
    let source = Arc::new(Source { name: PathBuf::from(format!("<{text}>")), text });
    Located { value: value.to_owned(), at: Location { source, span } }
}

/// The names of all signing profiles.
pub fn profile_names(root: &std::path::Path) -> Result<Vec<String>, PlanErrors> {
    let problems = Problems::default();
    match Specs::load(root, &problems) {
        Some(specs) if problems.is_empty() => Ok(specs.profiles.into_iter().map(|p| p.name.value).collect()),
        _ => Err(PlanErrors(problems.into_sorted())),
    }
}

/// Only the key of a plan: for readers, which need nothing else.
pub fn key_plan(root: &std::path::Path, request: &Request) -> Result<KeyPlan, PlanErrors> {
    let problems = Problems::default();
    let found = Specs::load(root, &problems).and_then(|specs| keys::keys(&specs, request, &problems));
    match found {
        Some(keys) if problems.is_empty() => Ok(keys),
        _ => Err(PlanErrors(problems.into_sorted())),
    }
}
