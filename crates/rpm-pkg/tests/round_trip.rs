//! What is written is read back, and the same input gives the same bytes.

mod common;

use common::*;
use rpm_pkg::*;

#[test]
fn a_package_reads_back_as_the_spec_it_was_written_from() {
    for (profile, compression) in VARIANTS {
        let spec = full(profile, compression);
        let package = read(&signed(&spec)).unwrap();
        assert_eq!(package.spec(), &normal(&spec));
        package.verify_signatures(key()).unwrap();
    }
}

#[test]
fn a_package_written_from_what_was_read_has_the_same_bytes() {
    for (profile, compression) in VARIANTS {
        let bytes = signed(&full(profile, compression));
        let again = signed(read(&bytes).unwrap().spec());
        assert_eq!(bytes, again, "{profile:?} {compression:?}");
    }
}

#[test]
fn entries_and_dependencies_in_another_order_give_the_same_bytes() {
    let spec = full(Profile::El6, Compression::Gzip { level: 9 });
    let mut shuffled = spec.clone();
    shuffled.entries.reverse();
    shuffled.dependencies.requires.reverse();
    assert_eq!(signed(&spec), signed(&shuffled));
}

#[test]
fn packages_with_the_same_files_share_the_archive() {
    let one = full(Profile::El6, Compression::Gzip { level: 9 });
    let mut two = full(Profile::El5, Compression::Gzip { level: 9 });
    two.name = "agent-c5".into();
    two.release = "4.c5".into();
    two.arch = Arch::I686;
    two.dependencies = Dependencies::default();
    two.scriptlets = Scriptlets::default();
    let (one_draft, two_draft) = (Draft::new(&one).unwrap(), Draft::new(&two).unwrap());
    assert_eq!(one_draft.payload().bytes(), two_draft.payload().bytes());
    assert_eq!(one_draft.payload().sha256(), two_draft.payload().sha256());

    let payload = compress(one_draft.payload(), one.compression).unwrap();
    let mut bytes = Vec::new();
    two_draft.finish(&payload, Some(key()), &mut bytes).unwrap();
    assert_eq!(bytes, signed(&two));
}

#[test]
fn the_record_of_what_was_written_describes_the_bytes() {
    use sha2::Digest;
    let (bytes, written) = write(&full(Profile::El6, Compression::Xz { level: 6 }), Some(key()));
    let package = read(&bytes).unwrap();
    assert_eq!(written.size, bytes.len() as u64);
    assert_eq!(written.sha256[..], sha2::Sha256::digest(&bytes)[..]);
    assert_eq!(written.header_sha1, package.header_sha1());
    assert_eq!(written.payload_size, package.payload().len() as u64);
}

#[test]
fn a_package_without_files_reads_back() {
    let mut spec = small(Profile::El6, Compression::Gzip { level: 9 });
    spec.entries.clear();
    spec.prefixes.clear();
    assert_eq!(read(&signed(&spec)).unwrap().spec(), &spec);
}

#[test]
fn a_payload_of_other_files_or_another_compression_is_refused() {
    let spec = small(Profile::El6, Compression::Gzip { level: 9 });
    let draft = Draft::new(&spec).unwrap();
    let other = Draft::new(&full(Profile::El6, Compression::Gzip { level: 9 })).unwrap();
    let payload = compress(other.payload(), spec.compression).unwrap();
    let error = draft.finish(&payload, None, Vec::new()).unwrap_err();
    assert!(matches!(error, WriteError::OtherPayload { .. }), "{error}");
    let payload = compress(draft.payload(), Compression::Gzip { level: 1 }).unwrap();
    let error = draft.finish(&payload, None, Vec::new()).unwrap_err();
    assert!(matches!(error, WriteError::OtherCompression { .. }), "{error}");
}

#[test]
fn a_signer_that_returns_the_wrong_thing_is_refused() {
    struct Wrong(fn(Vec<u8>) -> Vec<u8>, SignatureVersion);
    impl Signer for Wrong {
        fn sign(
            &self,
            data: &[u8],
            _: SignatureVersion,
        ) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            key().sign(data, self.1).map(self.0)
        }
    }
    let spec = small(Profile::El5, Compression::Gzip { level: 9 });
    let draft = Draft::new(&spec).unwrap();
    let payload = compress(draft.payload(), spec.compression).unwrap();
    let finish = |signer: Wrong| draft.finish(&payload, Some(&signer), Vec::new()).unwrap_err();
    assert!(matches!(
        finish(Wrong(|packet| packet, SignatureVersion::V4)),
        WriteError::SignatureVersion { .. }
    ));
    let changed: [fn(Vec<u8>) -> Vec<u8>; 3] = [
        |mut packet| {
            packet.push(0);
            packet
        },
        |mut packet| {
            packet[20] ^= 1; // the first check byte of a V3 packet
            packet
        },
        |_| Vec::new(),
    ];
    for change in changed {
        let error = finish(Wrong(change, SignatureVersion::V3));
        assert!(matches!(error, WriteError::BadSignature { .. }), "{error}");
    }
}
