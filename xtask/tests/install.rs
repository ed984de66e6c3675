//! Packages are installed, verified, upgraded and removed by the real rpm and dpkg, in roots of a distribution.

mod common;
#[path = "common/expected.rs"]
mod expected;
#[path = "common/roots.rs"]
mod roots;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use common::{release, stdout_of, text, xtask};
use expected::{packages, planned, record, tree};
use roots::sources::{choose, deb822_entries, one_line_entries};
use roots::{Bind, Change, Host, Root};
use xtask::spec::Format;

/// The package files of most tests: of the distributions that the root's tools are nearest to.
struct Files {
    rpm: String,
    deb: String,
    next_rpm: String,
    next_deb: String,
    id: String,
    next_id: String,
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(|| {
        let id = record().release;
        let (version, build) = id.rsplit_once('-').expect("version and build");
        let next_id = format!("{version}-{}", build.parse::<u32>().expect("a number") + 1);
        let rpm = |id: &str, place: &str| format!("/{place}/packages/illumio-ven-{id}.c9.x86_64.rpm");
        let deb = |id: &str, place: &str| format!("/{place}/packages/illumio-ven-{id}.d12.amd64.deb");
        Files {
            rpm: rpm(&id, "release"),
            deb: deb(&id, "release"),
            next_rpm: rpm(&next_id, "next"),
            next_deb: deb(&next_id, "next"),
            id,
            next_id,
        }
    })
}

/// A release of the next build, with the packages that upgrades are tried with; kept beside the shared release
/// and made anew when that is.
fn next_release() -> &'static Path {
    static NEXT: OnceLock<PathBuf> = OnceLock::new();
    NEXT.get_or_init(|| {
        let state =
            release().parent().and_then(Path::file_name).expect("the shared release is named for its state");
        let base = Path::new(env!("CARGO_TARGET_TMPDIR")).join("next-release");
        let out = base.join(state);
        roots::cached(&out, |place| {
            for old in std::fs::read_dir(&base).expect("just made").flatten().filter(|e| e.path() != place) {
                if old.path().is_dir() {
                    std::fs::remove_dir_all(old.path()).map_err(|e| e.to_string())?;
                }
            }
            let mut command = xtask();
            let build = files().next_id.rsplit_once('-').expect("version and build").1;
            command.args([
                "dist",
                "--build",
                build,
                "--platform",
                "c9.x86_64",
                "--platform",
                "d12.amd64",
                "--out",
            ]);
            stdout_of(command.arg(place));
            Ok(())
        })
        .expect("the next release can be made");
        out.join(&files().next_id)
    })
}

/// What a package's installation is tried on.
struct Machine {
    host: Host,
    /// Holds the RPM that stands for the distribution's own packages.
    provider: tempfile::TempDir,
}

impl Machine {
    fn new() -> Option<Machine> {
        let host = roots::for_test("bookworm")?.host();
        Some(Machine { host, provider: tempfile::tempdir().expect("temporary folders can be made") })
    }

    /// A machine whose rpm knows our key and has what the packages require.
    fn with_rpm() -> Option<Machine> {
        let machine = Machine::new()?;
        std::fs::write(machine.provider.path().join("provider.rpm"), provider()).expect("writable");
        machine.ok("rpm --import /release/keys/*.asc\nrpm -i --nosignature /provider/provider.rpm");
        Some(machine)
    }

    fn run(&self, script: &str, env: &[(&str, &str)]) -> Output {
        let binds = [
            Bind { from: release(), to: "/release" },
            Bind { from: next_release(), to: "/next" },
            Bind { from: self.provider.path(), to: "/provider" },
        ];
        self.host.run(script, env, &binds)
    }

    /// Runs a script that must succeed; what it said on both outputs.
    fn ok(&self, script: &str) -> String {
        self.ok_with(script, &[])
    }

    fn ok_with(&self, script: &str, env: &[(&str, &str)]) -> String {
        let output = self.run(script, env);
        assert!(output.status.success(), "{script}\n{}\n{}", output.status, text(&output));
        text(&output)
    }

    /// Runs a script that must fail; what it said.
    fn refused(&self, script: &str, env: &[(&str, &str)]) -> String {
        let output = self.run(script, env);
        assert!(!output.status.success(), "{script} {env:?}\n{}", text(&output));
        text(&output)
    }

    /// Owner, group and mode, as `root:ilo-ven 0750`.
    fn status(&self, path: &str) -> String {
        self.ok(&format!("stat -c '%U:%G 0%a' {path}")).trim_end().to_owned()
    }

    /// What differs from the bare root, without what package managers and useradd keep for themselves.
    fn changes(&self) -> BTreeMap<String, Change> {
        let mut changes = self.host.changes();
        let bookkeeping = |path: &str| {
            let files = ["/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/.pwd.lock"];
            let places =
                ["/release", "/next", "/provider", "/var/lib/rpm", "/var/lib/dpkg", "/var/log/dpkg.log"];
            files.contains(&path) || places.iter().any(|p| Path::new(path).starts_with(p))
        };
        changes.retain(|path, _| !bookkeeping(path));
        changes
    }
}

/// An RPM without files that provides what our RPMs require of a distribution.
fn provider() -> Vec<u8> {
    use rpm_pkg::{Arch, Compression, Dependencies, Dependency, Draft, Profile, Scriptlets, Spec};
    let mut names: BTreeSet<(String, Option<String>)> = BTreeSet::new();
    for package in packages(&planned(), Format::Rpm) {
        for relation in package.requires.iter().chain(&package.requires_pre).map(|d| &d.alternatives[0]) {
            let at_least = relation.condition.as_ref().map(|(_, version)| version.clone());
            names.insert((relation.name.clone(), at_least));
        }
    }
    let provide = |(name, version): (String, Option<String>)| match version {
        Some(version) => Dependency::versioned(name, rpm_pkg::Comparison::Equal, version),
        None => Dependency::any(name),
    };
    let spec = Spec {
        name: "distribution".into(),
        version: "1".into(),
        release: "1".into(),
        epoch: None,
        arch: Arch::Noarch,
        summary: "Stands for the packages of a distribution".into(),
        description: "Provides what the packages under test require.".into(),
        license: "None".into(),
        group: "Test".into(),
        vendor: None,
        packager: None,
        url: None,
        build_host: "localhost".into(),
        rpm_version: "4.18.0".into(),
        source_date: 0,
        profile: Profile::El6,
        compression: Compression::Gzip { level: 9 },
        prefixes: Vec::new(),
        dependencies: Dependencies {
            provides: names.into_iter().map(provide).collect(),
            ..Dependencies::default()
        },
        scriptlets: Scriptlets::default(),
        changelog: Vec::new(),
        entries: Vec::new(),
    };
    let draft = Draft::new(&spec).expect("a valid package");
    let payload = rpm_pkg::compress(draft.payload(), spec.compression).expect("compresses");
    let mut bytes = Vec::new();
    draft.finish(&payload, None, &mut bytes).expect("writes");
    bytes
}

/// Looks at every entry of the tree below `prefix`: owner, group, mode and content.
fn assert_tree(machine: &Machine, prefix: &str, group: &str) {
    let script = format!(
        "cd {prefix}/illumio_ven\nfind . -printf '%P|%y|%u|%g|0%m\\n' | sort\nfind . -type f -exec sha256sum {{}} + | sort -k 2"
    );
    let said = machine.ok(&script);
    let mut expected: Vec<String> = Vec::new();
    let mut sums: Vec<String> = Vec::new();
    for entry in tree() {
        let path =
            entry.path.strip_prefix("/opt/illumio_ven").expect("all of it is there").trim_start_matches('/');
        let kind = &entry.kind[..1];
        let group = if entry.group == "ilo-ven" { group } else { &entry.group };
        expected.push(format!(
            "{path}|{kind}|{}|{group}|{}",
            entry.owner,
            entry.mode.as_deref().unwrap_or("0777")
        ));
        sums.extend(entry.sha256.map(|sum| format!("{sum}  ./{path}")));
    }
    expected.sort();
    sums.sort_by(|a, b| a[64..].cmp(&b[64..]));
    expected.extend(sums);
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

/// The value that the settings of an install record.
fn setting(machine: &Machine, name: &str) -> String {
    let text = machine.ok("cat /etc/illumio_ven/install.env");
    let value = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='));
    value.unwrap_or_else(|| panic!("{name} in {text}")).to_owned()
}

/// Installs the RPM where signatures are enforced.
fn install_command() -> String {
    format!("rpm -i --define '_pkgverify_level all' {}", files().rpm)
}

fn install_rpm(machine: &Machine, env: &[(&str, &str)]) -> String {
    machine.ok_with(&install_command(), env)
}

fn install_deb(machine: &Machine, env: &[(&str, &str)]) -> String {
    machine.ok_with(&format!("dpkg -i {}", files().deb), env)
}

#[test]
fn rpm_installs_with_the_owners_and_modes_of_the_guide_and_verifies_clean() {
    let Some(machine) = Machine::with_rpm() else { return };
    let said = install_rpm(&machine, &[]);
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(machine.status("/opt/illumio_ven"), "root:ilo-ven 0750");
    assert_eq!(machine.status("/opt/illumio_ven_data"), "ilo-ven:ilo-ven 0750");
    assert_eq!(machine.status("/opt"), "root:root 0755");
    assert_tree(&machine, "/opt", "ilo-ven");
    assert_eq!(machine.ok("rpm -V illumio-ven"), "");
    assert_eq!(
        machine.ok("rpm -qf /opt/illumio_ven/illumio-ven-ctl").trim_end(),
        format!("illumio-ven-{}.c9.x86_64", files().id)
    );
    machine.refused("rpm -qf /opt", &[]);
    // The user can neither log in nor do more than the agent.
    let user = machine.ok("getent passwd ilo-ven");
    assert!(user.trim_end().ends_with("/nologin") || user.trim_end().ends_with("/false"), "{user}");
    assert_eq!(machine.ok("id -nG ilo-ven").trim_end(), "ilo-ven");
    machine.ok("/opt/illumio_ven/illumio-ven-ctl version");
}

#[test]
fn rpm_and_dpkg_notice_a_changed_file_after_installation() {
    let Some(machine) = Machine::with_rpm() else { return };
    install_rpm(&machine, &[]);
    let said = machine.refused(
        "echo x >>/opt/illumio_ven/etc/version; chmod 0755 /opt/illumio_ven\nrpm -V illumio-ven",
        &[],
    );
    let lines: Vec<Vec<&str>> = said.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(
        lines,
        [[".M.......", "/opt/illumio_ven"], ["S.5....T.", "/opt/illumio_ven/etc/version"]],
        "{said}"
    );

    let Some(machine) = Machine::new() else { return };
    install_deb(&machine, &[]);
    // dpkg's exit status says nothing of it.
    let said = machine.ok("echo x >>/opt/illumio_ven/etc/version\ndpkg -V illumio-ven");
    assert_eq!(said.trim_end(), "??5??????   /opt/illumio_ven/etc/version");
}

#[test]
fn rpm_and_dpkg_refuse_to_install_without_the_certificates_package() {
    let Some(machine) = Machine::new() else { return };
    let said = machine.refused(&format!("rpm -i --nosignature {}", files().rpm), &[]);
    assert!(said.contains("ca-certificates is needed by illumio-ven"), "{said}");
    machine.ok("rpm -q illumio-ven && exit 1 || :");

    let said =
        machine.refused(&format!("dpkg --purge ca-certificates >/dev/null\ndpkg -i {}", files().deb), &[]);
    assert!(said.contains("illumio-ven depends on ca-certificates"), "{said}");
}

#[test]
fn rpm_installs_only_what_our_key_signed_where_signatures_are_enforced() {
    let Some(machine) = Machine::with_rpm() else { return };
    let install = install_command();
    let said = machine.refused(&format!("rpm -e gpg-pubkey\n{install}"), &[]);
    assert!(said.contains("NOKEY") || said.contains("does not verify"), "{said}");
    machine.ok(&format!("rpm --import /release/keys/*.asc\n{install}\nrpm -q illumio-ven"));
}

#[test]
fn a_relocated_rpm_lies_below_its_prefix_alone_and_verifies_clean() {
    let Some(machine) = Machine::with_rpm() else { return };
    machine.ok(&format!("rpm -i --prefix=/srv/foo {}", files().rpm));
    assert_tree(&machine, "/srv/foo", "ilo-ven");
    assert_eq!(machine.ok("ls /opt"), "illumio_ven_data\n", "data stays where VEN_DATA_DIR says");
    assert_eq!(machine.ok("rpm -V illumio-ven"), "");
    assert_eq!(machine.ok("rpm -q --qf '%{INSTPREFIXES}' illumio-ven"), "/srv/foo");
    assert_eq!(setting(&machine, "VEN_PREFIX"), "/srv/foo");
    let init = machine.ok("cat /etc/init.d/illumio-ven");
    assert!(init.contains("/srv/foo/illumio_ven/") && !init.contains("/opt/"), "{init}");

    machine.ok("rpm -e illumio-ven");
    machine.ok("! ls /srv/foo");
    assert_only_closed_data_is_left(&machine, "/opt/illumio_ven_data");
}

/// After `rpm -e`: nothing but the data directory, which belongs to root alone.
fn assert_only_closed_data_is_left(machine: &Machine, data: &str) {
    let mut left = machine.changes();
    left.retain(|path, _| !Path::new(path).starts_with(data));
    assert_eq!(left, BTreeMap::new());
    assert_eq!(machine.status(data), "root:root 0700");
    let others = machine.ok(&format!("find {data} ! -user root -o ! -group root"));
    assert_eq!(others, "");
}

/// After `dpkg -P`: the host as it was. dpkg itself removes an empty /opt, as no package owns it any more.
fn assert_nothing_is_left(machine: &Machine) {
    let mut left = machine.changes();
    left.retain(|path, change| !(path == "/opt" && *change == Change::Removed));
    assert_eq!(left, BTreeMap::new());
    machine.ok("! getent passwd ilo-ven\n! getent group ilo-ven");
}

#[test]
fn erasing_the_rpm_leaves_the_host_as_it_was_but_for_the_data() {
    let Some(machine) = Machine::with_rpm() else { return };
    install_rpm(&machine, &[]);
    let installed = machine.changes();
    assert_eq!(installed.get("/opt/illumio_ven/illumio-ven-ctl"), Some(&Change::Added));
    assert_eq!(
        installed.get("/etc/passwd"),
        Some(&Change::Modified),
        "changes() sees changes: {installed:#?}"
    );
    machine.ok("echo flows >/opt/illumio_ven_data/flows.db\nrpm -e illumio-ven");
    assert_only_closed_data_is_left(&machine, "/opt/illumio_ven_data");
    assert_eq!(machine.ok("cat /opt/illumio_ven_data/flows.db"), "flows\n");
    machine.ok("! getent passwd ilo-ven\n! getent group ilo-ven\n! rpm -q illumio-ven");
}

#[test]
fn an_rpm_upgrade_replaces_the_program_and_keeps_data_user_and_settings() {
    let Some(machine) = Machine::with_rpm() else { return };
    install_rpm(&machine, &[("VEN_DATA_DIR", "/var/lib/ven")]);
    machine.ok("echo flows >/var/lib/ven/illumio_ven_data/flows.db\nchown ilo-ven: /var/lib/ven/illumio_ven_data/flows.db");
    let before = machine.ok("id ilo-ven\ncat /etc/shadow");
    machine.ok(&format!("rpm -U {}", files().next_rpm));
    assert_eq!(
        machine.ok("rpm -q illumio-ven").trim_end(),
        format!("illumio-ven-{}.c9.x86_64", files().next_id)
    );
    assert_eq!(machine.ok("cat /opt/illumio_ven/etc/version"), format!("{}\n", files().next_id));
    assert_eq!(machine.ok("rpm -V illumio-ven"), "");
    assert_eq!(machine.ok("id ilo-ven\ncat /etc/shadow"), before);
    assert_eq!(setting(&machine, "VEN_DATA_DIR"), "/var/lib/ven");
    assert_eq!(setting(&machine, "VEN_VERSION"), files().next_id);
    assert_eq!(machine.status("/var/lib/ven/illumio_ven_data"), "ilo-ven:ilo-ven 0750");
    assert_eq!(machine.status("/var/lib/ven/illumio_ven_data/flows.db"), "ilo-ven:ilo-ven 0644");
    machine.ok("! ls /opt/illumio_ven_data");
    machine.ok("rpm -e illumio-ven");
    // It made /var/lib/ven; that still holds the data.
    let mut left = machine.changes();
    assert_eq!(left.remove("/var/lib/ven"), Some(Change::Added));
    left.retain(|path, _| !path.starts_with("/var/lib/ven/illumio_ven_data"));
    assert_eq!(left, BTreeMap::new());
}

#[test]
fn an_rpm_upgrade_that_would_move_a_relocated_agent_is_refused_with_the_command_to_run() {
    let Some(machine) = Machine::with_rpm() else { return };
    machine.ok(&format!("rpm -i --prefix=/srv/foo {}", files().rpm));
    let before = machine.changes();
    let said = machine.refused(&format!("rpm -U {}", files().next_rpm), &[]);
    assert_eq!(machine.changes(), before, "nothing was changed");
    assert_eq!(machine.ok("rpm -q illumio-ven").trim_end(), format!("illumio-ven-{}.c9.x86_64", files().id));
    assert_eq!(machine.ok("rpm -V illumio-ven"), "");
    let command = said.lines().map(str::trim).find(|l| l.contains("rpm -Uvh --prefix=/srv/foo"));
    let command = command.unwrap_or_else(|| panic!("no command in {said}"));
    machine.ok(&format!("cd /next/packages\n{command}"));
    assert_eq!(machine.ok("cat /srv/foo/illumio_ven/etc/version"), format!("{}\n", files().next_id));
    assert_eq!(machine.ok("rpm -V illumio-ven"), "");
    machine.ok("! ls /opt/illumio_ven");
}

#[test]
fn variables_of_the_guide_choose_data_directory_and_user_for_rpm_and_dpkg() {
    let variables = [("VEN_DATA_DIR", "/var/lib/ven"), ("VEN_NONPRIV_USER", "svc")];
    let user = "groupadd -r services\nuseradd -r -g services svc";
    for format in [Format::Rpm, Format::Deb] {
        let machine = if format == Format::Rpm { Machine::with_rpm() } else { Machine::new() };
        let Some(machine) = machine else { return };
        machine.ok(user);
        let (verify, upgrade, data) = match format {
            Format::Rpm => {
                install_rpm(&machine, &variables);
                ("rpm -V illumio-ven", format!("rpm -U {}", files().next_rpm), "svc:services 0750")
            }
            Format::Deb => {
                install_deb(&machine, &variables);
                ("dpkg -V illumio-ven", format!("dpkg -i {}", files().next_deb), "root:services 0750")
            }
        };
        for step in ["installed", "upgraded without the variables"] {
            let what = format!("{format:?} {step}");
            assert_eq!(machine.status("/var/lib/ven/illumio_ven_data"), data, "{what}");
            assert_eq!(machine.status("/opt/illumio_ven"), "root:services 0750", "{what}");
            let strangers = machine.ok("find /opt/illumio_ven ! -user root -o ! -group services");
            assert_eq!(strangers, "", "{what}");
            assert_eq!(machine.ok(verify), "", "{what}");
            machine.ok("! getent passwd ilo-ven\n! getent group ilo-ven\n! ls /opt/illumio_ven_data");
            assert_eq!(setting(&machine, "VEN_NONPRIV_USER"), "svc", "{what}");
            if step == "installed" {
                machine.ok(&upgrade);
            }
        }
        assert_eq!(setting(&machine, "VEN_VERSION"), files().next_id);
        machine.ok(if format == Format::Rpm { "rpm -e illumio-ven" } else { "dpkg -P illumio-ven" });
        machine.ok("getent passwd svc\ngetent group services");
    }
}

#[test]
fn a_variable_with_a_mistake_is_named_and_nothing_is_installed() {
    let cases = [
        ("VEN_DATA_DIR", "relative/path"),
        ("VEN_DATA_DIR", "/tmp/ven"),
        ("VEN_NONPRIV_USER", "nobody-of-that-name"),
        ("VEN_NONPRIV_USER", "root"),
        ("VEN_NONPRIV_UID", "0"),
    ];
    let (Some(rpm), Some(deb)) = (Machine::with_rpm(), Machine::new()) else { return };
    let (before_rpm, before_deb) = (rpm.changes(), deb.changes());
    for (variable, value) in cases {
        let said = rpm.refused(&format!("rpm -i {}", files().rpm), &[(variable, value)]);
        assert!(said.contains(&format!("{variable}={value}: ")), "{said}");
        rpm.ok("! rpm -q illumio-ven");
        assert_eq!(rpm.changes(), before_rpm, "{variable}={value}");

        let said = deb.refused(&format!("dpkg -i {}", files().deb), &[(variable, value)]);
        assert!(said.contains(&format!("{variable}={value}: ")), "{said}");
        assert_eq!(deb.changes(), before_deb, "{variable}={value}");
    }
}

#[test]
fn every_rpm_installs_verifies_and_erases() {
    let plan = planned();
    let Some(machine) = Machine::with_rpm() else { return };
    for package in packages(&plan, Format::Rpm) {
        machine.ok(&format!("rpm -i --define '_pkgverify_level all' /release/packages/{}", package.file));
        assert_tree(&machine, "/opt", "ilo-ven");
        assert_eq!(machine.ok("rpm -V illumio-ven"), "", "{}", package.file);
        machine.ok("rpm -e illumio-ven");
        assert_only_closed_data_is_left(&machine, "/opt/illumio_ven_data");
    }
}

#[test]
fn every_deb_installs_verifies_and_purges() {
    let plan = planned();
    let Some(machine) = Machine::new() else { return };
    for package in packages(&plan, Format::Deb) {
        // The older distributions' iptables and ipset are not in the root.
        machine.ok(&format!("dpkg -i --force-depends /release/packages/{}", package.file));
        assert_tree(&machine, "/opt", "ilo-ven");
        assert_eq!(machine.ok("dpkg -V illumio-ven"), "", "{}", package.file);
        machine.ok("dpkg -P illumio-ven");
        assert_nothing_is_left(&machine);
    }
}

#[test]
fn dpkg_installs_with_the_owners_and_modes_of_the_guide_and_verifies_clean() {
    let Some(machine) = Machine::new() else { return };
    let said = install_deb(&machine, &[]);
    assert!(!said.contains("warning"), "{said}");
    assert_eq!(machine.status("/opt/illumio_ven"), "root:ilo-ven 0750");
    assert_eq!(machine.status("/opt/illumio_ven_data"), "root:ilo-ven 0750");
    assert_eq!(machine.status("/opt"), "root:root 0755");
    assert_tree(&machine, "/opt", "ilo-ven");
    assert_eq!(machine.ok("dpkg -V illumio-ven"), "");
    assert_eq!(
        machine.ok("dpkg-query -W -f '${Status} ${Version}' illumio-ven"),
        format!("install ok installed {}.d12", files().id)
    );
    machine.ok("/opt/illumio_ven/illumio-ven-ctl version");
}

#[test]
fn a_deb_is_upgraded_removed_and_purged_and_only_purging_forgets() {
    let Some(machine) = Machine::new() else { return };
    install_deb(&machine, &[("VEN_DATA_DIR", "/var/lib/ven")]);
    machine.ok("echo flows >/var/lib/ven/illumio_ven_data/flows.db");
    machine.ok(&format!("dpkg -i {}", files().next_deb));
    assert_eq!(machine.ok("cat /opt/illumio_ven/etc/version"), format!("{}\n", files().next_id));
    assert_eq!(machine.ok("dpkg -V illumio-ven"), "");
    assert_eq!(setting(&machine, "VEN_DATA_DIR"), "/var/lib/ven");
    assert_eq!(machine.status("/var/lib/ven/illumio_ven_data"), "root:ilo-ven 0750");

    machine.ok("dpkg -r illumio-ven");
    machine.ok("! ls /opt/illumio_ven\n! ls /etc/init.d/illumio-ven\ngetent passwd ilo-ven");
    assert_eq!(machine.ok("cat /var/lib/ven/illumio_ven_data/flows.db"), "flows\n");
    // Installed again, without variables: it finds its data.
    machine.ok(&format!("dpkg -i {}", files().next_deb));
    assert_eq!(setting(&machine, "VEN_DATA_DIR"), "/var/lib/ven");
    assert_eq!(machine.ok("dpkg -V illumio-ven"), "");

    machine.ok("dpkg -P illumio-ven");
    assert_nothing_is_left(&machine);
}

#[test]
fn a_running_agent_runs_again_after_an_upgrade_with_the_new_program() {
    for format in [Format::Rpm, Format::Deb] {
        let machine = if format == Format::Rpm { Machine::with_rpm() } else { Machine::new() };
        let Some(machine) = machine else { return };
        let upgrade = match format {
            Format::Rpm => {
                install_rpm(&machine, &[]);
                format!("rpm -U {}", files().next_rpm)
            }
            Format::Deb => {
                install_deb(&machine, &[]);
                format!("dpkg -i {}", files().next_deb)
            }
        };
        // Processes end with the command, so all of it is one.
        let pids = "for p in /proc/[0-9]*; do case $(readlink $p/exe) in /opt/illumio_ven/*) echo ${p#/proc/};; esac; done | sort -n | tr '\\n' ' '";
        let said = machine.ok(&format!(
            "ctl=/opt/illumio_ven/illumio-ven-ctl\n$ctl start\n$ctl status\necho old: $({pids})\n{upgrade}\n$ctl status\necho new: $({pids})"
        ));
        let of = |label: &str| -> BTreeSet<String> {
            let line =
                said.lines().find_map(|l| l.strip_prefix(label)).unwrap_or_else(|| panic!("{label} {said}"));
            line.split_whitespace().map(str::to_owned).collect()
        };
        let (old, new) = (of("old:"), of("new:"));
        assert!(!old.is_empty() && !new.is_empty() && old.is_disjoint(&new), "{format:?}: {said}");
        assert_eq!(machine.ok("cat /opt/illumio_ven/etc/version"), format!("{}\n", files().next_id));
    }
}

#[test]
fn a_failing_step_of_the_installation_is_an_error_that_names_its_mend() {
    // A file stands where the data directory's `etc` belongs.
    let obstacle = "mkdir -p /var/lib/ven/illumio_ven_data\necho x >/var/lib/ven/illumio_ven_data/etc";
    let variables = [("VEN_DATA_DIR", "/var/lib/ven")];
    let Some(machine) = Machine::new() else { return };
    machine.ok(obstacle);
    let said = machine.refused(&format!("dpkg -i {}", files().deb), &variables);
    assert!(said.contains("illumio-ven: error: ") && said.contains("dpkg --configure illumio-ven"), "{said}");
    let state = machine.ok("dpkg-query -W -f '${Status}' illumio-ven");
    assert_eq!(state, "install ok half-configured");
    machine.ok("rm /var/lib/ven/illumio_ven_data/etc\ndpkg --configure illumio-ven\ndpkg -V illumio-ven");
    assert_eq!(machine.ok("dpkg-query -W -f '${Status}' illumio-ven"), "install ok installed");
    assert_eq!(setting(&machine, "VEN_DATA_DIR"), "/var/lib/ven");

    let Some(machine) = Machine::with_rpm() else { return };
    machine.ok(obstacle);
    // rpm goes on after a failed %post: the error and the mend are what its user has.
    let output = machine.run(&format!("rpm -i {}", files().rpm), &variables);
    let said = text(&output);
    assert!(said.contains("illumio-ven: error: ") && said.contains("rpm -Uvh --replacepkgs"), "{said}");
    let again = format!("rm /var/lib/ven/illumio_ven_data/etc\nrpm -U --replacepkgs {}", files().rpm);
    // Without the variables: what the failed run recorded is kept.
    machine.ok(&again);
    assert_eq!(setting(&machine, "VEN_DATA_DIR"), "/var/lib/ven");
    assert_eq!(machine.status("/var/lib/ven/illumio_ven_data"), "ilo-ven:ilo-ven 0750");
}

#[test]
fn a_root_is_used_by_many_hosts_and_changed_by_none() {
    let Some(root) = roots::for_test("bookworm") else { return };
    let first = root.host();
    let temp = tempfile::tempdir().unwrap();
    std::fs::write(temp.path().join("file"), "from outside").unwrap();
    let bind = [Bind { from: temp.path(), to: "/media/bound" }];
    let script = "echo $VALUE >/etc/mark\nrm /etc/hostname\nrm -r /srv && mkdir /srv\nsleep 600 &\ncat /media/bound/file\n! echo x >/media/bound/file\nls /sys/class/net 2>/dev/null || :";
    let output = first.run(script, &[("VALUE", "one two")], &bind);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "from outside");
    let expected =
        [("/etc/hostname", Change::Removed), ("/etc/mark", Change::Added), ("/media/bound", Change::Added)];
    let expected: BTreeMap<String, Change> = expected.into_iter().map(|(p, c)| (p.to_owned(), c)).collect();
    assert_eq!(first.changes(), expected);
    let again = first.run("cat /etc/mark\nps=$(ls /proc | grep -c '^[0-9]')\n[ $ps -le 4 ]", &[], &[]);
    assert_eq!(text(&again), "one two\n", "changes stay and processes end");
    assert_eq!(
        Root::run(&root, "cat /etc/mark", &[], &[]).status.code(),
        Some(1),
        "another host has none of it"
    );
    assert!(!root.dir.join("etc/mark").exists());
}

#[test]
fn the_mirror_of_a_root_comes_from_the_sources_of_apt() {
    let list = "# deb http://off.example/debian bookworm main\n\
                deb-src http://source.example/debian bookworm main\n\
                deb http://security.example/debian-security bookworm-security main\n\
                deb [arch=amd64 signed-by=/usr/share/keyrings/own.gpg] http://one.example/debian bookworm main contrib # note\n";
    let one = choose(&one_line_entries(list), "bookworm", "bookworm").unwrap();
    assert_eq!(
        (one.uri.as_str(), one.keyring.as_deref()),
        ("http://one.example/debian", Some(Path::new("/usr/share/keyrings/own.gpg")))
    );

    let stanzas = "Types: deb\n# a note\nURIs: http://debian.example/debian\nSuites: bookworm bookworm-updates\n\
                   Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n\
                   Types: deb deb-src\nURIs: http://off.example/debian\nSuites: trixie\nComponents: main\nEnabled: no\n\n\
                   types: deb\nuris:\n http://folded.example/debian\nsuites:\n trixie\n trixie-updates\ncomponents: main\nsigned-by:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n";
    let all = deb822_entries(stanzas);
    assert_eq!(choose(&all, "bookworm", "").unwrap().uri, "http://debian.example/debian");
    let trixie = choose(&all, "trixie", "").unwrap();
    assert_eq!((trixie.uri.as_str(), trixie.keyring), ("http://folded.example/debian", None));
    // A suite that no entry names: the archive of the machine's own release has it.
    assert_eq!(choose(&all, "bullseye", "bookworm").unwrap().uri, "http://debian.example/debian");
    assert_eq!(choose(&all, "bullseye", "jammy"), None);
}
