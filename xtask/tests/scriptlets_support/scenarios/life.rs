//! Installation and removal.

use xtask::scriptlets::ScriptName;

use super::{DATA, SETTINGS, UNIT, WANTS};
use crate::scriptlets_support::{Sandbox, deb, rpm};

pub fn rpm_install(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    assert!(s.read("/etc/passwd").contains("ilo-ven:x:900:"), "{}", s.read("/etc/passwd"));
    assert!(s.read("/etc/group").contains("ilo-ven:x:900:"));
    assert_eq!(s.owner(DATA), "0750 900:900");
    assert_eq!(s.owner(&format!("{DATA}/etc")), "0750 0:900");
    assert_eq!(s.owner(SETTINGS), "0644 0:0");
    let settings = s.read(SETTINGS);
    for line in [
        "VEN_PREFIX=/opt\n",
        "VEN_DATA_DIR=/opt\n",
        "VEN_NONPRIV_USER=ilo-ven\n",
        "VEN_INIT=systemd\n",
        "VEN_VERSION=23.5.10-1234\n",
        "VEN_NONPRIV_UID=900\n",
        "VEN_USER_CREATED=yes\n",
    ] {
        assert!(settings.contains(line), "{line} in {settings}");
    }
    assert!(s.read(UNIT).contains("ExecStart=/opt/illumio_ven/illumio-ven-ctl supervise\n"));
    assert!(!s.path(UNIT).is_symlink());
    assert_eq!(
        std::fs::read_link(s.path(WANTS)).expect("a link"),
        std::path::Path::new("../illumio-ven.service")
    );
    assert!(s.calls().contains("systemctl daemon-reload\n"));
    assert!(s.agent_runs());
    assert!(
        !s.exists("/etc/illumio_ven/restart.pending") && !s.exists("/etc/illumio_ven/install.env.pending")
    );
}

pub fn rpm_install_erase(s: &Sandbox) {
    s.remove("/opt");
    let before = s.tree();
    rpm::install(s, "/opt", &[]).ok();
    s.write(&format!("{DATA}/etc/notes"), "precious");
    rpm::erase(s, "/opt").ok().says(&["/opt/illumio_ven_data is kept"]);
    assert!(!s.agent_runs());
    assert_eq!(s.owner(DATA), "0700 0:0");
    assert_eq!(s.read(&format!("{DATA}/etc/notes")), "precious");
    let after: Vec<String> = s
        .tree()
        .into_iter()
        .filter(|line| !line.starts_with("opt") && !line.starts_with("etc/systemd/system"))
        .collect();
    assert_eq!(before, after);
    assert!(!s.exists(UNIT) && !s.exists(WANTS));
    // Once more: nothing fails on what is gone.
    rpm::erase(s, "/opt").ok();
}

pub fn rpm_relocated_erase(s: &Sandbox) {
    rpm::install(s, "/srv/foo/bar", &[("VEN_DATA_DIR", "/srv/data/x")]).ok();
    assert!(s.read(UNIT).contains("ExecStart=/srv/foo/bar/illumio_ven/illumio-ven-ctl"));
    assert!(s.read(SETTINGS).contains("VEN_PREFIX_CREATED=/srv\n"), "{}", s.read(SETTINGS));
    rpm::erase(s, "/srv/foo/bar").ok();
    assert!(!s.exists("/srv/foo"), "made by the install, empty now");
    assert!(s.exists("/srv/data/x/illumio_ven_data"));
}

pub fn rpm_erase_half_removed(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.remove(SETTINGS);
    s.remove(DATA);
    s.remove(UNIT);
    rpm::erase(s, "/opt").ok().says(&["install.env is missing or damaged: defaults are used"]);
    assert!(!s.exists("/opt/illumio_ven"));
    assert!(s.read("/etc/passwd").contains("ilo-ven"), "without settings nobody knows whose account it is");
}

pub fn rpm_erase_without_ctl(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.remove("/opt/illumio_ven/illumio-ven-ctl");
    // No pid files, a number that is none, and numbers of other processes.
    s.run(ScriptName::Preun, &["0"], &[]).ok();
    s.write(&format!("{DATA}/run/venAgentMonitor.pid"), "x\n");
    s.run(ScriptName::Preun, &["0"], &[]).ok();
    let mut foreign = std::process::Command::new("sleep").arg("60").spawn().expect("sleep");
    let pid = foreign.id();
    s.write(&format!("{DATA}/run/venAgentMonitor.pid"), &format!("{pid}\n"));
    s.write(&format!("/proc/{pid}/comm"), "sleep\n");
    s.run(ScriptName::Preun, &["0"], &[]).ok();
    assert!(foreign.try_wait().expect("waits").is_none(), "a foreign process was signalled");
    // The sandbox's /proc says that it is ours, for ever: it is asked, then killed.
    s.write(&format!("/proc/{pid}/comm"), "venAgentMonitor\n");
    let waiting = std::thread::scope(|scope| {
        scope.spawn(|| foreign.wait().expect("ended"));
        s.run(ScriptName::Preun, &["0"], &[])
    });
    assert!(waiting.output.is_empty() || waiting.code != 0, "{}", waiting.output);
    // A number that nobody has any more cannot be signalled.
    s.run(ScriptName::Preun, &["0"], &[]).refused(&["the agent does not stop: nothing was removed"]);
    s.remove(&format!("/proc/{pid}/comm"));
    s.run(ScriptName::Preun, &["0"], &[]).ok();
}

pub fn rpm_erase_refused(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.make_fail("illumio-ven-ctl");
    rpm::erase(s, "/opt").refused(&["the agent does not stop: nothing was removed"]);
    assert!(s.exists("/opt/illumio_ven") && s.exists(UNIT) && s.agent_runs());
}

pub fn rpm_reinstall_over_data(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.write(&format!("{DATA}/state/x"), "kept");
    s.write(&format!("{DATA}/etc/agent_activation.cfg"), "activation_code: x\n");
    rpm::erase(s, "/opt").ok();
    rpm::install(s, "/opt", &[]).ok();
    assert_eq!(s.owner(DATA), "0750 900:900");
    assert!(s.owner(&format!("{DATA}/state/x")).ends_with("900:900"));
    assert!(s.owner(&format!("{DATA}/etc/agent_activation.cfg")).ends_with(" 0:900"));
    s.stop_agent();
    // Installed once more over itself, as `rpm --replacepkgs` does.
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
}

pub fn links(s: &Sandbox) {
    s.write("/srv/real/x", "");
    s.link("/srv/link", "real");
    s.link("/srv/real/illumio_ven", "x");
    rpm::install(s, "/srv/link", &[]).refused(&["/srv/link is a symbolic link", "--prefix=DIRECTORY"]);
    rpm::install(s, "/srv/real", &[]).refused(&["/srv/real/illumio_ven is a symbolic link"]);
    rpm::install(s, "/opt", &[("VEN_DATA_DIR", "/srv/link")]).refused(&["/srv/link is a symbolic link"]);
    rpm::install(s, "/opt", &[("VEN_DATA_DIR", "/srv/real/x")]).refused(&["/srv/real/x is not a directory"]);
    rpm::install(s, "/opt", &[("VEN_DATA_DIR", "/opt/illumio_ven/data")])
        .refused(&["inside the directory of the package"]);
    rpm::install(s, "/home/x", &[])
        .refused(&["--prefix=/home/x: not an absolute path", "outside /tmp and /home"]);
    rpm::install(s, "/srv/a b", &[]).refused(&["--prefix=/srv/a b: not an absolute path"]);
    s.link("/opt/illumio_ven", "/srv/real");
    deb::install(s, false, &[]).refused(&["/opt/illumio_ven=(a link): is a symbolic link"]);
}
