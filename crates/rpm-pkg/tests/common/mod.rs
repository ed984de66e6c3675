//! What the tests share: a key, a spec with one of everything, foreign tools.
#![allow(dead_code)]

use std::error::Error;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use pgp::composed::{ArmorOptions, EncryptionCaps, KeyType, SecretKeyParamsBuilder, SignedSecretKey};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{PacketTrait, SignatureConfig, SignatureType, Subpacket, SubpacketData};
use pgp::types::{KeyDetails, Mpi, Password, SignatureBytes, SigningKey, Timestamp, VerifyingKey};
use rand::SeedableRng;
use rpm_pkg::*;

pub const TIME: u32 = 1_700_000_000;

/// A test key, generated once for each process.
pub struct TestKey(SignedSecretKey);

pub fn key() -> &'static TestKey {
    static KEY: OnceLock<TestKey> = OnceLock::new();
    KEY.get_or_init(|| TestKey::new(1))
}

impl TestKey {
    pub fn new(seed: u64) -> TestKey {
        let params = SecretKeyParamsBuilder::default()
            .key_type(KeyType::Rsa(2048))
            .can_certify(true)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .created_at(Timestamp::from_secs(1_600_000_000))
            .primary_user_id("Test <test@example.com>".into())
            .build()
            .unwrap();
        TestKey(params.generate(rand::rngs::StdRng::seed_from_u64(seed)).unwrap())
    }

    pub fn public_armored(&self) -> String {
        self.0.to_public_key().to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// RFC 4880, section 5.2.2, by hand: rPGP makes no V3 signatures with V4 keys.
    fn v3(&self, data: &[u8]) -> pgp::errors::Result<Vec<u8>> {
        use sha2::Digest;
        let hashed = [&[0][..], &TIME.to_be_bytes()].concat();
        let digest = sha2::Sha256::new().chain_update(data).chain_update(&hashed).finalize();
        let signed =
            SigningKey::sign(&self.0.primary_key, &Password::empty(), HashAlgorithm::Sha256, &digest)?;
        let SignatureBytes::Mpis(mpis) = signed else { panic!("RSA signatures are integers") };
        let integer = mpis[0].as_ref();
        let bits = integer.len() * 8 - integer[0].leading_zeros() as usize;
        let body = [
            &[3, 5][..],
            &hashed,
            self.0.primary_key.legacy_key_id().as_ref(),
            &[1, 8],
            &digest[..2],
            &(bits as u16).to_be_bytes(),
            integer,
        ]
        .concat();
        Ok([&[0x89][..], &(body.len() as u16).to_be_bytes(), &body].concat())
    }

    fn v4(&self, data: &[u8]) -> pgp::errors::Result<Vec<u8>> {
        let key = &self.0.primary_key;
        let mut config = SignatureConfig::v4(SignatureType::Binary, key.algorithm(), HashAlgorithm::Sha256);
        config.hashed_subpackets =
            vec![Subpacket::regular(SubpacketData::SignatureCreationTime(Timestamp::from_secs(TIME)))?];
        config.unhashed_subpackets =
            vec![Subpacket::regular(SubpacketData::IssuerKeyId(key.legacy_key_id()))?];
        let signature = config.sign(key, &Password::empty(), data)?;
        let mut packet = Vec::new();
        signature.to_writer_with_header(&mut packet)?;
        Ok(packet)
    }
}

impl Signer for TestKey {
    fn sign(&self, data: &[u8], version: SignatureVersion) -> Result<Vec<u8>, Box<dyn Error + Send + Sync>> {
        Ok(match version {
            SignatureVersion::V3 => self.v3(data)?,
            SignatureVersion::V4 => self.v4(data)?,
        })
    }
}

impl Verifier for TestKey {
    fn key_id(&self) -> [u8; 8] {
        self.0.primary_key.legacy_key_id().as_ref().try_into().unwrap()
    }

    fn verify(&self, digest: &[u8; 32], signature: &[u8]) -> Result<(), Box<dyn Error + Send + Sync>> {
        let signature = SignatureBytes::Mpis(vec![Mpi::from_slice(signature)]);
        Ok(self.0.primary_key.public_key().verify(HashAlgorithm::Sha256, digest, &signature)?)
    }
}

pub fn entry(path: &str, kind: Kind, mode: u16) -> Entry {
    let (owner, group) = ("root".into(), "root".into());
    Entry { path: path.into(), kind, mode, owner, group, class: FileClass::Normal, verify: VerifyFlags::ALL }
}

pub fn file(content: &[u8]) -> Kind {
    Kind::File { content: Arc::from(content) }
}

pub fn sh(body: &str) -> Option<Scriptlet> {
    Some(Scriptlet { interpreter: Interpreter::Program("/bin/sh".into()), body: body.into() })
}

/// The smallest package with a file.
pub fn small(profile: Profile, compression: Compression) -> Spec {
    Spec {
        name: "agent".into(),
        version: "1.2.3".into(),
        release: "4.c8".into(),
        epoch: None,
        arch: Arch::Noarch,
        summary: "An agent".into(),
        description: "An agent.\n\nIn two paragraphs.".into(),
        license: "Apache-2.0".into(),
        group: "System Environment/Daemons".into(),
        vendor: None,
        packager: None,
        url: None,
        build_host: "localhost".into(),
        rpm_version: "4.4.2.3".into(),
        source_date: TIME,
        profile,
        compression,
        prefixes: vec!["/opt".into()],
        dependencies: Dependencies::default(),
        scriptlets: Scriptlets::default(),
        changelog: vec![],
        entries: vec![entry("/opt/agent.txt", file(b"hello\n"), 0o644)],
    }
}

/// A package with one of everything.
pub fn full(profile: Profile, compression: Compression) -> Spec {
    let mut spec = small(profile, compression);
    spec.epoch = Some(2);
    spec.arch = Arch::X86_64;
    spec.vendor = Some("Example".into());
    spec.packager = Some("Example <packages@example.com>".into());
    spec.url = Some("https://example.com/".into());
    spec.dependencies = Dependencies {
        requires: vec![
            Dependency::any("iptables"),
            Dependency::versioned("glibc", Comparison::GreaterOrEqual, "2.5-12"),
        ],
        requires_pre: vec![Dependency::any("shadow-utils")],
        provides: vec![Dependency::versioned("agent-api", Comparison::Equal, "1:7")],
        conflicts: vec![Dependency::versioned("other-agent", Comparison::Less, "2")],
        obsoletes: vec![Dependency::versioned("old-agent", Comparison::LessOrEqual, "1.0-1")],
        recommends: vec![Dependency::versioned("ipset", Comparison::Greater, "6")],
    };
    spec.scriptlets = Scriptlets {
        pre: sh("echo pre $RPM_INSTALL_PREFIX\n"),
        post: sh("echo post $1\n"),
        preun: sh("exit 0\n"),
        postun: sh("exit 0"),
        pretrans: Some(Scriptlet { interpreter: Interpreter::BuiltinLua, body: "return 0\n".into() }),
        posttrans: sh("true\n"),
    };
    spec.changelog = vec![
        ChangelogEntry {
            time: TIME - 86_400,
            author: "A <a@example.com> - 1.2.3-4".into(),
            text: "- new".into(),
        },
        ChangelogEntry {
            time: TIME - 172_800,
            author: "A <a@example.com> - 1.2.2-1".into(),
            text: "- old\n- two".into(),
        },
    ];
    let owned = |mut entry: Entry| {
        entry.owner = "agent".into();
        entry.group = "agents".into();
        entry
    };
    let classed = |mut entry: Entry, class| {
        entry.class = class;
        entry
    };
    let conf =
        classed(entry("/opt/agent/etc/agent.conf", file(b"a = 1\n"), 0o640), FileClass::ConfigNoReplace);
    let mut log = owned(entry("/opt/agent/var/log", Kind::Ghost, 0o600));
    log.verify = VerifyFlags::ALL.without(VerifyFlags::MTIME).without(VerifyFlags::DIGEST);
    spec.entries = vec![
        log,
        entry("/opt/agent", Kind::Dir, 0o750),
        entry("/opt/agent/etc", Kind::Dir, 0o755),
        owned(conf),
        classed(entry("/opt/agent/etc/site.conf", file(b""), 0o644), FileClass::Config),
        entry("/opt/agent/bin", Kind::Dir, 0o755),
        entry("/opt/agent/bin/agent", file(&vec![7; 70_000]), 0o4755),
        entry("/opt/agent/bin/ctl", Kind::Symlink { target: "agent".into() }, 0o777),
        classed(entry("/opt/agent/README", file(b"read me\n"), 0o644), FileClass::Doc),
        owned(entry("/opt/agent/var", Kind::Dir, 0o1770)),
        entry("/opt/agent-extra.d", Kind::Dir, 0o755),
        entry("/opt/agent-extra.d/caf\u{e9}", file("caf\u{e9}".as_bytes()), 0o444),
    ];
    spec
}

pub const VARIANTS: [(Profile, Compression); 4] = [
    (Profile::El5, Compression::Gzip { level: 9 }),
    (Profile::El6, Compression::Gzip { level: 9 }),
    (Profile::El6, Compression::Xz { level: 6 }),
    (Profile::El6, Compression::None),
];

pub fn write(spec: &Spec, signer: Option<&dyn Signer>) -> (Vec<u8>, Written) {
    let draft = Draft::new(spec).unwrap();
    let payload = compress(draft.payload(), spec.compression).unwrap();
    let mut bytes = Vec::new();
    let written = draft.finish(&payload, signer, &mut bytes).unwrap();
    (bytes, written)
}

pub fn signed(spec: &Spec) -> Vec<u8> {
    write(spec, Some(key())).0
}

pub fn read(bytes: &[u8]) -> Result<Package, ReadError> {
    Package::read(bytes, &Limits { package: 1 << 24, archive: 1 << 24 })
}

/// What reading `spec` back gives: sorted, and ghosts without the flags that mean nothing for them.
pub fn normal(spec: &Spec) -> Spec {
    let mut spec = spec.clone();
    spec.entries.sort_by(|a, b| a.path.cmp(&b.path));
    for entry in &mut spec.entries {
        if entry.kind == Kind::Ghost {
            entry.verify = entry.verify.without(VerifyFlags::NOT_FOR_GHOSTS);
        }
    }
    let lists = &mut spec.dependencies;
    for list in [
        &mut lists.requires,
        &mut lists.requires_pre,
        &mut lists.provides,
        &mut lists.conflicts,
        &mut lists.obsoletes,
        &mut lists.recommends,
    ] {
        list.sort();
        list.dedup();
    }
    spec
}

/// Run a foreign tool; `package` is the Debian package that has it.
pub fn tool(package: &str, command: &mut Command) -> Output {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").output() {
        Ok(output) => output,
        Err(error) => panic!("{program}: {error}; install the Debian package `{package}`"),
    }
}

/// Standard output of a tool which must succeed.
pub fn succeed(package: &str, command: &mut Command) -> String {
    let output = tool(package, command);
    let (stdout, stderr) =
        (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout
}

/// An rpm command with its own empty database.
pub fn rpm(program: &str, database: &Path) -> Command {
    let mut command = Command::new(program);
    command.arg("--dbpath").arg(database);
    command
}
