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

/// The time before the second attempt.
const PAUSE: Duration = Duration::from_secs(2);

/// Tries `download` several times while the network is what fails.
pub(crate) fn with_retries<T>(
    what: &str,
    observer: &dyn Observer,
    download: impl FnMut() -> Result<T>,
) -> Result<T> {
    with_pauses(what, observer, PAUSE, download)
}

/// `pause` is the time before the second attempt; it doubles with each.
fn with_pauses<T>(
    what: &str,
    observer: &dyn Observer,
    pause: Duration,
    mut download: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut attempt = 1;
    loop {
        match download() {
            Err(Error::Network { detail, .. }) if attempt < ATTEMPTS => {
                observer.progress(&format!("download of {what} failed, trying again: {detail}"));
                std::thread::sleep(pause * (1 << (attempt - 1)));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Silent;

    fn network() -> Error {
        Error::Network { what: "x".into(), attempts: 1, detail: "Connection refused".into() }
    }

    #[test]
    fn a_flaky_network_is_tried_again_until_it_works() {
        let mut left = 2;
        let result = with_pauses("x", &Silent, Duration::ZERO, || {
            if left == 0 {
                return Ok("here");
            }
            left -= 1;
            Err(network())
        });
        assert_eq!(result.unwrap(), "here");
    }

    #[test]
    fn a_dead_network_is_reported_with_the_number_of_attempts() {
        let mut tried = 0;
        let result: Result<()> = with_pauses("zig", &Silent, Duration::ZERO, || {
            tried += 1;
            Err(network())
        });
        let text = result.unwrap_err().to_string();
        assert_eq!(tried, ATTEMPTS);
        assert!(text.contains("cannot download zig (4 attempts): Connection refused"), "{text}");
    }

    #[test]
    fn what_is_not_the_networks_fault_is_not_tried_again() {
        let mut tried = 0;
        let result: Result<()> = with_pauses("x", &Silent, Duration::ZERO, || {
            tried += 1;
            std::fs::read("/nonexistent").at("read", "/nonexistent").map(|_| ())
        });
        assert!(result.is_err());
        assert_eq!(tried, 1);
    }

    #[test]
    fn a_truncated_download_is_refused_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("wheel");
        std::fs::write(&file, "whole").unwrap();
        let digest = sha256_file(&file).unwrap();
        check_digest(&file, &digest, "the table").unwrap();
        assert!(file.exists());

        std::fs::write(&file, "whol").unwrap();
        let error = check_digest(&file, &digest, "the table").unwrap_err();
        assert!(matches!(&error, Error::Digest { expected, .. } if *expected == digest), "{error}");
        assert!(!file.exists(), "the bad file must not be taken by the next run");
    }
}
