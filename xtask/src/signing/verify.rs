//! Verification that also refuses what a signature does not cover: packets are accepted only in the one form
//! that our writers give them.

use pgp::composed::{Deserializable, DetachedSignature, SignedPublicKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::packet::{PacketTrait, PublicKey, SignatureType, SignatureVersion, SubpacketData};
use pgp::types::KeyDetails;

use super::packet;

/// A public key that a reader accepts.
#[derive(Debug, Clone)]
pub struct TrustedKey {
    public: SignedPublicKey,
    name: String,
    development: bool,
}

/// Why a signature is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Not a signature packet, or more than one.
    #[error("not an OpenPGP signature: {0}")]
    Malformed(pgp::errors::Error),
    /// Made by somebody else's key.
    #[error("signed by key {found}, not by {wanted} (\"{name}\")")]
    WrongKey { found: String, wanted: String, name: String },
    /// The bytes have parts that no signature protects.
    #[error("the signature is not in its canonical form: {0}")]
    NotCanonical(String),
    /// The data was changed, or the signature was.
    #[error("the signature does not match the data: {0}")]
    Bad(pgp::errors::Error),
}

impl TrustedKey {
    /// A key known as `name`.
    pub fn new(public: SignedPublicKey, name: String, development: bool) -> Self {
        TrustedKey { public, name, development }
    }

    /// The name it is known by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is a development key, which nobody should trust.
    pub fn is_development(&self) -> bool {
        self.development
    }

    /// The whole certificate.
    pub fn certificate(&self) -> &SignedPublicKey {
        &self.public
    }

    /// The key that signs.
    pub fn primary(&self) -> &PublicKey {
        &self.public.primary_key
    }

    /// The fingerprint, 40 upper-case hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        self.primary().fingerprint().to_string().to_uppercase()
    }

    /// First user id of the key.
    pub fn user_id(&self) -> String {
        let user = self.public.details.users.first();
        user.and_then(|u| u.id.as_str()).unwrap_or("(no user id)").to_owned()
    }

    /// Size of the RSA modulus in bits, if it is an RSA key.
    pub fn rsa_bits(&self) -> Option<usize> {
        use rsa_modulus::bits;
        bits(self.primary())
    }

    /// Whether every reader of our packages takes signatures of this key.
    pub fn require_usable(&self) -> Result<(), String> {
        match self.rsa_bits() {
            Some(bits) if bits >= 3072 => {}
            Some(bits) => return Err(format!("RSA with {bits} bits: 3072 or more are needed")),
            None => return Err("not an RSA key: rpm before 4.16 takes no other".to_owned()),
        }
        self.public.verify_bindings().map_err(|e| format!("its self-signature is bad: {e}"))
    }

    /// Verifies a detached binary signature.
    pub fn verify(&self, signature: &[u8], data: &[u8]) -> Result<(), VerifyError> {
        let parsed = packet::parse(signature).map_err(VerifyError::Malformed)?;
        let refuse = |why: &str| Err(VerifyError::NotCanonical(why.to_owned()));
        let mut again = Vec::new();
        parsed.to_writer_with_header(&mut again).map_err(VerifyError::Malformed)?;
        if again != signature {
            return refuse("it is encoded differently");
        }
        let Some(config) = parsed.config() else { return refuse("its version is unknown") };
        if config.typ != SignatureType::Binary {
            return refuse("it is not over binary data");
        }
        if config.hash_alg != HashAlgorithm::Sha256 || config.pub_alg != PublicKeyAlgorithm::RSA {
            return refuse("it is not RSA with SHA-256");
        }
        let wanted = self.primary().legacy_key_id();
        let issuers = parsed.issuer_key_id();
        if let Some(found) = issuers.iter().find(|id| ***id != wanted) {
            return Err(VerifyError::WrongKey {
                found: found.to_string().to_uppercase(),
                wanted: wanted.to_string().to_uppercase(),
                name: self.name.clone(),
            });
        }
        match parsed.version() {
            SignatureVersion::V3 => {}
            SignatureVersion::V4 => {
                let unhashed: Vec<_> = config.unhashed_subpackets().collect();
                let plain = unhashed.len() <= 1
                    && unhashed.iter().all(|s| !s.is_critical && matches!(s.data, SubpacketData::IssuerKeyId(_)));
                if !plain {
                    return refuse("it has unprotected additions");
                }
            }
            _ => return refuse("its version is neither 3 nor 4"),
        }
        parsed.verify(self.primary(), data).map_err(VerifyError::Bad)
    }

    /// Verifies the content of a `.asc` file.
    pub fn verify_armored(&self, armored: &str, data: &[u8]) -> Result<(), VerifyError> {
        let (signature, _) =
            DetachedSignature::from_armor_single(armored.as_bytes()).map_err(VerifyError::Malformed)?;
        let mut bytes = Vec::new();
        signature.signature.to_writer_with_header(&mut bytes).map_err(VerifyError::Malformed)?;
        if packet::armor(&bytes).map_err(VerifyError::Malformed)? != armored {
            return Err(VerifyError::NotCanonical("its armor has been changed".to_owned()));
        }
        self.verify(&bytes, data)
    }
}

mod rsa_modulus {
    use pgp::packet::PublicKey;
    use pgp::types::{KeyDetails, PublicParams};

    /// Bits of the modulus, from its OpenPGP encoding: a two-byte bit count before the number.
    pub fn bits(key: &PublicKey) -> Option<usize> {
        let PublicParams::RSA(params) = key.public_params() else { return None };
        let mut bytes = Vec::new();
        pgp::ser::Serialize::to_writer(params, &mut bytes).ok()?;
        Some(usize::from(u16::from_be_bytes([*bytes.first()?, *bytes.get(1)?])))
    }
}
