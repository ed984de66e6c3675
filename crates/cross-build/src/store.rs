//! The user's cache: folders that are there whole or not at all, made by one process at a time.
//!
//! An entry `<kind>/<key>` is made in `tmp/<kind>-<key>` under a lock and renamed into its place, so its
//! presence means that it is complete. What an interrupted run left in `tmp` is removed by the next run
//! that makes the same entry.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::config::Observer;
use crate::error::{DISK_NEED, Error, IoContext, Result};

/// The cache folder.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
}

/// Held while an entry is made; unlocked when dropped (and by the system when the process dies).
pub(crate) struct Lock(#[expect(dead_code, reason = "its life is the lock")] File);

impl Store {
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where an entry is, or would be.
    pub fn path(&self, kind: &str, key: &str) -> PathBuf {
        self.root.join(kind).join(key)
    }

    /// The entry, if it is complete.
    pub fn get(&self, kind: &str, key: &str) -> Option<PathBuf> {
        Some(self.path(kind, key)).filter(|path| path.exists())
    }

    /// Waits for the lock of that name.
    pub fn lock(&self, name: &str, observer: &dyn Observer) -> Result<Lock> {
        let dir = self.root.join("locks");
        fs::create_dir_all(&dir).at("create", &dir)?;
        let path = dir.join(name);
        let file = File::create(&path).at("create", &path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                observer.progress(&format!("wait for another run that is making {name}"));
                file.lock().at("lock", &path)?;
            }
            Err(TryLockError::Error(e)) => return Err(e).at("lock", &path),
        }
        Ok(Lock(file))
    }

    /// The entry; made by `make` in a fresh folder when it is not there.
    pub fn ensure(
        &self,
        kind: &str,
        key: &str,
        observer: &dyn Observer,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let place = self.path(kind, key);
        if place.exists() {
            return Ok(place);
        }
        let name = format!("{kind}-{key}");
        let _lock = self.lock(&name, observer)?;
        if place.exists() {
            return Ok(place);
        }
        let tmp = self.root.join("tmp").join(&name);
        remove_tree(&tmp)?;
        fs::create_dir_all(&tmp).at("create", &tmp)?;
        make(&tmp).map_err(|e| blame_full_disk(e, &tmp, &name))?;
        let parent = self.root.join(kind);
        fs::create_dir_all(&parent).at("create", &parent)?;
        fs::rename(&tmp, &place).at("rename into place", &place)?;
        Ok(place)
    }
}

/// Not every program says that the disk is full (apt only fails to fetch): where next to nothing is left,
/// that is the cause.
fn blame_full_disk(error: Error, path: &Path, name: &str) -> Error {
    const NEXT_TO_NOTHING: u64 = 1 << 20;
    let full = rustix::fs::statvfs(path)
        .is_ok_and(|system| system.f_bavail.saturating_mul(system.f_frsize) < NEXT_TO_NOTHING);
    match error {
        Error::Build { .. } | Error::Network { .. } | Error::Io { .. } if full => Error::DiskFull {
            path: path.to_owned(),
            during: format!("making {name} ({error})"),
            needed: DISK_NEED,
        },
        error => error,
    }
}

/// Removes a file tree if it is there.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.at("remove", path),
    }
}

/// SHA-256 of a file, in lower-case hexadecimal.
pub(crate) fn sha256_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).at("open", path)?;
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).at("read", path)?;
    Ok(hex::encode(hash.finalize()))
}

/// SHA-256 of several texts, each with its length, so that no two lists collide.
pub(crate) fn sha256_parts<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hex::encode(hash.finalize())
}

/// Copies a file tree; files only, symbolic links followed.
pub(crate) fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).at("create", to)?;
    for entry in fs::read_dir(from).at("read", from)? {
        let entry = entry.at("read", from)?;
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &place)?;
        } else {
            fs::copy(&source, &place).at("copy", &source)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::config::Silent;

    struct Notes(Mutex<Vec<String>>);

    impl Observer for Notes {
        fn progress(&self, what: &str) {
            self.0.lock().unwrap().push(what.to_owned());
        }
    }

    #[test]
    fn an_interrupted_entry_is_not_there_and_the_next_run_makes_it_afresh() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let interrupted = std::panic::catch_unwind(|| {
            store.ensure("kind", "key", &Silent, |dir| {
                fs::write(dir.join("half"), "half").at("write", dir)?;
                panic!("killed")
            })
        });
        assert!(interrupted.is_err());
        assert_eq!(store.get("kind", "key"), None);

        let place = store
            .ensure("kind", "key", &Silent, |dir| {
                assert!(!dir.join("half").exists(), "rests of the interrupted run");
                fs::write(dir.join("whole"), "whole").at("write", dir)
            })
            .unwrap();
        assert!(place.join("whole").exists() && !place.join("half").exists());
    }

    #[test]
    fn a_failed_entry_leaves_nothing_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path());
        let failed = store
            .ensure("kind", "key", &Silent, |dir| fs::read(dir.join("none")).at("read", dir).map(|_| ()));
        assert!(failed.is_err());
        assert_eq!(store.get("kind", "key"), None);
    }

    #[test]
    fn two_runs_at_once_make_an_entry_once_and_the_second_says_that_it_waits() {
        let dir = tempfile::tempdir().unwrap();
        let made = AtomicU32::new(0);
        let notes = Notes(Mutex::new(Vec::new()));
        let (started, waiting) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            let first = scope.spawn(|| {
                Store::new(dir.path()).ensure("kind", "key", &Silent, |_| {
                    started.send(()).unwrap();
                    // The second run is let in only when it has said that it waits.
                    while notes.0.lock().unwrap().is_empty() {
                        std::thread::yield_now();
                    }
                    made.fetch_add(1, Ordering::SeqCst);
                    Ok(())
                })
            });
            waiting.recv().unwrap();
            let second = Store::new(dir.path()).ensure("kind", "key", &notes, |_| {
                made.fetch_add(1, Ordering::SeqCst);
                Ok(())
            });
            assert_eq!(first.join().unwrap().unwrap(), second.unwrap());
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
        assert_eq!(*notes.0.lock().unwrap(), ["wait for another run that is making kind-key"]);
    }

    #[test]
    fn a_failed_program_is_blamed_on_the_disk_only_where_nothing_is_left() {
        let failed = || Error::Network { what: "x".into(), attempts: 1, detail: "apt says nothing".into() };
        // /proc is a file system without any space, the temporary folder has some.
        let error = blame_full_disk(failed(), Path::new("/proc"), "zig");
        assert!(matches!(&error, Error::DiskFull { .. }), "{error}");
        assert!(error.to_string().contains("apt says nothing"), "{error}");
        let error = blame_full_disk(failed(), &std::env::temp_dir(), "zig");
        assert!(matches!(&error, Error::Network { .. }), "{error}");
    }

    #[test]
    fn a_full_disk_is_told_from_other_errors() {
        use std::io::Write;
        let mut full = File::create("/dev/full").unwrap();
        let error = full.write_all(b"x").at("write", "/dev/full").unwrap_err();
        assert!(matches!(error, crate::Error::DiskFull { .. }), "{error}");
        let other = fs::read("/nonexistent").at("read", "/nonexistent").unwrap_err();
        assert!(matches!(other, crate::Error::Io { .. }), "{other}");
    }
}
