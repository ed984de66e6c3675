//! Directories that are entered step by step without following symbolic links.
//!
//! The data directory belongs to the unprivileged user, and root works in it: a link that this user plants must
//! not lead root elsewhere.
#![expect(unsafe_code, reason = "std has no *at() calls")]

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Error;

/// An open directory.
#[derive(Debug)]
pub struct Dir {
    file: File,
    path: PathBuf,
}

fn c_string(name: &[u8]) -> io::Result<CString> {
    CString::new(name).map_err(io::Error::from)
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn open_at(dir: libc::c_int, name: &CString, flags: libc::c_int, mode: libc::c_uint) -> io::Result<File> {
    // SAFETY: `name` is a terminated string; the descriptor that comes back is owned by nobody else.
    unsafe {
        let fd = check(libc::openat(dir, name.as_ptr(), flags | libc::O_NOFOLLOW | libc::O_CLOEXEC, mode))?;
        Ok(File::from_raw_fd(fd))
    }
}

impl Dir {
    /// Opens a directory whose last step is no symbolic link.
    pub fn open(path: &Path) -> Result<Dir, Error> {
        let name = c_string(path.as_os_str().as_bytes());
        let file =
            name.and_then(|name| open_at(libc::AT_FDCWD, &name, libc::O_RDONLY | libc::O_DIRECTORY, 0));
        match file {
            Ok(file) => Ok(Dir { file, path: path.to_path_buf() }),
            Err(error) => {
                let mend = match error.kind() {
                    io::ErrorKind::PermissionDenied => "run this as root",
                    io::ErrorKind::NotFound => "install the package again",
                    _ => "it must be a directory, not a link",
                };
                Err(Error::io(format!("{}: {mend}", path.display()), error))
            }
        }
    }

    /// Path of an entry, for messages.
    pub fn path_of(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The directory's own file, for its attributes.
    pub fn file(&self) -> &File {
        &self.file
    }

    fn error(&self, name: &str, error: io::Error) -> Error {
        Error::io(self.path_of(name).display().to_string(), error)
    }

    /// Opens a subdirectory, making it with `mode` where it is missing.
    pub fn subdir(&self, name: &str, mode: libc::mode_t) -> Result<Dir, Error> {
        let attempt = || {
            let c_name = c_string(name.as_bytes())?;
            // SAFETY: a terminated string and an open descriptor.
            let made = unsafe { libc::mkdirat(self.file.as_raw_fd(), c_name.as_ptr(), mode) };
            if made < 0 && io::Error::last_os_error().kind() != io::ErrorKind::AlreadyExists {
                return Err(io::Error::last_os_error());
            }
            open_at(self.file.as_raw_fd(), &c_name, libc::O_RDONLY | libc::O_DIRECTORY, 0)
        };
        let file = attempt().map_err(|error| self.error(name, error))?;
        Ok(Dir { file, path: self.path_of(name) })
    }

    /// Opens a regular file with one name; a hard link to a file elsewhere is refused.
    pub fn open_file(&self, name: &str, flags: libc::c_int, mode: libc::c_uint) -> io::Result<File> {
        let file = open_at(self.file.as_raw_fd(), &c_string(name.as_bytes())?, flags | libc::O_NOCTTY, mode)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.nlink() > 1 {
            return Err(io::Error::other("not a regular file of one name"));
        }
        Ok(file)
    }

    /// Renames an entry within the directory.
    pub fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (from, to) = (c_string(from.as_bytes())?, c_string(to.as_bytes())?);
        let fd = self.file.as_raw_fd();
        // SAFETY: terminated strings and an open descriptor.
        check(unsafe { libc::renameat(fd, from.as_ptr(), fd, to.as_ptr()) }).map(drop)
    }

    /// Removes a file; one that is not there is removed already.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let name = c_string(name.as_bytes())?;
        // SAFETY: a terminated string and an open descriptor.
        match check(unsafe { libc::unlinkat(self.file.as_raw_fd(), name.as_ptr(), 0) }) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
