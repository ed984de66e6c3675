//! Signatures as debsig-verify, GnuPG and an OpenPGP library see them, and every bit of a signed package.

use std::path::Path;

use deb_pkg::openpgp::SignatureError;
use deb_pkg::{Draft, FinishError, Signer, Spec, compress, read};
use pgp::composed::{DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::crypto::hash::HashAlgorithm;
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Password};

use crate::support::{
    DATE, GZIP, TestSigner, XZ, bare, build, file, full, key, key_id, output, owner, place, public_key, run,
    text, utf8, verifies,
};

const SIGNER: TestSigner = TestSigner { unhashed_issuer: false };

/// Runs debsig-verify with a policy that wants a signature of the origin by the test key.
fn debsig_verify(package: &[u8]) -> Option<i32> {
    let placed = place(package);
    let root = placed.directory.path();
    let public = public_key();
    // debsig-verify 0.28 asks for the fingerprint, earlier ones for the key id: offer both.
    for id in [format!("{:X}", public.fingerprint()), hex::encode_upper(key_id())] {
        let policies = root.join("policies").join(&id);
        let keyrings = root.join("keyrings").join(&id);
        std::fs::create_dir_all(&policies).unwrap();
        std::fs::create_dir_all(&keyrings).unwrap();
        std::fs::write(keyrings.join("demo.pgp"), public.to_bytes().unwrap()).unwrap();
        let required = format!("<Required Type=\"origin\" File=\"demo.pgp\" id=\"{id}\"/>");
        let policy = format!(
            "<?xml version=\"1.0\"?>\n\
             <!DOCTYPE Policy SYSTEM \"https://www.debian.org/debsig/1.0/policy.dtd\">\n\
             <Policy xmlns=\"https://www.debian.org/debsig/1.0/\">\n\
             <Origin Name=\"Demo\" id=\"{id}\" Description=\"Demo\"/>\n\
             <Selection>{required}</Selection>\n\
             <Verification MinOptional=\"0\">{required}</Verification>\n\
             </Policy>\n"
        );
        std::fs::write(policies.join("demo.pol"), policy).unwrap();
    }
    let (policies, keyrings) = (root.join("policies"), root.join("keyrings"));
    let arguments =
        ["--policies-dir", utf8(&policies), "--keyrings-dir", utf8(&keyrings), utf8(&placed.path)];
    let verified = run("debsig-verify", "debsig-verify", &arguments);
    println!("{}{}", String::from_utf8_lossy(&verified.stdout), String::from_utf8_lossy(&verified.stderr));
    verified.status.code()
}

/// The place of some byte of the data archive.
fn inside_data(package: &[u8]) -> usize {
    let name = b"data.tar.";
    package.windows(name.len()).position(|window| window == name).unwrap() + 60 + 100
}

#[test]
fn debsig_verify_accepts_signed_and_refuses_unsigned_and_tampered_packages() {
    output("gnupg", "gpg", &["--version"]);
    for (control, data) in [(GZIP, GZIP), (GZIP, XZ), (XZ, XZ)] {
        let spec = Spec { control_compression: control, ..full() };
        for signer in [TestSigner { unhashed_issuer: false }, TestSigner { unhashed_issuer: true }] {
            let mut package = build(&spec, data, Some(&signer));
            assert_eq!(debsig_verify(&package), Some(0));
            let place = inside_data(&package);
            package[place] ^= 1;
            assert_eq!(debsig_verify(&package), Some(13));
        }
        assert_eq!(debsig_verify(&build(&spec, data, None)), Some(10));
    }
}

#[test]
fn gpgv_verifies_the_signature_over_the_three_members() {
    let package = read(&build(&full(), XZ, Some(&SIGNER))).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let keyring = write("demo.pgp", &public_key().to_bytes().unwrap());
    let signature = write("signature", package.signature().unwrap());
    let signed = write("signed", package.signed_bytes());
    let gpgv =
        |signed: &Path| run("gpgv", "gpgv", &["--keyring", utf8(&keyring), utf8(&signature), utf8(signed)]);
    assert!(gpgv(&signed).status.success());
    let other = write("other", &package.signed_bytes()[1..]);
    assert!(!gpgv(&other).status.success());
    let packets = text(output("gnupg", "gpg", &["--list-packets", utf8(&signature)]));
    let expected = format!("keyid {}", hex::encode_upper(key_id()));
    assert!(packets.contains(&expected) && packets.contains("digest algo 8"), "{packets}");
    assert!(packets.contains(&format!("created {DATE}")), "{packets}");
}

/// Reads a package and verifies it as a caller does.
fn accepted(bytes: &[u8], public: &SignedPublicKey) -> bool {
    let Ok(package) = read(bytes) else { return false };
    let Some(signature) = package.signature() else { return false };
    package.check_unprotected(key_id()).is_ok() && verifies(public, signature, package.signed_bytes())
}

#[test]
fn every_flipped_bit_of_a_signed_package_is_noticed() {
    let public = public_key();
    let gzip = deb_pkg::Compression::Gzip { level: 9 };
    let xz = deb_pkg::Compression::Xz { level: 0 };
    for (control, data, unhashed_issuer) in [(gzip, gzip, false), (gzip, xz, true), (xz, xz, true)] {
        let mut spec = Spec { control_compression: control, ..bare() };
        spec.entries = vec![file("/opt/demo/etc/demo.conf", 0o640, "a = 1\n")];
        spec.entries[0].group = owner("demo", 0);
        spec.conffiles = vec!["/opt/demo/etc/demo.conf".to_owned()];
        spec.scripts.postinst = Some("#!/bin/sh\n".to_owned());
        let mut package = build(&spec, data, Some(&TestSigner { unhashed_issuer }));
        assert!(accepted(&package, &public));
        for bit in 0..package.len() * 8 {
            package[bit / 8] ^= 1 << (bit % 8);
            assert!(!accepted(&package, &public), "bit {} of byte {:#x} is not bound", bit % 8, bit / 8);
            package[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn a_signature_that_names_another_key_in_its_unhashed_area_is_refused() {
    let package = read(&build(&bare(), GZIP, Some(&TestSigner { unhashed_issuer: true }))).unwrap();
    assert_eq!(package.check_unprotected(key_id()), Ok(()));
    let refused = package.check_unprotected([1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(refused, Err(SignatureError::Issuer { found: key_id(), expected: [1, 2, 3, 4, 5, 6, 7, 8] }));
    assert!(read(&build(&bare(), GZIP, None)).unwrap().check_unprotected(key_id()).is_err());
}

/// Signs as the test signer does and then changes the packet.
struct Altering(fn(Vec<u8>) -> Vec<u8>);

impl Signer for Altering {
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.0(SIGNER.sign(data)?))
    }
}

fn finish(signer: &dyn Signer) -> Result<deb_pkg::Written, FinishError> {
    let draft = Draft::new(&bare()).unwrap();
    let data = compress(&draft.data_tar().bytes, GZIP).unwrap();
    draft.finish(&data, Some(signer), std::io::sink())
}

#[test]
fn only_one_canonical_binary_signature_is_put_into_a_package() {
    assert!(finish(&SIGNER).is_ok());
    let refused = |alter| match finish(&Altering(alter)) {
        Err(FinishError::Signature(error)) => error,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(|_| b"-----BEGIN PGP SIGNATURE-----\n".to_vec()), SignatureError::Armored);
    assert!(matches!(refused(|packet| [&packet[..], &packet].concat()), SignatureError::Packet(_)));
    assert!(matches!(refused(|packet| packet[..packet.len() - 1].to_vec()), SignatureError::Packet(_)));
    assert!(matches!(refused(|_| Vec::new()), SignatureError::Packet(_)));
    // A longer header than the length needs.
    let long_header = |packet: Vec<u8>| {
        let body = &packet[3..];
        [&[0xc2, 0xff][..], &(body.len() as u32).to_be_bytes(), body].concat()
    };
    assert!(matches!(refused(long_header), SignatureError::Packet(_)));
    // The old header that GnuPG writes is as good.
    let old_header = |packet: Vec<u8>| {
        let body = &packet[3..];
        [&[0x89][..], &(body.len() as u16).to_be_bytes(), body].concat()
    };
    assert!(finish(&Altering(old_header)).is_ok());
    assert!(matches!(
        refused(|mut packet| {
            packet[3] = 3;
            packet
        }),
        SignatureError::Version(3)
    ));
    assert!(matches!(
        refused(|mut packet| {
            packet[4] = 1;
            packet
        }),
        SignatureError::Type(1)
    ));
    assert!(matches!(
        refused(|mut packet| {
            packet[5] = 16;
            packet
        }),
        SignatureError::Algorithm(16)
    ));
    assert!(matches!(
        refused(|mut packet| {
            packet[6] = 2;
            packet
        }),
        SignatureError::Hash(2)
    ));
    // Changing the signed creation time makes the digest prefix wrong.
    assert!(matches!(
        refused(|mut packet| {
            packet[14] ^= 1;
            packet
        }),
        SignatureError::DigestPrefix { .. }
    ));
}

#[test]
fn a_failing_signer_fails_the_package() {
    struct Failing;
    impl Signer for Failing {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
            Err("the token was pulled out".into())
        }
    }
    let error = finish(&Failing).unwrap_err();
    assert!(matches!(error, FinishError::Signer(_)));
    assert!(error.to_string().contains("the token was pulled out"));
}

/// Signs with GnuPG, as an external signing command does.
struct Gnupg {
    home: tempfile::TempDir,
}

impl Gnupg {
    fn with_test_key() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(home.path(), mode).unwrap();
        let secret = home.path().join("secret.pgp");
        std::fs::write(&secret, key().to_bytes().unwrap()).unwrap();
        output(
            "gnupg",
            "gpg",
            &["--homedir", utf8(home.path()), "--batch", "--quiet", "--import", utf8(&secret)],
        );
        Self { home }
    }
}

impl Drop for Gnupg {
    fn drop(&mut self) {
        run("gpgconf", "gpgconf", &["--homedir", utf8(self.home.path()), "--kill", "all"]);
    }
}

impl Signer for Gnupg {
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let file = self.home.path().join("data");
        std::fs::write(&file, data)?;
        let home = utf8(self.home.path());
        let arguments =
            ["--homedir", home, "--batch", "--digest-algo", "SHA512", "-o", "-", "-b", utf8(&file)];
        Ok(output("gnupg", "gpg", &arguments))
    }
}

#[test]
fn a_signature_made_by_gnupg_is_as_good() {
    let package = build(&full(), XZ, Some(&Gnupg::with_test_key()));
    assert!(accepted(&package, &public_key()));
    let packet = read(&package).unwrap().signature_packet().cloned().unwrap();
    assert_eq!(packet.hash, deb_pkg::openpgp::Hash::Sha512);
    assert_eq!(packet.unhashed_issuer, Some(key_id()));
    assert_eq!(debsig_verify(&package), Some(0));
}

/// Signs with any key, as the library likes to.
struct Library(SignedSecretKey);

impl Signer for Library {
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let (key, hash) = (&self.0.primary_key, HashAlgorithm::Sha512);
        let signature =
            DetachedSignature::sign_binary_data(rand::thread_rng(), key, &Password::empty(), hash, data)?;
        Ok(signature.to_bytes()?)
    }
}

#[test]
fn elliptic_curve_signatures_are_bound_bit_by_bit_too() {
    for (kind, algorithm) in
        [(KeyType::Ed25519Legacy, 22), (KeyType::Ed25519, 27), (KeyType::ECDSA(ECCCurve::P256), 19)]
    {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters.key_type(kind).can_sign(true).primary_user_id("Demo <sign@example.com>".to_owned());
        let key = parameters.build().unwrap().generate(rand::thread_rng()).unwrap();
        let id: [u8; 8] = key.primary_key.legacy_key_id().as_ref().try_into().unwrap();
        let public = SignedPublicKey::from(key.clone());
        let mut package = build(&bare(), GZIP, Some(&Library(key)));
        let accepted = |package: &[u8]| {
            read(package).is_ok_and(|package| {
                package.check_unprotected(id).is_ok()
                    && verifies(&public, package.signature().unwrap(), package.signed_bytes())
            })
        };
        assert!(accepted(&package));
        let packet = read(&package).unwrap();
        assert_eq!(packet.signature_packet().unwrap().public_key_algorithm, algorithm);
        let start = package.len().next_multiple_of(2) - packet.signature().unwrap().len().next_multiple_of(2);
        for bit in start * 8..package.len() * 8 {
            package[bit / 8] ^= 1 << (bit % 8);
            assert!(
                !accepted(&package),
                "algorithm {algorithm}: bit {} of byte {:#x}",
                bit % 8,
                bit / 8 - start
            );
            package[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
