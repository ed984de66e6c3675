//! The packages under test: a release and its successor, both made by this program where none is given.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::cli::{BuildArgs, Folders};
use crate::context::Context;
use crate::dist;
use crate::error::{Exit, Failure};
use crate::plan::{self, Plan, Request};
use crate::release::records::{PackageRecord, Release, parse};
use crate::report::Reporter;
use crate::spec::Format;

/// How many states of program and specs keep their releases in the cache.
const KEPT_STATES: usize = 4;

/// A package and its successor.
#[derive(Debug, Clone)]
pub struct Subject {
    /// E.g. `c8.x86_64`.
    pub id: String,
    pub tag: String,
    pub format: Format,
    pub architecture: String,
    pub file: String,
    pub next_file: String,
}

/// Two releases.
#[derive(Debug)]
pub struct Subjects {
    pub plan: Plan,
    pub release: String,
    pub next_release: String,
    /// Folders of packages: the release under test and its successor.
    pub packages: [PathBuf; 2],
    /// The public key that signed both.
    pub key: PathBuf,
    pub all: Vec<Subject>,
}

/// Architectures, as RPM and Debian name them, whose programs this machine runs.
fn native() -> &'static [&'static str] {
    match std::env::consts::ARCH {
        "x86_64" => &["x86_64", "amd64", "i686", "i386"],
        "aarch64" => &["aarch64", "arm64"],
        "powerpc64" => &["ppc64le", "ppc64el"],
        "s390x" => &["s390x"],
        _ => &[],
    }
}

/// What decides which releases are tested.
pub struct Wanted<'a> {
    pub platforms: &'a [String],
    /// A finished release instead of one made from the specs.
    pub release: Option<&'a Path>,
}

/// Finds or makes both releases.
///
/// # Errors
/// What `dist` says, or that nothing is left to test.
pub fn provide(
    context: &Context,
    folders: &Folders,
    wanted: &Wanted<'_>,
    build: &BuildArgs,
    reporter: &Reporter,
) -> Result<Subjects, Failure> {
    let request = Request {
        platforms: wanted.platforms.to_vec(),
        source_date_epoch: context.source_date_epoch.clone(),
        now: context.now,
        ..Request::default()
    };
    let given = wanted.release.map(read_release).transpose()?;
    let request = match &given {
        None => request,
        Some(release) => {
            let (version, number) = release.release.split_once('-').unwrap_or((&release.release, "1"));
            Request { version: Some(version.to_owned()), build: Some(number.to_owned()), ..request }
        }
    };
    let planned = plan::plan(&context.root, &request)?;
    let in_release = |id: &str| given.as_ref().is_none_or(|r| r.packages.iter().any(|p| p.id == id));
    let ids: Vec<String> = planned
        .packages
        .iter()
        .filter(|p| native().contains(&&p.arch.in_package[..]) && in_release(&p.id))
        .map(|p| p.id.clone())
        .collect();
    if ids.is_empty() {
        let what = format!("no package of {:?} runs on {}", wanted.platforms, std::env::consts::ARCH);
        return Err(Failure::new(Exit::Plan, what, "give another --platform or --release"));
    }
    let number: u32 = planned.release.id.build;
    let request = Request { platforms: ids.clone(), ..request };
    let next = Request { build: Some((number + 1).to_string()), ..request.clone() };
    let store = Store::open(context, &ids, &planned)?;
    let current_folder = match wanted.release {
        Some(folder) => std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
        None => store.release(context, folders, &request, build, reporter)?,
    };
    let next_folder = store.release(context, folders, &next, build, reporter)?;
    drop(store);
    assemble(planned, &current_folder, &next_folder, &ids)
}

fn assemble(plan: Plan, current: &Path, next: &Path, ids: &[String]) -> Result<Subjects, Failure> {
    let (now, then) = (read_release(current)?, read_release(next)?);
    let find = |release: &'_ Release, id: &str| release.packages.iter().find(|p| p.id == id).cloned();
    let both = ids.iter().filter_map(|id| Some((find(&now, id)?, find(&then, id)?)));
    let subject = |(package, next): (PackageRecord, PackageRecord)| Subject {
        tag: package.id.split('.').next().unwrap_or_default().to_owned(),
        format: if package.format == Format::Rpm.name() { Format::Rpm } else { Format::Deb },
        architecture: package.architecture,
        file: package.file,
        next_file: next.file,
        id: package.id,
    };
    Ok(Subjects {
        plan,
        release: now.release.clone(),
        next_release: then.release.clone(),
        packages: [current.join("packages"), next.join("packages")],
        key: current.join(format!("keys/{}.asc", now.key.fingerprint)),
        all: both.map(subject).collect(),
    })
}

fn read_release(folder: &Path) -> Result<Release, Failure> {
    let path = folder.join(crate::release::RELEASE);
    let wrong = |why: String| {
        Failure::new(Exit::Refused, format!("{}: {why}", path.display()), "name a release directory")
    };
    let text = std::fs::read_to_string(&path).map_err(|e| wrong(e.to_string()))?;
    parse(&text).map_err(wrong)
}

/// Releases of one state of program and specs, under a lock.
struct Store {
    folder: PathBuf,
    _lock: File,
}

impl Store {
    fn open(context: &Context, ids: &[String], plan: &Plan) -> Result<Store, Failure> {
        let base = context.cache.join("install-test/releases");
        let signer = context.public_key(&plan.keys)?.map_or_else(String::new, |key| key.fingerprint());
        let disk = |e: std::io::Error| {
            Failure::new(Exit::Output, format!("{}: {e}", base.display()), "make it writable")
        };
        std::fs::create_dir_all(&base).map_err(disk)?;
        let lock = File::create(base.join("lock")).map_err(disk)?;
        lock.lock().map_err(disk)?;
        let state = state(context, ids, plan, &signer).map_err(disk)?;
        let folder = base.join(&state);
        std::fs::create_dir_all(&folder).map_err(disk)?;
        prune(&base, &folder).map_err(disk)?;
        Ok(Store { folder, _lock: lock })
    }

    fn release(
        &self,
        context: &Context,
        folders: &Folders,
        request: &Request,
        build: &BuildArgs,
        reporter: &Reporter,
    ) -> Result<PathBuf, Failure> {
        let plan = plan::plan(&context.root, request)?;
        let folder = self.folder.join(plan.release.id.to_string());
        if !folder.join(crate::release::RELEASE).is_file() {
            let out = Folders { out: Some(self.folder.clone()), ..folders.clone() };
            let context =
                Context { source_date_epoch: context.source_date_epoch.clone(), ..Context::new(&out)? };
            dist::run(&context, &plan, build, reporter)?;
        }
        Ok(folder)
    }
}

/// Old states go; a run that still reads one of them would have to be older than several rebuilds.
fn prune(base: &Path, current: &Path) -> std::io::Result<()> {
    let mut states: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(base)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() && entry.path() != current {
            states.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    states.sort();
    let surplus = (states.len() + 1).saturating_sub(KEPT_STATES);
    states.iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_dir_all(path))
}

/// A digest of everything that the releases are made from.
fn state(context: &Context, ids: &[String], plan: &Plan, signer: &str) -> std::io::Result<String> {
    let mut hasher = Sha256::new();
    hasher.update(std::fs::read(std::env::current_exe()?)?);
    for text in
        ids.iter().map(String::as_str).chain([&plan.release.id.to_string()[..], &plan.release.created])
    {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hasher.update(signer);
    for folder in ["specs", "templates", "signing", "agent", "crates/cross-build"] {
        for entry in walkdir::WalkDir::new(context.root.join(folder)).sort_by_file_name() {
            let entry = entry?;
            if entry.file_type().is_file() {
                hasher.update(entry.path().to_string_lossy().as_bytes());
                hasher.update(std::fs::read(entry.path())?);
            }
        }
    }
    Ok(hex::encode(&hasher.finalize()[..8]))
}
