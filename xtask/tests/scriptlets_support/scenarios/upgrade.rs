//! Upgrades, refusals and moves.

use xtask::scriptlets::ScriptName;

use super::{DATA, SETTINGS, UNIT, WANTS};
use crate::scriptlets_support::{Sandbox, rpm};

pub fn rpm_upgrade_state(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.forget_calls();
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs());
    assert!(
        s.calls().contains("illumio-ven-ctl stop\ninit_Platform start\n")
            || s.calls().contains("illumio-ven-ctl stop")
    );
    let stop = s.calls().find("illumio-ven-ctl stop").expect("restarted");
    assert!(s.calls()[stop..].contains("init_Platform start"), "{}", s.calls());
    s.make_fail("mkdir");
    s.run(ScriptName::Posttrans, &["2"], &[])
        .refused(&["the old agent keeps running. To run the new one: /opt/"]);
    assert!(s.agent_runs());
    s.let_work("mkdir");
    s.stop_agent();
    s.forget_calls();
    rpm::upgrade(s, "/opt", "/opt", &[]).ok().says(&["the agent was not running and was not started"]);
    assert!(!s.agent_runs() && !s.calls().contains("init_Platform"));
    assert!(s.read(SETTINGS).contains("VEN_USER_CREATED=yes\n"), "an upgrade forgets nothing");
}

pub fn rpm_upgrade_moved(s: &Sandbox) {
    let variables = [("VEN_DATA_DIR", "/opt/my_data_dir"), ("VEN_NONPRIV_USER", "alice")];
    rpm::install(s, "/opt/my_ven_dir", &variables).ok();
    let before = s.tree();
    rpm::upgrade(s, "/opt/my_ven_dir", "/opt", &[]).refused(&[
        "the installed agent is in /opt/my_ven_dir",
        "VEN_NONPRIV_USER=alice VEN_DATA_DIR=/opt/my_data_dir rpm -Uvh --prefix=/opt/my_ven_dir \
         illumio-ven-23.5.10-1234.c8.x86_64.rpm",
        "VEN_ALLOW_MOVE=true",
    ]);
    assert_eq!(s.tree(), before, "a refusal changes nothing");
    assert!(s.agent_runs());
    rpm::upgrade(s, "/opt/my_ven_dir", "/opt/my_ven_dir", &variables).ok();
    assert!(s.agent_runs());
}

pub fn rpm_upgrade_keeps(s: &Sandbox) {
    let runtime_env = ("ILLUMIO_RUNTIME_ENV", "/etc/ven.yml");
    s.write("/etc/ven.yml", "a: b\n");
    rpm::install(
        s,
        "/srv/ven",
        &[("VEN_DATA_DIR", "/srv/data/"), ("VEN_NONPRIV_USER", "alice"), runtime_env],
    )
    .ok();
    rpm::upgrade(s, "/srv/ven", "/srv/ven", &[]).ok();
    rpm::upgrade(s, "/srv/ven", "/srv/ven", &[("VEN_DATA_DIR", "/srv/data/")]).ok();
    let settings = s.read(SETTINGS);
    for line in [
        "VEN_DATA_DIR=/srv/data\n",
        "VEN_NONPRIV_USER=alice\n",
        "VEN_NONPRIV_GROUP=staff\n",
        "ILLUMIO_RUNTIME_ENV=/etc/ven.yml\n",
        "VEN_PREFIX=/srv/ven\n",
    ] {
        assert!(settings.contains(line), "{line} in {settings}");
    }
    assert!(!s.exists(DATA));
}

pub fn rpm_upgrade_switch(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_DATA_DIR", "/srv")]).refused(&[
        "VEN_DATA_DIR=/srv: the data of the installed agent is in /opt",
        "    VEN_DATA_DIR=/opt rpm -Uvh --prefix=/opt illumio-ven-",
    ]);
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_NONPRIV_USER", "alice")])
        .refused(&["VEN_NONPRIV_USER=alice: the installed agent runs as ilo-ven"]);
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_NONPRIV_USER", "alice"), ("VEN_ALLOW_MOVE", "true")]).ok();
    assert_eq!(s.owner(DATA), "0750 1000:1000");
    assert!(s.owner("/opt/illumio_ven").ends_with(" 0:1000"));
    rpm::erase(s, "/opt").ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven"), "the first install created it");
}

pub fn rpm_allowed_move(s: &Sandbox) {
    rpm::install(s, "/opt/a", &[("VEN_DATA_DIR", "/opt/d")]).ok();
    s.forget_calls();
    let variables = [("VEN_DATA_DIR", "/opt/e"), ("VEN_ALLOW_MOVE", "true")];
    rpm::upgrade(s, "/opt/a", "/opt/b", &variables).ok();
    assert_eq!(s.read("trace/agent").trim(), "/opt/e");
    assert!(s.calls().contains("illumio-ven-ctl --settings /etc/illumio_ven/install.env.previous stop"));
    assert!(!s.exists("/etc/illumio_ven/install.env.previous"));
    assert!(s.exists("/opt/d/illumio_ven_data"), "old data stays");
    assert!(s.read(UNIT).contains("=/opt/b/illumio_ven/"));
    s.stop_agent();
    rpm::upgrade(s, "/opt/b", "/opt/a", &[("VEN_ALLOW_MOVE", "true")]).ok();
    assert!(!s.agent_runs());
    rpm::upgrade(s, "/opt/a", "/opt/b", &[("VEN_ALLOW_MOVE", "true")]).ok();
    s.write("trace/agent", "/opt/e\n");
    s.make_fail("illumio-ven-ctl");
    rpm::upgrade(s, "/opt/b", "/opt/a", &[("VEN_ALLOW_MOVE", "true")]);
    assert!(s.agent_runs(), "an agent that cannot be stopped keeps running");
}

pub fn rpm_damaged_settings(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    let good = s.read(SETTINGS);
    for bad in ["VEN_PREFIX=/opt; id\n", "VEN_PREFIX=/opt\n", "", "VEN_PREFIX=/opt\nVEN_DATA_DIR=/opt\n"] {
        s.write(SETTINGS, bad);
        rpm::upgrade(s, "/opt", "/opt", &[]).refused(&["install.env=(damaged)", "nothing was changed"]);
        assert!(s.agent_runs());
    }
    s.write(SETTINGS, &format!("# a note (by hand)\n{good}"));
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    s.remove(SETTINGS);
    rpm::upgrade(s, "/opt", "/opt", &[]).ok().says(&["install.env is missing: defaults are used"]);
    s.remove(SETTINGS);
    rpm::upgrade(s, "/opt", "/srv/elsewhere", &[]).refused(&["the installed agent is not there"]);
}

pub fn rpm_failed_post(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    let recovery = "rpm -Uvh --replacepkgs --prefix=/opt illumio-ven-23.5.10-1234.c8.x86_64.rpm";
    s.make_fail("sed");
    let failed = rpm::upgrade(s, "/opt", "/opt", &[]);
    failed.refused(&[recovery, "the agent cannot be hooked into systemd", "the installation is incomplete"]);
    assert!(s.agent_runs());
    s.let_work("sed");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    // Scripts out of order: there is nothing to finish.
    s.run(ScriptName::Post, &["2"], &[]).ok();
    s.remove(SETTINGS);
    s.run(ScriptName::Post, &["2"], &[]).refused(&["install.env.pending is missing"]);
    s.write("/etc/illumio_ven/install.env.pending", "VEN_PREFIX=opt\n");
    s.run(ScriptName::Post, &["2"], &[]).refused(&["install.env.pending is damaged"]);
    s.run(ScriptName::Posttrans, &["2"], &[]).refused(&["the installation is incomplete"]);
}

pub fn rpm_interrupted(s: &Sandbox) {
    s.run(ScriptName::Pre, &["1"], &[]).ok();
    assert!(s.read("/etc/passwd").contains("ilo-ven"));
    rpm::install(s, "/opt", &[]).ok();
    rpm::erase(s, "/opt").ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven"));
    assert!(!s.read("/etc/group").contains("ilo-ven"));
    // The first installation did not come to its end, and rpm counts it: once more, it is still the first.
    s.run(ScriptName::Pre, &["1"], &[]).ok();
    s.unpack("/opt");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs() && s.exists(WANTS));
    rpm::erase(s, "/opt").ok();
    // A mark that an interrupted restart left: the next run finishes it.
    rpm::install(s, "/opt", &[]).ok();
    s.stop_agent();
    s.write("/etc/illumio_ven/restart.pending", "");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs());
}
