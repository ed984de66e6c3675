//! What a case needs of an engine.

use std::io;
use std::time::Duration;

use super::tree::{Base, Snapshot};

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
