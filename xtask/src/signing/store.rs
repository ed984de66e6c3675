//! Key files: the user's key directory, and keys that a profile names.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use pgp::composed::{ArmorOptions, Deserializable, SignedPublicKey, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::types::{Password, SignatureBytes, SigningKey};

use super::{Error, armored_public, generate};
use crate::plan::Passphrase;

/// Where development keys live: outside of every checkout, so that all of a user's checkouts sign alike.
#[derive(Debug, Clone)]
pub struct KeyStore {
    folder: PathBuf,
}

/// A secret key as its file holds it.
pub struct StoredKey {
    secret: SignedSecretKey,
    path: PathBuf,
}

/// What opens a secret key.
pub enum UnlockWith {
    Nothing,
    Passphrase(Password),
}

/// A secret key and what opens it.
pub struct UnlockedKey {
    secret: SignedSecretKey,
    password: Password,
}

impl KeyStore {
    /// A store in `folder`, which is made on first use.
    pub fn new(folder: PathBuf) -> Self {
        KeyStore { folder }
    }

    /// The file of a development key.
    pub fn path(&self, profile: &str) -> PathBuf {
        self.folder.join(format!("{profile}.secret.asc"))
    }

    /// The development key of a profile, generated when it is not there yet.
    pub fn development_key(&self, profile: &str) -> Result<StoredKey, Error> {
        let path = self.path(profile);
        if !path.exists() {
            let user_id = format!("VEN {profile} key (DO NOT TRUST) <{profile}@localhost.invalid>");
            let secret = generate(&user_id, 3072, None)?;
            write_secret(&path, &secret)?;
        }
        StoredKey::read(&path)
    }

    /// The public half of a development key, if there is one.
    pub fn existing(&self, profile: &str) -> Result<Option<SignedPublicKey>, Error> {
        let path = self.path(profile);
        if path.exists() { Ok(Some(StoredKey::read(&path)?.public())) } else { Ok(None) }
    }
}

/// What became of a secret key that was to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// It is in its file.
    New,
    /// Another run was faster: the file holds that one's key.
    AlreadyThere,
}

/// Writes a secret key, readable by its owner only; two runs at once leave one key, whole.
pub fn write_secret(path: &Path, secret: &SignedSecretKey) -> Result<Placed, Error> {
    let fail = |source| Error::File { path: path.to_owned(), source };
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700).create(folder).map_err(fail)?;
    let text = secret.to_armored_string(ArmorOptions::default())?;
    let scratch = folder.join(format!(".{}.{}", path.file_name().unwrap_or_default().to_string_lossy(), std::process::id()));
    let mut file =
        fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&scratch).map_err(fail)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    // A hard link refuses to replace: whoever comes second uses the first one's key.
    let linked = fs::hard_link(&scratch, path);
    fs::remove_file(&scratch).map_err(fail)?;
    match linked {
        Ok(()) => Ok(Placed::New),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(Placed::AlreadyThere),
        Err(e) => Err(fail(e)),
    }
}

/// Reads an armored public key.
pub fn read_public(path: &Path) -> Result<SignedPublicKey, Error> {
    let bytes = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
    let (key, _) = SignedPublicKey::from_armor_single(&bytes[..])
        .map_err(|e| Error::Key { path: path.to_owned(), why: format!("no armored OpenPGP public key: {e}") })?;
    Ok(key)
}

impl StoredKey {
    /// Reads an armored secret key.
    pub fn read(path: &Path) -> Result<StoredKey, Error> {
        let bytes = fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source })?;
        let (secret, _) = SignedSecretKey::from_armor_single(&bytes[..])
            .map_err(|e| Error::Key { path: path.to_owned(), why: format!("no armored OpenPGP secret key: {e}") })?;
        Ok(StoredKey { secret, path: path.to_owned() })
    }

    /// The public half.
    pub fn public(&self) -> SignedPublicKey {
        self.secret.to_public_key()
    }

    /// Checks the passphrase, and keeps it for signing.
    pub fn unlock(self, with: UnlockWith) -> Result<UnlockedKey, Error> {
        let locked = self.secret.primary_key.secret_params().is_encrypted();
        let password = match with {
            UnlockWith::Passphrase(password) => password,
            UnlockWith::Nothing if locked => {
                let path = self.path.display();
                return Err(Error::Passphrase(format!(
                    "{path} is protected, and its profile names neither passphrase_env nor passphrase_fd"
                )));
            }
            UnlockWith::Nothing => Password::empty(),
        };
        let wrong = || Error::Passphrase(format!("it does not open {}", self.path.display()));
        match self.secret.primary_key.unlock(&password, |_, _| Ok(())) {
            Ok(Ok(())) => Ok(UnlockedKey { secret: self.secret, password }),
            _ => Err(wrong()),
        }
    }
}

impl UnlockWith {
    /// Reads the passphrase from where a profile says.
    pub fn from_plan(plan: &Passphrase) -> Result<UnlockWith, Error> {
        let text = match plan {
            Passphrase::None => return Ok(UnlockWith::Nothing),
            Passphrase::Env(name) => {
                std::env::var(name).map_err(|_| Error::Passphrase(format!("the variable {name} is not set")))?
            }
            Passphrase::Fd(fd) => fs::read_to_string(format!("/dev/fd/{fd}"))
                .map_err(|e| Error::Passphrase(format!("file descriptor {fd}: {e}")))?,
        };
        Ok(UnlockWith::Passphrase(Password::from(text.trim_end_matches(['\r', '\n']))))
    }
}

impl UnlockedKey {
    /// One signature of one digest.
    pub fn sign(&self, hash: HashAlgorithm, digest: &[u8]) -> Result<SignatureBytes, Error> {
        Ok(self.secret.primary_key.sign(&self.password, hash, digest)?)
    }
}

/// Writes a public key where everyone may read it.
pub fn write_public(path: &Path, key: &SignedPublicKey) -> Result<(), Error> {
    let fail = |source| Error::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    fs::write(path, armored_public(key)?).map_err(fail)
}
