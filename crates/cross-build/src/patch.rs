//! Patches to the source of std: exact replacements that fit or fail, never fuzzily.
//!
//! ```toml
//! reason = "why the repair is needed, and until when"
//! [[edit]]
//! file = "std/src/os/aix/fs.rs"   # below `library`
//! from = "st_atime.tv_sec"        # must occur exactly `count` times
//! to = "st_atim.tv_sec"
//! count = 1
//! ```

use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, IoContext, Result};
use crate::store::sha256_parts;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Edit {
    file: String,
    from: String,
    to: String,
    count: usize,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    reason: String,
    edit: Vec<Edit>,
}

/// A patch, read and checked.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    path: PathBuf,
    edits: Vec<Edit>,
    pub sha256: String,
}

impl Patch {
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).at("read", path)?;
        let spec = |problems| Error::Spec { path: path.to_owned(), problems };
        let document: Document = toml::from_str(&text).map_err(|e| spec(vec![e.to_string()]))?;
        let mut problems = Vec::new();
        if document.reason.trim().is_empty() {
            problems.push("`reason` is empty".to_owned());
        }
        for edit in &document.edit {
            let inside = Path::new(&edit.file).components().all(|c| matches!(c, Component::Normal(_)));
            if !inside {
                problems.push(format!("{}: not a path below `library`", edit.file));
            }
            if edit.count == 0 || edit.from.is_empty() {
                problems.push(format!("{}: `from` is empty or `count` is 0", edit.file));
            }
        }
        if !problems.is_empty() {
            return Err(spec(problems));
        }
        let sha256 = sha256_parts([text.as_str()]);
        Ok(Self { path: path.to_owned(), edits: document.edit, sha256 })
    }

    /// Applies every edit to the copy of the source, or nothing of an edit that does not fit.
    pub fn apply(&self, library: &Path, compiler: &str) -> Result<()> {
        for edit in &self.edits {
            let file = library.join(&edit.file);
            let misfit = |detail| Error::Patch {
                patch: self.path.clone(),
                file: PathBuf::from(&edit.file),
                detail,
                compiler: compiler.to_owned(),
            };
            let text = match std::fs::read_to_string(&file) {
                Ok(text) => text,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                    return Err(misfit("there is no such file".to_owned()));
                }
                Err(e) => return Err(e).at("read", &file),
            };
            let found = text.matches(&edit.from).count();
            if found != edit.count {
                return Err(misfit(format!("{:?} occurs {found} times, not {}", edit.from, edit.count)));
            }
            std::fs::write(&file, text.replace(&edit.from, &edit.to)).at("write", &file)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(dir: &Path, from: &str, count: usize) -> Patch {
        let path = dir.join("repair.toml");
        let text = format!(
            "reason = \"a field was renamed\"\n[[edit]]\nfile = \"std/fs.rs\"\nfrom = {from:?}\nto = \"new\"\ncount = {count}\n"
        );
        std::fs::write(&path, text).unwrap();
        Patch::read(&path).unwrap()
    }

    fn library(dir: &Path) -> PathBuf {
        let library = dir.join("library");
        std::fs::create_dir_all(library.join("std")).unwrap();
        std::fs::write(library.join("std/fs.rs"), "old old other").unwrap();
        library
    }

    #[test]
    fn a_patch_that_fits_replaces_every_occurrence() {
        let dir = tempfile::tempdir().unwrap();
        let library = library(dir.path());
        patch(dir.path(), "old", 2).apply(&library, "rustc 1").unwrap();
        assert_eq!(std::fs::read_to_string(library.join("std/fs.rs")).unwrap(), "new new other");
    }

    #[test]
    fn a_patch_that_no_longer_fits_changes_nothing_and_names_patch_file_and_compiler() {
        let dir = tempfile::tempdir().unwrap();
        let library = library(dir.path());
        let error = patch(dir.path(), "old", 3).apply(&library, "rustc 1.99.0").unwrap_err();
        let text = error.to_string();
        for part in ["repair.toml", "std/fs.rs", "rustc 1.99.0", "2 times, not 3"] {
            assert!(text.contains(part), "{text}");
        }
        assert_eq!(std::fs::read_to_string(library.join("std/fs.rs")).unwrap(), "old old other");
    }

    #[test]
    fn a_patch_of_a_file_that_is_gone_no_longer_fits() {
        let dir = tempfile::tempdir().unwrap();
        let repair = patch(dir.path(), "old", 2);
        let error = repair.apply(dir.path(), "rustc 1").unwrap_err();
        assert!(matches!(error, Error::Patch { .. }), "{error}");
    }

    #[test]
    fn a_patch_cannot_leave_the_library() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("evil.toml");
        std::fs::write(
            &path,
            "reason = \"\"\n[[edit]]\nfile = \"../x\"\nfrom = \"a\"\nto = \"b\"\ncount = 0\n",
        )
        .unwrap();
        let Err(Error::Spec { problems, .. }) = Patch::read(&path) else { panic!("accepted") };
        assert_eq!(problems.len(), 3, "all mistakes at once: {problems:?}");
    }
}
