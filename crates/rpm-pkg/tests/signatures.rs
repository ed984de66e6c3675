//! Signature packets have one accepted form.

mod common;

use common::*;
use rpm_pkg::*;
use sha2::{Digest, Sha256};

const DATA: &[u8] = b"data";

/// A packet with the given body behind the shortest old-format length.
fn packet(body: &[u8]) -> Vec<u8> {
    match u8::try_from(body.len()) {
        Ok(length) => [&[0x88, length], body].concat(),
        Err(_) => [&[0x89], &(body.len() as u16).to_be_bytes()[..], body].concat(),
    }
}

/// A V4 body over [`DATA`] with right check bytes and the given parts.
fn v4(hashed: &[u8], unhashed: &[u8], integer: &[u8]) -> Vec<u8> {
    let mut body = vec![4, 0, 1, 8];
    body.extend((hashed.len() as u16).to_be_bytes());
    body.extend(hashed);
    let length = body.len() as u32;
    let digest = Sha256::new()
        .chain_update(DATA)
        .chain_update(&body)
        .chain_update([4, 0xff])
        .chain_update(length.to_be_bytes())
        .finalize();
    body.extend((unhashed.len() as u16).to_be_bytes());
    body.extend(unhashed);
    body.extend(&digest[..2]);
    let bits = integer.len() * 8 - integer.first().map_or(0, |first| first.leading_zeros() as usize);
    body.extend((bits as u16).to_be_bytes());
    body.extend(integer);
    body
}

const ISSUER: [u8; 10] = [9, 16, 1, 2, 3, 4, 5, 6, 7, 8];
const TIME_SUBPACKET: [u8; 6] = [5, 2, 0x65, 0, 0, 0];

#[test]
fn both_versions_parse_and_name_their_issuer() {
    for version in [SignatureVersion::V3, SignatureVersion::V4] {
        let bytes = key().sign(DATA, version).unwrap();
        let parsed = SignaturePacket::parse(&bytes).unwrap();
        assert_eq!(parsed.version(), version);
        assert_eq!(parsed.issuer(), Some(key().key_id()));
        let digest = parsed.check(DATA, key().key_id()).unwrap();
        key().verify(&digest, parsed.signature()).unwrap();
        assert!(matches!(parsed.check(b"other", key().key_id()), Err(SignatureError::CheckBytes { .. })));
        assert!(matches!(parsed.check(DATA, [0; 8]), Err(SignatureError::OtherKey { .. })));
    }
}

#[test]
fn the_unhashed_area_holds_the_issuer_or_nothing() {
    let parse = |unhashed: &[u8]| SignaturePacket::parse(&packet(&v4(&TIME_SUBPACKET, unhashed, &[1])));
    assert_eq!(parse(&[]).unwrap().issuer(), None);
    assert_eq!(parse(&ISSUER).unwrap().issuer(), Some([1, 2, 3, 4, 5, 6, 7, 8]));
    let mut critical = ISSUER;
    critical[1] |= 0x80;
    let twice = [ISSUER, ISSUER].concat();
    let long_form = [&[255, 0, 0, 0, 9], &ISSUER[1..]].concat();
    let other = [&ISSUER[..], &TIME_SUBPACKET].concat();
    for unhashed in [&critical[..], &twice, &long_form, &other, &TIME_SUBPACKET, &ISSUER[..9], &[0]] {
        assert_eq!(parse(unhashed), Err(SignatureError::Unhashed), "{unhashed:?}");
    }
}

#[test]
fn lengths_and_integers_have_one_encoding() {
    let body = v4(&TIME_SUBPACKET, &[], &[1, 2]);
    let length = body.len() as u8;
    let good = packet(&body);
    SignaturePacket::parse(&good).unwrap();
    SignaturePacket::parse(&[&[0xc2, length], &body[..]].concat()).unwrap();
    for wrong in [
        [&[0x89, 0, length], &body[..]].concat(), // two octets where one does
        [&[0x8a, 0, 0, 0, length], &body[..]].concat(), // four octets
        [&[0x8b], &body[..]].concat(),            // indeterminate length
        [&[0xc2, 0xff, 0, 0, 0, length], &body[..]].concat(), // five octets
        [&[0xc2, 0xe0 | 5], &body[..]].concat(),  // partial length
        [&[0x84, length], &body[..]].concat(),    // another packet
        [&good[..], &[0]].concat(),               // one byte more
        good[..good.len() - 1].to_vec(),          // one byte less
        packet(&[&body[..], &[0]].concat()),      // one byte more inside
        packet(&v4(&TIME_SUBPACKET, &[], &[])),   // no integer
    ] {
        assert!(SignaturePacket::parse(&wrong).is_err(), "{wrong:02x?}");
    }
    let mut padded = body.clone();
    let at = padded.len() - 4;
    padded.splice(at.., [0, 17, 0, 1, 2]); // a leading zero byte
    assert!(SignaturePacket::parse(&packet(&padded)).is_err());
}

#[test]
fn only_rsa_with_sha256_over_binary_data_is_accepted() {
    let body = v4(&TIME_SUBPACKET, &[], &[1]);
    for (at, value) in [(0, 2), (0, 5), (0, 6), (1, 1), (1, 0x10), (2, 3), (2, 22), (3, 2), (3, 10)] {
        let mut changed = body.clone();
        changed[at] = value;
        let error = SignaturePacket::parse(&packet(&changed)).unwrap_err();
        assert!(matches!(error, SignatureError::Field { .. }), "{at}={value}: {error}");
    }
}

#[test]
fn signatures_too_large_for_old_rpm_are_refused_when_writing() {
    struct Large;
    impl Signer for Large {
        fn sign(
            &self,
            data: &[u8],
            _: SignatureVersion,
        ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            let hashed = [4, 0, 1, 8, 0, 0];
            let digest = Sha256::new()
                .chain_update(data)
                .chain_update(hashed)
                .chain_update([4, 0xff, 0, 0, 0, 6])
                .finalize();
            let integer = [0x80; 4096];
            Ok(packet(&[&hashed[..], &[0, 0], &digest[..2], &[0x80, 0], &integer].concat()))
        }
    }
    let spec = small(Profile::El6, Compression::Gzip { level: 9 });
    let draft = Draft::new(&spec).unwrap();
    let payload = compress(draft.payload(), spec.compression).unwrap();
    let mut out = Vec::new();
    let error = draft.finish(&payload, Some(&Large), &mut out).unwrap_err();
    assert!(matches!(error, WriteError::TooLarge { part: "signature header", max: 8192, .. }), "{error}");
    assert!(out.is_empty(), "nothing is written before the package is complete");
}
