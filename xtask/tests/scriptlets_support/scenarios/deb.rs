//! dpkg's ways.

use xtask::scriptlets::ScriptName;

use super::{DATA, SETTINGS, UNIT, WANTS};
use crate::scriptlets_support::{Sandbox, deb};

pub fn deb_life(s: &Sandbox) {
    s.remove("/opt");
    let before = s.tree();
    deb::install(s, false, &[]).ok();
    assert_eq!(s.owner(DATA), "0750 0:900", "root's until activation");
    assert!(s.read(SETTINGS).contains("VEN_PACKAGE_FORMAT=deb\n"));
    assert!(s.agent_runs());
    deb::remove(s).ok();
    assert!(!s.agent_runs() && !s.exists(UNIT) && !s.exists("/etc/illumio_ven/restart.pending"));
    assert!(s.exists(DATA) && s.exists(SETTINGS), "kept until purge");
    assert!(s.read("/etc/passwd").contains("ilo-ven"));
    s.run(ScriptName::Postrm, &["purge"], &[]).ok();
    let after: Vec<String> =
        s.tree().into_iter().filter(|line| !line.starts_with("etc/systemd/system")).collect();
    assert_eq!(before, after);
    s.run(ScriptName::Postrm, &["purge"], &[]).ok();
}

pub fn deb_upgrade_state(s: &Sandbox) {
    deb::install(s, false, &[]).ok();
    s.forget_calls();
    deb::upgrade(s, &[]).ok();
    assert!(s.agent_runs() && s.calls().contains("illumio-ven-ctl stop"));
    assert_eq!(s.owner(DATA), "0750 0:900");
    deb::upgrade(s, &[("VEN_DATA_DIR", "/srv")])
        .refused(&["VEN_DATA_DIR=/opt dpkg -i illumio-ven-23.5.10-1234.d12.amd64.deb"]);
    assert!(s.agent_runs() && !s.exists("/etc/illumio_ven/install.env.pending"));
    s.make_fail("stop");
    deb::upgrade(s, &[]).refused(&["the old agent did not stop: it keeps running"]);
    assert!(s.agent_runs());
    s.let_work("stop");
    s.stop_agent();
    s.remove("/etc/illumio_ven/restart.pending");
    deb::upgrade(s, &[]).ok().says(&["the agent was not running and was not started"]);
    assert!(!s.agent_runs());
    deb::upgrade(s, &[("VEN_DATA_DIR", "/srv"), ("VEN_ALLOW_MOVE", "true")]).ok();
    assert!(s.exists("/srv/illumio_ven_data"));
}

pub fn deb_removed_install(s: &Sandbox) {
    deb::install(s, false, &[("VEN_DATA_DIR", "/srv/d"), ("VEN_NONPRIV_USER", "alice")]).ok();
    deb::remove(s).ok();
    deb::install(s, true, &[("VEN_DATA_DIR", "/other")])
        .refused(&["the data of the installed agent is in /srv/d"]);
    assert!(s.exists(SETTINGS));
    deb::install(s, true, &[]).ok();
    assert!(s.read(SETTINGS).contains("VEN_DATA_DIR=/srv/d\n"));
    assert!(s.agent_runs() && s.exists(WANTS));
    deb::purge(s).ok();
    assert!(!s.exists("/srv") && !s.exists("/etc/illumio_ven"));
    // Purged settings do not bind.
    deb::install(s, true, &[]).ok();
}

pub fn deb_abort_install(s: &Sandbox) {
    s.remove("/opt");
    let before = s.tree();
    s.run(ScriptName::Preinst, &["install"], &[]).ok();
    s.run(ScriptName::Postrm, &["abort-install"], &[]).ok();
    assert_eq!(s.tree(), before);
    s.make_fail("mv");
    deb::install(s, false, &[]).refused(&["nothing was installed"]);
    assert!(!s.read("/etc/passwd").contains("ilo-ven") && !s.read("/etc/group").contains("ilo-ven"));
}

pub fn deb_aborts(s: &Sandbox) {
    deb::install(s, false, &[]).ok();
    let before = s.tree();
    for (script, arguments) in [
        (ScriptName::Preinst, &["abort-upgrade", "1-1"][..]),
        (ScriptName::Postinst, &["abort-upgrade", "1-1"]),
        (ScriptName::Postinst, &["abort-deconfigure", "in-favour", "x", "1"]),
        (ScriptName::Postinst, &["abort-remove"]),
        (ScriptName::Prerm, &["upgrade", "2-1"]),
        (ScriptName::Prerm, &["failed-upgrade", "2-1"]),
        (ScriptName::Prerm, &["deconfigure", "in-favour", "x", "1"]),
        (ScriptName::Postrm, &["upgrade", "2-1"]),
        (ScriptName::Postrm, &["failed-upgrade", "2-1"]),
        (ScriptName::Postrm, &["abort-upgrade", "2-1"]),
        (ScriptName::Postrm, &["abort-install", "2-1"]),
        (ScriptName::Postrm, &["disappear", "x", "1"]),
    ] {
        s.run(script, arguments, &[]).ok();
        assert_eq!(s.tree(), before, "{script} {arguments:?}");
        assert!(s.agent_runs());
    }
    for script in [ScriptName::Preinst, ScriptName::Postinst, ScriptName::Prerm, ScriptName::Postrm] {
        s.run(script, &["nonsense"], &[]).refused(&["called with unknown argument nonsense"]);
    }
    // Removal was begun and taken back: the agent comes back, a stopped one does not.
    s.run(ScriptName::Prerm, &["remove"], &[]).ok();
    assert!(!s.agent_runs());
    s.run(ScriptName::Postinst, &["abort-remove"], &[]).ok();
    assert!(s.agent_runs());
    s.run(ScriptName::Prerm, &["remove"], &[]).ok();
    s.make_fail("init_Platform");
    s.run(ScriptName::Postinst, &["abort-remove"], &[]).refused(&["the agent is not running"]);
    s.let_work("init_Platform");
    s.remove("/etc/illumio_ven/restart.pending");
    s.run(ScriptName::Prerm, &["remove"], &[]).ok();
    s.run(ScriptName::Postinst, &["abort-remove"], &[]).ok();
    assert!(!s.agent_runs());
    s.make_fail("illumio-ven-ctl");
    deb::remove(s).refused(&["the agent does not stop: nothing was removed"]);
}

pub fn deb_purge_link(s: &Sandbox) {
    deb::install(s, false, &[]).ok();
    s.write("/srv/precious/file", "x");
    s.remove(DATA);
    s.link(DATA, "/srv/precious");
    s.make_fail("rm");
    deb::purge(s);
    s.let_work("rm");
    deb::purge(s).ok();
    assert_eq!(s.read("/srv/precious/file"), "x");
    deb::install(s, false, &[]).refused(&["illumio_ven_data or its etc is a symbolic link"]);
    s.remove(DATA);
    s.run(ScriptName::Postinst, &["configure", ""], &[]).ok();
    s.make_fail("rm");
    s.run(ScriptName::Postrm, &["purge"], &[]).refused(&["cannot be removed: remove it, then purge again"]);
}
