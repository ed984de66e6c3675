//! Builds the standard library of a target once, into a sysroot in the user's cache.
//!
//! The source that came with the compiler is copied, patched where the target's row says so, and built as
//! a dependency of an empty package: so cargo resolves only what std itself needs, not its tests'
//! dependencies. Where the source brings its dependencies (`vendor`), no network is needed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::compiler::Compiler;
use crate::config::Observer;
use crate::error::{Error, IoContext, Result};
use crate::patch::Patch;
use crate::process::{CleanEnv, logged};
use crate::store::{Store, copy_tree, sha256_parts};
use crate::target::Target;

const KIND: &str = "std";

/// Raised when this module builds std in another way, so that older sysroots are not taken.
const RECIPE: &str = "3";

/// One sysroot to build.
pub(crate) struct StdBuild<'a> {
    pub target: &'a Target,
    pub compiler: &'a Compiler,
    pub patches: &'a [Patch],
    pub jobs: Option<usize>,
    pub offline: bool,
}

impl StdBuild<'_> {
    /// The name in the cache: compiler, target, flags, features, patches.
    pub fn key(&self) -> String {
        let target = self.target;
        let mut parts = vec![RECIPE, &self.compiler.verbose, &target.triple];
        parts.extend(target.rustflags.iter().map(String::as_str));
        parts.push("std");
        parts.extend(target.std_rustflags.iter().map(String::as_str));
        parts.push("env");
        parts.extend(target.env.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]));
        parts.push("features");
        parts.extend(target.std_features.iter().map(String::as_str));
        parts.extend(self.patches.iter().map(|patch| patch.sha256.as_str()));
        format!("{}-{}-{}", target.triple, self.compiler.release(), &sha256_parts(parts)[..12])
    }

    /// The sysroot, if it is there.
    pub fn get(&self, store: &Store) -> Option<PathBuf> {
        store.get(KIND, &self.key())
    }

    /// The sysroot; built when it is not there. `tools` is a folder with programs that rustc calls for the
    /// target, e.g. dlltool.
    pub fn ensure(
        &self,
        store: &Store,
        env: &CleanEnv,
        tools: Option<&Path>,
        log: &Path,
        observer: &dyn Observer,
    ) -> Result<PathBuf> {
        store.ensure(KIND, &self.key(), observer, |dir| {
            observer
                .progress(&format!("build std for {} with {}", self.target.triple, self.compiler.version));
            self.build(dir, env, tools, log)
        })
    }

    fn build(&self, dir: &Path, env: &CleanEnv, tools: Option<&Path>, log: &Path) -> Result<()> {
        let source = self.compiler.std_source().ok_or_else(|| Error::MissingTool {
            tool: "the source of std".to_owned(),
            needed_for: format!("to build std for {}", self.target.triple),
            mend: "rustup component add rust-src".to_owned(),
        })?;
        let library = dir.join("library");
        copy_tree(&source, &library)?;
        for patch in self.patches {
            patch.apply(&library, &self.compiler.version)?;
        }
        only_rlib(&library.join("std/Cargo.toml"))?;
        self.write_package(dir, &library)?;

        let target_dir = dir.join("target");
        let mut command = self.compiler.command(env, &self.compiler.cargo);
        command.current_dir(dir).args(["build", "--release", "--target", &self.target.triple]);
        command.arg("--target-dir").arg(&target_dir);
        if let Some(jobs) = self.jobs {
            command.arg("--jobs").arg(jobs.to_string());
        }
        if library.join("vendor").exists() {
            command.args(["--offline", "--config", "source.crates-io.replace-with=\"vendored\""]);
            command.args(["--config", "source.vendored.directory=\"library/vendor\""]);
        } else if self.offline {
            command.arg("--offline");
        }
        command.envs(&self.target.env);
        if let Some(tools) = tools {
            command.env("PATH", env.path_with(tools));
        }
        // std uses unstable features of the compiler that it came with.
        command.env("RUSTC_BOOTSTRAP", "1").env("CARGO_INCREMENTAL", "0");
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(dir).join("\x1f"));
        logged(&mut command, &format!("building std for {}", self.target.triple), log)?;

        let deps = target_dir.join(&self.target.triple).join("release/deps");
        let place = dir.join("lib/rustlib").join(&self.target.triple).join("lib");
        fs::create_dir_all(&place).at("create", &place)?;
        for entry in fs::read_dir(&deps).at("read", &deps)? {
            let path = entry.at("read", &deps)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.ends_with(".rlib") && name.contains('-') && !name.starts_with("libsysroot") {
                fs::copy(&path, place.join(&name)).at("copy", &path)?;
            }
        }
        for rest in ["library", "target", "src"] {
            crate::store::remove_tree(&dir.join(rest))?;
        }
        Ok(())
    }

    fn rustflags(&self, dir: &Path) -> Vec<String> {
        let mut flags = vec![
            "-Zforce-unstable-if-unmarked".to_owned(),
            // cargo would leave the bitcode out, which link-time optimisation of the program needs.
            "-Cembed-bitcode=yes".to_owned(),
            "-Cpanic=abort".to_owned(),
            format!("--remap-path-prefix={}=/rustc/{}", dir.display(), self.compiler.commit()),
        ];
        flags.extend(self.target.rustflags.iter().chain(&self.target.std_rustflags).cloned());
        flags
    }

    /// An empty package that depends on std. It stands above `library`, because cargo hashes paths inside
    /// the workspace relative to it and others as they are: the symbol names must not depend on the cache's
    /// place.
    fn write_package(&self, dir: &Path, library: &Path) -> Result<()> {
        let lock = dir.join("Cargo.lock");
        fs::write(&lock, fs::read(library.join("Cargo.lock")).at("read", library.join("Cargo.lock"))?)
            .at("write", &lock)?;
        let features: Vec<String> = self.target.std_features.iter().map(|f| format!("{f:?}")).collect();
        let manifest = format!(
            r#"[package]
name = "sysroot"
version = "0.0.0"
edition = "2024"

[workspace]
exclude = ["library"]

[dependencies]
std = {{ path = "library/std", default-features = false, features = [{}] }}
panic_abort = {{ path = "library/panic_abort" }}

[patch.crates-io]
rustc-std-workspace-core = {{ path = "library/rustc-std-workspace-core" }}
rustc-std-workspace-alloc = {{ path = "library/rustc-std-workspace-alloc" }}
rustc-std-workspace-std = {{ path = "library/rustc-std-workspace-std" }}

[profile.release]
opt-level = "s"
codegen-units = 1
debug = false
"#,
            features.join(", ")
        );
        let src = dir.join("src");
        fs::create_dir_all(&src).at("create", &src)?;
        for (path, text) in [
            (dir.join("Cargo.toml"), manifest.as_str()),
            (src.join("lib.rs"), "#![feature(no_core)]\n#![no_core]\n"),
        ] {
            fs::write(&path, text).at("write", &path)?;
        }
        Ok(())
    }
}

/// std is also made as a shared library, which would have to be linked: nobody here needs it.
fn only_rlib(manifest: &Path) -> Result<()> {
    let text = fs::read_to_string(manifest).at("read", manifest)?;
    fs::write(manifest, text.replace(r#"["dylib", "rlib"]"#, r#"["rlib"]"#)).at("write", manifest)
}
