//! OpenPGP signatures over packages, manifests and checksum lists.
//!
//! Whatever holds the key (a file, a generated development key, a program before an HSM), it only ever makes
//! one RSA signature of one digest; packets are framed and verified here. So every backend can make the old V3
//! packets that rpm 4.4 needs, and no signature leaves unverified.

mod backend;
mod generate;
mod packet;
mod store;
mod verify;

use std::path::PathBuf;

use pgp::composed::SignedPublicKey;
use pgp::types::{KeyDetails, Timestamp};

pub use generate::{GenerateError, generate};
pub use packet::{Version, packet_version};
pub use store::{KeyStore, Placed, StoredKey, UnlockWith, read_public, write_public, write_secret};
pub use verify::{TrustedKey, VerifyError};

use crate::plan::{Backend, CommandProtocol, KeyPlan};
use backend::DigestSigner;

/// When development keys say they were made. Readers refuse signatures that are older than their key, and a
/// release may be dated well before the day its key was generated.
pub const KEY_TIME: u32 = 1_577_836_800; // 2020-01-01T00:00:00Z

/// What can go wrong with keys and signatures.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A key file cannot be read or written.
    #[error("key file {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    /// A key file holds no usable key.
    #[error("key file {path}: {why}")]
    Key { path: PathBuf, why: String },
    /// The passphrase is missing or wrong.
    #[error("passphrase: {0}")]
    Passphrase(String),
    /// The signing command failed.
    #[error("signing command `{command}`: {why}")]
    Command { command: String, why: String },
    /// The backend cannot make this kind of signature.
    #[error("{0}")]
    Unsupported(String),
    /// OpenPGP framing failed.
    #[error("OpenPGP: {0}")]
    OpenPgp(#[from] pgp::errors::Error),
    /// A fresh signature does not verify: wrong public key for this profile, or a broken backend.
    #[error("profile \"{profile}\" made a signature that does not verify: {source}")]
    Unverifiable { profile: String, source: VerifyError },
    /// Key generation failed.
    #[error(transparent)]
    Generate(#[from] GenerateError),
}

impl Error {
    /// What to do about it.
    pub fn mend(&self) -> String {
        match self {
            Error::File { .. } => "check the path and its permissions in signing/profiles.toml",
            Error::Key { .. } => {
                "use an OpenPGP V4 key whose primary key is RSA 3072 or 4096 and can sign \
                 (`cargo xtask keys generate` makes one)"
            }
            Error::Passphrase(_) => {
                "set the variable or open the descriptor that the profile names; \
                 a passphrase is never taken from an argument"
            }
            Error::Command { .. } => {
                "run the command by hand with a small file; signing/README.md says what it must read and write"
            }
            Error::Unsupported(_) => {
                "use protocol = \"rsa-sha256-digest\", or leave these platforms out with --platform"
            }
            Error::OpenPgp(_) => "check that the key is a plain OpenPGP RSA key",
            Error::Unverifiable { .. } => "check that public_key in signing/profiles.toml belongs to this command's key",
            Error::Generate(_) => "see signing/README.md for the kinds of key that every package reader takes",
        }
        .to_owned()
    }
}

/// A profile that is ready to sign.
pub struct Signer {
    profile: String,
    key: TrustedKey,
    backend: DigestSigner,
    time: Timestamp,
}

impl Signer {
    /// Opens the key of a plan. `time` goes into every signature: seconds since 1970.
    pub fn open(plan: &KeyPlan, store: &KeyStore, root: &std::path::Path, time: u32) -> Result<Signer, Error> {
        let (public, backend) = match &plan.backend {
            Backend::Generated => {
                let key = store.development_key(&plan.profile)?;
                (key.public(), DigestSigner::Key(Box::new(key.unlock(UnlockWith::Nothing)?)))
            }
            Backend::File { secret_key, passphrase } => {
                let key = StoredKey::read(secret_key)?;
                let unlock = UnlockWith::from_plan(passphrase)?;
                (key.public(), DigestSigner::Key(Box::new(key.unlock(unlock)?)))
            }
            Backend::Command { public_key, protocol, command } => {
                let public = store::read_public(&root.join(public_key))?;
                (public, DigestSigner::command(command.clone(), *protocol, root))
            }
        };
        let key = TrustedKey::new(public, plan.profile.clone(), plan.is_development());
        key.require_usable().map_err(|why| Error::Key { path: PathBuf::from(&plan.profile), why })?;
        if key.primary().created_at().as_secs() > time {
            return Err(Error::Key {
                path: PathBuf::from(&plan.profile),
                why: "the key is younger than the release: readers refuse signatures from before their key".to_owned(),
            });
        }
        Ok(Signer { profile: plan.profile.clone(), key, backend, time: Timestamp::from_secs(time) })
    }

    /// The public half.
    pub fn key(&self) -> &TrustedKey {
        &self.key
    }

    /// Whether this profile can make V3 signatures.
    pub fn can_sign(&self, version: Version) -> bool {
        version == Version::V4 || !matches!(self.backend, DigestSigner::Command { protocol: CommandProtocol::OpenPgp, .. })
    }

    /// A detached binary signature over `data`, verified before it is returned.
    pub fn sign(&self, data: &[u8], version: Version) -> Result<Vec<u8>, Error> {
        let packet = packet::sign(&self.key, &self.backend, self.time, data, version)?;
        self.key
            .verify(&packet, data)
            .map_err(|source| Error::Unverifiable { profile: self.profile.clone(), source })?;
        Ok(packet)
    }

    /// The same, ASCII armored: the content of a `.asc` file.
    pub fn sign_armored(&self, data: &[u8]) -> Result<String, Error> {
        Ok(packet::armor(&self.sign(data, Version::V4)?)?)
    }
}

/// The public key, ASCII armored.
pub fn armored_public(key: &SignedPublicKey) -> Result<String, Error> {
    Ok(key.to_armored_string(pgp::composed::ArmorOptions::default())?)
}
