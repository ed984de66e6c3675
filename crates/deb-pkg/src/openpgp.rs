//! The one form of OpenPGP signature that a package may carry, checked byte by byte.
//!
//! A verifier of OpenPGP does not look at everything in a signature packet: the unhashed subpackets and the left
//! 16 bits of the digest are not signed, and lengths can be written in several ways. [`SignaturePacket::parse`]
//! allows exactly one way, so that together with the signature check every bit of the packet is bound.
//!
//! Source: RFC 9580 4.2 (packet headers), 5.2.3 (version 4 signatures), 5.2.4 (digest), 3.2 (MPIs).

use sha2::{Digest, Sha256, Sha384, Sha512};

/// Why bytes are not a signature that a package may carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// An armored signature where a binary one is needed.
    #[error("the signature is ASCII-armored; a package carries the binary form")]
    Armored,
    /// The bytes are not exactly one signature packet with the shortest header.
    #[error("not exactly one OpenPGP signature packet: {0}")]
    Packet(&'static str),
    /// Not version 4.
    #[error("signature version {0}: a package carries version 4")]
    Version(u8),
    /// Not a signature over binary data.
    #[error("signature type {0:#04x}: a package carries type 0x00, over binary data")]
    Type(u8),
    /// A digest that is weak or unknown.
    #[error("digest algorithm {0}: use SHA-256 (8), SHA-384 (9) or SHA-512 (10)")]
    Hash(u8),
    /// A public key algorithm with a signature form unknown here.
    #[error("public key algorithm {0}: use RSA (1), DSA (17), ECDSA (19), EdDSA (22) or Ed25519 (27)")]
    Algorithm(u8),
    /// The unhashed area holds something that no signature protects.
    #[error("the unhashed area may hold the issuer's key id only, nothing else: {0}")]
    Unhashed(&'static str),
    /// The unsigned first two bytes of the digest are wrong.
    #[error(
        "the first two bytes of the digest are {found:02x?} in the signature, {expected:02x?} in the data"
    )]
    DigestPrefix {
        /// What the signature has.
        found: [u8; 2],
        /// What the data have.
        expected: [u8; 2],
    },
    /// The signature names another key.
    #[error("the signature names the key {}, not {}", hex::encode_upper(found), hex::encode_upper(expected))]
    Issuer {
        /// Key id in the signature.
        found: [u8; 8],
        /// Key id of the verifying key.
        expected: [u8; 8],
    },
}

/// Digest of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A version 4 signature packet over binary data, in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignaturePacket {
    /// Digest algorithm.
    pub hash: Hash,
    /// Number of the public key algorithm (RFC 9580 9.1).
    pub public_key_algorithm: u8,
    /// Key id in the unhashed area, if there is one.
    pub unhashed_issuer: Option<[u8; 8]>,
    /// First two bytes of the digest; not signed.
    pub digest_prefix: [u8; 2],
    /// Version to hashed area: the part that is signed along with the data.
    hashed_part: Vec<u8>,
}

/// Type of the subpacket with the issuer's key id (RFC 9580 5.2.3.12).
const ISSUER_KEY_ID: u8 = 16;

impl SignaturePacket {
    /// Reads the signature of a package: one version 4 packet of type 0x00, header and MPIs in their shortest
    /// form, nothing in the unhashed area but at most one issuer key id, nothing after it.
    ///
    /// The shortest form of a length belongs to the header that was chosen, old or new: GnuPG writes old headers,
    /// other programs new ones.
    ///
    /// # Errors
    /// The first rule that the packet breaks.
    pub fn parse(packet: &[u8]) -> Result<Self, SignatureError> {
        if packet.starts_with(b"-----BEGIN") {
            return Err(SignatureError::Armored);
        }
        let body = packet_body(packet)?;
        let mut rest = body;
        let truncated = SignatureError::Packet("truncated");
        let mut take = |length: usize| {
            let (taken, tail) = rest.split_at_checked(length).ok_or_else(|| truncated.clone())?;
            rest = tail;
            Ok::<_, SignatureError>(taken)
        };
        let version = take(1)?[0];
        if version != 4 {
            return Err(SignatureError::Version(version));
        }
        let (kind, public_key_algorithm, hash) = match take(3)? {
            &[kind, algorithm, hash] => (kind, algorithm, hash),
            _ => return Err(truncated),
        };
        if kind != 0 {
            return Err(SignatureError::Type(kind));
        }
        let hash = match hash {
            8 => Hash::Sha256,
            9 => Hash::Sha384,
            10 => Hash::Sha512,
            other => return Err(SignatureError::Hash(other)),
        };
        let hashed_length = be16(take(2)?);
        take(hashed_length)?;
        let hashed_part = body[..6 + hashed_length].to_vec();
        let unhashed_length = be16(take(2)?);
        let unhashed_issuer = unhashed_issuer(take(unhashed_length)?)?;
        let digest_prefix = take(2)?.try_into().map_err(|_| truncated.clone())?;
        check_values(public_key_algorithm, rest)?;
        Ok(Self { hash, public_key_algorithm, unhashed_issuer, digest_prefix, hashed_part })
    }

    /// Checks what the signature does not protect: an issuer in the unhashed area must be `key_id`, the key that
    /// verifies, and the digest prefix must be that of `signed`.
    ///
    /// This does not verify the signature; it is what must be checked besides, for every bit to be bound.
    ///
    /// # Errors
    /// The issuer or the prefix is another.
    pub fn check_unprotected(&self, key_id: [u8; 8], signed: &[u8]) -> Result<(), SignatureError> {
        if let Some(found) = self.unhashed_issuer.filter(|found| *found != key_id) {
            return Err(SignatureError::Issuer { found, expected: key_id });
        }
        self.check_digest_prefix(signed)
    }

    /// Checks the digest prefix against `signed`.
    pub(crate) fn check_digest_prefix(&self, signed: &[u8]) -> Result<(), SignatureError> {
        let expected = match self.hash {
            Hash::Sha256 => self.prefix::<Sha256>(signed),
            Hash::Sha384 => self.prefix::<Sha384>(signed),
            Hash::Sha512 => self.prefix::<Sha512>(signed),
        };
        if expected == self.digest_prefix {
            Ok(())
        } else {
            Err(SignatureError::DigestPrefix { found: self.digest_prefix, expected })
        }
    }

    fn prefix<D: Digest>(&self, signed: &[u8]) -> [u8; 2] {
        let length = u32::try_from(self.hashed_part.len()).expect("the hashed area has a 16-bit length");
        let digest = D::new()
            .chain_update(signed)
            .chain_update(&self.hashed_part)
            .chain_update([4, 0xff])
            .chain_update(length.to_be_bytes())
            .finalize();
        [digest[0], digest[1]]
    }
}

fn be16(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |value, &byte| value << 8 | usize::from(byte))
}

/// The body of the only packet, whose header must be a signature's and as short as its format allows.
fn packet_body(packet: &[u8]) -> Result<&[u8], SignatureError> {
    let wrong_length = SignatureError::Packet("the length is wrong or not in its shortest form");
    let (header, minimum) = match *packet {
        // New format, tag 2: one, two or five octets.
        [0xc2, first, ..] if first < 192 => (2, 0),
        [0xc2, first, ..] if first < 224 => (3, 192),
        [0xc2, 255, ..] => (6, 8384),
        // Old format, tag 2: one, two or four octets.
        [0x88, ..] => (2, 0),
        [0x89, ..] => (3, 256),
        [0x8a, ..] => (5, 65536),
        _ => return Err(SignatureError::Packet("the header is not that of a signature")),
    };
    let (head, body) = packet.split_at_checked(header).ok_or_else(|| wrong_length.clone())?;
    let length = match *head {
        [0xc2, first, second] => ((usize::from(first) - 192) << 8) + usize::from(second) + 192,
        [0xc2, 255, ref octets @ ..] => be16(octets),
        [_, ref octets @ ..] => be16(octets),
        [] => return Err(wrong_length),
    };
    if length != body.len() || length < minimum {
        return Err(wrong_length);
    }
    Ok(body)
}

/// The unhashed area: empty, or one issuer key id, not critical.
fn unhashed_issuer(area: &[u8]) -> Result<Option<[u8; 8]>, SignatureError> {
    match area {
        [] => Ok(None),
        [9, ISSUER_KEY_ID, key_id @ ..] => {
            let key_id = key_id.try_into();
            key_id.map(Some).map_err(|_| SignatureError::Unhashed("something follows the key id"))
        }
        _ => Err(SignatureError::Unhashed("another subpacket stands there")),
    }
}

/// The algorithm's own values: the right number of MPIs without leading zeros, or the fixed octets of Ed25519.
fn check_values(algorithm: u8, mut rest: &[u8]) -> Result<(), SignatureError> {
    let count = match algorithm {
        1 => 1,
        17 | 19 | 22 => 2,
        27 if rest.len() == 64 => return Ok(()),
        27 => return Err(SignatureError::Packet("an Ed25519 signature has 64 octets")),
        other => return Err(SignatureError::Algorithm(other)),
    };
    for _ in 0..count {
        let malformed = SignatureError::Packet("an MPI is malformed or not in its shortest form");
        let (head, tail) = rest.split_at_checked(2).ok_or_else(|| malformed.clone())?;
        let bits = be16(head);
        let (value, tail) = tail.split_at_checked(bits.div_ceil(8)).ok_or_else(|| malformed.clone())?;
        let used = value.first().map_or(0, |&first| value.len() * 8 - first.leading_zeros() as usize);
        if used != bits || bits == 0 {
            return Err(malformed);
        }
        rest = tail;
    }
    if rest.is_empty() { Ok(()) } else { Err(SignatureError::Packet("bytes follow the signature")) }
}
