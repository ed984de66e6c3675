//! The command line: exit codes, help, and what `inspect`, `verify` and `plan` say.

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{copy_of_project, release, root, run, stdout_of, text, xtask};
use xtask::error::{Exit, Failure};

/// Every verb, with the words that run it without arguments.
const VERBS: [&[&str]; 13] = [
    &[],
    &["dist"],
    &["plan"],
    &["verify"],
    &["inspect"],
    &["doctor"],
    &["keys"],
    &["keys", "generate"],
    &["keys", "list"],
    &["keys", "export"],
    &["toolchain"],
    &["toolchain", "install"],
    &["test"],
];

/// A file of the shared release by the end of its name.
fn file(folder: &str, end: &str) -> PathBuf {
    let files = std::fs::read_dir(release().join(folder)).unwrap().map(|e| e.unwrap().path());
    let mut found = files.filter(|p| p.to_string_lossy().ends_with(end));
    found.next().unwrap_or_else(|| panic!("no {folder}/*{end}"))
}

fn inspect(path: &Path) -> String {
    stdout_of(xtask().arg("inspect").arg(path))
}

/// A public key that signed nothing of the release.
fn foreign_key(folder: &Path) -> PathBuf {
    let file = folder.join("foreign.asc");
    let mut command = xtask();
    stdout_of(
        command.args(["keys", "export", "--key-dir"]).arg(folder.join("keys")).arg("--file").arg(&file),
    );
    file
}

/// Asserts an exit code and a part of what was said; everything goes to standard error.
#[track_caller]
fn fails(output: &Output, exit: Exit, part: &str) {
    let said = text(output);
    assert_eq!(output.status.code(), Some(exit as i32), "{said}");
    assert!(String::from_utf8_lossy(&output.stderr).contains(part), "no {part:?} in {said}");
    assert!(!said.contains("panicked"), "{said}");
}

#[test]
fn every_verb_has_help_and_refuses_unknown_flags_with_exit_code_2() {
    for verb in VERBS {
        let help = stdout_of(xtask().args(verb).arg("--help"));
        let usage = format!("Usage: cargo xtask {}", verb.join(" "));
        assert!(help.contains(usage.trim_end()), "{help}");
        assert!(help.contains("--root <DIR>"), "{help}");
        fails(&run(xtask().args(verb).arg("--no-such-flag")), Exit::Usage, "--no-such-flag");
    }
    assert!(stdout_of(xtask().arg("--version")).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_bad_command_line_is_exit_code_2() {
    let bad: [&[&str]; 10] = [
        &["verify"],
        &["inspect"],
        &["dits"],
        &["dist", "--jobs", "0"],
        &["dist", "--progress", "loud"],
        &["dist", "--sysroot", "nothing"],
        &["verify", ".", "--at", "yesterday"],
        &["verify", ".", "--newer-than", "23"],
        &["verify", ".", "--key", "a", "--keys", "b"],
        &["keys", "generate", "--user-id", "A <a@b.c>"],
    ];
    for args in bad {
        fails(&run(xtask().args(args)), Exit::Usage, "");
    }
    fails(&run(xtask().args(["inspect", "/nonexistent/file"])), Exit::Usage, "/nonexistent/file");
    let homeless = run(xtask()
        .args(["plan"])
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME")
        .env_remove("VEN_PACKAGES_CACHE"));
    fails(&homeless, Exit::Usage, "HOME is not set");
}

#[test]
fn mistakes_in_specs_or_flags_are_exit_code_3_for_every_verb_that_plans() {
    let folder = tempfile::tempdir().unwrap();
    let project = copy_of_project(folder.path());
    let file = project.join("specs/product.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("vendor =", "vender =");
    std::fs::write(&file, text).unwrap();
    let verbs: [&[&str]; 6] = [
        &["dist"],
        &["plan"],
        &["doctor"],
        &["keys", "list"],
        &["keys", "export"],
        &["toolchain", "install"],
    ];
    for verb in verbs {
        let output =
            run(xtask().args(verb).arg("--root").arg(&project).arg("--out").arg(folder.path().join("out")));
        fails(&output, Exit::Plan, "[toml/unknown-key]");
    }
    assert!(!folder.path().join("out").exists(), "nothing was made");
    fails(&run(xtask().args(["dist", "--version", "1"])), Exit::Plan, "[release/version]");
    fails(&run(xtask().arg("plan").env("SOURCE_DATE_EPOCH", "soon")), Exit::Plan, "SOURCE_DATE_EPOCH");
}

/// `dist` of one small platform, on a machine without any toolchain.
fn dist_without_toolchain(folder: &Path) -> Command {
    let mut command = xtask();
    command.args(["dist", "--offline", "--platform", "c9.x86_64", "--out"]).arg(folder.join("out"));
    command.arg("--cache").arg(folder.join("cache")).env("PATH", folder.join("bin"));
    command
}

#[test]
fn a_missing_toolchain_is_exit_code_4_and_leaves_no_release() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(&mut dist_without_toolchain(folder.path()));
    fails(&output, Exit::Build, "mend: ");
    let left = std::fs::read_dir(folder.path().join("out")).unwrap().map(|e| e.unwrap().file_name());
    let left: Vec<_> = left.filter(|name| name != ".lock" && name != "logs" && name != "toolchain").collect();
    assert_eq!(left, [""; 0], "no release, whole or half");
}

#[test]
fn failures_of_dist_are_json_on_standard_output_where_asked() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(dist_without_toolchain(folder.path()).args(["--json", "--progress", "none"]));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["exit"], 4);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        answer["errors"][0]["message"].is_string() && answer["errors"][0]["mend"].is_string(),
        "{answer}"
    );
}

#[test]
fn a_package_that_cannot_be_made_is_exit_code_5() {
    let missing = xtask::scriptlets::Error::MissingTemplate { path: "templates/x".into(), near: None };
    let failure = Failure::from(xtask::package::Error::Scriptlets(missing));
    assert_eq!(failure.exit as u8, 5);
    let said = xtask::failure::to_text(&failure, false);
    assert!(said.contains("templates/x") && said.contains("mend: "), "{said}");
}

#[test]
fn keys_that_are_missing_or_unreadable_are_exit_code_6() {
    let output = run(xtask().arg("verify").arg(release()).args(["--key", "/nonexistent/key.asc"]));
    fails(&output, Exit::Keys, "/nonexistent/key.asc");
    let folder = tempfile::tempdir().unwrap();
    let output = run(xtask().arg("verify").arg(release()).arg("--key-dir").arg(folder.path()));
    fails(&output, Exit::Keys, "--key FILE");
}

#[test]
fn an_output_folder_that_cannot_be_written_or_is_locked_is_exit_code_7() {
    let folder = tempfile::tempdir().unwrap();
    let not_a_folder = folder.path().join("file");
    std::fs::write(&not_a_folder, "").unwrap();
    fails(&run(xtask().args(["dist", "--out"]).arg(&not_a_folder)), Exit::Output, "file");
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let lock = std::fs::File::create(out.join(".lock")).unwrap();
    lock.lock().unwrap();
    fails(&run(xtask().args(["dist", "--out"]).arg(&out)), Exit::Output, "give this run another --out");
}

#[test]
fn what_is_not_there_or_not_ours_is_refused_with_exit_code_8() {
    fails(
        &run(xtask().args(["verify", "/nonexistent/release"])),
        Exit::Refused,
        "/nonexistent/release is refused",
    );
    let folder = tempfile::tempdir().unwrap();
    let unknown = folder.path().join("notes.txt");
    std::fs::write(&unknown, "hello").unwrap();
    fails(&run(xtask().arg("verify").arg(&unknown)), Exit::Refused, "[verify/unknown]");
    fails(&run(xtask().arg("inspect").arg(&unknown)), Exit::Refused, "notes.txt");
    fails(&run(xtask().arg("verify").arg(folder.path())), Exit::Refused, "is refused");
    let key = foreign_key(folder.path());
    for path in [
        release().to_owned(),
        file("packages", ".c8.x86_64.rpm"),
        file("packages", ".u22.amd64.deb"),
        file("bundles", ".tar.bz2"),
    ] {
        fails(&run(xtask().arg("verify").arg(&path).arg("--key").arg(&key)), Exit::Refused, "is refused");
        stdout_of(xtask().arg("verify").arg(&path));
    }
}

#[test]
fn missing_tools_and_toolchains_are_exit_code_9_with_the_command_that_mends_them() {
    let folder = tempfile::tempdir().unwrap();
    let mut doctor = xtask();
    doctor
        .args(["doctor", "--out"])
        .arg(folder.path().join("out"))
        .arg("--cache")
        .arg(folder.path().join("cache"));
    let output = run(doctor.env("PATH", folder.path()));
    fails(&output, Exit::Checks, "of the planned targets are not ready");
    let table = text(&output);
    for part in ["target x86_64-unknown-linux-musl", "tool rpm", "apt-get install", "key development", "MEND"]
    {
        assert!(table.contains(part), "no {part} in {table}");
    }
    let output = run(xtask().args(["test", "--offline"]).env("PATH", folder.path()));
    fails(&output, Exit::Checks, "apt-get install -y");
}

#[test]
fn inspect_shows_what_an_rpm_holds_and_who_signed_it() {
    let shown = inspect(&file("packages", ".c8.x86_64.rpm"));
    let facts = [
        "name         illumio-ven\n",
        "architecture x86_64\n",
        "profile      el6\n",
        "compression  gzip",
        "prefixes     /opt\n",
        "nftables",
        "ca-certificates",
        "root:ilo-ven",
        "/opt/illumio_ven/illumio-ven-ctl\n",
        "0750",
        "signature    V4 over the header: good, DEVELOPMENT KEY ",
        "--- pre\n",
        "--- post\n",
        "--- preun\n",
        "--- postun\n",
        "--- posttrans\n",
    ];
    for fact in facts {
        assert!(shown.contains(fact), "no {fact:?} in {shown}");
    }
    let old = inspect(&file("packages", ".c5.x86_64.rpm"));
    assert!(
        old.contains("profile      el5\n") && old.contains("signature    V3 over the header: good"),
        "{old}"
    );
    let brief = stdout_of(xtask().args(["inspect", "--no-scripts"]).arg(file("packages", ".c8.x86_64.rpm")));
    assert!(!brief.contains("--- pre") && brief.contains("root:ilo-ven"), "{brief}");
}

#[test]
fn inspect_shows_what_a_deb_holds_and_who_signed_it() {
    let shown = inspect(&file("packages", ".u22.amd64.deb"));
    let facts = [
        "name         illumio-ven\n",
        "architecture amd64\n",
        "control      Pre-Depends: adduser | passwd\n",
        "control      Depends: nftables, ca-certificates\n",
        "control      Installed-Size: ",
        "members      control.tar.gz data.tar.xz\n",
        "root:ilo-ven",
        "/opt/illumio_ven/bin/init_Platform\n",
        "good, DEVELOPMENT KEY ",
        "--- preinst\n#!/bin/sh",
        "--- postinst\n#!/bin/sh",
        "--- prerm\n#!/bin/sh",
        "--- postrm\n#!/bin/sh",
    ];
    for fact in facts {
        assert!(shown.contains(fact), "no {fact:?} in {shown}");
    }
}

#[test]
fn inspect_says_not_verified_where_no_accepted_key_signed() {
    let folder = tempfile::tempdir().unwrap();
    let key = foreign_key(folder.path());
    for end in [".c8.x86_64.rpm", ".c5.x86_64.rpm", ".u22.amd64.deb"] {
        let shown = stdout_of(xtask().arg("inspect").arg(file("packages", end)).arg("--key").arg(&key));
        assert!(shown.contains("NOT VERIFIED"), "{shown}");
        assert!(!shown.contains("good,"), "{shown}");
    }
    let bundle = run(xtask().arg("inspect").arg(file("bundles", ".tar.bz2")).arg("--key").arg(&key));
    fails(&bundle, Exit::Refused, "signed by key");
}

#[test]
fn inspect_shows_the_members_of_a_bundle_and_the_record_of_a_release() {
    let repo = std::fs::read_dir(release().join("bundles")).unwrap().map(|e| e.unwrap().path());
    let repo = repo.into_iter().find(|p| p.to_string_lossy().contains("repo")).expect("the server bundle");
    let shown = inspect(&repo);
    for fact in [
        "Server bundle of release ",
        "expires ",
        "signed by ",
        "c8.x86_64",
        "u22.amd64",
        "members:\n",
        "packages/illumio-ven-",
    ] {
        assert!(shown.contains(fact), "no {fact:?} in {shown}");
    }
    let shown = inspect(&release().join("release.json"));
    let facts = [
        "release illumio-ven ",
        "key ",
        "`verify` the release directory to prove it",
        "c5.x86_64",
        "target x86_64-unknown-linux-musl\n",
    ];
    for fact in facts {
        assert!(shown.contains(fact), "no {fact:?} in {shown}");
    }
    assert!(!shown.contains("signed by"), "a record proves nothing of itself: {shown}");
}

#[test]
fn plan_is_the_same_from_every_working_directory() {
    let folder = tempfile::tempdir().unwrap();
    let here = stdout_of(xtask().arg("plan").current_dir(root()));
    assert_eq!(here, stdout_of(xtask().arg("plan").current_dir(folder.path())));
    assert_eq!(here, stdout_of(xtask().arg("plan").current_dir("/")));
    let project = copy_of_project(folder.path());
    assert_eq!(here, stdout_of(xtask().args(["plan", "--root", "."]).current_dir(&project)));
    assert_eq!(here, stdout_of(xtask().args(["plan", "--root", "project"]).current_dir(folder.path())));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "a plan makes nothing");
    let lost = run(xtask().args(["plan", "--root"]).arg(folder.path()));
    fails(&lost, Exit::Plan, "specs/product.toml");
}

#[test]
fn a_plan_as_json_says_nothing_of_where_the_project_stands() {
    let folder = tempfile::tempdir().unwrap();
    let project = copy_of_project(folder.path());
    let file = project.join("signing/profiles.toml");
    let mut profiles = std::fs::read_to_string(&file).unwrap();
    profiles.push_str(
        "\n[[profile]]\nname = \"hsm\"\nbackend = \"command\"\npublic_key = \"signing/keys/hsm.asc\"\n\
         protocol = \"rsa-sha256-digest\"\ncommand = [\"hsm-sign\", \"{in}\", \"{out}\"]\n",
    );
    std::fs::write(&file, profiles).unwrap();
    for keys in ["development", "hsm"] {
        let json = stdout_of(xtask().args(["plan", "--json", "--keys", keys, "--root"]).arg(&project));
        assert!(!json.contains(folder.path().to_str().unwrap()), "{json}");
        let plan: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(plan["keys"]["profile"], keys);
        assert!(plan["packages"].as_array().is_some_and(|p| p.len() > 40));
    }
    let table = stdout_of(xtask().args(["plan", "--root"]).arg(&project));
    assert!(!table.contains(folder.path().to_str().unwrap()), "{table}");
}
