//! Process id files whose owner is proven by a record lock.
//!
//! A number in a file may be stale, or belong to another process by now. The lock cannot: the kernel drops it
//! with its owner, and names the owner itself.
#![expect(unsafe_code, reason = "std has no record locks")]

use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use super::Error;
use super::dir::Dir;

/// What a process id file tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// No file.
    None,
    /// The file is there, its owner is not: it died.
    Dead,
    /// The process holds its lock.
    Alive(libc::pid_t),
    /// A process that has no number here, in another process name space, holds its lock.
    Elsewhere,
}

/// A held process id file. Record locks end when any descriptor of the file is closed: the owner must not ask
/// for its own [`owner`].
#[derive(Debug)]
pub struct PidFile {
    _locked: File,
}

fn lock_record(kind: libc::c_int) -> libc::flock {
    // SAFETY: an all-zero flock is valid: the whole file, from its start.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as _;
    lock.l_whence = libc::SEEK_SET as _;
    lock
}

impl PidFile {
    /// Takes the file for this process; `Err(Ok(pid))` when another process has it.
    pub fn acquire(dir: &Dir, name: &str) -> Result<PidFile, AcquireError> {
        let error = |error| AcquireError::Failed(Error::io(dir.path_of(name).display().to_string(), error));
        loop {
            let mut file = dir.open_file(name, libc::O_RDWR | libc::O_CREAT, 0o644).map_err(error)?;
            let lock = lock_record(libc::F_WRLCK as _);
            // SAFETY: F_SETLK reads a valid flock.
            if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const lock) } < 0 {
                return match owner(dir, name) {
                    Owner::Alive(pid) => Err(AcquireError::Held(pid)),
                    _ => Err(error(io::Error::other("another process has it"))),
                };
            }
            // The former owner may have removed this file between opening and locking. Looking by path opens no
            // descriptor whose closing would cost the lock.
            let ours = file.metadata().map_err(error)?;
            let now = std::fs::symlink_metadata(dir.path_of(name));
            if !matches!(now, Ok(now) if (now.dev(), now.ino()) == (ours.dev(), ours.ino())) {
                continue;
            }
            file.set_len(0).map_err(error)?;
            file.rewind().map_err(error)?;
            writeln!(file, "{}", std::process::id()).map_err(error)?;
            return Ok(PidFile { _locked: file });
        }
    }
}

/// Why a process id file was not taken.
#[derive(Debug)]
pub enum AcquireError {
    /// That process has it.
    Held(libc::pid_t),
    /// The system refused.
    Failed(Error),
}

/// Looks who holds the file.
pub fn owner(dir: &Dir, name: &str) -> Owner {
    let Ok(file) = dir.open_file(name, libc::O_RDONLY, 0) else { return Owner::None };
    let mut lock = lock_record(libc::F_RDLCK as _);
    // SAFETY: F_GETLK reads and fills a valid flock.
    if unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut lock) } < 0 {
        return Owner::Dead;
    }
    if i64::from(lock.l_type) == i64::from(libc::F_UNLCK) {
        return Owner::Dead;
    }
    if lock.l_pid > 0 {
        return Owner::Alive(lock.l_pid);
    }
    Owner::Elsewhere
}
