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
