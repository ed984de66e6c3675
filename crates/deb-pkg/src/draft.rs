//! From a specification to the bytes of a package.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::compress::{CompressError, CompressedData, Compression, pack};
use crate::openpgp::{self, SignatureError};
use crate::spec::{Entry, EntryKind, Owner, Spec};
use crate::tree::Tree;
use crate::validate::{InvalidSpec, problems};
use crate::{ar, control, tar};

/// Content of the member `debian-binary`: the format version (deb(5)).
pub(crate) const FORMAT_VERSION: &[u8] = b"2.0\n";
/// Name of the member that holds the signature of the origin (debsigs).
pub(crate) const SIGNATURE_MEMBER: &str = "_gpgorigin";

/// Makes OpenPGP signatures: with a key in memory, an HSM, a remote service.
pub trait Signer {
    /// A binary (not armored) detached signature, type 0x00, version 4, over `data`.
    ///
    /// # Errors
    /// Whatever kept the signature from being made.
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>>;
}

/// What [`Draft::finish`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Bytes of the package.
    pub size: u64,
    /// SHA-256 of the package.
    pub sha256: [u8; 32],
}

/// An uncompressed `data.tar`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataTar {
    /// The archive.
    pub bytes: Vec<u8>,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

/// Why [`Draft::finish`] failed.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// The payload was made from another tree or date.
    #[error(
        "the compressed data.tar (sha256 {}) is not that of this draft ({}): compress the data_tar() of a draft \
         with the same tree and source date",
        hex::encode(given),
        hex::encode(expected)
    )]
    Payload {
        /// SHA-256 of the `data.tar` of this draft.
        expected: [u8; 32],
        /// SHA-256 of the `data.tar` that was compressed.
        given: [u8; 32],
    },
    /// An archive is larger than the ar format allows.
    #[error("{member} has {size} bytes; a package member has at most 9999999999")]
    Size {
        /// The member.
        member: String,
        /// Its size.
        size: u64,
    },
    /// The control archive could not be compressed.
    #[error("control.tar: {0}")]
    Compress(#[from] CompressError),
    /// The signer failed.
    #[error("signing the package: {0}")]
    Signer(#[source] Box<dyn Error + Send + Sync>),
    /// What the signer returned is no signature that a package may carry.
    #[error("the signer returned an unusable signature: {0}")]
    Signature(#[from] SignatureError),
    /// Writing failed.
    #[error("writing the package: {0}")]
    Write(#[from] io::Error),
}

/// A validated package, before its payload is compressed.
#[derive(Debug)]
pub struct Draft {
    tree: Tree,
    control_tar: Vec<u8>,
    control_compression: Compression,
    source_date: u64,
    data_sha256: [u8; 32],
}

impl Draft {
    /// Validates `spec` and renders everything but the payload.
    ///
    /// # Errors
    /// All rules that `spec` breaks, not only the first.
    pub fn new(spec: &Spec) -> Result<Self, InvalidSpec> {
        let problems = problems(spec);
        if !problems.is_empty() {
            return Err(InvalidSpec { problems });
        }
        let tree = Tree::complete(&spec.entries);
        let mut sha256 = Sha256::new();
        write_tar(tree.entries(), spec.source_date, &mut sha256);
        Ok(Self {
            control_tar: control_tar(spec, &tree),
            control_compression: spec.control_compression,
            source_date: spec.source_date,
            data_sha256: sha256.finalize().into(),
            tree,
        })
    }

    /// SHA-256 of the uncompressed `data.tar`, without making it: equal for drafts with the same tree and date,
    /// so that the caller compresses each distinct payload once.
    pub fn data_sha256(&self) -> [u8; 32] {
        self.data_sha256
    }

    /// The uncompressed `data.tar`.
    pub fn data_tar(&self) -> DataTar {
        let mut bytes = Vec::new();
        write_tar(self.tree.entries(), self.source_date, &mut bytes);
        DataTar { bytes, sha256: self.data_sha256 }
    }

    /// `Installed-Size` in KiB.
    pub fn installed_size(&self) -> u64 {
        self.tree.installed_size()
    }

    /// The uncompressed control archive.
    pub(crate) fn control_tar(&self) -> &[u8] {
        &self.control_tar
    }

    /// Writes the package, signed when there is a signer.
    ///
    /// # Errors
    /// `data` was made from another tree; the signer failed or returned something other than one version 4
    /// signature packet over the package; `out` failed.
    pub fn finish(
        &self,
        data: &CompressedData,
        signer: Option<&dyn Signer>,
        mut out: impl Write,
    ) -> Result<Written, FinishError> {
        if data.tar_sha256 != self.data_sha256 {
            return Err(FinishError::Payload { expected: self.data_sha256, given: data.tar_sha256 });
        }
        let control = pack(&self.control_tar, self.control_compression)?;
        let control_name = format!("control.tar.{}", self.control_compression.extension());
        let data_name = format!("data.tar.{}", data.compression.extension());
        let mut members: Vec<(&str, &[u8])> =
            vec![("debian-binary", FORMAT_VERSION), (&control_name, &control), (&data_name, &data.bytes)];
        let signature;
        if let Some(signer) = signer {
            let signed: Vec<u8> = members.iter().flat_map(|(_, content)| *content).copied().collect();
            signature = signer.sign(&signed).map_err(FinishError::Signer)?;
            openpgp::SignaturePacket::parse(&signature)?.check_digest_prefix(&signed)?;
            members.push((SIGNATURE_MEMBER, &signature));
        }
        let mut out = Hashing { out: &mut out, sha256: Sha256::new(), size: 0 };
        out.write_all(ar::MAGIC)?;
        for (name, content) in members {
            let size = content.len() as u64;
            if size > ar::MAX_SIZE {
                return Err(FinishError::Size { member: name.to_owned(), size });
            }
            out.write_all(&ar::header(name, self.source_date, size))?;
            out.write_all(content)?;
            out.write_all(if size % 2 == 1 { b"\n" } else { b"" })?;
        }
        out.flush()?;
        Ok(Written { size: out.size, sha256: out.sha256.finalize().into() })
    }
}

/// Writes a tar archive to something in memory.
fn write_tar(entries: &[Entry], mtime: u64, out: impl Write) {
    tar::write(entries, mtime, out).expect("writing to memory");
}

/// The control archive, uncompressed.
fn control_tar(spec: &Spec, tree: &Tree) -> Vec<u8> {
    let mut files = vec![("control", 0o644, control::render(spec, tree.installed_size()))];
    files.push(("md5sums", 0o644, tree.md5sums()));
    if !spec.conffiles.is_empty() {
        files.push(("conffiles", 0o644, conffiles(spec)));
    }
    files.extend(spec.scripts.iter().map(|(name, text)| (name, 0o755, text.to_owned())));
    let entries: Vec<Entry> = files
        .into_iter()
        .map(|(name, mode, text)| Entry {
            path: format!("/{name}"),
            kind: EntryKind::File { content: Arc::from(text.into_bytes()) },
            mode,
            user: Owner::root(),
            group: Owner::root(),
        })
        .collect();
    let mut out = Vec::new();
    write_tar(Tree::complete(&entries).entries(), spec.source_date, &mut out);
    out
}

/// The `conffiles` control file: a sorted list.
fn conffiles(spec: &Spec) -> String {
    let mut paths: Vec<&str> = spec.conffiles.iter().map(String::as_str).collect();
    paths.sort_unstable();
    paths.iter().flat_map(|path| [path, "\n"]).collect()
}

/// Counts and hashes what passes.
struct Hashing<W> {
    out: W,
    sha256: Sha256,
    size: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
