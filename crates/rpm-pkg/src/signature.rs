//! OpenPGP signature packets in an RPM package: who makes them, who checks them, and their strict form.
//!
//! A signature covers the signed data and its own hashed fields, nothing else: length octets, the key id
//! of a V3 packet, unhashed subpackets and the two check bytes can be altered without making it invalid.
//! [`SignaturePacket`] therefore accepts one encoding only, and [`SignaturePacket::check`] compares the rest.

use sha2::{Digest, Sha256};

use crate::package::SignedRegion;

/// Version of an OpenPGP signature packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SignatureVersion {
    /// RFC 4880, section 5.2.2: all that rpm 4.4 verifies.
    V3,
    /// RFC 4880, section 5.2.3.
    V4,
}

impl SignatureVersion {
    /// 3 or 4.
    pub const fn number(self) -> u8 {
        match self {
            SignatureVersion::V3 => 3,
            SignatureVersion::V4 => 4,
        }
    }
}

/// Makes signatures: a key file, an HSM, a remote service.
pub trait Signer {
    /// An OpenPGP packet (binary, not armoured) with an RSA/SHA-256 signature of type 0 over `data`.
    ///
    /// # Errors
    /// Whatever keeps the signer from signing.
    fn sign(
        &self,
        data: &[u8],
        version: SignatureVersion,
    ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>>;
}

/// Checks RSA signatures with one key.
pub trait Verifier {
    /// Low 64 bits of the key's fingerprint, big endian.
    fn key_id(&self) -> [u8; 8];

    /// Check the RSASSA-PKCS1-v1_5 value `signature` (big endian, leading zeros stripped) over the SHA-256
    /// value `digest`.
    ///
    /// # Errors
    /// Why the signature is not good.
    fn verify(
        &self,
        digest: &[u8; 32],
        signature: &[u8],
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// Why a signature packet is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The packet ends too early.
    #[error("the packet ends too early")]
    Truncated,
    /// A field has a value other than the one accepted.
    #[error("{field} is {found}, must be {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What is there.
        found: u64,
        /// What must be there.
        expected: &'static str,
    },
    /// Something follows the packet.
    #[error("{0} bytes follow the packet")]
    Trailing(usize),
    /// The unhashed area may hold the issuer's key id and nothing else.
    #[error("the unhashed area holds more than one issuer key id subpacket")]
    Unhashed,
    /// The signature names another key.
    #[error("the signature is by key {found}, not by {expected}")]
    OtherKey {
        /// Key id in the packet, hexadecimal.
        found: String,
        /// Key id of the verifying key.
        expected: String,
    },
    /// The two check bytes are not those of the digest.
    #[error("the check bytes {found} do not begin the digest of the signed data ({expected})")]
    CheckBytes {
        /// In the packet.
        found: String,
        /// Of the digest.
        expected: String,
    },
}

/// Why the signatures of a package were refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There are none.
    #[error("the package is not signed")]
    Unsigned,
    /// The packet is not in its strict form, or not over these bytes.
    #[error("signature over the {region}: {source}")]
    Packet {
        /// What it covers.
        region: SignedRegion,
        /// What is wrong.
        source: SignatureError,
    },
    /// The verifier refused the signature.
    #[error("signature over the {region} is BAD: {source}")]
    Bad {
        /// What it covers.
        region: SignedRegion,
        /// What the verifier says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A signature packet: RSA, SHA-256, type 0 (binary document), V3 or V4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignaturePacket {
    version: SignatureVersion,
    /// What is hashed after the data.
    trailer: Vec<u8>,
    /// V3, or from the unhashed area of V4.
    issuer: Option<[u8; 8]>,
    check_bytes: [u8; 2],
    signature: Vec<u8>,
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], SignatureError> {
        let (head, tail) = self.0.split_at_checked(length).ok_or(SignatureError::Truncated)?;
        self.0 = tail;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SignatureError> {
        self.take(N).map(|bytes| bytes.try_into().expect("take returns N bytes"))
    }

    fn u16(&mut self) -> Result<u16, SignatureError> {
        self.array().map(u16::from_be_bytes)
    }

    fn expect(
        &mut self,
        field: &'static str,
        value: u8,
        expected: &'static str,
    ) -> Result<(), SignatureError> {
        let [found] = self.array()?;
        if found == value {
            Ok(())
        } else {
            Err(SignatureError::Field { field, found: found.into(), expected })
        }
    }
}

impl SignaturePacket {
    /// Parse the one accepted encoding: packet tag 2 with the shortest length form of the old
    /// packet format (`0x88`, `0x89`) or of the new one (`0xc2`), no byte more.
    ///
    /// # Errors
    /// The first field which deviates.
    pub fn parse(packet: &[u8]) -> Result<Self, SignatureError> {
        let mut input = Input(packet);
        let length = body_length(&mut input)?;
        if input.0.len() > length {
            return Err(SignatureError::Trailing(input.0.len() - length));
        }
        if input.0.len() < length {
            return Err(SignatureError::Truncated);
        }
        let body = input.0;
        let [version] = input.array()?;
        let (version, trailer, issuer) = match version {
            3 => v3(&mut input)?,
            4 => v4(&mut input, body)?,
            found => {
                let found = found.into();
                return Err(SignatureError::Field { field: "version", found, expected: "3 or 4" });
            }
        };
        let check_bytes = input.array()?;
        let signature = integer(&mut input)?;
        if !input.0.is_empty() {
            return Err(SignatureError::Trailing(input.0.len()));
        }
        Ok(SignaturePacket { version, trailer, issuer, check_bytes, signature })
    }

    /// Version of the packet.
    pub fn version(&self) -> SignatureVersion {
        self.version
    }

    /// Key id the packet names outside of what it signs; V4 packets need not have one.
    pub fn issuer(&self) -> Option<[u8; 8]> {
        self.issuer
    }

    /// The RSA value, big endian, leading zeros stripped.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// SHA-256 over `data` and the packet's hashed fields: what the RSA value signs.
    pub fn digest(&self, data: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(data).chain_update(&self.trailer).finalize().into()
    }

    /// Compare the fields a signature does not cover (check bytes, issuer) and return the digest to verify.
    ///
    /// # Errors
    /// [`SignatureError::CheckBytes`], [`SignatureError::OtherKey`].
    pub fn check(&self, data: &[u8], key_id: [u8; 8]) -> Result<[u8; 32], SignatureError> {
        if let Some(issuer) = self.issuer.filter(|issuer| *issuer != key_id) {
            let (found, expected) = (hex::encode(issuer), hex::encode(key_id));
            return Err(SignatureError::OtherKey { found, expected });
        }
        self.check_digest(data)
    }

    pub(crate) fn check_digest(&self, data: &[u8]) -> Result<[u8; 32], SignatureError> {
        let digest = self.digest(data);
        if digest[..2] == self.check_bytes {
            Ok(digest)
        } else {
            let (found, expected) = (hex::encode(self.check_bytes), hex::encode(&digest[..2]));
            Err(SignatureError::CheckBytes { found, expected })
        }
    }
}

/// Length of the packet's body, in its shortest form (RFC 4880, section 4.2).
fn body_length(input: &mut Input<'_>) -> Result<usize, SignatureError> {
    let field =
        |found: usize, expected| SignatureError::Field { field: "length", found: found as u64, expected };
    let [tag] = input.array()?;
    match tag {
        0x88 => input.array().map(|[length]| length.into()),
        0x89 => match input.u16()? {
            length @ 256.. => Ok(length.into()),
            length => Err(field(length.into(), "256 or more in two octets")),
        },
        0xc2 => match input.array()? {
            [length @ 0..192] => Ok(length.into()),
            [first @ 192..224] => {
                let [second] = input.array()?;
                Ok(((usize::from(first) - 192) << 8) + usize::from(second) + 192)
            }
            [first] => Err(field(first.into(), "less than 8384")),
        },
        found => {
            let found = found.into();
            Err(SignatureError::Field { field: "packet tag", found, expected: "0x88, 0x89 or 0xc2" })
        }
    }
}

type Fields = (SignatureVersion, Vec<u8>, Option<[u8; 8]>);

fn v3(input: &mut Input<'_>) -> Result<Fields, SignatureError> {
    input.expect("length of the hashed fields", 5, "5")?;
    let trailer = input.take(5)?.to_vec();
    if trailer[0] != 0 {
        let found = trailer[0].into();
        return Err(SignatureError::Field { field: "signature type", found, expected: "0" });
    }
    let issuer = input.array()?;
    input.expect("public key algorithm", 1, "1 (RSA)")?;
    input.expect("hash algorithm", 8, "8 (SHA-256)")?;
    Ok((SignatureVersion::V3, trailer, Some(issuer)))
}

fn v4(input: &mut Input<'_>, body: &[u8]) -> Result<Fields, SignatureError> {
    input.expect("signature type", 0, "0")?;
    input.expect("public key algorithm", 1, "1 (RSA)")?;
    input.expect("hash algorithm", 8, "8 (SHA-256)")?;
    let hashed = input.u16()?;
    input.take(hashed.into())?;
    let mut trailer = body[..6 + usize::from(hashed)].to_vec();
    let length = trailer.len() as u32;
    trailer.extend([4, 0xff]);
    trailer.extend(length.to_be_bytes());
    let unhashed = input.u16()?;
    let issuer = match input.take(unhashed.into())? {
        [] => None,
        // One subpacket: length 9, type 16 (issuer), not critical.
        [9, 16, id @ ..] => Some(id.try_into().map_err(|_| SignatureError::Unhashed)?),
        _ => return Err(SignatureError::Unhashed),
    };
    Ok((SignatureVersion::V4, trailer, issuer))
}

/// A multiprecision integer without leading zero bits (RFC 4880, section 3.2).
fn integer(input: &mut Input<'_>) -> Result<Vec<u8>, SignatureError> {
    let bits = input.u16()?;
    let bytes = input.take(usize::from(bits).div_ceil(8))?;
    let actual = bytes.first().map_or(0, |first| bytes.len() * 8 - first.leading_zeros() as usize);
    if bits == 0 || actual != usize::from(bits) {
        let found = bits.into();
        return Err(SignatureError::Field { field: "bit length", found, expected: "that of the integer" });
    }
    Ok(bytes.to_vec())
}
