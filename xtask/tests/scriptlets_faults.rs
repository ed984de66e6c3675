//! Each external command of each scriptlet fails once, one at a time: no upgrade that failed leaves the service
//! down or the old agent missing, and running the same thing again mends it.

mod scriptlets_support;

use scriptlets_support::{Outcome, SHELLS, Sandbox, can_run, deb, rpm};

const VARIABLES: [(&str, &str); 5] = [
    ("VEN_INSTALL_ACTION", "activate"),
    ("VEN_MANAGEMENT_SERVER", "pce.example.com:8443"),
    ("VEN_ACTIVATION_CODE", "code"),
    ("VEN_NO_SUSPEND", "1"),
    ("VEN_DATA_DIR", "/srv/a/b"),
];

/// Runs `act` with the first, second … external call failing, until a run has fewer calls than that.
fn one_failure_at_a_time(
    prepare: impl Fn(&Sandbox),
    act: impl Fn(&Sandbox) -> Outcome,
    check: impl Fn(&Sandbox, &Outcome),
) -> usize {
    let prepared = Sandbox::new(&SHELLS[0], false);
    prepare(&prepared);
    for number in 1.. {
        let s = prepared.copy();
        s.forget_calls();
        s.fail_call(number);
        let outcome = act(&s);
        if s.call_count() < number {
            outcome.ok();
            return number - 1;
        }
        s.fail_call(0);
        let failed = s.call_list().swap_remove(number - 1);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&s, &outcome)));
        assert!(result.is_ok(), "call {number} ({failed:?}) failed: {}", outcome.output);
    }
    unreachable!("the loop returns")
}

/// Where process 1 cannot be looked at, the installation starts nothing and says so: that is no failure.
fn not_seen_as_running(outcome: &Outcome) -> bool {
    outcome.output.contains("no init is running here: the agent was not started")
}

fn installed(s: &Sandbox) {
    assert!(s.exists("/opt/illumio_ven/illumio-ven-ctl"), "the agent is missing");
    assert!(s.exists("/etc/illumio_ven/install.env"), "the settings are missing");
    assert!(s.agent_runs(), "the service is down");
}

#[test]
fn an_rpm_upgrade_with_any_one_command_failing_leaves_the_agent_running() {
    if !can_run() {
        return;
    }
    let calls = one_failure_at_a_time(
        |s| drop(rpm::install(s, "/opt", &VARIABLES).ok()),
        |s| rpm::upgrade(s, "/opt", "/opt", &VARIABLES),
        |s, _| {
            installed(s);
            rpm::upgrade(s, "/opt", "/opt", &VARIABLES).ok();
            installed(s);
            assert!(!s.exists("/etc/illumio_ven/restart.pending"));
        },
    );
    println!("{calls} commands");
    assert!(calls > 30, "{calls}: the sandbox no longer sees the commands");
}

#[test]
fn a_deb_upgrade_with_any_one_command_failing_leaves_the_agent_running() {
    if !can_run() {
        return;
    }
    let calls = one_failure_at_a_time(
        |s| drop(deb::install(s, false, &VARIABLES).ok()),
        |s| deb::upgrade(s, &VARIABLES),
        |s, _| {
            installed(s);
            deb::upgrade(s, &VARIABLES).ok();
            installed(s);
        },
    );
    assert!(calls > 30, "{calls}: the sandbox no longer sees the commands");
}

#[test]
fn a_moved_agent_is_never_left_down_when_any_one_command_fails() {
    if !can_run() {
        return;
    }
    let variables = [("VEN_DATA_DIR", "/srv/c"), ("VEN_ALLOW_MOVE", "true")];
    one_failure_at_a_time(
        |s| drop(rpm::install(s, "/opt/a", &VARIABLES).ok()),
        |s| rpm::upgrade(s, "/opt/a", "/opt/b", &variables),
        |s, _| assert!(s.agent_runs(), "the service is down"),
    );
}

#[test]
fn a_first_installation_that_failed_succeeds_when_it_is_run_again() {
    if !can_run() {
        return;
    }
    one_failure_at_a_time(
        |_| {},
        |s| rpm::install(s, "/opt", &VARIABLES),
        |s, outcome| {
            if not_seen_as_running(outcome) {
                return;
            }
            // rpm has it installed or not: both ways lead on.
            if s.exists("/opt/illumio_ven") {
                rpm::upgrade(s, "/opt", "/opt", &VARIABLES).ok();
            } else {
                rpm::install(s, "/opt", &VARIABLES).ok();
            }
            installed(s);
            rpm::erase(s, "/opt").ok();
            assert!(!s.read("/etc/passwd").contains("ilo-ven"), "the account is forgotten");
        },
    );
    one_failure_at_a_time(
        |_| {},
        |s| deb::install(s, false, &VARIABLES),
        |s, outcome| {
            if not_seen_as_running(outcome) {
                return;
            }
            if outcome.code != 0 && s.exists("/opt/illumio_ven") {
                s.run(xtask::scriptlets::ScriptName::Postinst, &["configure", ""], &VARIABLES).ok();
            } else if outcome.code != 0 {
                deb::install(s, false, &VARIABLES).ok();
            }
            installed(s);
            deb::purge(s).ok();
            assert!(!s.exists("/srv/a") && !s.exists("/etc/illumio_ven"));
            assert!(!s.read("/etc/passwd").contains("ilo-ven"), "the account is forgotten");
        },
    );
}

#[test]
fn a_removal_that_failed_succeeds_when_it_is_run_again() {
    if !can_run() {
        return;
    }
    one_failure_at_a_time(
        |s| drop(deb::install(s, false, &VARIABLES).ok()),
        deb::purge,
        |s, _| {
            deb::purge(s).ok();
            assert!(!s.exists("/etc/illumio_ven") && !s.agent_runs());
        },
    );
    one_failure_at_a_time(
        |s| drop(rpm::install(s, "/opt", &VARIABLES).ok()),
        |s| rpm::erase(s, "/opt"),
        |s, _| {
            rpm::erase(s, "/opt").ok();
            assert!(!s.exists("/etc/illumio_ven") && !s.agent_runs());
            assert!(s.exists("/srv/a/b/illumio_ven_data"), "data is kept");
        },
    );
}
