//! Cases in containers, with podman or docker.

use std::fs::File;
use std::io;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::images::ImageSpec;
use super::isolated::{ENVIRONMENT, Ended, Isolated};
use super::sandbox::Layout;
use super::tree::{self, Base, Complete, Snapshot};

/// A container engine. Both are told the same things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    Podman,
    Docker,
}

impl Program {
    /// The program's name.
    pub fn name(self) -> &'static str {
        match self {
            Program::Podman => "podman",
            Program::Docker => "docker",
        }
    }

    /// Whether it works here.
    ///
    /// # Errors
    /// What it says where it does not.
    pub fn check(self) -> Result<(), String> {
        self.call(&["info"]).map(|_| ())
    }

    fn call(self, arguments: &[&str]) -> Result<Output, String> {
        let mut command = Command::new(self.name());
        let output = command.args(arguments).stdin(Stdio::null()).output();
        let output = output.map_err(|e| format!("{}: {e}", self.name()))?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|l| !l.trim().is_empty()).unwrap_or("no message").to_owned();
        Err(format!("{} {}: {last}", self.name(), arguments[0]))
    }
}

/// Makes the image that cases start from: the named one with its `setup` run, kept by the engine.
///
/// # Errors
/// What the engine says, in one line.
pub fn provide(program: Program, spec: &ImageSpec, say: &dyn Fn(&str)) -> Result<String, String> {
    let Some(setup) = &spec.setup else {
        if program.call(&["image", "inspect", &spec.image]).is_err() {
            say(&format!("pulling {}", spec.image));
            program.call(&["pull", &spec.image])?;
        }
        return Ok(spec.image.clone());
    };
    let digest = hex::encode(Sha256::digest(format!("{}\0{setup}", spec.image)));
    let made = format!("localhost/ven-test-install:{}-{}", spec.name, &digest[..12]);
    if program.call(&["image", "inspect", &made]).is_ok() {
        return Ok(made);
    }
    say(&format!("making the image {} of {}", spec.name, spec.image));
    let name = format!("ven-test-install-{}-{}", spec.name, std::process::id());
    let ready = program
        .call(&["run", "--name", &name, &spec.image, "/bin/sh", "-c", setup])
        .and_then(|_| program.call(&["commit", &name, &made]));
    let gone = program.call(&["rm", "-f", &name]);
    ready.and(gone).map(|_| made)
}

/// The versions of an image's package managers.
pub fn versions(program: Program, image: &str) -> String {
    let ask = "rpm --version 2>/dev/null; dpkg --version 2>/dev/null | head -n 1";
    let output = program.call(&["run", "--rm", "--network", "none", image, "/bin/sh", "-c", ask]);
    let text = output.map(|o| String::from_utf8_lossy(&o.stdout).into_owned()).unwrap_or_else(|e| e);
    text.lines().map(str::trim).collect::<Vec<_>>().join(", ")
}

/// A running container. Dropping it removes it.
pub struct Container {
    program: Program,
    id: String,
    work: tempfile::TempDir,
}

impl Container {
    /// Starts a container without a network, in which nothing runs.
    pub fn new(program: Program, image: &str, layout: &Layout) -> io::Result<Container> {
        let [current, next] = &layout.packages;
        let volume = |from: &std::path::Path, to: &str| format!("{}:/mnt/packages/{to}:ro", from.display());
        let volumes = [volume(current, "current"), volume(next, "next"), volume(&layout.key, "key.asc")];
        let mut arguments =
            vec!["run", "--detach", "--network", "none", "--tmpfs", "/mnt:exec", "--tmpfs", "/run:exec"];
        volumes.iter().for_each(|v| arguments.extend(["--volume", v]));
        arguments.extend([image, "sleep", "infinity"]);
        let output = program.call(&arguments).map_err(io::Error::other)?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Container { program, id, work: tempfile::tempdir()? })
    }
}

impl Isolated for Container {
    fn run(&mut self, command: &str, environment: &[String], limit: Duration) -> io::Result<Ended> {
        let path = self.work.path().join("output");
        let file = File::create(&path)?;
        let mut process = Command::new(self.program.name());
        process.arg("exec");
        for assignment in ENVIRONMENT.iter().map(|e| (*e).to_owned()).chain(environment.iter().cloned()) {
            process.arg("--env").arg(assignment);
        }
        process.args(["--workdir", "/", &self.id, "/bin/sh", "-c", command]);
        let child = process.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).spawn()?;
        Ended::wait(child, limit, &path)
    }

    fn snapshot(&self) -> io::Result<Snapshot> {
        let mut command = Command::new(self.program.name());
        let mut child =
            command.args(["export", &self.id]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let stream = child.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        let snapshot = tree::of_tar(stream);
        let status = child.wait()?;
        if status.success() {
            snapshot
        } else {
            Err(io::Error::other(format!("{} export: {status}", self.program.name())))
        }
    }

    fn base(&self) -> Box<dyn Base> {
        Box::new(Complete)
    }

    fn enter(&self) -> String {
        format!("{} exec -it {} /bin/sh", self.program.name(), self.id)
    }

    fn keep(self: Box<Self>) {
        std::mem::forget(self);
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        // A container that cannot be removed is listed by the engine; nothing here depends on it.
        let _ = self.program.call(&["rm", "--force", "--volumes", &self.id]);
    }
}
