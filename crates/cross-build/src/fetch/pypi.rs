//! Tools that PyPI distributes as wheels. A wheel is a zip archive; pip finds the mirror and downloads it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::debian::Unpacked;
use super::{check_digest, with_retries};
use crate::config::Observer;
use crate::error::{Error, IoContext, Result};
use crate::process::{CleanEnv, logged};
use crate::store::Store;
use crate::target::Wheel;

const KIND: &str = "wheels";

/// A Python that has pip.
pub(crate) enum Python {
    /// This machine's.
    Installed,
    /// Debian's, unpacked into the cache: many machines have no pip.
    Unpacked(Unpacked),
}

impl Python {
    /// Whether this machine's Python has pip.
    pub fn installed(env: &CleanEnv) -> Option<Python> {
        env.find("python3")?;
        let asked = env.command("python3").args(["-m", "pip", "--version"]).output().ok()?;
        asked.status.success().then_some(Python::Installed)
    }

    fn command(&self, env: &CleanEnv) -> Command {
        match self {
            Python::Installed => env.command("python3"),
            Python::Unpacked(unpacked) => {
                let usr = unpacked.root.join("usr");
                let mut command = env.command(usr.join("bin/python3"));
                command.env("LD_LIBRARY_PATH", unpacked.library_path());
                command.env("PYTHONHOME", &usr).env("PYTHONPATH", usr.join("lib/python3/dist-packages"));
                command
            }
        }
    }
}

/// What a download needs.
pub(crate) struct Pip<'a> {
    pub store: &'a Store,
    pub env: &'a CleanEnv,
    pub python: &'a Python,
    pub log: &'a Path,
    pub observer: &'a dyn Observer,
}

/// Where the wheel is unpacked, or would be; an error when there is none for this machine.
pub(crate) fn key(name: &str, wheel: &Wheel) -> Result<(String, String)> {
    let host = std::env::consts::ARCH;
    let digest = wheel.sha256.get(host).ok_or_else(|| Error::MissingTool {
        tool: format!("{name} {}", wheel.version),
        needed_for: format!("to link on a build machine with {host}"),
        mend: format!("add the SHA-256 of its wheel for {host} to targets.toml"),
    })?;
    Ok((format!("{name}-{}-{}", wheel.version, &digest[..12]), digest.clone()))
}

/// The unpacked wheel, if it is there.
pub(crate) fn get(store: &Store, name: &str, wheel: &Wheel) -> Option<PathBuf> {
    store.get(KIND, &key(name, wheel).ok()?.0)
}

/// The unpacked wheel; downloaded when it is not there. `program` is the path of its program inside.
pub(crate) fn ensure(pip: &Pip<'_>, name: &str, wheel: &Wheel, program: &str) -> Result<PathBuf> {
    let (key, digest) = key(name, wheel)?;
    pip.store.ensure(KIND, &key, pip.observer, |dir| {
        let what = format!("{name} {} from PyPI", wheel.version);
        pip.observer.progress(&format!("download {what}"));
        let file = with_retries(&what, pip.observer, || download(pip, name, wheel, dir))?;
        check_digest(&file, &digest, "targets.toml")?;
        unpack(pip, &file, dir)?;
        make_executable(&dir.join(program))?;
        std::fs::remove_file(&file).at("remove", &file)
    })
}

fn download(pip: &Pip<'_>, name: &str, wheel: &Wheel, dir: &Path) -> Result<PathBuf> {
    let into = dir.join("download");
    crate::store::remove_tree(&into)?;
    let mut command = pip.python.command(pip.env);
    command.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--no-cache-dir"]);
    command.arg("--dest").arg(&into).arg(format!("{name}=={}", wheel.version));
    logged(&mut command, &format!("download of {name}"), pip.log).map_err(|e| explain_pip(e, name))?;
    let mut files: Vec<PathBuf> = std::fs::read_dir(&into)
        .at("read", &into)?
        .map(|entry| entry.map(|e| e.path()))
        .collect::<std::io::Result<_>>()
        .at("read", &into)?;
    let (Some(file), true) = (files.pop(), files.is_empty()) else {
        let detail = format!("pip left {} files, not one", files.len());
        return Err(Error::Network { what: name.to_owned(), attempts: 1, detail });
    };
    let place = dir.join("wheel.zip");
    std::fs::rename(&file, &place).at("rename", &file)?;
    crate::store::remove_tree(&into)?;
    Ok(place)
}

/// pip hides a dead network behind "no matching distribution".
fn explain_pip(error: Error, name: &str) -> Error {
    match error {
        Error::Build { tail, .. } if tail.iter().any(|line| line.contains("No matching distribution")) => {
            Error::Network { what: name.to_owned(), attempts: 1, detail: tail.join(" | ") }
        }
        other => other,
    }
}

fn unpack(pip: &Pip<'_>, wheel: &Path, dir: &Path) -> Result<()> {
    let mut command = pip.python.command(pip.env);
    command.args(["-m", "zipfile", "-e"]).arg(wheel).arg(dir);
    logged(&mut command, "unpacking of a wheel", pip.log)
}

/// Python's zipfile drops the mode bits of the archive.
fn make_executable(program: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).at("make executable", program)
}
