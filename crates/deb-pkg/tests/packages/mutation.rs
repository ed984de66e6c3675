//! Damaged packages: always refused, never a panic.

use deb_pkg::{Spec, read};
use proptest::prelude::*;

use crate::support::{
    GZIP, TestSigner, XZ, ar, assemble, bare, build, full, gzip, item, key_id, public_key, small,
    small_parts, tar_archive, verifies,
};

#[test]
fn every_truncation_is_refused() {
    for data in [GZIP, XZ] {
        let package = build(&full(), data, None);
        for length in 0..package.len() {
            assert!(read(&package[..length]).is_err(), "accepted {length} of {} bytes", package.len());
        }
    }
}

#[test]
fn a_signed_package_cut_off_anywhere_is_refused_or_plainly_unsigned() {
    let signed = build(&bare(), GZIP, Some(&TestSigner { unhashed_issuer: false }));
    let unsigned = build(&bare(), GZIP, None);
    for length in 0..signed.len() {
        match read(&signed[..length]) {
            Ok(package) => assert!(package.signature().is_none() && length == unsigned.len(), "{length}"),
            Err(_) => assert_ne!(length, unsigned.len()),
        }
    }
}

#[test]
fn every_flipped_bit_of_an_unpacked_data_archive_is_noticed_without_a_signature() {
    let parts = small_parts();
    let control = gzip(&tar_archive(&parts.control));
    let mut data = tar_archive(&parts.data);
    for bit in 0..data.len() * 8 {
        data[bit / 8] ^= 1 << (bit % 8);
        let packed = gzip(&data);
        let package =
            ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.gz", &packed)]);
        assert!(read(&package).is_err(), "bit {} of byte {:#x}", bit % 8, bit / 8);
        data[bit / 8] ^= 1 << (bit % 8);
    }
}

#[test]
fn a_flipped_bit_of_an_unsigned_package_is_refused_or_changes_nothing() {
    for (control, data) in [(GZIP, GZIP), (XZ, XZ)] {
        let mut package = build(&Spec { control_compression: control, ..small() }, data, None);
        let good = read(&package).unwrap();
        for bit in 0..package.len() * 8 {
            package[bit / 8] ^= 1 << (bit % 8);
            if let Ok(read) = read(&package) {
                // gzip has a hint and a few bits that mean nothing; only a signature binds them.
                assert!(data == GZIP, "bit {} of byte {:#x} is not bound", bit % 8, bit / 8);
                assert_eq!((read.spec(), read.control()), (good.spec(), good.control()));
            }
            package[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// A change to bytes: remove a range, and put others in its place.
fn splice() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    (any::<prop::sample::Index>(), 0..80usize, prop::collection::vec(any::<u8>(), 0..80))
}

fn apply(bytes: &[u8], (at, remove, insert): &(prop::sample::Index, usize, Vec<u8>)) -> Vec<u8> {
    let at = at.index(bytes.len());
    let end = (at + remove).min(bytes.len());
    [&bytes[..at], insert, &bytes[end..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_change_to_a_signed_package_passes(changes in prop::collection::vec(splice(), 1..4)) {
        let good = build(&small(), GZIP, Some(&TestSigner { unhashed_issuer: true }));
        let changed = changes.iter().fold(good.clone(), |bytes, change| apply(&bytes, change));
        prop_assume!(changed != good);
        if let Ok(package) = read(&changed) {
            let accepted = package.signature().is_some_and(|signature| {
                package.check_unprotected(key_id()).is_ok()
                    && verifies(&public_key(), signature, package.signed_bytes())
            });
            prop_assert!(!accepted);
        }
    }

    #[test]
    fn damaged_archives_inside_sound_compression_are_refused(
        in_control in any::<bool>(),
        changes in prop::collection::vec(splice(), 1..4),
    ) {
        let parts = small_parts();
        let (mut control, mut data) = (tar_archive(&parts.control), tar_archive(&parts.data));
        let target = if in_control { &mut control } else { &mut data };
        let changed = changes.iter().fold(target.clone(), |bytes, change| apply(&bytes, change));
        prop_assume!(changed != *target);
        *target = changed;
        let (control, data) = (gzip(&control), gzip(&data));
        let package = ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.gz", &data)]);
        if let Ok(package) = read(&package) {
            // Nothing but a signature protects the text of a script or of the description.
            prop_assert!(in_control);
            let sound = read(&assemble(&parts)).unwrap();
            prop_assert_eq!(package.entries(), sound.entries());
        }
    }

    #[test]
    fn any_text_as_control_file_is_read_or_refused_without_panic(
        text in "([A-Za-z-]{1,14}:? ?[ -~é\\n\\t]{0,20}\\n?){0,12}",
    ) {
        let mut parts = small_parts();
        parts.control[2] = item("./control", b'0', &text);
        prop_assert!(read(&assemble(&parts)).is_err());
    }

    #[test]
    fn any_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(read(&bytes).is_err());
        prop_assert!(read(&[b"!<arch>\n", &bytes[..]].concat()).is_err());
        let packed = gzip(&bytes);
        let members: [(&str, &[u8]); 3] =
            [("debian-binary", b"2.0\n"), ("control.tar.gz", &packed), ("data.tar.gz", &packed)];
        prop_assert!(read(&ar(&members)).is_err());
        let members: [(&str, &[u8]); 3] =
            [("debian-binary", b"2.0\n"), ("control.tar.xz", &bytes), ("data.tar.xz", &bytes)];
        prop_assert!(read(&ar(&members)).is_err());
    }
}
