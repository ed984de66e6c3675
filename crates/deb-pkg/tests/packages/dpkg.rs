//! Installing, verifying and removing with dpkg in a root directory of its own.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use deb_pkg::{Spec, read};

use crate::support::{
    GZIP, TestSigner, XZ, bare, build, directory, file, link, output, owner, place, run, text, utf8,
};

/// A root directory with an empty dpkg database.
struct Root {
    directory: tempfile::TempDir,
}

impl Root {
    /// `None`, with a line that says so, for a user who cannot give files away.
    fn new() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        if fs::metadata(directory.path()).unwrap().uid() != 0 {
            println!("skipped: installing with dpkg needs root");
            return None;
        }
        let database = directory.path().join("var/lib/dpkg");
        for name in ["info", "updates", "triggers"] {
            fs::create_dir_all(database.join(name)).unwrap();
        }
        fs::write(database.join("status"), "").unwrap();
        fs::write(database.join("available"), "").unwrap();
        Some(Self { directory })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.directory.path().join(&path[1..])
    }

    fn dpkg(&self, arguments: &[&str]) -> Output {
        let root = format!("--root={}", utf8(self.directory.path()));
        // The scripts run outside the root, which has no shell, and find it in DPKG_ROOT.
        let mut all = vec![root.as_str(), "--force-script-chrootless", "--force-depends", "--force-confdef"];
        all.extend(arguments);
        run("dpkg", "dpkg", &all)
    }

    #[track_caller]
    fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.dpkg(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "dpkg {arguments:?}: {errors}");
        text(output.stdout)
    }

    #[track_caller]
    fn install(&self, package: &[u8]) {
        let placed = place(package);
        self.succeeds(&["-i", utf8(&placed.path)]);
    }
}

fn agent() -> Spec {
    Spec {
        // Whatever the number in the package: dpkg goes by the name, which every host has.
        entries: vec![
            directory("/opt/demo", 0o750, owner("root", 0), owner("daemon", 12345)),
            directory("/opt/demo/var", 0o2770, owner("daemon", 12345), owner("daemon", 12345)),
            file("/opt/demo/bin/agent", 0o755, "#!/bin/sh\n"),
            file("/opt/demo/etc/demo.conf", 0o640, "a = 1\n"),
            link("/opt/demo/current", "bin/agent"),
            // The longest name that dpkg can unpack.
            file(&format!("/opt/demo/{}", "n".repeat(245)), 0o644, "long\n"),
        ],
        conffiles: vec!["/opt/demo/etc/demo.conf".to_owned()],
        ..bare()
    }
}

fn owners(path: &Path) -> (u32, u32, u32) {
    let metadata = fs::symlink_metadata(path).unwrap();
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

#[test]
fn dpkg_installs_verifies_and_purges_a_package() {
    let Some(root) = Root::new() else { return };
    let id = |option| text(output("coreutils", "id", &[option, "daemon"])).trim().parse::<u32>().unwrap();
    let (user, group) = (id("-u"), id("-g"));
    for data in [GZIP, XZ] {
        root.install(&build(&agent(), data, Some(&TestSigner { unhashed_issuer: false })));
        assert_eq!(root.succeeds(&["-V", "demo-agent"]), "");
        assert_eq!(owners(&root.path("/opt/demo")), (0, group, 0o750));
        assert_eq!(owners(&root.path("/opt/demo/var")), (user, group, 0o2770));
        assert_eq!(fs::read_link(root.path("/opt/demo/current")).unwrap().to_str(), Some("bin/agent"));
        let listed = root.succeeds(&["-L", "demo-agent"]);
        let package = read(&build(&agent(), data, None)).unwrap();
        let mut expected: Vec<&str> = package.entries().iter().map(|entry| entry.path.as_str()).collect();
        expected.push("/.");
        let mut listed: Vec<&str> = listed.lines().collect();
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected);

        fs::write(root.path("/opt/demo/bin/agent"), "#!/bin/false\n").unwrap();
        let changed = root.dpkg(&["-V", "demo-agent"]);
        assert_eq!(text(changed.stdout), "??5??????   /opt/demo/bin/agent\n");
        root.succeeds(&["-P", "demo-agent"]);
        assert!(!root.path("/opt").exists());
    }
}

#[test]
fn a_changed_conffile_survives_an_upgrade_and_a_removal() {
    let Some(root) = Root::new() else { return };
    root.install(&build(&agent(), GZIP, None));
    let conffile = root.path("/opt/demo/etc/demo.conf");
    fs::write(&conffile, "a = 2\n").unwrap();
    let verified = root.dpkg(&["-V", "demo-agent"]);
    assert_eq!(text(verified.stdout), "??5?????? c /opt/demo/etc/demo.conf\n");
    let mut newer = Spec { version: "2.0-1".parse().unwrap(), ..agent() };
    newer.entries[3] = file("/opt/demo/etc/demo.conf", 0o640, "a = 3\n");
    root.install(&build(&newer, GZIP, None));
    assert_eq!(fs::read(&conffile).unwrap(), b"a = 2\n");
    assert_eq!(fs::read(root.path("/opt/demo/etc/demo.conf.dpkg-dist")).unwrap(), b"a = 3\n");
    root.succeeds(&["-r", "demo-agent"]);
    assert!(conffile.exists() && !root.path("/opt/demo/bin").exists());
    root.succeeds(&["-P", "demo-agent"]);
    assert!(!conffile.exists());
}

#[test]
fn dpkg_runs_every_script_with_its_arguments() {
    let Some(root) = Root::new() else { return };
    let script = |name: &str| Some(format!("#!/bin/sh\nset -e\necho {name} \"$@\" >>\"$DPKG_ROOT/log\"\n"));
    let mut spec = agent();
    spec.scripts.preinst = script("preinst");
    spec.scripts.postinst = script("postinst");
    spec.scripts.prerm = script("prerm");
    spec.scripts.postrm = script("postrm");
    let log = |root: &Root| {
        let log = fs::read_to_string(root.path("/log")).unwrap();
        fs::write(root.path("/log"), "").unwrap();
        log
    };
    root.install(&build(&spec, XZ, None));
    assert_eq!(log(&root), "preinst install\npostinst configure \n");
    let newer = Spec { version: "1.2.3-1".parse().unwrap(), ..spec.clone() };
    root.install(&build(&newer, XZ, None));
    assert_eq!(
        log(&root),
        "prerm upgrade 1.2.3-1\npreinst upgrade 1.2.3~rc1-45 1.2.3-1\npostrm upgrade 1.2.3-1\n\
         postinst configure 1.2.3~rc1-45\n"
    );
    root.succeeds(&["-P", "demo-agent"]);
    assert_eq!(log(&root), "prerm remove\npostrm remove\npostrm purge\n");
}

#[test]
fn files_belong_to_a_user_that_preinst_created() {
    let Some(root) = Root::new() else { return };
    // dpkg asks the host for names, even with another root: give it a user database of its own to see.
    if !run("util-linux", "unshare", &["--mount", "true"]).status.success() {
        println!("skipped: mount namespaces are not permitted here");
        return;
    }
    fs::create_dir(root.path("/etc")).unwrap();
    for name in ["/etc/passwd", "/etc/group"] {
        fs::copy(name, root.path(name)).unwrap();
    }
    let mut spec = bare();
    spec.entries = vec![directory("/opt/demo", 0o750, owner("demo-svc", 0), owner("demo-svc", 0))];
    let preinst = "#!/bin/sh\nset -e\n\
                   echo demo-svc:x:54321:54322::/nonexistent:/bin/false >>\"$DPKG_ROOT/etc/passwd\"\n\
                   echo demo-svc:x:54322: >>\"$DPKG_ROOT/etc/group\"\n";
    spec.scripts.preinst = Some(preinst.to_owned());
    let placed = place(&build(&spec, GZIP, None));
    let script = "set -e; for name in passwd group; do mount --bind \"$1/etc/$name\" \"/etc/$name\"; done; \
                  exec dpkg --root=\"$1\" --force-script-chrootless -i \"$2\"";
    let arguments = ["--mount", "sh", "-c", script, "sh", utf8(root.directory.path()), utf8(&placed.path)];
    output("util-linux", "unshare", &arguments);
    assert_eq!(owners(&root.path("/opt/demo")), (54321, 54322, 0o750));
}
