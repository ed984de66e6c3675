//! The same payload through `cargo deb` and `cargo generate-rpm`: what comes out is the same but for the differences
//! that are listed and explained here.

mod common;
#[path = "common/expected.rs"]
mod expected;
#[path = "common/roots.rs"]
mod roots;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{run, stdout_of, text};
use expected::{file, packages, planned, tree};
use sha2::{Digest, Sha256};
use xtask::plan::{Package, PackageDetails, Plan};
use xtask::spec::Format;

/// A tool from crates.io, built once without optimisation and kept in the user's cache.
fn tool(name: &str, version: &str) -> PathBuf {
    let place = roots::cache().join("tools").join(format!("{name}-{version}"));
    let made = roots::cached(&place, |unfinished| {
        eprintln!("building {name} {version} (once)");
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args([
            "install",
            "--quiet",
            "--locked",
            "--debug",
            "--no-track",
            &format!("{name}@{version}"),
            "--root",
        ]);
        cargo.arg(unfinished).current_dir(unfinished);
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("CARGO_TARGET_DIR").env_remove("RUSTFLAGS");
        let output = run(&mut cargo);
        if output.status.success() {
            Ok(())
        } else {
            Err(format!("cargo install {name}@{version}: {}", text(&output)))
        }
    });
    made.unwrap_or_else(|e| panic!("{e}"));
    place.join("bin").join(name)
}

/// A crate that holds our tree and scripts, and asks both tools for a package of them.
struct Staged {
    folder: tempfile::TempDir,
    manifest: String,
}

impl Staged {
    /// Stages the plan's tree with the agent that the release carries, and the scripts of `package`.
    fn new(plan: &Plan, package: &Package) -> Staged {
        let folder = tempfile::tempdir().unwrap();
        let staged = folder.path().join("staged");
        stdout_of(Command::new("dpkg-deb").arg("-x").arg(file(packages(plan, Format::Deb)[0])).arg(&staged));
        std::fs::create_dir(folder.path().join("scripts")).unwrap();
        for (name, body) in xtask::payload::scripts(plan, package).unwrap() {
            std::fs::write(folder.path().join("scripts").join(name), body).unwrap();
        }
        std::fs::write(folder.path().join("lib.rs"), "").unwrap();
        let product = &plan.product;
        let quoted = |text: &str| toml::Value::from(text).to_string();
        let manifest = format!(
            "[workspace]\n[lib]\npath = \"lib.rs\"\n[package]\nname = {}\nversion = {}\nedition = \"2021\"\n\
             description = {}\nhomepage = {}\nlicense = {}\n",
            quoted(&product.name),
            quoted(&plan.release.version.to_string()),
            quoted(&product.summary),
            quoted(&product.homepage),
            quoted(&product.license),
        );
        Staged { folder, manifest }
    }

    fn table(&mut self, name: &str, fields: &[(&str, toml::Value)]) {
        writeln!(self.manifest, "[package.metadata.{name}]").unwrap();
        for (field, value) in fields {
            writeln!(self.manifest, "{} = {value}", toml::Value::from(*field)).unwrap();
        }
    }

    fn make(&self, plan: &Plan, tool: &Path, options: &[&str], output: &str) -> PathBuf {
        std::fs::write(self.folder.path().join("Cargo.toml"), &self.manifest).unwrap();
        let made = self.folder.path().join(output);
        let mut command = Command::new(tool);
        command.env("SOURCE_DATE_EPOCH", plan.release.source_date.to_string()).env_remove("CARGO_TARGET_DIR");
        stdout_of(command.current_dir(self.folder.path()).args(options).arg("-o").arg(&made));
        made
    }
}

/// Facts that only one of two packages states, each with its side, or nothing.
fn differences(ours: &BTreeSet<String>, theirs: &BTreeSet<String>) -> Vec<String> {
    let only = |side: &'static str, a: &BTreeSet<String>, b: &BTreeSet<String>| -> Vec<String> {
        a.difference(b).map(|fact| format!("{side}: {fact}")).collect()
    };
    [only("ours", ours, theirs), only("theirs", theirs, ours)].concat()
}

/// Every difference has an explanation, and every explanation a difference. Patterns are globs.
fn assert_explained(differences: &[String], explained: &[(&str, &str)]) {
    let patterns: Vec<glob::Pattern> =
        explained.iter().map(|(p, _)| glob::Pattern::new(p).unwrap()).collect();
    let unexplained: Vec<&String> =
        differences.iter().filter(|d| !patterns.iter().any(|p| p.matches(d))).collect();
    assert!(unexplained.is_empty(), "differences without an explanation: {unexplained:#?}");
    for (pattern, (_, why)) in patterns.iter().zip(explained) {
        assert!(differences.iter().any(|d| pattern.matches(d)), "no difference any more: {pattern} ({why})");
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What a deb states, as dpkg-deb and ar see it.
fn deb_facts(package: &Path) -> BTreeSet<String> {
    let mut facts = BTreeSet::new();
    let members = stdout_of(Command::new("ar").arg("t").arg(package));
    facts.extend(members.lines().map(|m| format!("member {m}")));
    let temp = tempfile::tempdir().unwrap();
    let control = temp.path().join("control");
    stdout_of(Command::new("dpkg-deb").arg("-e").arg(package).arg(&control));
    for entry in std::fs::read_dir(&control).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if name != "control" {
            facts.insert(format!("script {name} {}", digest(&std::fs::read(entry.path()).unwrap())));
        }
    }
    let fields = stdout_of(Command::new("dpkg-deb").arg("-f").arg(package)).replace("\n ", "\\n");
    // cargo-deb ends the fields with an empty line.
    for line in fields.lines().filter(|l| !l.is_empty()) {
        let (name, value) = line.split_once(": ").expect("a field");
        let parts: Vec<&str> =
            if name.ends_with("epends") { value.split(", ").collect() } else { vec![value] };
        facts.extend(parts.iter().map(|part| format!("field {name}: {part}")));
    }
    let listing =
        Command::new("dpkg-deb").env("TZ", "UTC").arg("-c").arg(package).output().expect("dpkg-deb is there");
    for line in String::from_utf8(listing.stdout).unwrap().lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let path = words[5..].join(" ");
        facts.insert(format!("path {path}"));
        facts.insert(format!("mode {} {path}", words[0]));
        facts.insert(format!("owner {} {path}", words[1]));
        facts.insert(format!("time {} {} {path}", words[3], words[4]));
    }
    let tree = temp.path().join("tree");
    stdout_of(Command::new("dpkg-deb").arg("-x").arg(package).arg(&tree));
    for entry in
        walkdir::WalkDir::new(&tree).into_iter().map(Result::unwrap).filter(|e| e.file_type().is_file())
    {
        let path = entry.path().strip_prefix(&tree).unwrap().display();
        facts.insert(format!("content ./{path} {}", digest(&std::fs::read(entry.path()).unwrap())));
    }
    facts
}

#[test]
fn cargo_deb_makes_the_same_package_but_for_what_it_cannot_express() {
    let plan = planned();
    let package =
        *packages(&plan, Format::Deb).iter().find(|p| p.tag == "d12").expect("Debian 12 is planned");
    let PackageDetails::Deb { deb_version } = &package.details else { panic!("a deb") };
    let mut staged = Staged::new(&plan, package);
    let list = |dependencies: &[xtask::plan::dependencies::Dependency]| -> toml::Value {
        let texts: Vec<String> = dependencies.iter().map(|d| expected::dependency(d, Format::Deb)).collect();
        texts.join(", ").into()
    };
    let file_asset = |e: &xtask::payload::TreeRecord| -> toml::Value {
        let mode = e.mode.clone().expect("files have modes");
        vec![format!("staged{}", e.path), e.path[1..].to_owned(), mode].into()
    };
    let assets: Vec<toml::Value> = tree().iter().filter(|e| e.kind == "file").map(file_asset).collect();
    staged.table(
        "deb",
        &[
            ("maintainer", plan.product.maintainer.clone().into()),
            ("copyright", plan.product.vendor.clone().into()),
            ("extended-description", plan.product.description.clone().into()),
            ("section", "admin".into()),
            ("priority", "optional".into()),
            ("depends", list(&package.requires)),
            ("pre-depends", list(&package.requires_pre)),
            ("maintainer-scripts", "scripts".into()),
            ("assets", assets.into()),
        ],
    );
    let options = ["--no-build", "--no-strip", "--target", &package.target, "--deb-version", deb_version];
    let made = staged.make(&plan, &tool("cargo-deb", "3.8.0"), &options, "second.deb");

    let explained = [
        ("ours: member control.tar.gz", "dpkg before 1.17.6 reads no other control archive"),
        ("theirs: member control.tar.xz", "cargo-deb compresses both archives alike"),
        ("ours: member _gpgorigin", "cargo-deb does not sign"),
        ("ours: script md5sums *", "cargo-deb writes no md5sums: `dpkg -V` would have nothing to compare"),
        ("ours: owner root/ilo-ven ./opt/illumio_ven*", "cargo-deb has no owners"),
        ("theirs: owner 0/0 ./opt/*", "cargo-deb writes numbers without names"),
        ("ours: * ./", "the root itself, as dpkg-deb writes it"),
        ("ours: owner root/root ./opt/", "cargo-deb writes numbers without names"),
        ("ours: mode drwxr-x--- ./opt/illumio_ven*/", "cargo-deb has no modes of directories"),
        ("theirs: mode drwxr-xr-x ./opt/illumio_ven*/", "cargo-deb makes every directory 0755"),
        ("theirs: * ./usr/*", "cargo-deb adds a copyright file of its own"),
        ("ours: field Installed-Size: *", "directories count too (Policy 5.6.20)"),
        ("theirs: field Installed-Size: *", "another estimate, and a file more"),
    ];
    assert_explained(&differences(&deb_facts(&file(package)), &deb_facts(&made)), &explained);
}

/// What an RPM states, as rpm sees it.
fn rpm_facts(package: &Path) -> BTreeSet<String> {
    let query = |format: &str| {
        let mut rpm = Command::new("rpm");
        stdout_of(rpm.env("TZ", "UTC").args(["-qp", "--nosignature", "--qf", format]).arg(package))
    };
    let mut facts = BTreeSet::new();
    let lists = [
        "[path %{FILENAMES}\n]",
        "[mode %{FILEMODES:perms} %{FILENAMES}\n]",
        "[owner %{FILEUSERNAME}/%{FILEGROUPNAME} %{FILENAMES}\n]",
        "[time %{FILEMTIMES} %{FILENAMES}\n]",
        "[content %{FILENAMES} %{FILEDIGESTS}\n]",
        "[verify %{FILEVERIFYFLAGS:hex} %{FILENAMES}\n]",
        "[flags %{FILEFLAGS:fflags} %{FILENAMES}\n]",
        "[requires %{REQUIREFLAGS:deptype}: %{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION}\n]",
        "[provides %{PROVIDENAME} %{PROVIDEFLAGS:depflags} %{PROVIDEVERSION}\n]",
        "[recommends %{RECOMMENDNAME}\n]",
        "[conflicts %{CONFLICTNAME}\n]",
        "[obsoletes %{OBSOLETENAME}\n]",
        "[prefix %{PREFIXES}\n]",
    ];
    for list in lists {
        facts.extend(query(list).lines().filter(|l| !l.is_empty()).map(|l| l.trim_end().to_owned()));
    }
    let tags = "NAME VERSION RELEASE EPOCH ARCH OS SUMMARY DESCRIPTION LICENSE URL GROUP VENDOR PACKAGER BUILDHOST \
                BUILDTIME RPMVERSION FILEDIGESTALGO PAYLOADCOMPRESSOR PAYLOADFLAGS PAYLOADFORMAT ARCHIVESIZE SIGMD5 \
                PREINPROG POSTINPROG PREUNPROG POSTUNPROG POSTTRANSPROG";
    for tag in tags.split_whitespace() {
        facts.insert(format!("tag {tag} {}", query(&format!("%{{{tag}}}")).replace('\n', "\\n")));
    }
    for tag in ["RSAHEADER", "SIGPGP"] {
        facts.insert(format!("signature {tag} {}", query(&format!("%{{{tag}:pgpsig}}"))));
    }
    for tag in ["PREIN", "POSTIN", "PREUN", "POSTUN", "PRETRANS", "POSTTRANS"] {
        facts.insert(format!("script {tag} {}", digest(query(&format!("%{{{tag}}}")).as_bytes())));
    }
    facts
}

#[test]
fn cargo_generate_rpm_makes_the_same_package_but_for_what_it_cannot_express() {
    let plan = planned();
    let package = *packages(&plan, Format::Rpm).iter().find(|p| p.tag == "c9").expect("RHEL 9 is planned");
    let PackageDetails::Rpm { rpm_release, .. } = &package.details else { panic!("an rpm") };
    let mut staged = Staged::new(&plan, package);
    let asset = |e: &xtask::payload::TreeRecord| -> toml::Value {
        let fields = [
            ("source", format!("staged{}", e.path)),
            ("dest", e.path.clone()),
            ("mode", e.mode.clone().expect("files have modes")),
            ("user", e.owner.clone()),
            ("group", e.group.clone()),
        ];
        toml::Value::Table(fields.into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect())
    };
    let assets: Vec<toml::Value> = tree().iter().filter(|e| e.kind == "file").map(asset).collect();
    let mut requires = BTreeMap::new();
    for relation in package.requires.iter().chain(&package.requires_pre).map(|d| &d.alternatives[0]) {
        assert_eq!(relation.condition, None, "this package requires no versions");
        requires.insert(relation.name.as_str(), toml::Value::from("*"));
    }
    staged.table(
        "generate-rpm",
        &[
            ("release", rpm_release.clone().into()),
            ("vendor", plan.product.vendor.clone().into()),
            ("auto-req", "no".into()),
            // Our prefix; the tool has no such field and says nothing of it.
            ("prefixes", vec![plan.install.prefix.clone()].into()),
            ("pre_install_script", "scripts/pre".into()),
            ("post_install_script", "scripts/post".into()),
            ("pre_uninstall_script", "scripts/preun".into()),
            ("post_uninstall_script", "scripts/postun".into()),
            ("post_trans_script", "scripts/posttrans".into()),
            ("assets", assets.into()),
        ],
    );
    staged.table("generate-rpm.requires", &requires.into_iter().collect::<Vec<_>>());
    let options = ["-a", package.arch.in_package.as_str(), "--payload-compress", "gzip"];
    let made = staged.make(&plan, &tool("cargo-generate-rpm", "0.21.1"), &options, "second.rpm");

    let explained = [
        ("ours: prefix /opt", "cargo-generate-rpm cannot make a relocatable package"),
        ("ours: * /opt/illumio_ven", "no directories: the first one would get any owner and mode"),
        ("ours: * /opt/illumio_ven/bin", "no directories"),
        ("ours: * /opt/illumio_ven/doc", "no directories"),
        ("ours: * /opt/illumio_ven/etc", "no directories"),
        ("ours: * /opt/illumio_ven/etc/templates", "no directories"),
        ("ours: verify ffffffef *", "our group may be another one: VEN_NONPRIV_USER"),
        ("theirs: verify ffffffff *", "no %verify"),
        ("ours: requires pre: *", "no Requires(pre): %pre could run before useradd is there"),
        ("theirs: requires manual: shadow-utils", "no Requires(pre)"),
        ("theirs: recommends group(ilo-ven)", "added for every group but root; no package provides it"),
        ("ours: tag *PROG /bin/sh", "the interpreter is left to rpm's default"),
        ("theirs: tag *PROG (none)", "the interpreter is left to rpm's default"),
        ("* tag DESCRIPTION *", "no description: the summary is written twice"),
        ("* tag GROUP *", "no group"),
        ("* tag PACKAGER *", "no packager"),
        ("* tag BUILDHOST *", "no build host"),
        ("* tag RPMVERSION *", "the crate names itself; old rpm compares this number"),
        ("* tag ARCHIVESIZE *", "no size of the archive, by which rpm2cpio sees that it is whole"),
        ("* tag SIGMD5 *", "no MD5 of header and payload, which rpm before 4.14 wants"),
        ("ours: signature *", "made without a key here: it signs V4 only, which rpm 4.4 calls bad"),
        ("theirs: signature * (none)", "made without a key here"),
    ];
    assert_explained(&differences(&rpm_facts(&file(package)), &rpm_facts(&made)), &explained);
}
