//! Installer tests through their verb, and their parts: scenarios, trees, JUnit.

mod common;

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use common::{release, root, run, text, xtask};
use xtask::install_test::junit::{self, Suite, TestCase};
use xtask::install_test::scenario::{self, Agrees, Host, Inject, Outcome, Spread};
use xtask::install_test::tree::{self, Allowed, Complete, Root, Snapshot};
use xtask::install_test::{images, select};
use xtask::spec::{Format, Problems};

/// The verb on two packages in one root, or nothing where hosts cannot be made.
fn test_install(arguments: &[&str]) -> Option<Output> {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make the hosts that packages are installed in");
        return None;
    }
    let mut command = xtask();
    command
        .arg("test-install")
        .arg("--release")
        .arg(release())
        .args(["--engine", "roots", "--in", "bookworm"]);
    command
        .args(["--platform", "c8.x86_64", "--platform", "d12.amd64", "--progress", "none"])
        .args(arguments);
    Some(run(&mut command))
}

/// Whether an XML reader takes it.
fn assert_well_formed(xml: &str) {
    let mut reader = Command::new("xmllint");
    reader
        .args(["--noout", "--nonet", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = reader.spawn().expect("xmllint runs (package libxml2-utils)");
    child.stdin.take().unwrap().write_all(xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}\n{xml}", text(&output));
}

#[test]
fn the_main_scenarios_pass_on_an_rpm_and_a_deb() {
    let folder = tempfile::tempdir().unwrap();
    let xml = folder.path().join("results.xml");
    let names = [
        "install-and-erase",
        "upgrade-while-running",
        "relocate-refused-upgrade",
        "refused-values",
        "own-user-and-data",
    ];
    let mut arguments: Vec<&str> = names.iter().flat_map(|n| ["--scenario", *n]).collect();
    arguments.extend(["--junit", xml.to_str().unwrap()]);
    let Some(output) = test_install(&arguments) else { return };
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("9 cases, 0 failed"), "{said}");
    for not_covered in ["SELinux", "FIPS"] {
        assert!(said.contains(&format!("left out  {not_covered}")), "{said}");
    }
    let xml = std::fs::read_to_string(xml).unwrap();
    assert_well_formed(&xml);
    assert_eq!(xml.matches("<testcase ").count(), 9);
    assert_eq!(xml.matches("<failure ").count(), 0);
}

#[test]
fn an_upgrade_survives_the_failure_of_the_commands_that_stop_start_and_place_things() {
    let faults = ["illumio-ven-ctl#*", "mv#*"];
    let arguments: Vec<&str> = ["--scenario", "fault-upgrade"]
        .into_iter()
        .chain(faults.iter().flat_map(|f| ["--fault", *f]))
        .collect();
    let Some(output) = test_install(&arguments) else { return };
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    let cases: usize = said.lines().find_map(|l| l.split_once(" cases, 0 failed")?.0.parse().ok()).unwrap();
    assert!(cases >= 8, "only {cases} calls were found\n{said}");
}

#[test]
fn a_failed_case_shows_command_output_and_how_to_run_it_alone_and_ends_with_code_9() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = r#"
[[scenario]]
name = "wrong"
title = "what it expects is not so"
formats = ["deb"]
host = "offline"
[[scenario.step]]
run = "echo '<said>' && mkdir /left"
exit = 3
contains = ["<other>"]
lacks = ["<said>"]
files = [{ path = "/left", kind = "absent" }, { path = "/etc/passwd", owner = "daemon", mode = "0600", contains = ["nobody-at-all"] }]
running = ["venAgentMgr"]
settings = ["VEN_PREFIX=/opt"]
tree = "as-before-step"
"#;
    std::fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let xml = folder.path().join("results.xml");
    let scenarios = folder.path().to_str().unwrap();
    let Some(output) = test_install(&["--scenarios", scenarios, "--junit", xml.to_str().unwrap()]) else {
        return;
    };
    let said = text(&output);
    assert_eq!(output.status.code(), Some(9), "{said}");
    for line in [
        "FAILED  wrong/bookworm/d12.amd64: what it expects is not so",
        "exit code 0 where 3 was expected",
        "the output does not contain \"<other>\"",
        "the output contains \"<said>\"",
        "/left is there",
        "/etc/passwd has owner root where daemon belongs",
        "/etc/passwd has mode 0644 where 0600 belongs",
        "/etc/passwd does not contain \"nobody-at-all\"",
        "the settings have no line \"VEN_PREFIX=/opt\"",
        "no process venAgentMgr runs",
        "/left was added: directory 0755 0:0",
        "$ echo '<said>' && mkdir /left",
        "| <said>",
        "reproduce: cargo xtask test-install --scenario wrong --in bookworm --platform d12.amd64 --keep",
    ] {
        assert!(said.contains(line), "lacks {line:?}:\n{said}");
    }
    let xml = std::fs::read_to_string(xml).unwrap();
    assert_well_formed(&xml);
    assert!(xml.contains("<failure message=\"exit code 0 where 3 was expected\""), "{xml}");
}

#[test]
fn a_root_that_was_asked_for_and_cannot_be_made_is_an_error() {
    let mut command = xtask();
    command
        .arg("test-install")
        .arg("--release")
        .arg(release())
        .args(["--engine", "roots", "--in", "bookworm"]);
    command.args(["--platform", "d12.amd64", "--scenario", "refused-values", "--progress", "none"]);
    // A cache without roots, and no debootstrap to make one. The toolchains are those of the usual cache.
    let folder = tempfile::tempdir().unwrap();
    let cache = std::env::var_os("VEN_PACKAGES_CACHE").map(PathBuf::from);
    let cache =
        cache.unwrap_or_else(|| Path::new(&std::env::var_os("HOME").unwrap()).join(".cache/ven-packages"));
    for entry in std::fs::read_dir(cache).unwrap().flatten().filter(|e| e.file_name() != "install-test") {
        symlink(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    let tools = folder.path().join("bin");
    std::fs::create_dir(&tools).unwrap();
    let failing = tools.join("debootstrap");
    std::fs::write(&failing, "#!/bin/sh\necho 'E: no such suite'\nexit 1\n").unwrap();
    std::fs::set_permissions(&failing, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let output =
        run(command.env("PATH", format!("{}:{path}", tools.display())).arg("--cache").arg(folder.path()));
    let said = text(&output);
    assert_eq!(output.status.code(), Some(9), "{said}");
    let why = if rustix::process::geteuid().is_root() { "E: no such suite" } else { "only root" };
    assert!(said.contains(why), "{said}");
}

#[test]
fn the_scenarios_of_the_project_are_valid_and_cover_both_formats_and_every_kind_of_host() {
    let scenarios =
        scenario::load(&root(), &root().join("ci/scenarios")).unwrap_or_else(|p| panic!("{p:#?}"));
    for format in [Format::Rpm, Format::Deb] {
        for host in [Host::Offline, Host::Init, Host::Image, Host::Systemd] {
            let found = scenarios.iter().any(|s| s.host == host && s.formats.contains(&format));
            assert!(found, "no scenario for {format:?} on a host {host:?}");
        }
        for inject in [Inject::Install, Inject::Removal] {
            let found = scenarios.iter().any(|s| {
                s.formats.contains(&format) && s.injected().is_some_and(|i| i.inject == Some(inject))
            });
            assert!(found, "no failures are injected into {format:?}: {inject:?}");
        }
    }
    let images = images::load(&root()).unwrap_or_else(|p| panic!("{p:#?}"));
    for scenario in &scenarios {
        let roots = images.roots.iter().filter(|r| r.systemd == scenario.host.has_systemd());
        let found = roots.filter(|r| select::matches(&scenario.roots, &[&r.name])).count();
        assert!(found > 0, "{} runs in no root of ci/images.toml", scenario.name);
    }
}

fn problems_of(scenario: &str) -> Vec<String> {
    let problems = Problems::default();
    scenario::parse(Path::new("a.toml"), scenario, &problems);
    problems.into_sorted().iter().map(|p| format!("{} {}", p.at, p.rule)).collect()
}

#[test]
fn all_mistakes_of_a_scenario_are_reported_together_each_at_its_place() {
    let text = r#"[[scenario]]
name = "x"
formats = ["rpm", "msi"]
host = "laptop"
environment = ["NO VALUE"]
packages = ["c[8"]
[[scenario.step]]
run = "{instal}"
outcome = "refused"
exit = 1
except = ["/opt"]
files = [{ path = "opt", mode = "750" }, { path = "/a", kind = "absent", owner = "root" }]
colour = "red"
[[scenario]]
name = "y"
title = "no steps"
host = "init"
"#;
    assert_eq!(
        problems_of(text),
        [
            "a.toml:1:1 toml/missing-key",
            "a.toml:3:19 toml/choice",
            "a.toml:4:8 toml/choice",
            "a.toml:5:16 scenario/environment",
            "a.toml:6:13 scenario/glob",
            "a.toml:7:1 scenario/except",
            "a.toml:7:1 scenario/exit",
            "a.toml:8:7 scenario/placeholder",
            "a.toml:12:10 scenario/mode",
            "a.toml:12:10 scenario/path",
            "a.toml:12:42 scenario/absent",
            "a.toml:13:1 toml/unknown-key",
            "a.toml:14:1 scenario/empty",
        ]
    );
}

#[test]
fn what_a_scenario_leaves_out_has_the_documented_default() {
    let problems = Problems::default();
    let text =
        "[[scenario]]\nname = \"x\"\ntitle = \"t\"\nhost = \"init\"\n[[scenario.step]]\nrun = \"true\"\n";
    let (scenario, _) = scenario::parse(Path::new("a.toml"), text, &problems).remove(0);
    assert!(problems.is_empty());
    assert_eq!(scenario.formats, [Format::Rpm, Format::Deb]);
    assert_eq!(scenario.spread, Spread::Every);
    let step = &scenario.steps[0];
    assert_eq!((step.outcome, step.tree, step.inject), (Outcome::Success, Agrees::NotCompared, None));
}

#[test]
fn a_name_that_two_scenarios_share_is_a_mistake() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "[[scenario]]\nname = \"x\"\ntitle = \"t\"\nhost = \"init\"\n[[scenario.step]]\nrun = \"true\"\n";
    std::fs::write(folder.path().join("a.toml"), text).unwrap();
    std::fs::write(folder.path().join("b.toml"), text).unwrap();
    let problems = scenario::load(folder.path(), folder.path()).unwrap_err();
    let rules: Vec<String> = problems.iter().map(|p| format!("{} {}", p.at, p.rule)).collect();
    assert_eq!(rules, ["b.toml:1:1 scenario/duplicate"]);
}

/// A lower folder, an upper one, and their union as an overlay would show it.
fn layers() -> (tempfile::TempDir, [PathBuf; 3]) {
    let folder = tempfile::tempdir().unwrap();
    let layers = ["lower", "upper", "merged"].map(|n| folder.path().join(n));
    for layer in &layers {
        std::fs::create_dir_all(layer.join("etc")).unwrap();
    }
    (folder, layers)
}

fn shown(base: &Path, before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let found = tree::compare(&Root(base.to_owned()), before, after).unwrap();
    found.iter().map(|d| d.to_string().split(':').next().unwrap().to_owned()).collect()
}

#[test]
fn added_changed_and_removed_paths_are_found_and_equal_ones_are_not() {
    let (_folder, [lower, upper, merged]) = layers();
    std::fs::write(lower.join("etc/kept"), "same").unwrap();
    std::fs::write(lower.join("etc/changed"), "old").unwrap();
    std::fs::write(lower.join("etc/mode"), "same").unwrap();
    std::fs::write(lower.join("etc/gone"), "old").unwrap();
    for layer in [&upper, &merged] {
        // Copied up, though nothing about it is new.
        std::fs::write(layer.join("etc/kept"), "same").unwrap();
        std::fs::write(layer.join("etc/changed"), "new").unwrap();
        std::fs::write(layer.join("etc/mode"), "same").unwrap();
        std::fs::set_permissions(layer.join("etc/mode"), std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::create_dir_all(layer.join("opt/new")).unwrap();
        symlink("nowhere", layer.join("opt/new/link")).unwrap();
    }
    let after = tree::of_overlay(&lower, &upper, &merged).unwrap();
    let expected = [
        "/etc/changed changed",
        "/etc/gone is gone",
        "/etc/mode changed",
        "/opt was added",
        "/opt/new was added",
        "/opt/new/link was added",
    ];
    assert_eq!(shown(&lower, &Snapshot::new(), &after), expected);
    assert_eq!(shown(&lower, &after, &after), Vec::<String>::new());
    let back = [
        "/etc/changed changed",
        "/etc/gone was added",
        "/etc/mode changed",
        "/opt is gone",
        "/opt/new is gone",
        "/opt/new/link is gone",
    ];
    assert_eq!(shown(&lower, &after, &Snapshot::new()), back);
}

#[test]
fn a_folder_that_was_removed_and_made_again_hides_what_was_in_it() {
    let (_folder, [lower, upper, merged]) = layers();
    std::fs::create_dir_all(lower.join("srv/data/deep")).unwrap();
    std::fs::write(lower.join("srv/data/deep/file"), "").unwrap();
    for layer in [&upper, &merged] {
        std::fs::create_dir_all(layer.join("srv/data")).unwrap();
    }
    let after = tree::of_overlay(&lower, &upper, &merged).unwrap();
    assert_eq!(
        shown(&lower, &Snapshot::new(), &after),
        ["/srv/data/deep is gone", "/srv/data/deep/file is gone"]
    );
}

#[test]
fn an_exported_container_is_compared_by_content_mode_and_links() {
    let export = |files: &[(&str, &str, u32)]| {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content, mode) in files {
            let mut header = tar::Header::new_ustar();
            header.set_size(content.len() as u64);
            header.set_mode(*mode);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, path, content.as_bytes()).unwrap();
        }
        tree::of_tar(&builder.into_inner().unwrap()[..]).unwrap()
    };
    let before = export(&[("etc/a", "1", 0o644), ("etc/b", "1", 0o644), ("etc/c", "1", 0o644)]);
    let after = export(&[
        ("./etc/a", "1", 0o644),
        ("./etc/b", "2", 0o644),
        ("./etc/c", "1", 0o4755),
        ("./etc/d", "", 0o644),
    ]);
    let found = tree::compare(&Complete, &before, &after).unwrap();
    let paths: Vec<&Path> = found.iter().map(|d| d.path.as_path()).collect();
    assert_eq!(paths, ["/etc/b", "/etc/c", "/etc/d"].map(Path::new));
    assert!(tree::of_tar(&[7u8; 1000][..]).is_err());
}

#[test]
fn what_may_differ_is_matched_by_folder_levels() {
    let allowed = Allowed::new(&["/srv/ven/**".into(), "/etc/*.conf".into()]);
    for path in ["/srv/ven", "/srv/ven/a/b", "/etc/x.conf", "/var/log/dpkg.log", "/run/lock/x"] {
        assert!(allowed.allows(Path::new(path)), "{path}");
    }
    for path in ["/srv", "/srv/venom", "/etc/a/x.conf", "/etc/passwd", "/var/lib/dpkg/info/x.list", "/opt"] {
        assert!(!allowed.allows(Path::new(path)), "{path}");
    }
}

#[test]
fn junit_is_well_formed_whatever_programs_print() {
    let nasty = "a<b> & \"c\" 'd' ]]> \u{0}\u{1b}[31m\u{fffe}\u{1f600}\r\n\ttail <!-- -->";
    let case = |failure| TestCase {
        class: nasty.into(),
        name: nasty.into(),
        took: Duration::from_millis(1500),
        failure,
    };
    let suite =
        Suite { name: nasty.into(), cases: vec![case(None), case(Some((nasty.into(), nasty.into())))] };
    let xml = junit::render(&[suite], &[nasty.to_owned()]);
    assert_well_formed(&xml);
    assert!(xml.contains("tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"3.000\""), "{xml}");
}
