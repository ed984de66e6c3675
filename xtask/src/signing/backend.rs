//! Who turns a digest into an RSA signature.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pgp::composed::Deserializable;
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::{Mpi, SignatureBytes};

use super::packet::Version;
use super::store::UnlockedKey;
use super::Error;
use crate::plan::CommandProtocol;

/// A key, wherever it is.
pub enum DigestSigner {
    /// In memory.
    Key(Box<UnlockedKey>),
    /// Behind a program.
    Command { argv: Vec<String>, protocol: CommandProtocol, root: PathBuf },
}

impl DigestSigner {
    pub fn command(argv: Vec<String>, protocol: CommandProtocol, root: &Path) -> Self {
        DigestSigner::Command { argv, protocol, root: root.to_owned() }
    }

    /// The RSA PKCS#1 v1.5 signature of a SHA-256 digest.
    pub fn sign_digest(&self, digest: &[u8; 32]) -> Result<Mpi, Error> {
        match self {
            DigestSigner::Key(key) => match key.sign(HashAlgorithm::Sha256, digest)? {
                SignatureBytes::Mpis(mut values) if values.len() == 1 => Ok(values.remove(0)),
                _ => Err(Error::Unsupported("the key is not an RSA key".to_owned())),
            },
            DigestSigner::Command { argv, root, .. } => Ok(Mpi::from_slice(&run(argv, root, digest)?)),
        }
    }

    /// For programs that make whole OpenPGP signatures: the packet.
    pub fn whole_signature(&self, data: &[u8], version: Version) -> Result<Option<Vec<u8>>, Error> {
        let DigestSigner::Command { argv, protocol: CommandProtocol::OpenPgp, root } = self else {
            return Ok(None);
        };
        if version == Version::V3 {
            return Err(Error::Unsupported(
                "a signing command with protocol \"openpgp\" cannot make the V3 signatures that rpm 4.4 (c5) needs"
                    .to_owned(),
            ));
        }
        let output = run(argv, root, data)?;
        if !output.starts_with(b"-----BEGIN") {
            return Ok(Some(output));
        }
        let (signature, _) = pgp::composed::DetachedSignature::from_armor_single(&output[..])?;
        let mut bytes = Vec::new();
        pgp::packet::PacketTrait::to_writer_with_header(&signature.signature, &mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Runs the program on a file with `input`, in a private directory, and returns what it wrote.
fn run(argv: &[String], root: &Path, input: &[u8]) -> Result<Vec<u8>, Error> {
    let shown = argv.join(" ");
    let fail = |why: String| Error::Command { command: shown.clone(), why };
    let folder = tempfile::tempdir().map_err(|e| fail(format!("no temporary directory: {e}")))?;
    let (in_file, out_file) = (folder.path().join("in"), folder.path().join("out"));
    std::fs::write(&in_file, input).map_err(|e| fail(format!("cannot write its input: {e}")))?;
    let words: Vec<String> = argv
        .iter()
        .map(|w| w.replace("{in}", &in_file.to_string_lossy()).replace("{out}", &out_file.to_string_lossy()))
        .collect();
    let output = Command::new(&words[0])
        .args(&words[1..])
        .current_dir(root)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| fail(format!("cannot start: {e}")))?;
    if !output.status.success() {
        let last = String::from_utf8_lossy(&output.stderr);
        let last: Vec<&str> = last.lines().rev().take(5).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        return Err(fail(format!("{}\n{}", output.status, last.join("\n"))));
    }
    std::fs::read(&out_file).map_err(|e| fail(format!("it wrote no {{out}} file: {e}")))
}
