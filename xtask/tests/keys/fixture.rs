//! Keys for the tests, a private GnuPG, and openssl in the place of an HSM.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pgp::composed::{Deserializable, SignedSecretKey};
use pgp::types::{PlainSecretParams, SecretParams};

use crate::common::{self, copy_of_project, run, stdout_of, xtask};

/// The passphrase of [`locked_key`].
pub const PASSPHRASE: &str = "correct horse battery staple";

/// Two halves of a key, in files.
pub struct KeyPair {
    pub secret: PathBuf,
    pub public: PathBuf,
}

/// A key without a passphrase, made once for all tests.
pub fn key_pair() -> KeyPair {
    shared("plain", |_| {})
}

/// A key with [`PASSPHRASE`], made once for all tests.
pub fn locked_key() -> KeyPair {
    shared("locked", |c| {
        c.args(["--passphrase-env", "VEN_TEST_PASSPHRASE"]).env("VEN_TEST_PASSPHRASE", PASSPHRASE);
    })
}

fn shared(name: &str, prepare: impl FnOnce(&mut Command)) -> KeyPair {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("key-pairs");
    std::fs::create_dir_all(&folder).expect("the target folder is writable");
    let lock =
        std::fs::File::create(folder.join(format!("{name}.lock"))).expect("the target folder is writable");
    lock.lock().expect("locks work");
    let pair = KeyPair {
        secret: folder.join(format!("{name}.secret.asc")),
        public: folder.join(format!("{name}.public.asc")),
    };
    if !pair.public.exists() {
        // A run that was killed between the halves.
        let _ = std::fs::remove_file(&pair.secret);
        let mut command = xtask();
        command.args(["keys", "generate", "--user-id", "VEN test <test@example.com>", "--secret"]);
        command.arg(&pair.secret).arg("--public").arg(&pair.public);
        prepare(&mut command);
        stdout_of(&mut command);
    }
    pair
}

/// A GnuPG with a home of its own, whose agent ends with it.
pub struct GnuPg(tempfile::TempDir);

impl GnuPg {
    pub fn new() -> GnuPg {
        let home = tempfile::Builder::new().prefix("gpg").tempdir().expect("a temporary folder");
        GnuPg(home)
    }

    pub fn home(&self) -> &Path {
        self.0.path()
    }

    /// Runs gpg with arguments and files.
    pub fn run(&self, args: &[&str], files: &[&Path]) -> Output {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(self.home()).args(["--batch", "--pinentry-mode", "loopback"]).args(args);
        run(command.args(files).env("LC_ALL", "C"))
    }
}

impl Drop for GnuPg {
    fn drop(&mut self) {
        run(Command::new("gpgconf").arg("--homedir").arg(self.home()).args(["--kill", "all"]));
    }
}

/// Whether gpg accepts a detached signature, binary or armored, by a public key and no other.
pub fn is_good(public: &Path, data: &[u8], signature: &[u8]) -> bool {
    let gpg = GnuPg::new();
    let imported = gpg.run(&["--import"], &[public]);
    assert!(imported.status.success(), "{}", common::text(&imported));
    let (data_file, signature_file) = (gpg.home().join("data"), gpg.home().join("data.sig"));
    std::fs::write(&data_file, data).expect("writable");
    std::fs::write(&signature_file, signature).expect("writable");
    let output = gpg.run(&["--verify"], &[&signature_file, &data_file]);
    let said = common::text(&output);
    assert_eq!(output.status.success(), said.contains("Good signature"), "{said}");
    output.status.success()
}

/// The lines of a `file` profile.
pub fn plan_of(secret: &Path, passphrase: &str) -> String {
    format!("name = \"test\"\nbackend = \"file\"\nsecret_key = \"{}\"\n{passphrase}", secret.display())
}

/// A project with one more signing profile.
pub fn project_with(profile: &str, into: &Path) -> PathBuf {
    let project = copy_of_project(into);
    let file = project.join("signing/profiles.toml");
    let old = std::fs::read_to_string(&file).expect("the profiles");
    std::fs::write(&file, format!("{old}\n[[profile]]\n{profile}\n")).expect("writable");
    project
}

/// Runs `dist` as far as it comes without a toolchain. `redirect` opens further descriptors, as a shell writes it.
pub fn unlock_by_dist(profile: &str, set: impl FnOnce(&mut Command), redirect: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let project = project_with(profile, folder.path());
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("exec \"$@\" {redirect}"), "sh", env!("CARGO_BIN_EXE_xtask")]);
    command.args(["dist", "--offline", "--platform", "c9.x86_64", "--keys", "test", "--root"]).arg(&project);
    command.arg("--out").arg(folder.path().join("out")).arg("--cache").arg(folder.path().join("cache"));
    // No rustc and no zig: the toolchain is missing on every machine.
    command.env("PATH", folder.path().join("bin")).env_remove("SOURCE_DATE_EPOCH").env("CI", "true");
    set(&mut command);
    run(&mut command)
}

/// The argv of openssl as a signer of digests with the key.
pub fn openssl_command(key: &KeyPair, folder: &Path) -> Vec<String> {
    let der = folder.join("key.der");
    std::fs::write(&der, pkcs1(&key.secret)).expect("writable");
    let check =
        run(Command::new("openssl").args(["rsa", "-check", "-noout", "-inform", "DER", "-in"]).arg(&der));
    assert!(check.status.success(), "{}", common::text(&check));
    let words = ["openssl", "pkeyutl", "-sign", "-keyform", "DER", "-pkeyopt", "rsa_padding_mode:pkcs1"];
    let more = ["-pkeyopt", "digest:sha256", "-in", "{in}", "-out", "{out}", "-inkey"];
    let mut argv: Vec<String> = words.iter().chain(&more).map(|w| (*w).to_owned()).collect();
    argv.push(der.to_str().expect("a plain path").to_owned());
    argv
}

/// An OpenPGP secret key as PKCS #1 (RFC 8017, A.1.2).
fn pkcs1(secret: &Path) -> Vec<u8> {
    let text = std::fs::read(secret).expect("the key");
    let (key, _) = SignedSecretKey::from_armor_single(&text[..]).expect("an armored secret key");
    let SecretParams::Plain(PlainSecretParams::RSA(rsa)) = key.primary_key.secret_params() else {
        panic!("not an open RSA key")
    };
    let mut bytes = Vec::new();
    pgp::ser::Serialize::to_writer(rsa, &mut bytes).expect("memory");
    // RFC 4880, 5.5.3: d, p, q and u, the inverse of p modulo q, so p and q change places in PKCS #1.
    let [d, p, q, u] = numbers(&bytes).try_into().expect("four numbers");
    bytes.clear();
    let public = key.to_public_key();
    let pgp::types::PublicParams::RSA(rsa) = pgp::types::KeyDetails::public_params(&public.primary_key)
    else {
        panic!("not an RSA key")
    };
    pgp::ser::Serialize::to_writer(rsa, &mut bytes).expect("memory");
    let [n, e] = numbers(&bytes).try_into().expect("two numbers");
    let (d_q, d_p) = (modulo(&d, &minus_one(&q)), modulo(&d, &minus_one(&p)));
    let body: Vec<u8> =
        [vec![0], n, e, d, q, p, d_q, d_p, u].iter().flat_map(|v| der(2, &unsigned(v))).collect();
    der(0x30, &body)
}

/// OpenPGP numbers: a bit count of two bytes before each.
fn numbers(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while let [a, b, rest @ ..] = bytes {
        let length = usize::from(u16::from_be_bytes([*a, *b])).div_ceil(8);
        all.push(rest[..length].to_vec());
        bytes = &rest[length..];
    }
    all
}

/// An odd number less one.
fn minus_one(odd: &[u8]) -> Vec<u8> {
    let mut number = odd.to_vec();
    *number.last_mut().expect("not empty") &= !1;
    number
}

/// Remainder by long division, bit by bit.
fn modulo(number: &[u8], by: &[u8]) -> Vec<u8> {
    let width = by.len() + 1;
    let mut divisor = vec![0];
    divisor.extend(by);
    let mut rest = vec![0u8; width];
    for bit in number.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1)) {
        let mut carry = bit;
        for byte in rest.iter_mut().rev() {
            (*byte, carry) = (*byte << 1 | carry, *byte >> 7);
        }
        if rest >= divisor {
            let mut borrow = false;
            for (byte, minus) in rest.iter_mut().zip(&divisor).rev() {
                let (less, first) = byte.overflowing_sub(*minus);
                let (less, second) = less.overflowing_sub(u8::from(borrow));
                (*byte, borrow) = (less, first || second);
            }
        }
    }
    rest
}

/// A DER INTEGER's content: no needless zeros, one where the sign bit would be set.
fn unsigned(number: &[u8]) -> Vec<u8> {
    let plain: Vec<u8> = number.iter().copied().skip_while(|b| *b == 0).collect();
    let lead = plain.first().is_none_or(|b| b & 0x80 != 0).then_some(0);
    lead.into_iter().chain(plain).collect()
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..0x80 => out.push(length as u8),
        0x80..0x100 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}
