//! What a run knows of its surroundings. The only place that reads the environment and the clock.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::{BuildArgs, Folders, TrustArgs};
use crate::error::{Exit, Failure};
use crate::plan::{Backend, Request};
use crate::report::{Progress, Reporter};
use crate::signing::{KeyStore, StoredKey, TrustedKey, read_public};

/// The surroundings of a run.
pub struct Context {
    pub root: PathBuf,
    pub out: PathBuf,
    pub cache: PathBuf,
    pub keys: KeyStore,
    pub source_date_epoch: Option<String>,
    /// Seconds since 1970.
    pub now: i64,
    /// Whether `CI` is set.
    pub ci: bool,
    pub environment: Vec<(OsString, OsString)>,
}

impl Context {
    /// Reads environment and clock.
    pub fn new(folders: &Folders) -> Result<Context, Failure> {
        let root = folders.root.clone().unwrap_or_else(project_root);
        let root = std::path::absolute(&root).unwrap_or(root);
        let home = || {
            std::env::var_os("HOME").filter(|h| !h.is_empty()).map(PathBuf::from).ok_or_else(|| {
                Failure::new(Exit::Usage, "HOME is not set", "set it, or pass --cache DIR and --key-dir DIR")
            })
        };
        let base = |variable: &str, below_home: &str| match std::env::var_os(variable) {
            Some(dir) if Path::new(&dir).is_absolute() => Ok(PathBuf::from(dir)),
            _ => home().map(|home| home.join(below_home)),
        };
        let cache = match &folders.cache {
            Some(dir) => dir.clone(),
            None => base("XDG_CACHE_HOME", ".cache")?.join("ven-packages"),
        };
        let keys = match &folders.key_dir {
            Some(dir) => dir.clone(),
            None => base("XDG_DATA_HOME", ".local/share")?.join("ven-packages/keys"),
        };
        let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
        Ok(Context {
            out: absolute(folders.out.clone().unwrap_or_else(|| root.join("out"))),
            cache: absolute(cache),
            keys: KeyStore::new(absolute(keys)),
            source_date_epoch: std::env::var("SOURCE_DATE_EPOCH").ok(),
            now,
            ci: std::env::var_os("CI").is_some_and(|v| !v.is_empty() && v != "false"),
            environment: std::env::vars_os().collect(),
            root,
        })
    }

    /// A reporter whose logs belong to `release`.
    pub fn reporter(&self, progress: Progress, release: &str) -> Reporter {
        Reporter::new(progress, self.ci, self.out.join("logs").join(release))
    }

    /// The toolchains of this machine.
    pub fn toolchains(&self, build: Option<&BuildArgs>) -> Result<cross_build::Toolchains, Failure> {
        let config = cross_build::Config {
            specs_dir: self.root.join("specs"),
            cache_dir: self.cache.clone(),
            work_dir: self.out.join("toolchain"),
            offline: build.is_some_and(|b| b.offline),
            sysroots: build.iter().flat_map(|b| b.sysroot.iter().cloned()).collect(),
            jobs: build.and_then(|b| b.jobs).map(usize::from),
            environment: self.environment.clone(),
        };
        Ok(cross_build::Toolchains::new(config)?)
    }

    /// The keys that a reader accepts: those named, or those of every profile.
    pub fn trusted(&self, trust: &TrustArgs) -> Result<Vec<TrustedKey>, Failure> {
        if !trust.key.is_empty() {
            let keys = trust.key.iter().map(|path| {
                let name = path.display().to_string();
                Ok(TrustedKey::new(read_public(path)?, name, false))
            });
            return keys.collect();
        }
        let (names, all) = match &trust.keys {
            Some(name) => (vec![name.clone()], false),
            None => (crate::plan::profile_names(&self.root)?, true),
        };
        let mut keys = Vec::new();
        for name in names {
            let request = Request { keys: Some(name.clone()), now: self.now, ..Request::default() };
            match self.public_key(&crate::plan::key_plan(&self.root, &request)?) {
                Ok(key) => keys.extend(key),
                // A reader's machine rarely has every signer's key. If it was needed, the refusal names it.
                Err(failure) if all => {
                    eprint!("profile \"{name}\" is not usable here: {}", crate::failure::to_text(&failure, false));
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(keys)
    }

    /// The public half of a profile's key; a development key that was never used is not made for this.
    pub fn public_key(&self, plan: &crate::plan::KeyPlan) -> Result<Option<TrustedKey>, Failure> {
        let public = match &plan.backend {
            Backend::Generated => self.keys.existing(&plan.profile)?,
            Backend::File { secret_key, .. } => Some(StoredKey::read(secret_key)?.public()),
            Backend::Command { public_key, .. } => Some(read_public(&self.root.join(public_key))?),
        };
        Ok(public.map(|public| TrustedKey::new(public, plan.profile.clone(), plan.is_development())))
    }
}

/// The project that this program was built in, when it is still there; else the current folder.
fn project_root() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default();
    if built.join("specs").is_dir() { built } else { PathBuf::from(".") }
}
