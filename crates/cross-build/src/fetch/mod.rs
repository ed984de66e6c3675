//! Downloads: from PyPI (through pip) and from Debian (through apt), each file checked by digest.

pub(crate) mod debian;
pub(crate) mod pypi;

use std::path::Path;
use std::time::Duration;

use crate::config::Observer;
use crate::error::{Error, IoContext, Result};
use crate::store::sha256_file;

/// How often a download is tried.
const ATTEMPTS: u32 = 4;

/// Tries `download` several times while the network is what fails.
pub(crate) fn with_retries<T>(
    what: &str,
    observer: &dyn Observer,
    mut download: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        match download() {
            Err(Error::Network { detail, .. }) if attempt < ATTEMPTS => {
                observer.progress(&format!("download of {what} failed, trying again: {detail}"));
                std::thread::sleep(Duration::from_secs(1 << attempt));
                attempt += 1;
            }
            Err(Error::Network { detail, .. }) => {
                return Err(Error::Network { what: what.to_owned(), attempts: attempt, detail });
            }
            other => return other,
        }
    }
}

/// Refuses (and removes) a file that has not the expected digest.
pub(crate) fn check_digest(path: &Path, expected: &str, authority: &str) -> Result<()> {
    let found = sha256_file(path)?;
    if found == expected {
        return Ok(());
    }
    std::fs::remove_file(path).at("remove", path)?;
    Err(Error::Digest {
        path: path.to_owned(),
        expected: expected.to_owned(),
        found,
        authority: authority.to_owned(),
    })
}
