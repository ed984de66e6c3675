//! What the scriptlets do, case by case. Each runs in every shell.

use xtask::scriptlets::ScriptName;

use super::{Init, Sandbox, deb, rpm};

/// A named case.
pub type Scenario = (&'static str, fn(&Sandbox));

const DATA: &str = "/opt/illumio_ven_data";
const SETTINGS: &str = "/etc/illumio_ven/install.env";
const UNIT: &str = "/etc/systemd/system/illumio-ven.service";
const WANTS: &str = "/etc/systemd/system/multi-user.target.wants/illumio-ven.service";

/// All cases but those of wrong variables, which are a table of their own.
pub const SCENARIOS: &[Scenario] = &[
    ("an rpm install makes account, data, settings and unit, and starts the agent", rpm_install),
    ("an rpm install and erase leave nothing but the closed data directory", rpm_install_erase),
    ("an rpm erase of a relocated install removes the directories that were made", rpm_relocated_erase),
    ("an rpm erase on a half-removed host works with defaults", rpm_erase_half_removed),
    ("an rpm erase without its control program stops the processes by number", rpm_erase_without_ctl),
    ("an rpm erase whose agent does not stop is refused", rpm_erase_refused),
    ("an rpm reinstall after erase takes the kept data over", rpm_reinstall_over_data),
    ("an rpm upgrade restarts a running agent and leaves a stopped one", rpm_upgrade_state),
    ("a plain upgrade of a relocated install is refused with the command to run", rpm_upgrade_moved),
    ("an upgrade keeps user and data directory without variables", rpm_upgrade_keeps),
    ("an upgrade that switches user or data directory is refused, or allowed on purpose", rpm_upgrade_switch),
    ("an allowed move stops the agent at its old place and starts it at the new one", rpm_allowed_move),
    ("an upgrade with damaged or missing settings is refused or warned about", rpm_damaged_settings),
    ("posttrans after a failed post says so and leaves the old agent running", rpm_failed_post),
    ("what an interrupted install created is still its own to remove", rpm_interrupted),
    ("a custom user brings its group, gets the files and is not removed", custom_user),
    ("user and group numbers are honoured, and ignored with a custom user", numbers),
    ("accounts are made with busybox tools where others are missing, or refused", account_tools),
    ("accounts are looked up in the files where getent is missing", no_getent),
    ("upstart, sysv and cron are used where systemd is not", other_inits),
    ("an upgrade respects what the administrator enabled, disabled and edited", init_respect),
    ("nothing is started in an offline root, and the unit is enabled", offline),
    ("activation writes a root-only file and no secret elsewhere", activation),
    ("prepare leaves the agent stopped until the next boot", prepare),
    ("kerberos, PKI and proxy settings go to runtime_env.yml and other lines stay", runtime_env),
    ("a failing init system does not leave the agent down", init_fails),
    ("scripts in name spaces of their own start the agent outside", private_namespaces),
    ("a deb install, remove and purge follow the ownership table", deb_life),
    ("a deb upgrade restarts a running agent and leaves a stopped one", deb_upgrade_state),
    ("a deb that was removed and not purged is installed with its old settings", deb_removed_install),
    ("a failed deb installation is taken back", deb_abort_install),
    ("every deb abort argument leaves the agent as it was", deb_aborts),
    ("a deb purge of a linked data directory removes the link's target in no case", deb_purge_link),
    ("links in the place of directories are refused", links),
];

fn rpm_install(s: &Sandbox) {
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

fn rpm_install_erase(s: &Sandbox) {
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

fn rpm_relocated_erase(s: &Sandbox) {
    rpm::install(s, "/srv/foo/bar", &[("VEN_DATA_DIR", "/srv/data/x")]).ok();
    assert!(s.read(UNIT).contains("ExecStart=/srv/foo/bar/illumio_ven/illumio-ven-ctl"));
    assert!(s.read(SETTINGS).contains("VEN_PREFIX_CREATED=/srv\n"), "{}", s.read(SETTINGS));
    rpm::erase(s, "/srv/foo/bar").ok();
    assert!(!s.exists("/srv/foo"), "made by the install, empty now");
    assert!(s.exists("/srv/data/x/illumio_ven_data"));
}

fn rpm_erase_half_removed(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.remove(SETTINGS);
    s.remove(DATA);
    s.remove(UNIT);
    rpm::erase(s, "/opt").ok().says(&["install.env is missing or damaged: defaults are used"]);
    assert!(!s.exists("/opt/illumio_ven"));
    assert!(s.read("/etc/passwd").contains("ilo-ven"), "without settings nobody knows whose account it is");
}

fn rpm_erase_without_ctl(s: &Sandbox) {
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

fn rpm_erase_refused(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.make_fail("illumio-ven-ctl");
    rpm::erase(s, "/opt").refused(&["the agent does not stop: nothing was removed"]);
    assert!(s.exists("/opt/illumio_ven") && s.exists(UNIT) && s.agent_runs());
}

fn rpm_reinstall_over_data(s: &Sandbox) {
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

fn rpm_upgrade_state(s: &Sandbox) {
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
    s.stop_agent();
    s.forget_calls();
    rpm::upgrade(s, "/opt", "/opt", &[]).ok().says(&["the agent was not running and was not started"]);
    assert!(!s.agent_runs() && !s.calls().contains("init_Platform"));
    assert!(s.read(SETTINGS).contains("VEN_USER_CREATED=yes\n"), "an upgrade forgets nothing");
}

fn rpm_upgrade_moved(s: &Sandbox) {
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

fn rpm_upgrade_keeps(s: &Sandbox) {
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

fn rpm_upgrade_switch(s: &Sandbox) {
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

fn rpm_allowed_move(s: &Sandbox) {
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

fn rpm_damaged_settings(s: &Sandbox) {
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

fn rpm_failed_post(s: &Sandbox) {
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

fn rpm_interrupted(s: &Sandbox) {
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

fn custom_user(s: &Sandbox) {
    rpm::install(s, "/opt", &[("VEN_NONPRIV_USER", "alice"), ("VEN_NONPRIV_UID", "0")]).ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven") && !s.read("/etc/group").contains("ilo-ven"));
    assert_eq!(s.owner(DATA), "0750 1000:1000");
    assert!(s.owner("/opt/illumio_ven").ends_with(" 0:1000"));
    rpm::erase(s, "/opt").ok();
    assert!(s.read("/etc/passwd").contains("alice"));
    rpm::install(s, "/opt", &[("VEN_NONPRIV_USER", "alice")]).ok();
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).refused(&["(of the installed agent)=alice: there is no such user"]);
}

fn numbers(s: &Sandbox) {
    rpm::install(s, "/opt", &[("VEN_NONPRIV_UID", "1234"), ("VEN_NONPRIV_GID", "2345")]).ok();
    assert!(s.read("/etc/passwd").contains("ilo-ven:x:1234:"));
    assert!(s.read("/etc/group").contains("ilo-ven:x:2345:"));
    let same = [("VEN_NONPRIV_UID", "1234"), ("VEN_NONPRIV_GID", "2345")];
    rpm::upgrade(s, "/opt", "/opt", &same).ok();
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_NONPRIV_UID", "77"), ("VEN_NONPRIV_GID", "78")]).refused(&[
        "VEN_NONPRIV_UID=77: the user ilo-ven exists with number 1234",
        "VEN_NONPRIV_GID=78: the group ilo-ven exists with number 2345",
    ]);
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\nilo-ven:x:0:0::/:/bin/sh\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).refused(&["the agent must not run as root"]);
}

fn account_tools(s: &Sandbox) {
    for name in ["useradd", "groupadd", "userdel", "groupdel"] {
        s.remove_program(name);
    }
    let before = s.tree();
    rpm::install(s, "/opt", &[]).refused(&["neither groupadd nor addgroup is there", "VEN_NONPRIV_USER"]);
    assert_eq!(s.tree(), before);
    s.add_program("addgroup");
    rpm::install(s, "/opt", &[])
        .refused(&["neither useradd nor adduser is there", "the group ilo-ven stays"]);
    s.write("/etc/group", "root:x:0:\n");
    s.add_program("delgroup");
    rpm::install(s, "/opt", &[]).refused(&["neither useradd nor adduser is there"]);
    assert!(!s.read("/etc/group").contains("ilo-ven"), "the group is taken back");
    s.add_program("adduser");
    rpm::install(s, "/opt", &[("VEN_NONPRIV_UID", "500"), ("VEN_NONPRIV_GID", "501")]).ok();
    assert!(
        s.read("/etc/passwd").contains("ilo-ven:x:500:") && s.read("/etc/group").contains("ilo-ven:x:501:")
    );
    rpm::erase(s, "/opt").ok().says(&["the user ilo-ven stays"]);
    s.add_program("deluser");
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    rpm::install(s, "/opt", &[]).ok();
    s.make_fail("deluser");
    s.make_fail("delgroup");
    rpm::erase(s, "/opt")
        .ok()
        .says(&["could not be removed: deluser ilo-ven", "could not be removed: delgroup"]);
    s.let_work("deluser");
    s.let_work("delgroup");
    s.write("/etc/passwd", "root:x:0:0::/:/bin/sh\n");
    s.write("/etc/group", "root:x:0:\n");
    s.path("/usr/sbin/nologin");
    s.add_program("nologin");
    rpm::install(s, "/opt", &[]).ok();
    assert!(s.calls().contains("-s /usr/sbin/nologin"), "{}", s.calls());
    rpm::erase(s, "/opt").ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven") && !s.read("/etc/group").contains("ilo-ven"));
    s.make_fail("adduser");
    rpm::install(s, "/opt", &[]).refused(&["the account ilo-ven could not be made: nothing was installed"]);
    s.make_fail("addgroup");
    rpm::install(s, "/opt", &[]).refused(&["the account ilo-ven could not be made: nothing was installed"]);
}

fn no_getent(s: &Sandbox) {
    s.remove_program("getent");
    rpm::install(s, "/opt", &[("VEN_NONPRIV_UID", "1000")]).refused(&["is the number of the user alice"]);
    rpm::install(s, "/opt", &[("VEN_NONPRIV_GID", "1001")]).refused(&["is the number of the group other"]);
    rpm::install(s, "/opt", &[]).ok();
    rpm::erase(s, "/opt").ok();
    assert!(!s.read("/etc/passwd").contains("ilo-ven"));
}

fn other_inits(s: &Sandbox) {
    s.set_init(Init::Upstart);
    rpm::install(s, "/srv/x", &[]).ok();
    assert!(
        s.read("/etc/init/illumio-ven.conf").contains("exec /srv/x/illumio_ven/illumio-ven-ctl supervise\n")
    );
    rpm::erase(s, "/srv/x").ok();
    assert!(!s.exists("/etc/init/illumio-ven.conf"));

    for tool in ["chkconfig", "update-rc.d", "insserv"] {
        s.set_init(Init::Sysv);
        s.remove_program("chkconfig");
        s.add_program(tool);
        s.forget_calls();
        rpm::install(s, "/opt", &[]).ok();
        assert_eq!(s.owner("/etc/init.d/illumio-ven"), "0755 0:0");
        assert!(s.read("/etc/init.d/illumio-ven").contains("exec /opt/illumio_ven/bin/init_Platform"));
        let added =
            ["chkconfig --add illumio-ven", "update-rc.d illumio-ven defaults", "insserv illumio-ven"];
        assert!(added.iter().any(|call| call.starts_with(tool) && s.calls().contains(call)), "{}", s.calls());
        rpm::upgrade(s, "/opt", "/opt", &[]).ok();
        rpm::erase(s, "/opt").ok();
        assert!(!s.exists("/etc/init.d/illumio-ven"));
        let removed =
            ["chkconfig --del illumio-ven", "update-rc.d illumio-ven remove", "insserv -r illumio-ven"];
        assert!(
            removed.iter().any(|call| call.starts_with(tool) && s.calls().contains(call)),
            "{}",
            s.calls()
        );
        rpm::install(s, "/opt", &[]).ok();
        s.make_fail(tool);
        rpm::erase(s, "/opt").ok().says(&["warning: ", "failed"]);
        let failed = rpm::install(s, "/opt", &[]);
        failed.refused(&["the agent cannot be hooked into sysv"]);
        s.let_work(tool);
        s.remove("/etc/illumio_ven");
        s.remove("/etc/init.d/illumio-ven");
    }
    std::fs::create_dir_all(s.path("/etc/rc.d/init.d")).expect("made");
    s.set_init(Init::Sysv);
    rpm::install(s, "/opt", &[]).ok();
    assert!(s.exists("/etc/rc.d/init.d/illumio-ven"));
    rpm::erase(s, "/opt").ok();
    s.remove("/etc/rc.d");

    s.set_init(Init::Cron);
    rpm::install(s, "/srv/x", &[]).ok();
    let job = s.read("/etc/cron.d/illumio-ven");
    assert!(job.contains("\n*/10 * * * * root /srv/x/illumio_ven/bin/init_Platform check"), "{job}");
    rpm::erase(s, "/srv/x").ok();
    assert!(!s.exists("/etc/cron.d/illumio-ven"));
    rpm::install(s, "/srv/x", &[("VEN_DISABLE_MONITOR_RESTART", "yes")]).ok();
    assert!(s.exists("/etc/cron.d/illumio-ven"), "only true counts");
    rpm::erase(s, "/srv/x").ok();
    rpm::install(s, "/srv/x", &[("VEN_DISABLE_MONITOR_RESTART", "true")]).ok();
    assert!(!s.exists("/etc/cron.d/illumio-ven"));
    rpm::upgrade(s, "/srv/x", "/srv/x", &[]).ok();
    assert!(!s.exists("/etc/cron.d/illumio-ven"), "an upgrade keeps it so");
    rpm::erase(s, "/srv/x").ok();

    s.set_init(Init::Bare);
    rpm::install(s, "/srv/x", &[])
        .ok()
        .says(&["start the agent with /srv/x/illumio_ven/bin/init_Platform start"]);
    rpm::erase(s, "/srv/x").ok();
}

fn init_respect(s: &Sandbox) {
    rpm::install(s, "/opt", &[]).ok();
    s.remove(WANTS);
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(!s.exists(WANTS), "disabled by the administrator");
    rpm::erase(s, "/opt").ok();
    s.set_init(Init::Cron);
    rpm::install(s, "/opt", &[]).ok();
    s.write("/etc/cron.d/illumio-ven", "# edited\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert_eq!(s.read("/etc/cron.d/illumio-ven"), "# edited\n");
    rpm::upgrade(s, "/opt", "/srv", &[("VEN_ALLOW_MOVE", "true")]).ok();
    assert!(s.read("/etc/cron.d/illumio-ven").contains("/srv/illumio_ven"), "a moved agent needs a new job");
    s.set_init(Init::Systemd);
    s.make_fail("systemctl");
    rpm::upgrade(s, "/srv", "/srv", &[]).ok().says(&["systemctl daemon-reload failed"]);
    assert!(s.exists(WANTS), "another init system than before");
    rpm::erase(s, "/srv").ok().says(&["systemctl daemon-reload failed"]);
}

fn offline(s: &Sandbox) {
    s.set_init(Init::Offline);
    s.write("/host-systemd", "");
    rpm::install(s, "/opt", &[("VEN_INSTALL_ACTION", "prepare")]).ok();
    rpm::erase(s, "/opt").ok();
    s.remove("/usr/lib");
    s.write("/lib-real", "");
    std::fs::create_dir_all(s.path("/usr/lib/systemd")).expect("made");
    s.write("/usr/lib/systemd/systemd", "");
    std::fs::set_permissions(
        s.path("/usr/lib/systemd/systemd"),
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .expect("mode");
    s.forget_calls();
    rpm::install(s, "/opt", &[]).ok().says(&["no init is running here: the agent was not started"]);
    assert!(!s.agent_runs() && !s.calls().contains("init_Platform") && !s.calls().contains("systemctl"));
    assert!(s.exists(UNIT) && s.exists(WANTS), "enabled for the first boot");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    rpm::erase(s, "/opt").ok();
    // A foreign root has its own process 1.
    s.write("/proc/1/comm", "systemd\n");
    std::fs::create_dir_all(s.path("/proc/1/root/elsewhere")).expect("made");
    rpm::install(s, "/opt", &[]).ok().says(&["no init is running here"]);
}

const ACTIVATE: [(&str, &str); 3] = [
    ("VEN_INSTALL_ACTION", "activate"),
    ("VEN_MANAGEMENT_SERVER", "pce.example.com:8443"),
    ("VEN_ACTIVATION_CODE", "0123secret4567"),
];

fn activation(s: &Sandbox) {
    for format in ["rpm", "deb"] {
        let outcome = if format == "rpm" {
            rpm::install(s, "/opt", &ACTIVATE)
        } else {
            deb::install(s, false, &ACTIVATE)
        };
        let output = outcome.ok().output;
        let file = format!("{DATA}/etc/agent_activation.cfg");
        assert_eq!(
            s.read(&file),
            "activation_code: 0123secret4567\nmasterconfig_server: pce.example.com:8443\n"
        );
        assert_eq!(s.owner(&file), "0600 0:0");
        assert_eq!(s.owner(DATA), "0750 900:900", "{format}: activated");
        assert!(
            !output.contains("0123secret") && !s.calls().contains("0123secret"),
            "secret in output or arguments"
        );
        let holders = s.tree().into_iter().filter(|line| line.contains("0123secret")).count();
        assert_eq!(holders, 1, "only agent_activation.cfg has the code");
        // An activated agent is not activated again.
        let kept = s.read(&file);
        let upgraded =
            if format == "rpm" { rpm::upgrade(s, "/opt", "/opt", &[]) } else { deb::upgrade(s, &[]) };
        upgraded.ok();
        assert_eq!((s.read(&file), s.owner(DATA).as_str()), (kept, "0750 900:900"));
        if format == "rpm" {
            rpm::erase(s, "/opt").ok();
            s.remove(DATA);
        } else {
            deb::purge(s).ok();
        }
    }
    // Without a server there is nothing to record; with Kerberos there is no code.
    rpm::install(s, "/opt", &[("VEN_INSTALL_ACTION", "prepare")]).ok();
    assert!(!s.exists(&format!("{DATA}/etc/agent_activation.cfg")));
    let kerberos = [
        ACTIVATE[0],
        ACTIVATE[1],
        ("VEN_KERBEROS_MANAGEMENT_SERVER_SPN", "illumio-device-auth/pce.example.com"),
    ];
    rpm::upgrade(s, "/opt", "/opt", &kerberos).ok();
    assert_eq!(
        s.read(&format!("{DATA}/etc/agent_activation.cfg")),
        "masterconfig_server: pce.example.com:8443\n"
    );
}

fn prepare(s: &Sandbox) {
    let variables = [("VEN_INSTALL_ACTION", "prepare"), ACTIVATE[1], ACTIVATE[2]];
    rpm::install(s, "/opt", &variables).ok().says(&["prepared: the agent starts at the next boot"]);
    assert!(!s.agent_runs() && s.exists(WANTS));
    assert_eq!(s.owner(&format!("{DATA}/etc/agent_activation.cfg")), "0600 0:0");
    rpm::erase(s, "/opt").ok();
    s.remove(DATA);
    deb::install(s, false, &variables).ok().says(&["prepared"]);
    assert_eq!(s.owner(DATA), "0750 0:900", "not yet activated");
}

fn runtime_env(s: &Sandbox) {
    for (name, text) in
        [("/etc/pki/c.pem", "c"), ("/etc/pki/k.pem", "k"), ("/usr/lib64x/libgssapi_krb5.so", "l")]
    {
        s.write(name, text);
    }
    let variables = [
        ("VEN_KERBEROS_WORKLOAD_SPN", "host/web1.example.com@EXAMPLE.COM"),
        ("VEN_KERBEROS_MANAGEMENT_SERVER_SPN", "illumio-device-auth/pce.example.com"),
        ("VEN_KERBEROS_LIBRARY_PATH", "/usr/lib64x/libgssapi_krb5.so"),
        ("VEN_PKI_CLIENT_CERT", "/etc/pki/c.pem"),
        ("VEN_PKI_CLIENT_KEY", "/etc/pki/k.pem"),
        ("VEN_PROXY_SERVER", "http://proxy.example.com:3128"),
        ("VEN_NO_SUSPEND", "1"),
    ];
    let output = rpm::install(s, "/opt", &variables).ok().output;
    let file = format!("{DATA}/etc/runtime_env.yml");
    assert_eq!(
        s.read(&file),
        "kerberos_workload_spn: host/web1.example.com@EXAMPLE.COM\n\
         kerberos_management_server_spn: illumio-device-auth/pce.example.com\n\
         kerberos_library_path: /usr/lib64x/libgssapi_krb5.so\npki_client_cert: /etc/pki/c.pem\n\
         pki_client_key: /etc/pki/k.pem\nproxy_server: http://proxy.example.com:3128\nno_suspend: 1\n"
    );
    assert_eq!(s.owner(&file), "0640 0:900");
    assert!(!output.contains("k.pem") && !s.calls().contains("k.pem"), "the key's path is a secret");
    s.write(&file, "own: kept\nproxy_server: old:1\nno_suspend: 1");
    rpm::upgrade(s, "/opt", "/opt", &[("VEN_PROXY_SERVER", "172.24.88.114:3128")]).ok();
    assert_eq!(s.read(&file), "own: kept\nno_suspend: 1\nproxy_server: 172.24.88.114:3128\n");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert_eq!(s.read(&file), "own: kept\nno_suspend: 1\nproxy_server: 172.24.88.114:3128\n");
}

fn init_fails(s: &Sandbox) {
    s.make_fail("init");
    rpm::install(s, "/opt", &[]).ok().says(&["trying without the init system"]);
    assert!(s.agent_runs());
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs());
    s.make_fail("init_Platform");
    rpm::upgrade(s, "/opt", "/opt", &[])
        .refused(&["the agent is not running: see /opt/illumio_ven_data/log"]);
    assert!(s.exists("/etc/illumio_ven/restart.pending"), "the next run starts it");
    s.let_work("init_Platform");
    s.let_work("init");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs());
    rpm::erase(s, "/opt").ok();
    s.make_fail("init_Platform");
    deb::install(s, false, &[]).refused(&["dpkg --configure illumio-ven"]);
    s.let_work("init_Platform");
    s.run(ScriptName::Postinst, &["configure", ""], &[]).ok();
    assert!(s.agent_runs(), "configured again: the start is made up for");
}

fn private_namespaces(s: &Sandbox) {
    s.link("/proc/self/ns/net", "net:[2]");
    s.link("/proc/1/ns/net", "net:[1]");
    rpm::install(s, "/opt", &[]).refused(&["nsenter is not there", "the agent is not running"]);
    s.add_program("nsenter");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs());
    assert!(s.calls().contains("nsenter: /opt/illumio_ven/bin/init_Platform start\n"), "{}", s.calls());
}

fn deb_life(s: &Sandbox) {
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

fn deb_upgrade_state(s: &Sandbox) {
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

fn deb_removed_install(s: &Sandbox) {
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

fn deb_abort_install(s: &Sandbox) {
    s.remove("/opt");
    let before = s.tree();
    s.run(ScriptName::Preinst, &["install"], &[]).ok();
    s.run(ScriptName::Postrm, &["abort-install"], &[]).ok();
    assert_eq!(s.tree(), before);
    s.make_fail("mv");
    deb::install(s, false, &[]).refused(&["nothing was installed"]);
    assert!(!s.read("/etc/passwd").contains("ilo-ven") && !s.read("/etc/group").contains("ilo-ven"));
}

fn deb_aborts(s: &Sandbox) {
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

fn deb_purge_link(s: &Sandbox) {
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

fn links(s: &Sandbox) {
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
