//! Debian's rpm, gpg and rpmlint read what the build system wrote.

mod common;
#[path = "common/expected.rs"]
mod expected;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use common::{release, root, run, stdout_of, text};
use expected::{exported_key, file, packages, planned, record, tree};
use tempfile::TempDir;
use xtask::plan::{Package, PackageDetails};
use xtask::spec::{Format, RpmProfile};

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    command
}

fn profile(package: &Package) -> RpmProfile {
    match &package.details {
        PackageDetails::Rpm { profile, .. } => *profile,
        PackageDetails::Deb { .. } => panic!("{} is no rpm", package.id),
    }
}

/// A key database of rpm with our key in it, or empty.
fn key_database(key: Option<&Path>) -> TempDir {
    let db = tempfile::tempdir().unwrap();
    if let Some(key) = key {
        stdout_of(command("rpmkeys").arg("--dbpath").arg(db.path()).arg("--import").arg(key));
    }
    db
}

/// A query of a package file, without a look at its signature.
fn query(package: &Path, format: &str) -> String {
    stdout_of(command("rpm").args(["-qp", "--nosignature", "--qf", format]).arg(package))
}

#[test]
fn rpm_accepts_every_signature_with_the_exported_key_and_none_without_it() {
    let plan = planned();
    let temp = tempfile::tempdir().unwrap();
    let (with, without) = (key_database(Some(&exported_key(temp.path()))), key_database(None));
    let fingerprint = record().key.fingerprint.to_lowercase();
    let seconds = format!("@{}", plan.release.source_date);
    let date = stdout_of(command("date").args(["-u", "-d", &seconds, "+%a %b %e %T %Y"]));
    let (long_id, short_id) = (&fingerprint[24..], &fingerprint[32..]);
    for package in packages(&plan, Format::Rpm) {
        let path = file(package);
        let check = |db: &TempDir, options: &[&str]| {
            run(command("rpmkeys").arg("--dbpath").arg(db.path()).args(options).arg(&path))
        };
        let verdict = text(&check(&with, &["-K"]));
        assert_eq!(verdict.trim_end(), format!("{}: digests signatures OK", path.display()));

        let version = if profile(package) == RpmProfile::El5 { "V3" } else { "V4" };
        let signature = format!("{version} RSA/SHA256 Signature, key ID {short_id}: OK");
        let details = text(&check(&with, &["-Kv"]));
        let lines: Vec<&str> = details.lines().skip(1).map(str::trim).collect();
        let expected = [
            &format!("Header {signature}"),
            "Header SHA256 digest: OK",
            "Header SHA1 digest: OK",
            "Payload SHA256 digest: OK",
            &signature,
            "MD5 digest: OK",
        ];
        assert_eq!(lines, expected, "{}", package.file);
        for tag in ["%{RSAHEADER:pgpsig}", "%{SIGPGP:pgpsig}"] {
            let says = query(&path, tag);
            assert_eq!(
                says,
                format!("RSA/SHA256, {}, Key ID {long_id}", date.trim_end()),
                "{}: {tag}",
                package.file
            );
        }

        let unknown = check(&without, &["-K"]);
        assert_eq!(unknown.status.code(), Some(1), "{}", package.file);
        assert!(text(&unknown).contains("SIGNATURES NOT OK"), "{}", text(&unknown));
    }
}

#[test]
fn rpm_refuses_a_changed_header_and_a_changed_payload() {
    let plan = planned();
    let temp = tempfile::tempdir().unwrap();
    let db = key_database(Some(&exported_key(temp.path())));
    for package in packages(&plan, Format::Rpm) {
        let bytes = std::fs::read(file(package)).unwrap();
        let summary = plan.product.summary.as_bytes();
        let in_header = bytes.windows(summary.len()).position(|w| w == summary).unwrap();
        for (place, part) in [(in_header, "Header"), (bytes.len() - 100, "Payload")] {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            let path = temp.path().join("changed.rpm");
            std::fs::write(&path, changed).unwrap();
            let output = run(command("rpmkeys").arg("--dbpath").arg(db.path()).arg("-Kv").arg(&path));
            let said = text(&output);
            assert!(!output.status.success(), "{}: {part}: {said}", package.file);
            let bad = |line: &str| line.trim().starts_with(part) && line.contains("digest: BAD");
            assert!(said.lines().any(bad), "{}: {part}: {said}", package.file);
        }
    }
}

#[test]
fn rpm_lists_the_tree_with_owners_modes_and_the_source_date() {
    let plan = planned();
    let date = plan.release.source_date;
    let expected: Vec<String> = tree()
        .iter()
        .map(|e| {
            let kind = match e.kind.as_str() {
                "dir" => "d",
                "file" => "-",
                "symlink" => "l",
                other => panic!("{other}"),
            };
            let mode = e.mode.clone().unwrap_or_else(|| "0777".to_owned());
            format!(
                "{} {kind} {mode} {} {} {date} {}",
                e.path,
                e.owner,
                e.group,
                e.target.as_deref().unwrap_or_default()
            )
        })
        .collect();
    let format = "[%{FILENAMES} %{FILEMODES:perms} %{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEMTIMES} %{FILELINKTOS}\n]";
    for package in packages(&plan, Format::Rpm) {
        let listing = query(&file(package), format);
        let lines: Vec<String> = listing.lines().map(normalized).collect();
        assert_eq!(lines, expected, "{}", package.file);
        assert!(
            lines[0].starts_with("/opt/illumio_ven d 0750 root ilo-ven"),
            "the guide's owner and mode: {}",
            lines[0]
        );
        assert_eq!(query(&file(package), "%{BUILDTIME}"), date.to_string());
    }
}

/// `PATH drwxr-x--- 40750 …` as `PATH d 0750 …`.
fn normalized(line: &str) -> String {
    let mut words = line.splitn(4, ' ');
    let (path, perms, octal, rest) = (words.next(), words.next(), words.next(), words.next());
    let octal = octal.expect("four words");
    format!(
        "{} {} 0{} {}",
        path.unwrap(),
        &perms.unwrap()[..1],
        &octal[octal.len() - 3..],
        rest.expect("four words")
    )
}

#[test]
fn rpm_reads_the_identity_prefix_and_profile_of_every_package() {
    let plan = planned();
    let tags = "%{NAME}|%{VERSION}|%{RELEASE}|%{ARCH}|%{OS}|[%{PREFIXES},]|%{VENDOR}|%{LICENSE}|%{SUMMARY}|%{BUILDHOST}|%{PAYLOADCOMPRESSOR}|%{EPOCH}|%{SOURCERPM}";
    let mut el5 = 0;
    for package in packages(&plan, Format::Rpm) {
        let path = file(package);
        let product = &plan.product;
        let PackageDetails::Rpm { rpm_release, .. } = &package.details else { panic!("an rpm") };
        let expected = format!(
            "{}|{}|{}|{}|linux|/opt,|{}|{}|{}|localhost|gzip|(none)|",
            product.name,
            plan.release.version,
            rpm_release,
            package.arch.in_package,
            product.vendor,
            product.license,
            product.summary
        );
        let found = query(&path, tags);
        assert!(found.starts_with(&expected), "{}:\n{found}\n{expected}", package.file);
        assert_eq!(query(&path, "%{DESCRIPTION}"), product.description.trim_end(), "{}", package.file);

        // 8 is SHA-256 (RFC 4880, 9.4); rpm 4.4 knows MD5 only, and no tag that says so.
        let (algorithm, digits) = match profile(package) {
            RpmProfile::El5 => ("(none)", 32),
            RpmProfile::El6 => ("8", 64),
        };
        el5 += usize::from(digits == 32);
        assert_eq!(query(&path, "%{FILEDIGESTALGO}"), algorithm, "{}", package.file);
        let digests = query(&path, "[%{FILEDIGESTS}\n]");
        let lengths: BTreeSet<usize> = digests.lines().map(str::len).filter(|n| *n > 0).collect();
        assert_eq!(lengths, BTreeSet::from([digits]), "{}", package.file);
        if digits == 64 {
            let recorded: Vec<String> = tree().into_iter().map(|e| e.sha256.unwrap_or_default()).collect();
            assert_eq!(digests.lines().collect::<Vec<_>>(), recorded, "{}", package.file);
        }
    }
    assert_eq!(el5, 1, "the package of RHEL 5 has its own profile");
}

/// What each family calls the certificates of public authorities.
fn certificates(tag: &str) -> &'static str {
    match tag {
        "c5" => "/etc/pki/tls/certs/ca-bundle.crt",
        "suse11" => "openssl-certs",
        _ => "ca-certificates",
    }
}

#[test]
fn rpm_requires_what_the_specs_say_before_or_after_pre_and_nothing_else() {
    let plan = planned();
    for package in packages(&plan, Format::Rpm) {
        let listing = query(
            &file(package),
            "[%{REQUIREFLAGS:deptype}|%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]",
        );
        let found: BTreeSet<String> = listing
            .lines()
            .map(|line| {
                let (kind, relation) = line.split_once('|').expect("two fields");
                format!("{kind}: {}", relation.split_whitespace().collect::<Vec<_>>().join(" "))
            })
            .collect();
        let spelt = |d| expected::dependency(d, Format::Rpm);
        let mut wanted: BTreeSet<String> =
            package.requires.iter().map(|d| format!("manual: {}", spelt(d))).collect();
        wanted.extend(package.requires_pre.iter().map(|d| format!("pre: {}", spelt(d))));
        // rpm finds these by the scripts and by the form of the package.
        wanted.extend(
            ["pre,interp", "post,interp", "preun,interp", "postun,interp", "interp,posttrans"]
                .map(|k| format!("{k}: /bin/sh")),
        );
        wanted.extend(
            [
                "rpmlib: rpmlib(CompressedFileNames) <= 3.0.4-1",
                "rpmlib: rpmlib(PayloadFilesHavePrefix) <= 4.0-1",
            ]
            .map(str::to_owned),
        );
        if profile(package) == RpmProfile::El6 {
            wanted.insert("rpmlib: rpmlib(FileDigests) <= 4.6.0-1".to_owned());
        }
        assert_eq!(found, wanted, "{}", package.file);
        let needs = format!("manual: {}", certificates(&package.tag));
        assert!(found.contains(&needs), "{}: {found:#?}", package.file);

        let short = stdout_of(command("rpm").args(["-qp", "--nosignature", "--requires"]).arg(file(package)));
        for dependency in &package.requires {
            assert!(short.lines().any(|l| l == spelt(dependency)), "{}: {short}", package.file);
        }
    }
}

#[test]
fn rpm_prints_the_rendered_scripts_and_a_shell_parses_them() {
    let plan = planned();
    let names = [
        ("pre", "PREIN"),
        ("post", "POSTIN"),
        ("preun", "PREUN"),
        ("postun", "POSTUN"),
        ("posttrans", "POSTTRANS"),
    ];
    for package in packages(&plan, Format::Rpm) {
        let rendered = xtask::payload::scripts(&plan, package).unwrap();
        assert_eq!(rendered.len(), names.len());
        for (name, tag) in names {
            let body = query(&file(package), &format!("%{{{tag}}}"));
            assert_eq!(body, rendered[name], "{}: {name}", package.file);
            let shell = run(command("sh").args(["-n", "-c", &body]));
            assert!(
                shell.status.success() && shell.stderr.is_empty(),
                "{}: {name}: {}",
                package.file,
                text(&shell)
            );
            assert!(!writes_below_tmp(&body), "{}: {name} writes below /tmp", package.file);
        }
        let all = stdout_of(command("rpm").args(["-qp", "--nosignature", "--scripts"]).arg(file(package)));
        for title in ["preinstall", "postinstall", "preuninstall", "postuninstall", "posttrans"] {
            assert!(
                all.contains(&format!("{title} scriptlet (using /bin/sh):\n")),
                "{}: {title}",
                package.file
            );
        }
    }
}

/// Whether a script names /tmp other than in a pattern of `case` or in a message.
fn writes_below_tmp(script: &str) -> bool {
    script.lines().filter(|l| l.contains("/tmp")).any(|line| {
        let line = line.trim();
        let pattern = line.starts_with("/tmp/*") && line.ends_with(";;");
        let message = line.starts_with('"') || line.starts_with("problem ") || line.starts_with('#');
        !(pattern || message) || line.contains(['>', '`']) || line.contains("$(")
    })
}

#[test]
fn cpio_unpacks_the_same_tree_from_every_rpm() {
    let plan = planned();
    let expected = tree();
    let names: Vec<String> = expected.iter().map(|e| format!(".{}", e.path)).collect();
    for package in packages(&plan, Format::Rpm) {
        let temp = tempfile::tempdir().unwrap();
        let archive = run(command("rpm2cpio").arg(file(package)));
        assert!(archive.status.success(), "{}: {}", package.file, String::from_utf8_lossy(&archive.stderr));
        std::fs::write(temp.path().join("payload"), &archive.stdout).unwrap();
        let cpio = |options: &[&str]| {
            let input = std::fs::File::open(temp.path().join("payload")).unwrap();
            stdout_of(command("cpio").args(options).current_dir(temp.path()).stdin(input))
        };
        assert_eq!(cpio(&["-t", "--quiet"]).lines().collect::<Vec<_>>(), names, "{}", package.file);
        cpio(&["-i", "-d", "-m", "--quiet", "--no-absolute-filenames"]);
        for entry in expected.iter().filter(|e| e.kind == "file") {
            let bytes = std::fs::read(temp.path().join(&entry.path[1..])).unwrap();
            assert_eq!(Some(sha256(&bytes)), entry.sha256, "{}: {}", package.file, entry.path);
        }
    }
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

/// gpg with a key ring of its own that holds our key.
fn gpg(home: &Path) -> Command {
    let mut gpg = command("gpg");
    gpg.arg("--homedir").arg(home).args([
        "--batch",
        "--no-autostart",
        "--no-auto-key-locate",
        "--status-fd",
        "1",
    ]);
    gpg
}

/// The fingerprint of the key whose good signature gpg found.
fn gpg_verify(home: &Path, signature: &Path, file: &Path) -> String {
    let status = stdout_of(gpg(home).arg("--verify").arg(signature).arg(file));
    let valid = status.lines().find_map(|l| l.strip_prefix("[GNUPG:] VALIDSIG "));
    valid.unwrap_or_else(|| panic!("{status}")).split(' ').next().expect("a word").to_owned()
}

#[test]
fn gpg_and_sha256sum_accept_the_release_and_gpg_refuses_a_changed_list() {
    let temp = tempfile::tempdir().unwrap();
    stdout_of(gpg(temp.path()).arg("--import").arg(exported_key(temp.path())));
    let list = release().join("SHA256SUMS");
    assert_eq!(gpg_verify(temp.path(), &release().join("SHA256SUMS.asc"), &list), record().key.fingerprint);

    let said = stdout_of(command("sha256sum").args(["--strict", "-c", "SHA256SUMS"]).current_dir(release()));
    let checked: BTreeSet<String> =
        said.lines().map(|l| l.strip_suffix(": OK").expect("OK").to_owned()).collect();
    let mut files: BTreeSet<String> = BTreeSet::new();
    for entry in walkdir::WalkDir::new(release()).into_iter().flatten().filter(|e| e.file_type().is_file()) {
        files.insert(entry.path().strip_prefix(release()).unwrap().to_string_lossy().into_owned());
    }
    assert!(files.remove("SHA256SUMS") && files.remove("SHA256SUMS.asc"));
    assert_eq!(checked, files, "the list names every file");

    let changed = temp.path().join("SHA256SUMS");
    let text = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&changed, text.replacen('a', "b", 1)).unwrap();
    let output = run(gpg(temp.path()).arg("--verify").arg(release().join("SHA256SUMS.asc")).arg(&changed));
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn tar_unpacks_each_bundle_and_gpg_accepts_its_manifest() {
    let keys = tempfile::tempdir().unwrap();
    stdout_of(gpg(keys.path()).arg("--import").arg(exported_key(keys.path())));
    let record = record();
    assert_eq!(record.bundles.len(), 3);
    for bundle in &record.bundles {
        let temp = tempfile::tempdir().unwrap();
        let how = if bundle.path.ends_with(".tar.bz2") { "xjf" } else { "xf" };
        stdout_of(command("tar").arg(how).arg(release().join(&bundle.path)).arg("-C").arg(temp.path()));
        let tops: Vec<_> = std::fs::read_dir(temp.path()).unwrap().flatten().map(|e| e.path()).collect();
        let [top] = tops.as_slice() else { panic!("one folder: {tops:?}") };

        let manifest = top.join("manifest.json");
        assert_eq!(
            gpg_verify(keys.path(), &top.join("manifest.json.asc"), &manifest),
            record.key.fingerprint
        );
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
        let mut listed: BTreeSet<String> = BTreeSet::new();
        for member in json["members"].as_array().unwrap() {
            let path = member["path"].as_str().unwrap();
            let bytes = std::fs::read(top.join(path)).unwrap();
            assert_eq!(member["sha256"], sha256(&bytes), "{path}");
            listed.insert(path.to_owned());
            if let Some(name) = path.strip_prefix("packages/") {
                assert!(
                    bytes == std::fs::read(release().join("packages").join(name)).unwrap(),
                    "{path} differs"
                );
            }
        }
        let files = walkdir::WalkDir::new(top).into_iter().flatten().filter(|e| e.file_type().is_file());
        let mut found: BTreeSet<String> =
            files.map(|e| e.path().strip_prefix(top).unwrap().to_string_lossy().into_owned()).collect();
        assert!(found.remove("manifest.json") && found.remove("manifest.json.asc"));
        assert_eq!(found, listed, "{}", bundle.path);
        if !bundle.path.contains("matrix") {
            let carried = listed.iter().filter(|p| p.starts_with("packages/")).count();
            assert_eq!(carried, record.packages.len(), "{}", bundle.path);
        }
    }
}

/// The messages of rpmlint, and whether it was content. Our key is known to the rpm that it calls.
fn rpmlint(config: &Path, home: &Path) -> (bool, Vec<String>) {
    let mut rpmlint = command("rpmlint");
    rpmlint.env("HOME", home).env("XDG_CONFIG_HOME", home).arg("-c").arg(config);
    for package in packages(&planned(), Format::Rpm) {
        rpmlint.arg(file(package));
    }
    let output = run(&mut rpmlint);
    let said = text(&output);
    assert!(said.contains("packages and 0 specfiles checked"), "{said}");
    let message = |line: &&str| [": E: ", ": W: "].iter().any(|level| line.contains(level));
    (output.status.success(), said.lines().filter(message).map(str::to_owned).collect())
}

#[test]
fn rpmlint_says_nothing_but_what_is_waived_and_every_waiver_is_needed() {
    let home = tempfile::tempdir().unwrap();
    let key = exported_key(home.path());
    stdout_of(command("rpm").env("HOME", home.path()).arg("--import").arg(key));
    let config = root().join("ci/lint/rpmlint.toml");
    let (content, messages) = rpmlint(&config, home.path());
    assert!(content && messages.is_empty(), "{messages:#?}");

    let all = home.path().join("all.toml");
    std::fs::write(&all, "").unwrap();
    let (_, messages) = rpmlint(&all, home.path());
    let waivers: toml::Table = std::fs::read_to_string(&config).unwrap().parse().unwrap();
    for filter in waivers["Filters"].as_array().unwrap() {
        let filter = filter.as_str().unwrap();
        // rpmlint's own search, as it is Python's.
        let found = python_matches(filter, &messages);
        assert!(found > 0, "no package needs the waiver {filter}");
    }
    for (table, tag) in [("ValidLicenses", "invalid-license"), ("StandardGroups", "non-standard-gid")] {
        for word in waivers[table].as_array().unwrap() {
            let word = word.as_str().unwrap();
            let needed = messages.iter().any(|m| m.contains(tag) && m.ends_with(&format!(" {word}")));
            assert!(needed, "no package needs {table} {word}");
        }
    }
}

/// How many of the messages a regular expression of Python finds.
fn python_matches(pattern: &str, messages: &[String]) -> usize {
    let program = "import re, sys\nprint(sum(1 for m in sys.argv[2:] if re.search(sys.argv[1], m)))";
    let output = stdout_of(command("python3").args(["-c", program, pattern]).args(messages));
    output.trim().parse().expect("a number")
}
