//! A changed, cut or extended package is refused, whatever the byte.

mod common;

use common::*;
use rpm_pkg::*;

/// Everything a careful installer does.
fn accept(bytes: &[u8]) -> Result<(), String> {
    let package = read(bytes).map_err(|error| error.to_string())?;
    package.verify_signatures(key()).map_err(|error| error.to_string())
}

fn every_bit_matters(spec: &Spec) {
    let mut bytes = signed(spec);
    accept(&bytes).unwrap();
    let mut accepted = Vec::new();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            if accept(&bytes).is_ok() {
                accepted.push((at, bit));
            }
            bytes[at] ^= 1 << bit;
        }
    }
    assert!(accepted.is_empty(), "flipping these bits (byte, bit) goes unnoticed: {accepted:?}");
}

#[test]
fn every_flipped_bit_of_an_el5_package_is_noticed() {
    every_bit_matters(&small(Profile::El5, Compression::Gzip { level: 9 }));
}

#[test]
fn every_flipped_bit_of_an_el6_package_is_noticed() {
    every_bit_matters(&small(Profile::El6, Compression::Gzip { level: 9 }));
}

#[test]
fn every_flipped_bit_of_an_xz_package_is_noticed() {
    every_bit_matters(&small(Profile::El6, Compression::Xz { level: 0 }));
}

#[test]
fn every_truncation_and_any_appended_byte_is_refused() {
    for (profile, compression) in VARIANTS {
        let bytes = signed(&small(profile, compression));
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "{profile:?} {compression:?} cut to {length}");
        }
        for extra in [0, 1, 0x1f, 0xff] {
            let longer = [&bytes[..], &[extra]].concat();
            assert!(read(&longer).is_err(), "{profile:?} {compression:?} with {extra}");
        }
    }
}

#[test]
fn an_unsigned_package_reads_but_does_not_verify() {
    let (bytes, _) = write(&small(Profile::El6, Compression::Gzip { level: 9 }), None);
    let package = read(&bytes).unwrap();
    assert!(package.signatures().is_empty());
    assert!(matches!(package.verify_signatures(key()), Err(VerifyError::Unsigned)));
}

#[test]
fn a_package_signed_by_another_key_does_not_verify() {
    for profile in [Profile::El5, Profile::El6] {
        let (bytes, _) = write(&small(profile, Compression::Gzip { level: 9 }), Some(&TestKey::new(3)));
        let error = read(&bytes).unwrap().verify_signatures(key()).unwrap_err();
        let other = matches!(error, VerifyError::Packet { source: SignatureError::OtherKey { .. }, .. });
        assert!(other, "{error}");
    }
}

#[test]
fn limits_bound_what_is_read_and_decompressed() {
    let mut spec = small(Profile::El6, Compression::Xz { level: 6 });
    spec.entries[0].kind = file(&vec![0; 1 << 20]);
    let bytes = signed(&spec);
    let size = bytes.len() as u64;
    let read = |package, archive| Package::read(&bytes[..], &Limits { package, archive });
    assert!(read(size, 2 << 20).is_ok());
    assert!(matches!(read(size - 1, 2 << 20), Err(ReadError::Limit { what: "the package", .. })));
    assert!(matches!(read(size, 1 << 20), Err(ReadError::Limit { what: "the archive", .. })));
}

#[test]
fn padding_behind_the_signature_header_is_zero() {
    let (mut bytes, _) = write(&small(Profile::El6, Compression::Gzip { level: 9 }), None);
    let word = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let end = 96 + 16 + word(104) * 16 + word(108);
    assert_eq!(end % 8, 4, "there must be padding for this test");
    for at in end..end + 4 {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            let error = read(&bytes).unwrap_err();
            assert!(matches!(error, ReadError::Structure { part: "padding", .. }), "{error}");
            bytes[at] ^= 1 << bit;
        }
    }
    read(&bytes).unwrap();
}
