//! Where the bytes of a packaged file come from.

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;

/// Data that can be opened more than once and gives the same bytes each time. It is read twice:
/// for the checksum in pkgmap, then for the archive.
pub trait Source: Send + Sync {
    /// Opens the data at its beginning.
    ///
    /// # Errors
    /// Whatever keeps the data from being read.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;

    /// What messages call the data.
    fn describe(&self) -> String;
}

/// The content of one packaged file.
#[derive(Clone)]
pub enum Content {
    /// In memory.
    Bytes(Arc<[u8]>),
    /// A file of the build machine, streamed.
    File(PathBuf),
    /// Anything else that can be opened twice.
    Source(Arc<dyn Source>),
}

impl Content {
    pub(crate) fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Content::Bytes(bytes) => Ok(Box::new(Cursor::new(bytes))),
            Content::File(path) => Ok(Box::new(File::open(path)?)),
            Content::Source(source) => source.open(),
        }
    }

    pub(crate) fn describe(&self) -> String {
        match self {
            Content::Bytes(bytes) => format!("{} bytes in memory", bytes.len()),
            Content::File(path) => path.display().to_string(),
            Content::Source(source) => source.describe(),
        }
    }
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Content({})", self.describe())
    }
}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        Content::Bytes(bytes.into())
    }
}

impl From<&[u8]> for Content {
    fn from(bytes: &[u8]) -> Self {
        Content::Bytes(bytes.into())
    }
}

impl From<PathBuf> for Content {
    fn from(path: PathBuf) -> Self {
        Content::File(path)
    }
}
