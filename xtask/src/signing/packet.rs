//! OpenPGP signature packets, framed around one RSA signature of one SHA-256 digest.

use pgp::composed::{ArmorOptions, DetachedSignature};
use pgp::crypto::hash::HashAlgorithm;
use pgp::crypto::public_key::PublicKeyAlgorithm;
use pgp::errors::Error as PgpError;
use pgp::packet::{
    PacketHeader, PacketParser, PacketTrait, Packet, Signature, SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::types::{KeyDetails, PacketHeaderVersion, PacketLength, Tag, Timestamp};
use sha2::{Digest, Sha256};

use super::backend::DigestSigner;
use super::{Error, TrustedKey};

/// Version of a signature packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// RFC 1991's, which rpm 4.4 reads and nothing newer.
    V3,
    /// RFC 4880's.
    V4,
}

/// Signs `data`. The packet has what every reader from rpm 4.4 on takes, and nothing that could be changed
/// without breaking the signature but the issuer's key id.
pub fn sign(
    key: &TrustedKey,
    backend: &DigestSigner,
    time: Timestamp,
    data: &[u8],
    version: Version,
) -> Result<Vec<u8>, Error> {
    if let Some(packet) = backend.whole_signature(data, version)? {
        return Ok(packet);
    }
    let signature = match version {
        Version::V3 => v3(key, backend, time, data)?,
        Version::V4 => v4(key, backend, time, data)?,
    };
    let mut bytes = Vec::new();
    signature.to_writer_with_header(&mut bytes)?;
    Ok(bytes)
}

fn v3(key: &TrustedKey, backend: &DigestSigner, time: Timestamp, data: &[u8]) -> Result<Signature, Error> {
    // RFC 4880 5.2.2: the data, then the signature type, then the time.
    let mut hasher = Sha256::new();
    hasher.update(data);
    hasher.update([u8::from(SignatureType::Binary)]);
    hasher.update(time.as_secs().to_be_bytes());
    let digest: [u8; 32] = hasher.finalize().into();
    let value = backend.sign_digest(&digest)?;
    let body_length = 19 + pgp::ser::Serialize::write_len(&value);
    let header = PacketHeader::from_parts(
        PacketHeaderVersion::Old,
        Tag::Signature,
        PacketLength::Fixed(body_length as u32),
    )?;
    Ok(Signature::v3(
        header,
        SignatureType::Binary,
        PublicKeyAlgorithm::RSA,
        HashAlgorithm::Sha256,
        time,
        key.primary().legacy_key_id(),
        [digest[0], digest[1]],
        pgp::types::SignatureBytes::Mpis(vec![value]),
    ))
}

fn v4(key: &TrustedKey, backend: &DigestSigner, time: Timestamp, data: &[u8]) -> Result<Signature, Error> {
    let mut config = SignatureConfig::v4(SignatureType::Binary, PublicKeyAlgorithm::RSA, HashAlgorithm::Sha256);
    // Never critical: rpm 4.16 refuses a critical issuer.
    config.hashed_subpackets = vec![
        Subpacket::regular(SubpacketData::IssuerFingerprint(key.primary().fingerprint()))?,
        Subpacket::regular(SubpacketData::SignatureCreationTime(time))?,
    ];
    // rpm before 4.17 looks for the issuer in the unhashed area only.
    config.unhashed_subpackets = vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.primary().legacy_key_id()))?];
    let mut hasher = config.hash_alg.new_hasher().map_err(PgpError::from)?;
    config.hash_data_to_sign(&mut hasher, data)?;
    let length = config.hash_signature_data(&mut hasher)?;
    hasher.update(&config.trailer(length)?);
    let digest: [u8; 32] = hasher
        .finalize()
        .to_vec()
        .try_into()
        .map_err(|_| Error::Unsupported("SHA-256 digests are 32 bytes".to_owned()))?;
    let value = backend.sign_digest(&digest)?;
    Ok(Signature::from_config(
        config,
        [digest[0], digest[1]],
        pgp::types::SignatureBytes::Mpis(vec![value]),
    )?)
}

/// The text of a `.asc` file.
pub fn armor(packet: &[u8]) -> Result<String, pgp::errors::Error> {
    DetachedSignature::new(parse(packet)?).to_armored_string(ArmorOptions::default())
}

/// Exactly one signature packet, in the form a writer gives it.
pub fn parse(bytes: &[u8]) -> Result<Signature, pgp::errors::Error> {
    let mut packets = PacketParser::new(bytes);
    let (first, second) = (packets.next(), packets.next());
    match (first, second) {
        (Some(Ok(Packet::Signature(signature))), None) => Ok(signature),
        (Some(Err(e)), _) => Err(e),
        _ => Err(std::io::Error::other("not exactly one signature packet").into()),
    }
}

/// The version of a signature packet, 0 where there is none to be seen.
pub fn packet_version(packet: &[u8]) -> u8 {
    parse(packet).ok().map_or(0, |signature| u8::from(signature.version()))
}
