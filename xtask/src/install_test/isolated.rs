//! What a case needs of an engine.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use super::tree::{Base, Snapshot};

/// How often a process is looked at: most steps take some tens of milliseconds.
pub const LOOK: Duration = Duration::from_millis(2);

/// A host of one case alone.
pub trait Isolated {
    /// Runs a shell command to its end, or until `limit`.
    fn run(&mut self, command: &str, environment: &[String], limit: Duration) -> io::Result<Ended>;
    /// The file system now.
    fn snapshot(&self) -> io::Result<Snapshot>;
    /// What snapshots are relative to.
    fn base(&self) -> Box<dyn Base>;
    /// The command that gives a shell in it.
    fn enter(&self) -> String;
    /// Lets it outlive this program.
    fn keep(self: Box<Self>);
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; 128 + signal number as shells count it.
    pub code: i32,
    /// Standard output and standard error as they came.
    pub output: String,
    pub timed_out: bool,
}

impl Ended {
    /// Waits for a command whose outputs go to the file `output`; kills it when `limit` has passed.
    pub fn wait(mut child: Child, limit: Duration, output: &Path) -> io::Result<Ended> {
        let began = Instant::now();
        let (status, timed_out) = loop {
            if let Some(status) = child.try_wait()? {
                break (status, false);
            }
            if began.elapsed() > limit {
                child.kill()?;
                break (child.wait()?, true);
            }
            std::thread::sleep(LOOK);
        };
        let output = String::from_utf8_lossy(&std::fs::read(output)?).into_owned();
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(Ended { code, output, timed_out })
    }
}

/// The environment of every step; a package manager run by hand has little more.
pub const ENVIRONMENT: [&str; 4] = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "TERM=dumb",
    "DEBIAN_FRONTEND=noninteractive",
];

/// A word for the shell.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
