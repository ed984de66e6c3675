//! A package that was read.

use std::fmt;
use std::io::Read;

use crate::dependencies::HeaderDependency;
use crate::draft::signature_version;
use crate::error::ReadError;
use crate::read::{self, Limits};
use crate::signature::{SignatureError, SignaturePacket, Verifier, VerifyError};
use crate::spec::{Entry, Spec};

/// A package that was read and found to be one which this crate writes.
#[derive(Clone)]
pub struct Package {
    pub(crate) bytes: Vec<u8>,
    pub(crate) header_start: usize,
    pub(crate) payload_start: usize,
    pub(crate) spec: Spec,
    pub(crate) files: Vec<FileInfo>,
    pub(crate) requires: Vec<HeaderDependency>,
    pub(crate) provides: Vec<HeaderDependency>,
    pub(crate) rsa_header: Option<Vec<u8>>,
    pub(crate) rsa_both: Option<Vec<u8>>,
    pub(crate) header_sha1: String,
}

/// What the header says about a path, proved against the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Path, kind with content, mode, owners, class, verify flags.
    pub entry: Entry,
    /// Bytes in the archive.
    pub size: u32,
    /// Modification time, seconds since 1970.
    pub mtime: u32,
    /// Digest of a regular file's content.
    pub digest: Option<Digest>,
}

/// Digest of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Digest {
    /// Profile El5.
    Md5([u8; 16]),
    /// Profile El6.
    Sha256([u8; 32]),
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Digest::Md5(bytes) => f.write_str(&hex::encode(bytes)),
            Digest::Sha256(bytes) => f.write_str(&hex::encode(bytes)),
        }
    }
}

/// What a signature covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignedRegion {
    /// The main header (`RPMSIGTAG_RSA`, 268), which holds the payload's digest.
    Header,
    /// Main header and compressed payload (`RPMSIGTAG_PGP`, 1002).
    HeaderAndPayload,
}

impl fmt::Display for SignedRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SignedRegion::Header => "header",
            SignedRegion::HeaderAndPayload => "header and payload",
        })
    }
}

impl Package {
    /// Read a package to its end and check everything but the signatures' RSA values, for which
    /// [`Package::verify_signatures`] needs a key.
    ///
    /// # Errors
    /// The first deviation from what this crate writes, or an exceeded limit.
    pub fn read(input: impl Read, limits: &Limits) -> Result<Self, ReadError> {
        read::read(input, limits)
    }

    /// The spec the package was written from: writing it again, with the same signer, gives the same
    /// bytes. Entries and dependencies are sorted, and ghosts have lost the verify flags which do not
    /// apply to them.
    pub fn spec(&self) -> &Spec {
        &self.spec
    }

    /// The file list, ascending by path.
    pub fn files(&self) -> &[FileInfo] {
        &self.files
    }

    /// All requirements as stored, with those the writer added (`rpmlib(…)`, interpreters).
    pub fn requires(&self) -> &[HeaderDependency] {
        &self.requires
    }

    /// All provisions as stored, with those the writer added.
    pub fn provides(&self) -> &[HeaderDependency] {
        &self.provides
    }

    /// SHA-1 of the main header, hexadecimal: rpm's package identity.
    pub fn header_sha1(&self) -> &str {
        &self.header_sha1
    }

    /// The main header, [`SignedRegion::Header`].
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes[self.header_start..self.payload_start]
    }

    /// Main header and compressed payload, [`SignedRegion::HeaderAndPayload`].
    pub fn header_and_payload(&self) -> &[u8] {
        &self.bytes[self.header_start..]
    }

    /// The compressed payload.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.payload_start..]
    }

    /// The signature packets with what they cover; both, or none in an unsigned package.
    pub fn signatures(&self) -> Vec<(SignedRegion, &[u8])> {
        let header = self.rsa_header.as_deref().map(|packet| (SignedRegion::Header, packet));
        let both = self.rsa_both.as_deref().map(|packet| (SignedRegion::HeaderAndPayload, packet));
        header.into_iter().chain(both).collect()
    }

    /// The bytes a signature covers.
    pub fn region(&self, region: SignedRegion) -> &[u8] {
        match region {
            SignedRegion::Header => self.header_bytes(),
            SignedRegion::HeaderAndPayload => self.header_and_payload(),
        }
    }

    /// Check both signatures: strict form of the packets, version due to the profile, key, RSA value.
    ///
    /// # Errors
    /// The first signature that fails, or [`VerifyError::Unsigned`].
    pub fn verify_signatures(&self, verifier: &dyn Verifier) -> Result<(), VerifyError> {
        let signatures = self.signatures();
        if signatures.is_empty() {
            return Err(VerifyError::Unsigned);
        }
        for (region, bytes) in signatures {
            let wrong = |source| VerifyError::Packet { region, source };
            let packet = SignaturePacket::parse(bytes).map_err(wrong)?;
            if packet.version() != signature_version(self.spec.profile) {
                let found = u64::from(packet.version().number());
                let expected = "3 in profile El5, 4 in profile El6";
                return Err(wrong(SignatureError::Field { field: "version", found, expected }));
            }
            let digest = packet.check(self.region(region), verifier.key_id()).map_err(wrong)?;
            verifier
                .verify(&digest, packet.signature())
                .map_err(|source| VerifyError::Bad { region, source })?;
        }
        Ok(())
    }
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package").field("spec", &self.spec).field("bytes", &self.bytes.len()).finish()
    }
}
