//! GNU ld and as for a target that no package of Debian serves, built once from Debian's source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::config::Observer;
use crate::error::{Error, IoContext, Result};
use crate::fetch::debian::library_path;
use crate::process::logged;
use crate::store::sha256_parts;
use crate::toolchains::Toolchains;

const KIND: &str = "binutils";

/// Raised when ld is configured in another way.
const RECIPE: &str = "2";

fn key(target: &str, digests: &BTreeMap<String, String>) -> String {
    let parts = [RECIPE, target].into_iter().chain(digests.values().map(String::as_str));
    format!("{target}-{}", &sha256_parts(parts)[..12])
}

impl Toolchains {
    /// The linker for that target, if it is there.
    pub(crate) fn binutils_here(&self, set: &str, target: &str) -> Option<PathBuf> {
        let digests = self.debian_here(set)?.digests;
        self.store.get(KIND, &key(target, &digests)).map(|dir| dir.join("ld"))
    }

    /// The linker for that target; built when it is not there (about three minutes on two cores).
    pub(crate) fn binutils(
        &self,
        set: &str,
        target: &str,
        log: &Path,
        observer: &dyn Observer,
    ) -> Result<(PathBuf, BTreeMap<String, String>)> {
        let unpacked = self.debian_set(set, log, observer)?;
        let key = key(target, &unpacked.digests);
        let dir = self.store.ensure(KIND, &key, observer, |dir| {
            observer.progress(&format!("build GNU ld and as for {target}"));
            self.build_ld(target, &unpacked.root, dir, log)
        })?;
        Ok((dir.join("ld"), unpacked.digests))
    }

    /// A command that finds flex, bison and m4 of the set, which look for their parts in /usr otherwise.
    fn build_command(&self, program: &Path, root: &Path) -> Command {
        let mut command = self.env.command(program);
        let bin = root.join("usr/bin");
        command.env("PATH", self.env.path_with(&bin)).env("M4", bin.join("m4"));
        command.env("BISON_PKGDATADIR", root.join("usr/share/bison"));
        command.env("LD_LIBRARY_PATH", library_path(root));
        command
    }

    fn build_ld(&self, target: &str, source_root: &Path, dir: &Path, log: &Path) -> Result<()> {
        let folder = source_root.join("usr/src/binutils");
        let archive = std::fs::read_dir(&folder)
            .at("read", &folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.to_string_lossy().ends_with(".tar.xz"))
            .ok_or_else(|| Error::MissingTool {
                tool: "the source archive of binutils".to_owned(),
                needed_for: format!("to build GNU ld for {target}"),
                mend: format!("remove {} and run the same command again", source_root.display()),
            })?;
        let work = dir.join("work");
        let build = work.join("build");
        std::fs::create_dir_all(&build).at("create", &build)?;
        let mut tar = self.env.command("tar");
        tar.args(["--extract", "--strip-components=1", "--file"]).arg(&archive).arg("-C").arg(&work);
        logged(&mut tar, "unpacking of binutils", log)?;

        let mut configure = self.build_command(&work.join("configure"), source_root);
        configure.current_dir(&build).arg(format!("--target={target}"));
        configure.args(["--enable-64-bit-bfd", "--disable-binutils", "--disable-gdb", "--disable-gprof"]);
        configure.args(["--disable-gprofng", "--disable-nls", "--disable-plugins", "--disable-werror"]);
        configure.args(["--disable-shared", "--without-zstd", "--without-debuginfod"]);
        configure.args(["MAKEINFO=true", "CFLAGS=-O1"]);
        logged(&mut configure, "configuring binutils", log)?;
        let jobs = self.config.jobs.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
        let jobs = jobs.unwrap_or(1);
        let mut make = self.build_command(Path::new("make"), source_root);
        make.current_dir(&build).arg(format!("-j{}", jobs));
        make.args(["MAKEINFO=true", "all-gas", "all-ld"]);
        logged(&mut make, &format!("building GNU ld for {target}"), log)?;
        for (built, name) in [("ld/ld-new", "ld"), ("gas/as-new", "as")] {
            let built = build.join(built);
            std::fs::rename(&built, dir.join(name)).at("rename", &built)?;
        }
        crate::store::remove_tree(&work)
    }
}
