//! Keys: made, kept secret, opened with a passphrase, or left behind a program. gpg and openssl are the judges.

mod common;
#[path = "keys/fixture.rs"]
mod fixture;

use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use common::{run, stdout_of, text, xtask};
use fixture::{
    GnuPg, PASSPHRASE, is_good, key_pair, locked_key, openssl_command, plan_of, project_with, unlock_by_dist,
};
use xtask::plan::{Backend, CommandProtocol, KeyPlan, Passphrase};
use xtask::signing::{Error, KeyStore, Signer, StoredKey, Version, armored_public, packet_version};

/// 2026-11-01T00:00:00Z.
const TIME: u32 = 1_793_491_200;

fn open(backend: Backend) -> Result<Signer, Error> {
    let nowhere = KeyStore::new("/nonexistent".into());
    Signer::open(&KeyPlan { profile: "test".to_owned(), backend }, &nowhere, Path::new("/"), TIME)
}

fn open_command(command: Vec<String>, public_key: &Path, protocol: CommandProtocol) -> Signer {
    open(Backend::Command { public_key: public_key.to_owned(), protocol, command })
        .expect("the public key is good")
}

fn argv(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// A shell as the signing program: the test's own, never the product's.
fn script(body: &str) -> Vec<String> {
    argv(&["/bin/sh", "-c", body, "signer", "{in}", "{out}"])
}

fn err_text(result: Result<Vec<u8>, Error>) -> String {
    let error = result.expect_err("the signature is refused");
    assert!(!error.mend().is_empty());
    error.to_string()
}

#[test]
fn a_new_secret_key_is_readable_by_its_owner_only_and_gpg_imports_its_public_half() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = (folder.path().join("new/secret.asc"), folder.path().join("public.asc"));
    let generate = |bits: &str| {
        let mut command = Command::new("/bin/sh");
        // The widest umask: the mode must not depend on it.
        command.args(["-c", "umask 000; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_xtask"), "keys", "generate"]);
        command.args(["--user-id", "VEN test <test@example.com>", "--bits", bits, "--secret"]).arg(&secret);
        command.arg("--public").arg(&public);
        command
    };
    let small = run(&mut generate("2048"));
    assert_eq!(small.status.code(), Some(6), "{}", text(&small));
    assert!(text(&small).contains("2048 bits: use 3072 or 4096"), "{}", text(&small));
    assert!(!secret.exists() && !public.exists());

    let said = stdout_of(&mut generate("3072"));
    assert!(said.contains("has no passphrase"), "{said}");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&secret), 0o600);
    assert_eq!(mode(secret.parent().unwrap()), 0o700);
    let left: Vec<_> = std::fs::read_dir(secret.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "no scratch file stays");

    let gpg = GnuPg::new();
    let imported = gpg.run(&["--import-options", "show-only", "--with-colons", "--import"], &[&public]);
    let imported = String::from_utf8(imported.stdout).unwrap();
    assert!(imported.lines().any(|l| l.starts_with("pub:") && l.contains(":3072:1:")), "{imported}");
    let fingerprint = said.split_whitespace().next().unwrap();
    assert!(imported.contains(&format!("fpr:::::::::{fingerprint}:")), "{imported} {fingerprint}");

    for existing in [&secret, &public] {
        let before = std::fs::read(&secret).unwrap();
        let again = run(&mut generate("3072"));
        assert_eq!(again.status.code(), Some(6));
        assert!(
            text(&again).contains("exists") && text(&again).contains("ever overwritten"),
            "{}",
            text(&again)
        );
        assert_eq!(std::fs::read(&secret).unwrap(), before);
        if existing == &secret {
            std::fs::rename(&secret, folder.path().join("kept.asc")).unwrap();
            let again = run(&mut generate("3072"));
            assert!(text(&again).contains("public.asc exists"), "{}", text(&again));
            std::fs::rename(folder.path().join("kept.asc"), &secret).unwrap();
        }
    }
}

#[test]
fn two_runs_that_make_the_same_key_at_once_end_with_one_key_and_one_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let generate = || {
        let mut command = xtask();
        command.args(["keys", "generate", "--user-id", "VEN test <test@example.com>", "--secret"]);
        command.arg(file("secret.asc")).arg("--public").arg(file("public.asc"));
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command.spawn().unwrap()
    };
    let both = [generate(), generate()].map(|child| child.wait_with_output().unwrap());
    let mut codes = both.each_ref().map(|o| o.status.code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(6)], "{} {}", text(&both[0]), text(&both[1]));
    let public = std::fs::read_to_string(file("public.asc")).unwrap();
    let secret = StoredKey::read(&file("secret.asc")).unwrap();
    assert_eq!(public, armored_public(&secret.public()).unwrap(), "the halves belong together");
}

#[test]
fn two_runs_on_an_empty_key_directory_end_with_one_development_key() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    let export = || {
        let mut command = xtask();
        command.args(["keys", "export", "--key-dir"]).arg(&keys);
        command.stdout(std::process::Stdio::piped()).spawn().unwrap()
    };
    let both = [export(), export()].map(|child| child.wait_with_output().unwrap());
    assert!(both.iter().all(|o| o.status.success()), "{} {}", text(&both[0]), text(&both[1]));
    assert_eq!(text(&both[0]), text(&both[1]), "both use the same key");
    let files: Vec<_> = std::fs::read_dir(&keys).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(files, ["development.secret.asc"]);
    let mode = std::fs::metadata(keys.join("development.secret.asc")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert!(text(&both[0]).starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
}

#[test]
fn keys_export_writes_a_public_key_that_gpg_imports_and_nothing_secret() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dev.asc");
    stdout_of(xtask().args(["keys", "export", "--file"]).arg(&file));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), stdout_of(xtask().args(["keys", "export"])));
    let gpg = GnuPg::new();
    let imported = gpg.run(&["--import"], &[&file]);
    assert!(text(&imported).contains("imported: 1"), "{}", text(&imported));
    assert!(text(&imported).contains("DO NOT TRUST"), "{}", text(&imported));
    assert!(!std::fs::read_to_string(&file).unwrap().contains("PRIVATE"));
    let list = stdout_of(xtask().args(["keys", "list"]));
    assert!(list.contains("generated (development)") && list.contains("ready"), "{list}");
}

#[test]
fn a_key_file_with_a_passphrase_from_a_variable_signs_and_gpg_agrees() {
    // A variable that every process has stands for one that a test cannot set for itself.
    let passphrase = std::env::var("PATH").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (secret, public) = (folder.path().join("s.asc"), folder.path().join("p.asc"));
    let mut command = xtask();
    command.args([
        "keys",
        "generate",
        "--user-id",
        "VEN test <test@example.com>",
        "--passphrase-env",
        "PATH",
    ]);
    stdout_of(command.arg("--secret").arg(&secret).arg("--public").arg(&public));
    let signer =
        open(Backend::File { secret_key: secret.clone(), passphrase: Passphrase::Env("PATH".to_owned()) });
    let signer = signer.unwrap();
    assert!(is_good(&public, b"data", &signer.sign(b"data", Version::V4).unwrap()));
    assert!(!is_good(&public, b"data!", &signer.sign(b"data", Version::V4).unwrap()));
    let armored = signer.sign_armored(b"data").unwrap();
    assert!(is_good(&public, b"data", armored.as_bytes()), "{armored}");
    assert!(!std::fs::read_to_string(&secret).unwrap().contains(&passphrase));
    let bare =
        open(Backend::File { secret_key: secret, passphrase: Passphrase::None }).err().expect("it is locked");
    assert!(bare.to_string().contains("names neither passphrase_env nor passphrase_fd"), "{bare}");
}

#[test]
fn a_key_file_with_a_passphrase_from_a_descriptor_signs_and_gpg_agrees() {
    let key = locked_key();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("passphrase");
    for ending in ["", "\n", "\r\n"] {
        std::fs::write(&file, format!("{PASSPHRASE}{ending}")).unwrap();
        let file = std::fs::File::open(&file).unwrap();
        let passphrase = Passphrase::Fd(file.as_raw_fd() as u16);
        let signer = open(Backend::File { secret_key: key.secret.clone(), passphrase }).unwrap();
        assert!(is_good(&key.public, b"data", &signer.sign(b"data", Version::V4).unwrap()));
    }
    let closed = open(Backend::File { secret_key: key.secret.clone(), passphrase: Passphrase::Fd(999) });
    assert!(closed.err().expect("nothing is open there").to_string().contains("file descriptor 999"));
}

#[test]
fn signatures_of_one_key_and_time_are_the_same_bytes() {
    let key = key_pair();
    let sign = || {
        let backend = Backend::File { secret_key: key.secret.clone(), passphrase: Passphrase::None };
        let signer = open(backend).unwrap();
        (signer.sign(b"data", Version::V4).unwrap(), signer.sign(b"data", Version::V3).unwrap())
    };
    assert_eq!(sign(), sign());
}

#[test]
fn dist_opens_a_locked_key_with_a_variable_or_a_descriptor_before_it_builds_anything() {
    let key = locked_key();
    let by_env = plan_of(&key.secret, "passphrase_env = \"VEN_TEST_PASSPHRASE\"");
    let set = |c: &mut Command| {
        c.env("VEN_TEST_PASSPHRASE", PASSPHRASE);
    };
    let right = unlock_by_dist(&by_env, set, "");
    // The key is open: the next thing that is missing is the toolchain.
    assert_eq!(right.status.code(), Some(4), "{}", text(&right));
    let by_fd = plan_of(&key.secret, "passphrase_fd = 3");
    let right = unlock_by_dist(&by_fd, |_| {}, &format!("3<<END\n{PASSPHRASE}\nEND\n"));
    assert_eq!(right.status.code(), Some(4), "{}", text(&right));
}

#[test]
fn a_missing_or_wrong_passphrase_or_key_file_has_its_own_error_exit_code_6_and_no_secret_in_it() {
    let key = locked_key();
    let env = "passphrase_env = \"VEN_TEST_PASSPHRASE\"";
    let wrong = "wrong horse battery staple";
    let missing = Path::new("/nonexistent/release.key.asc");
    let no_key = tempfile::tempdir().unwrap();
    let not_a_key = no_key.path().join("key.asc");
    std::fs::write(&not_a_key, "not a key").unwrap();
    let cases = [
        (plan_of(&key.secret, env), Some(wrong), "", "does not open"),
        (plan_of(&key.secret, env), Some(""), "", "does not open"),
        (plan_of(&key.secret, env), None, "", "the variable VEN_TEST_PASSPHRASE is not set"),
        (plan_of(&key.secret, "passphrase_fd = 9"), None, "", "file descriptor 9"),
        (
            plan_of(&key.secret, "passphrase_fd = 3"),
            None,
            "3<<END\nwrong horse battery staple\nEND\n",
            "does not open",
        ),
        (plan_of(&key.secret, ""), Some(PASSPHRASE), "", "names neither passphrase_env nor passphrase_fd"),
        (plan_of(missing, ""), None, "", "/nonexistent/release.key.asc: No such file"),
        (plan_of(&not_a_key, ""), None, "", "no armored OpenPGP secret key"),
        (plan_of(&key.public, ""), None, "", "no armored OpenPGP secret key"),
    ];
    for (profile, passphrase, redirect, expected) in cases {
        let set = |c: &mut Command| {
            c.env_remove("VEN_TEST_PASSPHRASE");
            if let Some(passphrase) = passphrase {
                c.env("VEN_TEST_PASSPHRASE", passphrase);
            }
        };
        let output = unlock_by_dist(&profile, set, redirect);
        let said = text(&output);
        assert_eq!(output.status.code(), Some(6), "{profile}: {said}");
        assert!(said.contains(expected) && said.contains("mend: "), "{profile}: {said}");
        assert!(!said.contains(PASSPHRASE) && !said.contains(wrong), "{said}");
    }
}

#[test]
fn a_profile_that_does_not_exist_is_an_error_that_says_what_to_write_where() {
    for verb in [&["dist"][..], &["plan"], &["keys", "export"]] {
        let output = run(xtask().args(verb).args(["--keys", "release"]));
        let said = text(&output);
        assert_eq!(output.status.code(), Some(3), "{verb:?}: {said}");
        for part in [
            "signing/profiles.toml",
            "name = \"release\"",
            "backend = \"file\"",
            "secret_key = ",
            "signing/README.md",
        ] {
            assert!(said.contains(part), "{verb:?}: no {part} in {said}");
        }
    }
}

#[test]
fn a_program_that_signs_digests_makes_v3_and_v4_signatures_that_gpg_accepts() {
    let key = key_pair();
    let folder = tempfile::tempdir().unwrap();
    let command = openssl_command(&key, folder.path());
    let signer = open_command(command, &key.public, CommandProtocol::RsaSha256Digest);
    let v4 = signer.sign(b"data", Version::V4).unwrap();
    assert_eq!(packet_version(&v4), 4);
    assert!(is_good(&key.public, b"data", &v4));
    let v3 = signer.sign(b"data", Version::V3).unwrap();
    assert_eq!(packet_version(&v3), 3);
    assert!(signer.can_sign(Version::V3));
    // The same key in a file signs the same: the program only saw a digest.
    let file = open(Backend::File { secret_key: key.secret.clone(), passphrase: Passphrase::None }).unwrap();
    assert_eq!(v4, file.sign(b"data", Version::V4).unwrap());
    assert_eq!(v3, file.sign(b"data", Version::V3).unwrap());
}

#[test]
fn a_program_that_makes_openpgp_signatures_is_used_binary_or_armored_and_refused_for_v3() {
    let key = key_pair();
    let gpg = GnuPg::new();
    gpg.run(&["--import"], &[&key.secret]);
    let home = gpg.home().to_str().unwrap().to_owned();
    for armor in ["--no-armor", "--armor"] {
        let words = [
            "gpg",
            "--homedir",
            &home,
            "--batch",
            "--digest-algo",
            "SHA256",
            armor,
            "--output",
            "{out}",
            "--detach-sign",
            "{in}",
        ];
        let signer = open_command(argv(&words), &key.public, CommandProtocol::OpenPgp);
        let signature = signer.sign(b"data", Version::V4).unwrap();
        assert!(is_good(&key.public, b"data", &signature), "{armor}");
        assert!(!signer.can_sign(Version::V3));
        let refused = err_text(signer.sign(b"data", Version::V3));
        assert!(refused.contains("V3") && refused.contains("openpgp"), "{refused}");
    }
}

#[test]
fn what_a_broken_signing_program_returns_never_leaves_as_a_signature() {
    let (key, other) = (key_pair(), locked_key());
    let both = [CommandProtocol::RsaSha256Digest, CommandProtocol::OpenPgp];
    let cases = [
        ("echo cannot reach the HSM >&2; exit 1", &both[..], "cannot reach the HSM"),
        ("exit 0", &both, "wrote no {out} file"),
        (": > \"$2\"", &both, "does not verify"),
        ("printf garbage > \"$2\"", &both, "does not verify"),
        ("head -c 384 /dev/zero > \"$2\"", &both, "does not verify"),
        ("cp \"$1\" \"$2\"", &both, "does not verify"),
        ("printf -- '-----BEGIN PGP SIGNATURE-----\\n' > \"$2\"", &both[1..], ""),
        ("kill -9 $$", &both, "signal: 9"),
    ];
    for (body, protocols, expected) in cases {
        for protocol in protocols {
            let signer = open_command(script(body), &key.public, *protocol);
            let said = err_text(signer.sign(b"data", Version::V4));
            assert!(said.contains(expected), "{protocol:?} {body}: {said}");
        }
    }
    let signer = open_command(argv(&["/nonexistent/hsm", "{in}", "{out}"]), &key.public, both[0]);
    let said = err_text(signer.sign(b"data", Version::V4));
    assert!(said.contains("/nonexistent/hsm") && said.contains("cannot start"), "{said}");

    // A good signature, by another key than the profile's.
    let folder = tempfile::tempdir().unwrap();
    let signer = open_command(openssl_command(&key, folder.path()), &other.public, both[0]);
    let said = err_text(signer.sign(b"data", Version::V4));
    assert!(said.contains("\"test\" made a signature that does not verify"), "{said}");
    let gpg = GnuPg::new();
    gpg.run(&["--import"], &[&key.secret]);
    let home = gpg.home().to_str().unwrap();
    let words = [
        "gpg",
        "--homedir",
        home,
        "--batch",
        "--digest-algo",
        "SHA256",
        "--output",
        "{out}",
        "--detach-sign",
        "{in}",
    ];
    let said = err_text(open_command(argv(&words), &other.public, both[1]).sign(b"data", Version::V4));
    assert!(said.contains("signed by key"), "{said}");
}

#[test]
fn a_public_key_file_that_is_missing_or_no_key_is_exit_code_6() {
    let folder = tempfile::tempdir().unwrap();
    let profile = "name = \"test\"\nbackend = \"command\"\nprotocol = \"rsa-sha256-digest\"\npublic_key = \"signing/hsm.asc\"\ncommand = [\"sign\", \"{in}\", \"{out}\"]";
    let project = project_with(profile, folder.path());
    for content in [None, Some("no key")] {
        if let Some(text) = content {
            std::fs::write(project.join("signing/hsm.asc"), text).unwrap();
        }
        let output = run(xtask().args(["keys", "export", "--keys", "test", "--root"]).arg(&project));
        assert_eq!(output.status.code(), Some(6), "{}", text(&output));
        assert!(text(&output).contains("signing/hsm.asc"), "{}", text(&output));
    }
}

#[test]
fn a_key_that_readers_refuse_is_refused_before_it_signs() {
    let folder = tempfile::tempdir().unwrap();
    let gpg = GnuPg::new();
    for (algorithm, expected) in [("rsa2048", "2048 bits"), ("ed25519", "not an RSA key")] {
        let user = format!("{algorithm} <{algorithm}@example.com>");
        let made =
            gpg.run(&["--passphrase", "", "--quick-generate-key", &user, algorithm, "sign", "never"], &[]);
        assert!(made.status.success(), "{}", text(&made));
        let secret = gpg.run(&["--armor", "--export-secret-keys", &user], &[]);
        let file = folder.path().join(algorithm);
        std::fs::write(&file, secret.stdout).unwrap();
        let error = open(Backend::File { secret_key: file, passphrase: Passphrase::None })
            .err()
            .expect("it is refused");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
