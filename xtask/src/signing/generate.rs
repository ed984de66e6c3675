//! New signing keys: RSA, one primary key that signs, no subkeys (rpm before 4.12 knows none).

use pgp::composed::{SignedKeyDetails, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::crypto::rsa;
use pgp::packet::{
    KeyFlags, PubKeyInner, PublicKey, SecretKey, SignatureConfig, SignatureType, Subpacket, SubpacketData, UserId,
};
use pgp::types::{
    KeyDetails, KeyVersion, Password, PlainSecretParams, PublicParams, SecretParams, Tag, Timestamp,
};

use super::KEY_TIME;

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// Not a size that all readers take.
    #[error("RSA with {0} bits: use 3072 or 4096 (smaller keys are refused by the FUTURE policy of RHEL 8 and later)")]
    Bits(u32),
    /// The OpenPGP library failed.
    #[error("OpenPGP: {0}")]
    OpenPgp(#[from] pgp::errors::Error),
}

/// Makes a key for `user_id`, protected by `passphrase` if there is one.
pub fn generate(user_id: &str, bits: u32, passphrase: Option<&Password>) -> Result<SignedSecretKey, GenerateError> {
    if bits != 3072 && bits != 4096 {
        return Err(GenerateError::Bits(bits));
    }
    let mut rng = rand::thread_rng();
    let created = Timestamp::from_secs(KEY_TIME);
    let rsa = rsa::SecretKey::generate(&mut rng, bits as usize)?;
    let inner =
        PubKeyInner::new(KeyVersion::V4, PublicKeyAlgorithm::RSA, created, None, PublicParams::RSA((&rsa).into()))?;
    let public = PublicKey::from_inner(inner)?;
    let params = SecretParams::Plain(PlainSecretParams::RSA(rsa));
    let mut secret = SecretKey::new(public.clone(), params)?;

    let user = UserId::from_str(Default::default(), user_id)?;
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(true);
    let mut config = SignatureConfig::v4(SignatureType::CertPositive, PublicKeyAlgorithm::RSA, HashAlgorithm::Sha256);
    config.hashed_subpackets = vec![
        // Not the clock: a binding that is younger than a signature makes that signature invalid.
        Subpacket::regular(SubpacketData::SignatureCreationTime(created))?,
        Subpacket::regular(SubpacketData::IssuerFingerprint(public.fingerprint()))?,
        Subpacket::regular(SubpacketData::KeyFlags(flags))?,
        Subpacket::regular(SubpacketData::PreferredHashAlgorithms([HashAlgorithm::Sha256].into_iter().collect()))?,
        Subpacket::regular(SubpacketData::IsPrimary(true))?,
    ];
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(public.legacy_key_id()))?];
    let certification = config.sign_certification(&secret, &public, &Password::empty(), Tag::UserId, &user)?;
    if let Some(passphrase) = passphrase {
        secret.set_password(&mut rng, passphrase)?;
    }
    let details = SignedKeyDetails::new(vec![], vec![], vec![user.into_signed(certification)], vec![]);
    Ok(SignedSecretKey::new(secret, details, vec![], vec![]))
}
