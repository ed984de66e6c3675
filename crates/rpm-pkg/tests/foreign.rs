//! Packages as rpm, rpm2cpio, cpio and the `rpm` crate see them. Debian packages: rpm, rpm2cpio, cpio.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::*;
use rpm_pkg::*;
use tempfile::TempDir;

struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        fs::create_dir(bench.database()).unwrap();
        bench
    }

    fn database(&self) -> PathBuf {
        self.dir.path().join("db")
    }

    fn package(&self, spec: &Spec) -> PathBuf {
        let name = format!("{:?}-{:?}.rpm", spec.profile, spec.compression).replace([' ', '{', '}', ':'], "");
        let path = self.dir.path().join(name);
        fs::write(&path, signed(spec)).unwrap();
        path
    }

    fn query(&self, package: &Path, format: &str) -> String {
        let mut command = rpm("rpm", &self.database());
        succeed("rpm", command.args(["-qp", "--nosignature", "--qf", format]).arg(package))
    }

    fn import(&self) {
        let path = self.dir.path().join("key.asc");
        fs::write(&path, key().public_armored()).unwrap();
        succeed("rpm", rpm("rpmkeys", &self.database()).arg("--import").arg(path));
    }
}

#[test]
fn rpm_verifies_every_digest_and_signature() {
    let bench = Bench::new();
    bench.import();
    for (profile, compression) in VARIANTS {
        let package = bench.package(&full(profile, compression));
        let report = succeed("rpm", rpm("rpmkeys", &bench.database()).arg("-Kv").arg(&package));
        let version = if profile == Profile::El5 { "V3" } else { "V4" };
        let id = hex::encode(&key().key_id()[4..]);
        let lines: Vec<&str> = report.lines().map(str::trim).collect();
        for expected in [
            format!("Header {version} RSA/SHA256 Signature, key ID {id}: OK"),
            "Header SHA256 digest: OK".into(),
            "Header SHA1 digest: OK".into(),
            "Payload SHA256 digest: OK".into(),
            format!("{version} RSA/SHA256 Signature, key ID {id}: OK"),
            "MD5 digest: OK".into(),
        ] {
            assert!(lines.contains(&expected.as_str()), "{expected:?} is not in\n{report}");
        }
        // Besides these there is the file name and, without compression, the archive's own digest.
        assert_eq!(lines.len(), if compression == Compression::None { 8 } else { 7 }, "{report}");
    }
}

#[test]
fn rpm_refuses_a_package_signed_with_another_key() {
    let bench = Bench::new();
    bench.import();
    let spec = small(Profile::El6, Compression::Gzip { level: 9 });
    let path = bench.dir.path().join("other.rpm");
    fs::write(&path, write(&spec, Some(&TestKey::new(2))).0).unwrap();
    let output = tool("rpm", rpm("rpmkeys", &bench.database()).arg("-K").arg(&path));
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn rpm_queries_give_back_what_the_spec_says() {
    let bench = Bench::new();
    for (profile, compression) in VARIANTS {
        let package = bench.package(&full(profile, compression));
        let query = |format: &str| bench.query(&package, format);
        assert_eq!(
            query(
                "%{NEVRA} %{OS} %{VENDOR} %{PACKAGER} %{URL} %{GROUP} %{BUILDHOST} %{BUILDTIME} %{RPMVERSION}"
            ),
            "agent-2:1.2.3-4.c8.x86_64 linux Example Example <packages@example.com> https://example.com/ \
             System Environment/Daemons localhost 1700000000 4.4.2.3"
        );
        assert_eq!(
            query("%{SUMMARY}|%{DESCRIPTION}|%{LICENSE}"),
            "An agent|An agent.\n\nIn two paragraphs.|Apache-2.0"
        );
        assert_eq!(query("[%{PREFIXES}\n]"), "/opt\n");
        let digest = if profile == Profile::El5 { "(none)" } else { "8" };
        assert_eq!(query("%{FILEDIGESTALGO}"), digest);
        assert_eq!(query("[%{FILEMTIMES}\n]"), "1700000000\n".repeat(12));
        assert_eq!(
            query("%{PREIN}%{PREINPROG}|%{PRETRANSPROG}|%{POSTUN}"),
            "echo pre $RPM_INSTALL_PREFIX\n/bin/sh|<lua>|exit 0"
        );
        assert_eq!(
            query("[%{CHANGELOGTIME} %{CHANGELOGNAME} %{CHANGELOGTEXT}\n]"),
            "1699913600 A <a@example.com> - 1.2.3-4 - new\n1699827200 A <a@example.com> - 1.2.2-1 - old\n- two\n"
        );
    }
}

#[test]
fn rpm_lists_the_dependencies_with_their_kinds() {
    let bench = Bench::new();
    let el5 = bench.package(&full(Profile::El5, Compression::Gzip { level: 9 }));
    let xz = bench.package(&full(Profile::El6, Compression::Xz { level: 6 }));
    let requires = "[%{REQUIRENAME} %{REQUIREFLAGS:depflags} %{REQUIREVERSION} %{REQUIREFLAGS:deptype}\n]";
    let listed = bench.query(&el5, requires);
    for expected in [
        "/bin/sh   pre,interp",
        "/bin/sh   post,interp",
        "/bin/sh   preun,interp",
        "/bin/sh   postun,interp",
        "/bin/sh   interp,posttrans",
        "config(agent) = 2:1.2.3-4.c8 config",
        "glibc >= 2.5-12 manual",
        "iptables   manual",
        "shadow-utils   pre",
        "rpmlib(BuiltinLuaScripts) <= 4.2.2-1 rpmlib",
        "rpmlib(CompressedFileNames) <= 3.0.4-1 rpmlib",
        "rpmlib(PayloadFilesHavePrefix) <= 4.0-1 rpmlib",
    ] {
        assert!(listed.lines().any(|line| line == expected), "{expected:?} is not in\n{listed}");
    }
    assert_eq!(listed.lines().count(), 12, "{listed}"); // nothing else, above all no rpmlib(FileDigests)
    let listed = bench.query(&xz, requires);
    for expected in ["rpmlib(FileDigests) <= 4.6.0-1 rpmlib", "rpmlib(PayloadIsXz) <= 5.2-1 rpmlib"] {
        assert!(listed.lines().any(|line| line == expected), "{expected:?} is not in\n{listed}");
    }
    assert_eq!(
        bench.query(&xz, "[%{PROVIDENAME} %{PROVIDEFLAGS:depflags} %{PROVIDEVERSION}\n]"),
        "agent = 2:1.2.3-4.c8\nagent(x86-64) = 2:1.2.3-4.c8\nagent-api = 1:7\nconfig(agent) = 2:1.2.3-4.c8\n"
    );
    assert_eq!(
        bench.query(&xz, "[%{CONFLICTNEVRS}\n][%{OBSOLETENEVRS}\n][%{RECOMMENDNEVRS}\n]"),
        "other-agent < 2\nold-agent <= 1.0-1\nipset > 6\n"
    );
}

#[test]
fn rpm_lists_files_with_owners_modes_and_flags() {
    let bench = Bench::new();
    for (profile, compression) in VARIANTS {
        let package = bench.package(&full(profile, compression));
        assert_eq!(
            bench.query(
                &package,
                "[%{FILEMODES:perms} %{FILEUSERNAME} %{FILEGROUPNAME} %{FILEFLAGS:fflags} %{FILENAMES} %{FILELINKTOS}\n]"
            ),
            "drwxr-x--- root root  /opt/agent \n\
             drwxr-xr-x root root  /opt/agent-extra.d \n\
             -r--r--r-- root root  /opt/agent-extra.d/caf\u{e9} \n\
             -rw-r--r-- root root d /opt/agent/README \n\
             drwxr-xr-x root root  /opt/agent/bin \n\
             -rwsr-xr-x root root  /opt/agent/bin/agent \n\
             lrwxrwxrwx root root  /opt/agent/bin/ctl agent\n\
             drwxr-xr-x root root  /opt/agent/etc \n\
             -rw-r----- agent agents cn /opt/agent/etc/agent.conf \n\
             -rw-r--r-- root root c /opt/agent/etc/site.conf \n\
             drwxrwx--T agent agents  /opt/agent/var \n\
             -rw------- agent agents g /opt/agent/var/log \n"
        );
    }
}

#[test]
fn cpio_unpacks_what_rpm2cpio_takes_out() {
    let bench = Bench::new();
    for (profile, compression) in VARIANTS {
        let spec = full(profile, compression);
        let package = bench.package(&spec);
        let archive = bench.dir.path().join("archive.cpio");
        let mut command = Command::new("rpm2cpio");
        command.arg(&package).stdout(fs::File::create(&archive).unwrap()).stderr(Stdio::inherit());
        assert!(tool("rpm2cpio", &mut command).status.success());
        assert_eq!(fs::read(&archive).unwrap(), Draft::new(&spec).unwrap().payload().bytes());
        let list = |arguments: &str| {
            let mut command = Command::new("cpio");
            command.args([arguments, "--quiet"]).stdin(fs::File::open(&archive).unwrap());
            succeed("cpio", &mut command)
        };
        let names: Vec<String> = list("-it").lines().map(str::to_owned).collect();
        let expected: Vec<String> = normal(&spec)
            .entries
            .iter()
            .filter(|entry| entry.kind != Kind::Ghost)
            .map(|entry| format!(".{}", entry.path))
            .collect();
        assert_eq!(names, expected);
        assert!(
            list("-itv")
                .contains("-rwsr-xr-x   1 root     root        70000 Nov 14  2023 ./opt/agent/bin/agent")
        );
    }
}

#[test]
fn the_rpm_crate_reads_packages_and_their_files() {
    for (profile, compression) in VARIANTS {
        let spec = full(profile, compression);
        let package = ::rpm::Package::parse(&mut &signed(&spec)[..]).unwrap();
        assert_eq!(package.metadata.get_name().unwrap(), "agent");
        assert_eq!(package.metadata.get_file_entries().unwrap().len(), spec.entries.len());
    }
}

/// rpm changes its root directory: for other users than root, in a user namespace of its own.
fn rpm_with_root() -> Command {
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        return Command::new("rpm");
    }
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "rpm"]);
    command
}

/// Install below `root`, without scriptlets: there is no shell.
fn install(bench: &Bench, root: &Path, package: &Path, extra: &[&str]) {
    let mut command = rpm_with_root();
    command.args(["-i", "--nodeps", "--noscripts", "--ignorearch", "--ignoreos", "--root"]).arg(root);
    command.args(["--dbpath", "/var/lib/rpm", "--nosignature"]).args(extra).arg(package);
    let output = tool("rpm", &mut command);
    assert!(
        output.status.success(),
        "{}\n{}",
        bench.dir.path().display(),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn rpm_installs_verifies_relocates_and_erases_every_variant() {
    for (profile, compression) in VARIANTS {
        for prefix in [None, Some("/srv/moved")] {
            let bench = Bench::new();
            let mut spec = full(profile, compression);
            for entry in &mut spec.entries {
                // Owners which exist below a root without /etc/passwd.
                (entry.owner, entry.group) = ("root".into(), "root".into());
            }
            let package = bench.package(&spec);
            let root = bench.dir.path().join("root");
            fs::create_dir_all(root.join("var/lib/rpm")).unwrap();
            let extra: Vec<&str> = prefix.map(|prefix| vec!["--prefix", prefix]).unwrap_or_default();
            install(&bench, &root, &package, &extra);
            let base = root.join(prefix.unwrap_or("/opt").trim_start_matches('/'));
            for entry in &spec.entries {
                let path = base.join(entry.path.strip_prefix("/opt/").unwrap());
                match &entry.kind {
                    Kind::Ghost => assert!(!path.exists(), "{path:?}"),
                    Kind::Symlink { target } => assert_eq!(fs::read_link(&path).unwrap(), Path::new(target)),
                    kind => {
                        let metadata = fs::symlink_metadata(&path).unwrap();
                        assert_eq!(metadata.permissions().mode() & 0o7777, u32::from(entry.mode), "{path:?}");
                        if let Kind::File { content } = kind {
                            assert_eq!(fs::read(&path).unwrap(), content[..], "{path:?}");
                            assert_eq!(metadata.mtime(), i64::from(TIME), "{path:?}");
                        }
                    }
                }
            }
            let rpm_in_root = |arguments: &[&str]| {
                let mut command = rpm_with_root();
                command.arg("--root").arg(&root).args(["--dbpath", "/var/lib/rpm"]).args(arguments);
                tool("rpm", &mut command)
            };
            let verified = rpm_in_root(&["-V", "--nodeps", "--noscripts", "--nouser", "--nogroup", "agent"]);
            assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
            fs::write(base.join("agent/README"), "changed").unwrap();
            let verified = rpm_in_root(&["-V", "--nodeps", "--noscripts", "--nouser", "--nogroup", "agent"]);
            assert!(String::from_utf8_lossy(&verified.stdout).contains("S.5"), "{verified:?}");
            let erased = rpm_in_root(&["-e", "--nodeps", "--noscripts", "agent"]);
            assert!(erased.status.success(), "{}", String::from_utf8_lossy(&erased.stderr));
            assert!(!base.join("agent").exists());
        }
    }
}
