//! dpkg-deb, ar, debsig-verify and lintian read what the build system wrote.

mod common;
#[path = "common/expected.rs"]
mod expected;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use common::{root, run, stdout_of, text};
use expected::{exported_key, file, packages, planned, record, tree};
use sha2::{Digest, Sha256};
use xtask::plan::PackageDetails;
use xtask::spec::Format;

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    command
}

/// `dpkg-deb OPTION PACKAGE [MORE]`, which must say nothing on standard error.
fn dpkg_deb(option: &str, package: &Path, more: &[&Path]) -> String {
    let output = run(command("dpkg-deb").arg(option).arg(package).args(more));
    let quiet = output.status.success() && output.stderr.is_empty();
    assert!(quiet, "dpkg-deb {option} {}: {}", package.display(), text(&output));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn dpkg_deb_reads_the_fields_and_dependencies_of_every_package() {
    let plan = planned();
    for package in packages(&plan, Format::Deb) {
        let PackageDetails::Deb { deb_version } = &package.details else { panic!("a deb") };
        let path = file(package);
        let control = dpkg_deb("-f", &path, &[]);
        let mut fields: BTreeMap<&str, String> = BTreeMap::new();
        let mut last = "";
        for line in control.lines() {
            if line.starts_with(' ') {
                fields.get_mut(last).expect("a field").push_str(&format!("\n{line}"));
            } else {
                let (name, value) = line.split_once(": ").expect("a field");
                fields.insert(name, value.to_owned());
                last = name;
            }
        }
        let list = |dependencies: &[xtask::plan::dependencies::Dependency]| {
            dependencies.iter().map(|d| expected::dependency(d, Format::Deb)).collect::<Vec<_>>().join(", ")
        };
        // Policy 5.6.20: sizes of files rounded up to KiB each, one KiB for everything else.
        let payload = unpacked(&path);
        let size = |path: &str| std::fs::metadata(payload.path().join(&path[1..])).unwrap().len();
        let above = 2; // `/` and `/opt`
        let sizes = above
            + tree()
                .iter()
                .map(|e| if e.kind == "file" { size(&e.path).div_ceil(1024) } else { 1 })
                .sum::<u64>();
        let description: Vec<String> =
            plan.product.description.trim_end().lines().map(|l| format!(" {l}")).collect();
        let wanted = BTreeMap::from([
            ("Package", plan.product.name.clone()),
            ("Version", deb_version.clone()),
            ("Architecture", package.arch.in_package.clone()),
            ("Maintainer", plan.product.maintainer.clone()),
            ("Installed-Size", sizes.to_string()),
            ("Pre-Depends", list(&package.requires_pre)),
            ("Depends", list(&package.requires)),
            ("Section", "admin".to_owned()),
            ("Priority", "optional".to_owned()),
            ("Homepage", plan.product.homepage.clone()),
            ("Description", format!("{}\n{}", plan.product.summary, description.join("\n"))),
        ]);
        assert_eq!(fields, wanted, "{}", package.file);
        assert_eq!(*deb_version, format!("{}.{}", plan.release.id, package.tag));
        let certificates = fields["Depends"].split(", ").any(|d| d == "ca-certificates");
        assert!(certificates, "{}: {}", package.file, fields["Depends"]);

        let info = dpkg_deb("-I", &path, &[]);
        assert!(info.starts_with(" new Debian package, version 2.0.\n"), "{info}");
        for member in ["control", "md5sums", "postinst", "postrm", "preinst", "prerm"] {
            assert!(info.lines().any(|l| l.split_whitespace().any(|w| w == member)), "{member}: {info}");
        }
    }
}

/// The payload as `dpkg-deb -x` unpacks it, with the control files in DEBIAN.
fn unpacked(package: &Path) -> tempfile::TempDir {
    let temp = tempfile::tempdir().unwrap();
    dpkg_deb("-x", package, &[temp.path()]);
    dpkg_deb("-e", package, &[&temp.path().join("DEBIAN")]);
    temp
}

#[test]
fn dpkg_deb_lists_the_tree_with_owners_modes_and_the_source_date() {
    let plan = planned();
    let permissions = |mode: &str| -> String {
        let bits = u32::from_str_radix(mode, 8).unwrap();
        (0..9)
            .map(|i| if bits >> (8 - i) & 1 == 1 { "rwxrwxrwx".as_bytes()[i] as char } else { '-' })
            .collect()
    };
    let expected: Vec<String> = tree()
        .iter()
        .map(|e| match e.kind.as_str() {
            "dir" => {
                format!("d{} {}/{} .{}/", permissions(e.mode.as_deref().unwrap()), e.owner, e.group, e.path)
            }
            "file" => {
                format!("-{} {}/{} .{}", permissions(e.mode.as_deref().unwrap()), e.owner, e.group, e.path)
            }
            _ => {
                format!("lrwxrwxrwx {}/{} .{} -> {}", e.owner, e.group, e.path, e.target.as_deref().unwrap())
            }
        })
        .collect();
    assert!(
        expected.contains(&"drwxr-x--- root/ilo-ven ./opt/illumio_ven/".to_owned()),
        "the guide's: {expected:#?}"
    );
    for package in packages(&plan, Format::Deb) {
        let listing = dpkg_deb("-c", &file(package), &[]);
        let mut found = Vec::new();
        for line in listing.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            assert_eq!(
                words[3..5],
                [&plan.release.created[..10], &plan.release.created[11..16]],
                "{}: {line}",
                package.file
            );
            // `/` and `/opt` are there for dpkg to unpack into, as the host already has them.
            if !["./", "./opt/"].contains(&words[5]) {
                found.push(format!("{} {} {}", words[0], words[1], words[5..].join(" ")));
            } else {
                assert_eq!(words[..2], ["drwxr-xr-x", "root/root"], "{}: {line}", package.file);
            }
        }
        assert_eq!(found, expected, "{}", package.file);
    }
}

#[test]
fn dpkg_deb_unpacks_the_same_files_from_every_deb_and_md5sum_accepts_them() {
    let plan = planned();
    for package in packages(&plan, Format::Deb) {
        let temp = unpacked(&file(package));
        let files: Vec<_> = tree().into_iter().filter(|e| e.kind == "file").collect();
        for entry in &files {
            let bytes = std::fs::read(temp.path().join(&entry.path[1..])).unwrap();
            assert_eq!(
                Some(hex::encode(Sha256::digest(bytes))),
                entry.sha256,
                "{}: {}",
                package.file,
                entry.path
            );
        }
        let said =
            stdout_of(command("md5sum").args(["--strict", "-c", "DEBIAN/md5sums"]).current_dir(temp.path()));
        let checked: Vec<&str> = said.lines().map(|l| l.strip_suffix(": OK").expect("OK")).collect();
        let names: Vec<&str> = files.iter().map(|e| &e.path[1..]).collect();
        assert_eq!(checked, names, "{}", package.file);
    }
}

#[test]
fn the_maintainer_scripts_are_the_rendered_ones_executable_and_parsed_by_a_shell() {
    use std::os::unix::fs::PermissionsExt;
    let plan = planned();
    for package in packages(&plan, Format::Deb) {
        let temp = unpacked(&file(package));
        let rendered = xtask::payload::scripts(&plan, package).unwrap();
        let names: Vec<&str> = rendered.keys().map(String::as_str).collect();
        assert_eq!(names, ["postinst", "postrm", "preinst", "prerm"]);
        for (name, body) in &rendered {
            let script = temp.path().join("DEBIAN").join(name);
            assert_eq!(std::fs::read_to_string(&script).unwrap(), *body, "{}: {name}", package.file);
            assert_eq!(std::fs::metadata(&script).unwrap().permissions().mode() & 0o7777, 0o755, "{name}");
            let shell = run(command("sh").arg("-n").arg(&script));
            assert!(
                shell.status.success() && shell.stderr.is_empty(),
                "{}: {name}: {}",
                package.file,
                text(&shell)
            );
        }
    }
}

#[test]
fn ar_lists_the_members_in_the_order_that_dpkg_and_debsig_verify_want() {
    let plan = planned();
    for package in packages(&plan, Format::Deb) {
        let data = match package.compression {
            xtask::spec::Compression::Gzip => "data.tar.gz",
            xtask::spec::Compression::Xz => "data.tar.xz",
        };
        let members = stdout_of(command("ar").arg("t").arg(file(package)));
        let expected = ["debian-binary", "control.tar.gz", data, "_gpgorigin"];
        assert_eq!(members.lines().collect::<Vec<_>>(), expected, "{}", package.file);
        let version = stdout_of(command("ar").arg("p").arg(file(package)).arg("debian-binary"));
        assert_eq!(version, "2.0\n");
    }
}

/// Runs debsig-verify with a policy that wants our key's signature as the origin's.
fn debsig_verify(folder: &Path, package: &Path) -> Option<i32> {
    let (policies, keyrings) = (folder.join("policies"), folder.join("keyrings"));
    let fingerprint = record().key.fingerprint;
    // debsig-verify 0.28 asks for the fingerprint, earlier ones for the key id.
    for id in [fingerprint.as_str(), &fingerprint[24..]] {
        std::fs::create_dir_all(policies.join(id)).unwrap();
        std::fs::create_dir_all(keyrings.join(id)).unwrap();
        let keyring = keyrings.join(id).join("ven.gpg");
        if !keyring.exists() {
            let key = exported_key(folder);
            stdout_of(
                command("gpg").args(["--batch", "--no-options", "--dearmor", "-o"]).arg(&keyring).arg(key),
            );
        }
        let required = format!("<Required Type=\"origin\" File=\"ven.gpg\" id=\"{id}\"/>");
        let policy = format!(
            "<?xml version=\"1.0\"?>\n\
             <!DOCTYPE Policy SYSTEM \"https://www.debian.org/debsig/1.0/policy.dtd\">\n\
             <Policy xmlns=\"https://www.debian.org/debsig/1.0/\">\n\
             <Origin Name=\"VEN\" id=\"{id}\" Description=\"VEN\"/>\n\
             <Selection>{required}</Selection>\n\
             <Verification MinOptional=\"0\">{required}</Verification>\n\
             </Policy>\n"
        );
        std::fs::write(policies.join(id).join("ven.pol"), policy).unwrap();
    }
    let mut debsig = command("debsig-verify");
    debsig.arg("--policies-dir").arg(policies).arg("--keyrings-dir").arg(keyrings).arg(package);
    run(&mut debsig).status.code()
}

/// Exit codes of debsig-verify(1).
const ACCEPTED: Option<i32> = Some(0);
const UNSIGNED: Option<i32> = Some(10);
const BAD_SIGNATURE: Option<i32> = Some(13);

#[test]
fn debsig_verify_accepts_every_deb_and_refuses_it_changed_or_unsigned() {
    let temp = tempfile::tempdir().unwrap();
    let plan = planned();
    for package in packages(&plan, Format::Deb) {
        assert_eq!(debsig_verify(temp.path(), &file(package)), ACCEPTED, "{}", package.file);
    }
    let changed = temp.path().join("changed.deb");
    let original = std::fs::read(file(packages(&plan, Format::Deb)[0])).unwrap();
    for member in ["control.tar.gz", "data.tar.xz"] {
        let header = original.windows(member.len()).position(|w| w == member.as_bytes()).unwrap();
        let mut bytes = original.clone();
        // The 60 bytes of the member's header, and some into its content.
        bytes[header + 60 + 200] ^= 1;
        std::fs::write(&changed, &bytes).unwrap();
        assert_eq!(debsig_verify(temp.path(), &changed), BAD_SIGNATURE, "{member}");
    }
    std::fs::write(&changed, &original).unwrap();
    stdout_of(command("ar").arg("d").arg(&changed).arg("_gpgorigin"));
    assert_eq!(debsig_verify(temp.path(), &changed), UNSIGNED);
}

/// What lintian says, as `E: tag` and `W: tag`, with the whole lines.
fn lintian(options: &[&str], packages: &[&xtask::plan::Package]) -> (bool, BTreeSet<String>, Vec<String>) {
    let mut lintian = command("lintian");
    lintian
        .args(["--no-cfg", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0"])
        .args(options);
    lintian.args(packages.iter().map(|package| file(package)));
    let output = run(&mut lintian);
    let said = text(&output);
    let mut tags = BTreeSet::new();
    for line in said.lines() {
        let mut words = line.split_whitespace();
        if let (Some("E:" | "W:"), Some(_), Some(tag)) = (words.next(), words.next(), words.next()) {
            tags.insert(tag.to_owned());
        }
    }
    (output.status.success(), tags, said.lines().map(str::to_owned).collect())
}

#[test]
fn lintian_says_nothing_but_what_is_waived_and_every_waiver_is_needed() {
    let waivers = root().join("ci/lint/lintian-suppressed");
    let plan = planned();
    let all = packages(&plan, Format::Deb);
    let (content, _, said) = lintian(&["--suppress-tags-from-file", waivers.to_str().unwrap()], &all);
    assert!(content && said.is_empty(), "{said:#?}");

    let (content, reported, said) = lintian(&[], &all[..1]);
    assert!(!content && !reported.is_empty(), "{said:#?}");
    let list = std::fs::read_to_string(&waivers).unwrap();
    let waived: BTreeSet<String> =
        list.lines().filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect();
    assert_eq!(waived, reported, "the waivers and what lintian reports without them");
    // A waiver is for a whole tag: the places that it was reviewed for are pinned here.
    let reviewed = |tag: &str, place: &str| {
        let lines = said.iter().filter(|l| l.split_whitespace().nth(2) == Some(tag));
        for line in lines {
            assert!(line.contains(place), "{line}: reviewed for {place} only");
        }
    };
    reviewed("read-in-maintainer-script", "[prerm:");
    reviewed("statically-linked-binary", "[opt/illumio_ven/illumio-ven-ctl]");
    reviewed("script-not-executable", "[opt/illumio_ven/etc/templates/illumio-ven.init]");
    reviewed("init.d-script-not-included-in-package", "etc/init.d/illumio-ven");
    reviewed("misplaced-extra-member-in-deb", "_gpgorigin");
    reviewed("maintainer-script-needs-depends-on-adduser", "[preinst:");
    reviewed("possibly-insecure-handling-of-tmp-files-in-maintainer-script", "[preinst:");
    reviewed("dir-or-file-in-opt", "[opt/illumio_ven/");
    for tag in ["non-standard-dir-perm", "non-standard-executable-perm", "executable-is-not-world-readable"] {
        reviewed(tag, "0750");
    }
    reviewed("non-standard-file-perm", "0640");
}
