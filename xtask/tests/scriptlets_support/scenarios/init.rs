//! Init systems, and roots where none runs.

use xtask::scriptlets::ScriptName;

use super::{UNIT, WANTS};
use crate::scriptlets_support::{Init, Sandbox, deb, rpm};

pub fn other_inits(s: &Sandbox) {
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

pub fn init_respect(s: &Sandbox) {
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

pub fn offline(s: &Sandbox) {
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

pub fn init_fails(s: &Sandbox) {
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

pub fn private_namespaces(s: &Sandbox) {
    s.link("/proc/self/ns/net", "net:[2]");
    s.link("/proc/1/ns/net", "net:[1]");
    rpm::install(s, "/opt", &[]).refused(&["nsenter is not there", "the agent is not running"]);
    s.add_program("nsenter");
    rpm::upgrade(s, "/opt", "/opt", &[]).ok();
    assert!(s.agent_runs());
    assert!(s.calls().contains("nsenter: /opt/illumio_ven/bin/init_Platform start\n"), "{}", s.calls());
}
