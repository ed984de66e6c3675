//! The release directory appears whole or not at all: it is filled beside its place, under a lock, and renamed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, RenameFlags};

/// What went wrong on the disk.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    #[error("{action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("another run holds {path}")]
    Locked { path: PathBuf },
}

impl PlaceError {
    /// What to do about it.
    pub fn mend(&self) -> &'static str {
        match self {
            PlaceError::Locked { .. } => "wait for it to end, or give this run another --out",
            PlaceError::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull => {
                "free some space and run again: the previous release, if any, is as it was"
            }
            PlaceError::Io { .. } => "check the path and its permissions: the previous release, if any, is as it was",
        }
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> PlaceError {
    let path = path.to_owned();
    move |source| PlaceError::Io { action, path, source }
}

const STAGING: &str = ".staging-";

/// A release being filled.
#[derive(Debug)]
pub struct Staging {
    out: PathBuf,
    folder: PathBuf,
    time: SystemTime,
    _lock: File,
}

impl Staging {
    /// Takes the lock of `out`, removes what an interrupted run left, and begins `release`.
    pub fn begin(out: &Path, release: &str, time: u32) -> Result<Staging, PlaceError> {
        fs::create_dir_all(out).map_err(io_error("creating", out))?;
        let lock_path = out.join(".lock");
        let lock = File::options().write(true).create(true).truncate(false).open(&lock_path);
        let lock = lock.map_err(io_error("opening", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(PlaceError::Locked { path: lock_path }),
            Err(TryLockError::Error(e)) => return Err(io_error("locking", &lock_path)(e)),
        }
        for entry in fs::read_dir(out).map_err(io_error("reading", out))? {
            let entry = entry.map_err(io_error("reading", out))?;
            if entry.file_name().to_string_lossy().starts_with(STAGING) {
                fs::remove_dir_all(entry.path()).map_err(io_error("removing", &entry.path()))?;
            }
        }
        let folder = out.join(format!("{STAGING}{release}"));
        fs::create_dir(&folder).map_err(io_error("creating", &folder))?;
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::from(time));
        Ok(Staging { out: out.to_owned(), folder, time, _lock: lock })
    }

    /// Where files go meanwhile.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file: mode 0644, the release's time, whatever the umask and the clock say.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), PlaceError> {
        let path = self.folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_error("creating", parent))?;
        }
        let fill = || {
            let mut file = File::create_new(&path)?;
            file.write_all(bytes)?;
            file.set_permissions(fs::Permissions::from_mode(0o644))?;
            file.set_modified(self.time)?;
            file.sync_all()
        };
        fill().map_err(io_error("writing", &path))
    }

    /// Puts the release in its place, swapping it with an older one of the same id.
    pub fn commit(self, release: &str) -> Result<PathBuf, PlaceError> {
        for entry in walkdir::WalkDir::new(&self.folder).contents_first(true) {
            let entry = entry.map_err(|e| io_error("reading", &self.folder)(e.into()))?;
            if entry.file_type().is_dir() {
                let folder = entry.path();
                fs::set_permissions(folder, fs::Permissions::from_mode(0o755))
                    .and_then(|()| File::open(folder)?.set_modified(self.time))
                    .and_then(|()| File::open(folder)?.sync_all())
                    .map_err(io_error("finishing", folder))?;
            }
        }
        let place = self.out.join(release);
        let renamed = if place.exists() {
            // One step: there is no moment at which neither release is there.
            rustix::fs::renameat_with(CWD, &self.folder, CWD, &place, RenameFlags::EXCHANGE)
        } else {
            rustix::fs::rename(&self.folder, &place)
        };
        renamed.map_err(|e| io_error("renaming to", &place)(e.into()))?;
        File::open(&self.out).and_then(|f| f.sync_all()).map_err(io_error("syncing", &self.out))?;
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).map_err(io_error("removing", &self.folder))?;
        }
        Ok(place)
    }
}

impl Drop for Staging {
    /// A run that failed leaves nothing behind; one that was killed leaves a folder that the next run removes.
    fn drop(&mut self) {
        if self.folder.exists() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(out: &Path, text: &str) -> Staging {
        let staging = Staging::begin(out, "1.0.0-1", 1_700_000_000).unwrap();
        staging.write("a/b", text.as_bytes()).unwrap();
        staging
    }

    #[test]
    fn a_second_release_of_the_same_id_replaces_the_first_whole() {
        let out = tempfile::tempdir().unwrap();
        fill(out.path(), "one").commit("1.0.0-1").unwrap();
        let place = fill(out.path(), "two").commit("1.0.0-1").unwrap();
        assert_eq!(fs::read_to_string(place.join("a/b")).unwrap(), "two");
        let left: Vec<_> = fs::read_dir(out.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "only the lock and the release remain: {left:?}");
    }

    #[test]
    fn an_abandoned_run_changes_nothing_and_its_remains_are_removed() {
        let out = tempfile::tempdir().unwrap();
        let place = fill(out.path(), "one").commit("1.0.0-1").unwrap();
        drop(fill(out.path(), "two"));
        fs::create_dir_all(out.path().join(".staging-9.9.9-9/packages")).unwrap();
        drop(fill(out.path(), "three"));
        assert_eq!(fs::read_to_string(place.join("a/b")).unwrap(), "one");
        assert!(!out.path().join(".staging-9.9.9-9").exists());
    }

    #[test]
    fn two_runs_at_once_are_refused() {
        let out = tempfile::tempdir().unwrap();
        let _first = fill(out.path(), "one");
        let second = Staging::begin(out.path(), "1.0.0-1", 0);
        assert!(matches!(second, Err(PlaceError::Locked { .. })));
    }
}
