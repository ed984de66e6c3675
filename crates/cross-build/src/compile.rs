//! Builds the binaries of a package for one target.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::{BuildRequest, Built, Observer, ProviderRecord};
use crate::error::{Error, IoContext, Result};
use crate::process::{logged, text_from};
use crate::store::sha256_parts;
use crate::stubs::undefined_in;
use crate::target::{Strip, Target};
use crate::toolchains::{Toolchain, Toolchains};
use crate::verify;

impl Toolchains {
    /// Builds the package's binaries for the target and verifies them; installs first what is missing,
    /// unless offline.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn build(&self, target: &Target, request: &BuildRequest, observer: &dyn Observer) -> Result<Built> {
        let foreign = self.foreign_code(target, &request.workspace, &request.package)?;
        if !foreign.is_empty() {
            return Err(Error::ForeignCode {
                target: target.triple.clone(),
                package: request.package.clone(),
                findings: foreign,
            });
        }
        let toolchain = self.provision(target, &request.log_file, observer)?;
        let runner = self.runner(target);
        let symbols = self.symbol_list(target)?;
        observer.progress(&format!("build {} for {}", request.package, target.triple));
        let target_dir = self.config.work_dir.join("target").join(&target.triple);
        let link = self.link_to(&target_dir)?;
        self.run_cargo(target, request, &toolchain, &link)?;

        let profile_dir = if request.profile == "dev" { "debug" } else { request.profile.as_str() };
        let folder = target_dir.join(&target.triple).join(profile_dir);
        let suffix = if target.expect.format == crate::Format::Pe { ".exe" } else { "" };
        let mut binaries = BTreeMap::new();
        let mut verification = BTreeMap::new();
        for bin in &request.bins {
            let path = folder.join(format!("{bin}{suffix}"));
            observer.progress(&format!("verify {bin} for {}", target.triple));
            let check = verify::Check {
                target,
                runner: &runner,
                env: &self.env,
                symbols: symbols.as_ref(),
                wine_prefix: &self.store.root().join("wine"),
                secrets: &self.build_paths(request),
                request,
            };
            verification.insert(bin.clone(), check.binary(&path, bin)?);
            binaries.insert(bin.clone(), path);
        }
        Ok(Built { binaries, provider: record(&toolchain), verification })
    }

    /// A symbolic link in the cache to a target folder. GNU ld sorts import tables of PE files by the paths of
    /// the libraries: seen through the cache, the checkout's import libraries always stand at the same place
    /// among those of mingw, wherever the checkout is.
    fn link_to(&self, target_dir: &Path) -> Result<PathBuf> {
        let real = std::path::absolute(target_dir).at("resolve", target_dir)?;
        std::fs::create_dir_all(&real).at("create", &real)?;
        let dir = self.store.root().join("build");
        std::fs::create_dir_all(&dir).at("create", &dir)?;
        let link = dir.join(&sha256_parts([real.to_string_lossy().as_ref()])[..16]);
        match std::os::unix::fs::symlink(&real, &link) {
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            other => other.at("link", &link)?,
        }
        Ok(link)
    }

    /// Paths of this machine, none of which may be found in a binary.
    fn build_paths(&self, request: &BuildRequest) -> Vec<PathBuf> {
        let mut paths =
            vec![request.workspace.clone(), self.config.cache_dir.clone(), self.config.work_dir.clone()];
        // The home of root names nobody, and programs may well have a reason to speak of it.
        let home = self.env.get("HOME").filter(|home| *home != "/root");
        paths.extend(home.map(PathBuf::from));
        paths.extend(self.cargo_home());
        paths.retain(|path| path.components().count() > 1);
        paths
    }

    fn cargo_home(&self) -> Option<PathBuf> {
        let named = self.env.get("CARGO_HOME").map(PathBuf::from);
        named.or_else(|| Some(Path::new(self.env.get("HOME")?).join(".cargo")))
    }

    fn run_cargo(
        &self,
        target: &Target,
        request: &BuildRequest,
        toolchain: &Toolchain,
        target_dir: &Path,
    ) -> Result<()> {
        let compiler = &toolchain.compiler;
        let mut command = compiler.command(&self.env, &compiler.cargo);
        command.current_dir(&request.workspace);
        command.args(["build", "--locked", "--package", &request.package, "--profile", &request.profile]);
        command.args(["--target", &target.triple]).arg("--target-dir").arg(target_dir);
        for bin in &request.bins {
            command.args(["--bin", bin]);
        }
        if self.config.offline {
            command.arg("--offline");
        }
        if let Some(jobs) = self.config.jobs {
            command.arg("--jobs").arg(jobs.to_string());
        }
        let flags = self.rustflags(target, request, toolchain, target_dir)?;
        command.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
        command.env("CARGO_INCREMENTAL", "0");
        command.envs(&target.env);
        if target.strip == Strip::Linker {
            let profile = request.profile.to_uppercase().replace('-', "_");
            command.env(format!("CARGO_PROFILE_{profile}_STRIP"), "none");
        }
        command.env("SOURCE_DATE_EPOCH", request.source_date_epoch.to_string());
        let underscored = target.triple.replace('-', "_");
        for (name, path) in &toolchain.linker.c_tools {
            command.env(format!("{name}_{underscored}"), path);
        }
        if let Some(dir) = &toolchain.linker.path {
            command.env("PATH", self.env.path_with(dir));
        }
        let log = &request.log_file;
        let start = log.metadata().map_or(0, |meta| meta.len());
        logged(&mut command, &format!("building {} for {}", request.package, target.triple), log)
            .map_err(|e| match e {
                // Not the folder that cargo runs in, but the one that it writes to.
                // The folder is reached by a link in the cache; the full file system is the one behind it.
                Error::DiskFull { during, needed, .. } => {
                    let path = target_dir.canonicalize().unwrap_or_else(|_| target_dir.to_owned());
                    Error::DiskFull { path, during, needed }
                }
                other => self.explain(other, target, toolchain, log, start),
            })
    }

    fn rustflags(
        &self,
        target: &Target,
        request: &BuildRequest,
        toolchain: &Toolchain,
        target_dir: &Path,
    ) -> Result<Vec<String>> {
        let mut flags = target.rustflags.clone();
        flags.push(format!("-Clinker={}", toolchain.linker.linker.display()));
        if let Some(sysroot) = &toolchain.sysroot {
            flags.push(format!("--sysroot={}", sysroot.display()));
        }
        // The last mapping that fits wins, so the most special ones come last.
        let mut maps: Vec<(PathBuf, &str)> = vec![(toolchain.compiler.sysroot.clone(), "/toolchain")];
        maps.extend(self.cargo_home().map(|home| (home, "/cargo")));
        maps.push((self.config.cache_dir.clone(), "/cache"));
        maps.push((request.workspace.clone(), "/build"));
        maps.push((target_dir.to_owned(), "/target"));
        for (path, name) in maps {
            // rustc sees paths as cargo resolved them.
            for form in both_forms(&path)? {
                flags.push(format!("--remap-path-prefix={}={name}", form.display()));
            }
        }
        Ok(flags)
    }

    /// Names the cause that stands behind a failed cargo.
    fn explain(&self, error: Error, target: &Target, toolchain: &Toolchain, log: &Path, start: u64) -> Error {
        if !matches!(error, Error::Build { .. }) {
            return error;
        }
        let Ok(text) = text_from(log, start) else { return error };
        if text.contains("error[E0514]") {
            return Error::WrongStd {
                target: target.triple.clone(),
                path: toolchain.sysroot.clone().unwrap_or_else(|| toolchain.compiler.sysroot.clone()),
                compiler: toolchain.compiler.version.clone(),
                found: "rustc refuses it (E0514)".to_owned(),
                mend: format!("rustup target remove {0} && rustup target add {0}", target.triple),
            };
        }
        let undefined = undefined_in(&text);
        match self.symbol_list(target) {
            Ok(Some(list)) if !undefined.is_empty() => Error::UndefinedSymbols {
                target: target.triple.clone(),
                symbols: list.guess(&undefined),
                list: list.path,
            },
            _ => error,
        }
    }
}

/// A path as given and with symbolic links resolved.
fn both_forms(path: &Path) -> Result<Vec<PathBuf>> {
    let mut forms = vec![std::path::absolute(path).at("resolve", path)?];
    if let Ok(real) = path.canonicalize()
        && real != forms[0]
    {
        forms.push(real);
    }
    Ok(forms)
}

fn record(toolchain: &Toolchain) -> ProviderRecord {
    ProviderRecord {
        kind: toolchain.provider,
        compiler: toolchain.compiler.version.clone(),
        std: toolchain.std.clone(),
        linker: toolchain.linker.name.clone(),
        linker_version: toolchain.linker.version.clone(),
        stubs: toolchain.stubs.clone(),
        digests: toolchain.digests.clone(),
    }
}
