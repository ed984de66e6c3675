//! Specifications, tools and keys for the tests.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use deb_pkg::{
    Architecture, Compression, Description, Draft, Entry, EntryKind, Owner, Priority, Scripts, Signer, Spec,
    compress,
};
use pgp::composed::{
    Deserializable, DetachedSignature, KeyType, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Password, Timestamp};

/// 2024-02-29 12:00:00 UTC.
pub const DATE: u64 = 1_709_208_000;

pub const GZIP: Compression = Compression::Gzip { level: 9 };
pub const XZ: Compression = Compression::Xz { level: 6 };

pub fn owner(name: &str, id: u32) -> Owner {
    Owner { name: name.to_owned(), id }
}

pub fn directory(path: &str, mode: u32, user: Owner, group: Owner) -> Entry {
    Entry { path: path.to_owned(), kind: EntryKind::Directory, mode, user, group }
}

pub fn file(path: &str, mode: u32, content: impl AsRef<[u8]>) -> Entry {
    Entry {
        path: path.to_owned(),
        kind: EntryKind::File { content: Arc::from(content.as_ref()) },
        mode,
        user: Owner::root(),
        group: Owner::root(),
    }
}

pub fn link(path: &str, target: &str) -> Entry {
    Entry {
        path: path.to_owned(),
        kind: EntryKind::Symlink { target: target.to_owned() },
        mode: 0o777,
        user: Owner::root(),
        group: Owner::root(),
    }
}

/// A specification without entries and scripts.
pub fn bare() -> Spec {
    Spec {
        name: "demo-agent".parse().unwrap(),
        version: "1.2.3~rc1-45".parse().unwrap(),
        architecture: Architecture::All,
        maintainer: "Demo Team <demo@example.com>".to_owned(),
        section: "admin".to_owned(),
        priority: Priority::Optional,
        homepage: None,
        description: Description::fold("demonstration agent", "An agent that shows how packages are made."),
        pre_depends: vec![],
        depends: vec![],
        recommends: vec![],
        suggests: vec![],
        conflicts: vec![],
        breaks: vec![],
        replaces: vec![],
        provides: vec![],
        extra_fields: vec![],
        scripts: Scripts::default(),
        conffiles: vec![],
        entries: vec![],
        source_date: DATE,
        control_compression: GZIP,
    }
}

/// A name and a target that do not fit a tar header, a name of exactly 100 bytes, and what is next to them.
pub fn long_paths() -> (String, String, String) {
    let deep = format!("/opt/demo/{}/{}", "d".repeat(90), "f".repeat(120));
    let exact = format!("/opt/demo/{}", "e".repeat(99 - "/opt/demo/".len()));
    (deep, exact, format!("/srv/{}", "t".repeat(140)))
}

/// A specification that uses every feature.
pub fn full() -> Spec {
    let (deep, exact, target) = long_paths();
    let parse = |items: &[&str]| items.iter().map(|item| item.parse().unwrap()).collect::<Vec<_>>();
    Spec {
        homepage: Some("https://example.com/demo".to_owned()),
        description: Description::fold(
            "demonstration agent",
            "An agent that shows how packages are made, with a text that is long enough to be folded at least \
             once or twice.\n\n  * kept as it is\n  * and this\n\nThe end.",
        ),
        pre_depends: parse(&["dpkg (>= 1.15.6~)"]),
        depends: parse(&["libc6 (>= 2.17) | musl", "adduser"]),
        recommends: parse(&["iptables | nftables"]),
        suggests: parse(&["python3:any"]),
        conflicts: parse(&["demo-agent-old"]),
        breaks: parse(&["demo-tools (<< 1.0)"]),
        replaces: parse(&["demo-tools (<< 1.0)"]),
        provides: parse(&["demo-api (= 4)"]),
        extra_fields: vec![
            ("Bugs".to_owned(), "https://example.com/bugs".to_owned()),
            ("X-Build".to_owned(), "1234".to_owned()),
        ],
        scripts: Scripts {
            preinst: Some("#!/bin/sh\nset -e\n# preinst\n".to_owned()),
            postinst: Some("#!/bin/sh\nset -e\n# postinst\n".to_owned()),
            prerm: Some("#!/bin/sh\nset -e\n# prerm\n".to_owned()),
            postrm: Some("#!/bin/sh\nset -e\n# postrm\n".to_owned()),
        },
        conffiles: vec!["/opt/demo/etc/b.conf".to_owned(), "/opt/demo/etc/a.conf".to_owned()],
        entries: vec![
            file("/opt/demo/bin/agent", 0o755, vec![0xa5; 5000]),
            directory("/opt/demo", 0o750, Owner::root(), owner("demo", 0)),
            file("/opt/demo/etc/b.conf", 0o640, "b = 1\n"),
            file("/opt/demo/etc/a.conf", 0o640, "a = 1\n"),
            file("/opt/demo/etc/a b", 0o640, "a b\n"),
            file("/opt/demo/empty", 0o4755, ""),
            directory("/opt/demo/var", 0o1770, owner("demo", 990), owner("demo", 990)),
            link("/opt/demo/current", "bin/agent"),
            link("/opt/demo/far", &target),
            file(&deep, 0o644, "deep\n"),
            file(&exact, 0o644, "exact\n"),
            file("/opt/demo/été", 0o644, "summer\n"),
            file("/opt/demo-extra", 0o644, vec![b'x'; 1024]),
        ],
        ..bare()
    }
}

/// Writes `spec` as a package.
pub fn build(spec: &Spec, data: Compression, signer: Option<&dyn Signer>) -> Vec<u8> {
    let draft = Draft::new(spec).unwrap();
    let payload = compress(&draft.data_tar().bytes, data).unwrap();
    let mut out = Vec::new();
    let written = draft.finish(&payload, signer, &mut out).unwrap();
    assert_eq!(written.size, out.len() as u64);
    out
}

/// A directory with the package in it, removed at the end of the test.
pub struct Placed {
    pub directory: tempfile::TempDir,
    pub path: PathBuf,
}

pub fn place(package: &[u8]) -> Placed {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.deb");
    std::fs::write(&path, package).unwrap();
    Placed { directory, path }
}

/// Runs a program and gives what it did, whatever its exit status.
pub fn run(debian_package: &str, program: &str, arguments: &[&str]) -> Output {
    match Command::new(program).args(arguments).env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output() {
        Ok(output) => output,
        Err(error) => panic!("{program}: {error}; install the Debian package {debian_package}"),
    }
}

/// Runs a program that must succeed and gives what it printed.
pub fn output(debian_package: &str, program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = run(debian_package, program, arguments);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

pub fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The bytes of one member of an ar archive, as `ar p` gives them.
pub fn member(package: &Path, name: &str) -> Vec<u8> {
    output("binutils", "ar", &["p", utf8(package), name])
}

pub fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder =
        flate2::GzBuilder::new().operating_system(255).write(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Assembles an ar archive from members with the time `DATE`, independently of the crate.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let length = content.len();
        out.extend(format!("{name:<16}{DATE:<12}0     0     100644  {length:<10}`\n").bytes());
        out.extend_from_slice(content);
        if length % 2 == 1 {
            out.push(b'\n');
        }
    }
    out
}

/// An RSA key, made once for the test process.
pub fn key() -> &'static SignedSecretKey {
    static KEY: OnceLock<SignedSecretKey> = OnceLock::new();
    KEY.get_or_init(|| {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters
            .key_type(KeyType::Rsa(2048))
            .can_sign(true)
            .can_certify(true)
            .created_at(Timestamp::from_secs(DATE as u32 - 86_400))
            .primary_user_id("Demo Signing <sign@example.com>".to_owned());
        parameters.build().unwrap().generate(rand::thread_rng()).unwrap()
    })
}

pub fn public_key() -> SignedPublicKey {
    SignedPublicKey::from(key().clone())
}

pub fn key_id() -> [u8; 8] {
    key().primary_key.legacy_key_id().as_ref().try_into().unwrap()
}

/// Signs with [`key`]; with or without the key id in the unhashed area.
pub struct TestSigner {
    pub unhashed_issuer: bool,
}

impl Signer for TestSigner {
    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let key = &key().primary_key;
        let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), HashAlgorithm::Sha256);
        config.hashed_subpackets = vec![
            Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(DATE as u32)))?,
            Subpacket::regular(SubpacketData::IssuerFingerprint(key.fingerprint()))?,
        ];
        let issuer = Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?;
        if self.unhashed_issuer {
            config.unhashed_subpackets.push(issuer);
        } else {
            config.hashed_subpackets.push(issuer);
        }
        let signature = config.sign(key, &Password::empty(), data)?;
        Ok(DetachedSignature::new(signature).to_bytes()?)
    }
}

/// Whether an OpenPGP library accepts a signature by [`key`].
pub fn verifies(public: &SignedPublicKey, signature: &[u8], signed: &[u8]) -> bool {
    DetachedSignature::from_bytes(signature).is_ok_and(|signature| signature.verify(public, signed).is_ok())
}

/// One entry of a tar archive for [`tar_archive`].
#[derive(Clone)]
pub struct TarItem {
    pub name: String,
    pub flag: u8,
    pub mode: u32,
    pub mtime: u64,
    pub content: Vec<u8>,
}

pub fn item(name: &str, flag: u8, content: &str) -> TarItem {
    let mode = if flag == b'5' { 0o755 } else { 0o644 };
    TarItem { name: name.to_owned(), flag, mode, mtime: DATE, content: content.as_bytes().to_vec() }
}

/// Assembles a GNU tar archive of root's files, independently of the crate.
pub fn tar_archive(items: &[TarItem]) -> Vec<u8> {
    let mut out = Vec::new();
    for item in items {
        let mut block = [0; 512];
        block[..item.name.len()].copy_from_slice(item.name.as_bytes());
        let numbers = format!(
            "{:07o}\0{:07o}\0{:07o}\0{:011o}\0{:011o}\0        ",
            item.mode,
            0,
            0,
            item.content.len(),
            item.mtime
        );
        block[100..156].copy_from_slice(numbers.as_bytes());
        block[156] = item.flag;
        block[257..269].copy_from_slice(b"ustar  \0root");
        block[297..301].copy_from_slice(b"root");
        let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        out.extend_from_slice(&block);
        out.extend_from_slice(&item.content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// The parts of the small package that [`small_parts`] gives, for tests that change one of them.
#[derive(Clone)]
pub struct Parts {
    pub control: Vec<TarItem>,
    pub data: Vec<TarItem>,
}

/// What `build(&small(), GZIP, None)` holds, written down by hand.
pub fn small_parts() -> Parts {
    let control = "Package: demo-agent\nVersion: 1.2.3~rc1-45\nArchitecture: all\n\
                   Maintainer: Demo Team <demo@example.com>\nInstalled-Size: 5\nSection: admin\n\
                   Priority: optional\nDescription: demonstration agent\n \
                   An agent that shows how packages are made.\n";
    let mut script = item("./postinst", b'0', "#!/bin/sh\nexit 0\n");
    script.mode = 0o755;
    Parts {
        control: vec![
            item("./", b'5', ""),
            item("./conffiles", b'0', "/opt/demo/a.conf\n"),
            item("./control", b'0', control),
            item(
                "./md5sums",
                b'0',
                "900150983cd24fb0d6963f7d28e17f72  opt/demo/a.conf\n\
                                     d41d8cd98f00b204e9800998ecf8427e  opt/demo/empty\n",
            ),
            script,
        ],
        data: vec![
            item("./", b'5', ""),
            item("./opt/", b'5', ""),
            item("./opt/demo/", b'5', ""),
            item("./opt/demo/a.conf", b'0', "abc"),
            item("./opt/demo/dir/", b'5', ""),
            item("./opt/demo/empty", b'0', ""),
        ],
    }
}

/// The specification of [`small_parts`].
pub fn small() -> Spec {
    Spec {
        entries: vec![
            file("/opt/demo/empty", 0o644, ""),
            file("/opt/demo/a.conf", 0o644, "abc"),
            directory("/opt/demo/dir", 0o755, Owner::root(), Owner::root()),
        ],
        conffiles: vec!["/opt/demo/a.conf".to_owned()],
        scripts: Scripts { postinst: Some("#!/bin/sh\nexit 0\n".to_owned()), ..Scripts::default() },
        ..bare()
    }
}

/// A package of `parts`, each archive compressed with gzip.
pub fn assemble(parts: &Parts) -> Vec<u8> {
    let (control, data) = (gzip(&tar_archive(&parts.control)), gzip(&tar_archive(&parts.data)));
    ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.gz", &data)])
}
