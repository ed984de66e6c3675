//! Real daemons in temporary directories: start, stop, death and configuration changes.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

const CTL: &str = env!("CARGO_BIN_EXE_illumio-ven-ctl");

/// An installed agent; dropping it stops the agent.
struct Agent {
    root: tempfile::TempDir,
    settings: PathBuf,
}

fn root_user() -> bool {
    fs::metadata("/proc/self").expect("proc").uid() == 0
}

impl Agent {
    fn new() -> Agent {
        let root = tempfile::tempdir().expect("a directory");
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).expect("mode");
        for dir in ["opt/illumio_ven", "data/illumio_ven_data/etc"] {
            fs::create_dir_all(root.path().join(dir)).expect("made");
        }
        let settings = root.path().join("install.env");
        let text = format!(
            "VEN_VERSION=1.2.3-4\nVEN_PREFIX={0}/opt\nVEN_DATA_DIR={0}/data\nVEN_NONPRIV_USER=nobody\n",
            root.path().display()
        );
        fs::write(&settings, text).expect("written");
        Agent { root, settings }
    }

    fn data(&self, name: &str) -> PathBuf {
        self.root.path().join("data/illumio_ven_data").join(name)
    }

    fn ctl(&self, words: &[&str]) -> Output {
        Command::new(CTL)
            .args(words)
            .arg("--settings")
            .arg(&self.settings)
            .env("VEN_ACTIVATION_CODE", "a-secret-code")
            .output()
            .expect("runs")
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.ctl(words);
        assert!(output.status.success(), "{words:?}: {output:?}\n{}", self.logs());
        String::from_utf8(output.stdout).expect("text")
    }

    fn status(&self) -> i32 {
        self.ctl(&["status"]).status.code().expect("a code")
    }

    fn pid(&self, process: &str) -> Option<u32> {
        fs::read_to_string(self.data("run").join(format!("{process}.pid"))).ok()?.trim().parse().ok()
    }

    fn logs(&self) -> String {
        ["venAgentMonitor", "venAgentMgr"]
            .iter()
            .filter_map(|name| fs::read_to_string(self.data("log").join(format!("{name}.log"))).ok())
            .collect()
    }

    fn wait(&self, what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition() {
            assert!(Instant::now() < deadline, "{what}: not in time\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        self.ctl(&["stop"]);
    }
}

fn kill(signal: &str, pid: u32) {
    let status =
        Command::new("kill").args([signal, &pid.to_string()]).status().expect("kill (Debian: procps)");
    assert!(status.success());
}

fn command_name(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

/// The process is there and has not merely to be waited for.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

#[test]
fn a_started_agent_has_two_processes_and_stops_completely() {
    let agent = Agent::new();
    assert_eq!(agent.status(), 3);
    let said = agent.ok(&["start"]);
    assert!(said.starts_with("Starting illumio-control:\n - venAgentMgr Starting venAgentMgr:"), "{said}");
    assert_eq!(agent.status(), 0);
    let (monitor, manager) =
        (agent.pid("venAgentMonitor").expect("pid"), agent.pid("venAgentMgr").expect("pid"));
    assert_eq!(
        (command_name(monitor).as_str(), command_name(manager).as_str()),
        ("venAgentMonitor", "venAgentMgr")
    );
    let said = agent.ok(&["status"]);
    assert!(said.contains(&format!("venAgentMgr (pid {manager}) is running...\n")), "{said}");
    agent.wait("status file", || agent.data("state/agent.status").exists());
    let status = fs::read_to_string(agent.data("state/agent.status")).expect("read");
    assert!(status.contains(&format!("pid={manager}\nversion=1.2.3-4\n")), "{status}");

    let said = agent.ok(&["stop"]);
    assert!(
        said.starts_with("Shutting down illumio-control:\n - venAgentMonitor Stopping venAgentMonitor:"),
        "{said}"
    );
    assert_eq!(agent.status(), 3);
    assert!(!lives(monitor) && !lives(manager));
    assert!(agent.pid("venAgentMonitor").is_none() && agent.pid("venAgentMgr").is_none());
    assert!(!agent.data("state/agent.status").exists());
}

#[test]
fn the_daemon_gives_up_root_and_inherits_no_secret() {
    let agent = Agent::new();
    agent.ok(&["start"]);
    let manager = agent.pid("venAgentMgr").expect("pid");
    let monitor = agent.pid("venAgentMonitor").expect("pid");
    for pid in [manager, monitor] {
        let environment = fs::read(format!("/proc/{pid}/environ")).expect("own process");
        assert!(!String::from_utf8_lossy(&environment).contains("a-secret-code"));
    }
    if root_user() {
        let status = fs::read_to_string(format!("/proc/{manager}/status")).expect("status");
        let line = |name: &str| status.lines().find(|l| l.starts_with(name)).expect(name).to_owned();
        assert!(!line("Uid:").split_whitespace().skip(1).any(|uid| uid == "0"), "{status}");
        assert!(!line("Gid:").split_whitespace().skip(1).any(|gid| gid == "0"), "{status}");
        assert!(line("CapEff:").ends_with("0000000000000000"), "{status}");
        assert_eq!(fs::metadata(agent.data("run")).expect("run").uid(), 0, "only root says whom to signal");
    }
}

#[test]
fn a_second_start_and_a_second_stop_change_nothing_and_succeed() {
    let agent = Agent::new();
    agent.ok(&["stop"]);
    agent.ok(&["start"]);
    let pid = agent.pid("venAgentMonitor");
    let said = agent.ok(&["start"]);
    assert!(said.contains("already running"), "{said}");
    let output = agent.ctl(&["supervise"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("already runs as process"), "{output:?}");
    assert_eq!((agent.pid("venAgentMonitor"), agent.status()), (pid, 0));
    agent.ok(&["stop"]);
    agent.ok(&["stop"]);
}

#[test]
fn a_killed_daemon_is_started_again_by_its_monitor() {
    let agent = Agent::new();
    agent.ok(&["start"]);
    let (monitor, first) = (agent.pid("venAgentMonitor"), agent.pid("venAgentMgr").expect("pid"));
    kill("-KILL", first);
    agent.wait("a new daemon", || agent.pid("venAgentMgr").is_some_and(|pid| pid != first && lives(pid)));
    assert_eq!(agent.pid("venAgentMonitor"), monitor);
    assert!(agent.logs().contains("was ended by signal 9"), "{}", agent.logs());
}

#[test]
fn a_daemon_ends_when_its_monitor_is_killed_and_the_agent_counts_as_dead() {
    let agent = Agent::new();
    agent.ok(&["start"]);
    let manager = agent.pid("venAgentMgr").expect("pid");
    kill("-KILL", agent.pid("venAgentMonitor").expect("pid"));
    agent.wait("the end of the daemon", || !lives(manager));
    assert_eq!(agent.status(), 1, "dead, with its pid file");
    agent.ok(&["start"]);
    assert_eq!(agent.status(), 0);
}

#[test]
fn a_pid_file_that_names_a_foreign_process_is_not_believed() {
    let agent = Agent::new();
    let mut foreign = Command::new("sleep").arg("60").spawn().expect("sleep");
    fs::create_dir(agent.data("run")).expect("made");
    for name in ["venAgentMonitor", "venAgentMgr"] {
        fs::write(agent.data("run").join(format!("{name}.pid")), format!("{}\n", foreign.id()))
            .expect("written");
    }
    assert_eq!(agent.status(), 1);
    agent.ok(&["stop"]);
    assert_eq!(agent.status(), 3, "stop removes what a dead agent left");
    assert!(lives(foreign.id()), "a foreign process was signalled");
    fs::write(agent.data("run/venAgentMonitor.pid"), format!("{}\n", foreign.id())).expect("written");
    agent.ok(&["start"]);
    assert_eq!(agent.status(), 0);
    foreign.kill().expect("killed");
    foreign.wait().expect("waited");
}

#[test]
fn a_daemon_that_does_not_end_is_killed_and_the_stop_succeeds() {
    let agent = Agent::new();
    agent.ok(&["start"]);
    let manager = agent.pid("venAgentMgr").expect("pid");
    kill("-STOP", manager);
    agent.ok(&["stop"]);
    assert!(!lives(manager));
    assert_eq!(agent.status(), 3);
}

#[test]
fn a_changed_configuration_reaches_the_running_daemon() {
    let agent = Agent::new();
    agent.ok(&["start"]);
    let manager = agent.pid("venAgentMgr");
    let status = || fs::read_to_string(agent.data("state/agent.status")).unwrap_or_default();
    agent.wait("first status", || status().contains("configuration=1\npairing=none"));
    fs::write(agent.data("etc/agent_activation.cfg"), "masterconfig_server: pce.example.com:8443\n")
        .expect("written");
    agent.wait("a new status", || status().contains("configuration=2\npairing=configured"));
    assert!(agent.logs().contains("configuration changed"), "{}", agent.logs());
    assert_eq!(agent.pid("venAgentMgr"), manager);
}

#[test]
fn restart_replaces_both_processes_and_starts_a_stopped_agent() {
    let agent = Agent::new();
    agent.ok(&["restart"]);
    let before = (agent.pid("venAgentMonitor"), agent.pid("venAgentMgr"));
    agent.ok(&["restart", "--direct"]);
    let after = (agent.pid("venAgentMonitor"), agent.pid("venAgentMgr"));
    assert!(before.0 != after.0 && before.1 != after.1);
    assert_eq!(agent.status(), 0);
}

#[test]
fn starts_at_the_same_time_leave_one_agent() {
    let agent = Agent::new();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| agent.ctl(&["start"]));
        }
    });
    assert_eq!(agent.status(), 0);
    let own = agent.root.path().display().to_string();
    let monitors = fs::read_dir("/proc")
        .expect("proc")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| command_name(*pid) == "venAgentMonitor")
        .filter(|pid| {
            fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(&own))
        })
        .count();
    assert_eq!(monitors, 1);
}

#[test]
fn wrong_settings_are_refused_with_file_line_and_mend() {
    let agent = Agent::new();
    fs::write(&agent.settings, "VEN_PREFIX=/opt\nVEN_DATA_DIR=data\n").expect("written");
    let output = agent.ctl(&["start"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("install.env:2: VEN_DATA_DIR: not an absolute path"), "{said}");
    assert_eq!(agent.status(), 4, "unknown");
    fs::remove_file(&agent.settings).expect("removed");
    let said = String::from_utf8_lossy(&agent.ctl(&["start"]).stderr).into_owned();
    assert!(said.contains("install the package"), "{said}");
}

#[test]
fn a_data_directory_that_is_missing_or_a_link_is_refused() {
    let agent = Agent::new();
    let real = agent.data("");
    fs::rename(&real, agent.root.path().join("moved")).expect("moved");
    let output = agent.ctl(&["start"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("illumio_ven_data"), "{output:?}");
    std::os::unix::fs::symlink("../moved", agent.root.path().join("data/illumio_ven_data")).expect("linked");
    assert_eq!(agent.ctl(&["start"]).status.code(), Some(1));
}

#[test]
fn version_comes_from_the_package_then_the_settings_then_the_program() {
    let agent = Agent::new();
    assert_eq!(agent.ok(&["version"]), "1.2.3-4\n");
    let home = agent.root.path().join("opt/illumio_ven");
    fs::create_dir(home.join("etc")).expect("made");
    fs::write(home.join("etc/version"), "23.5.10-1234\n").expect("written");
    let program = home.join("illumio-ven-ctl");
    fs::copy(CTL, &program).expect("copied");
    let version = |words: &[&str]| Command::new(&program).args(words).output().expect("runs").stdout;
    assert_eq!(version(&["version"]), b"23.5.10-1234\n");
    fs::remove_file(home.join("etc/version")).expect("removed");
    let none = ["version", "--settings", "/nonexistent"];
    assert_eq!(version(&none), format!("{}\n", env!("CARGO_PKG_VERSION")).as_bytes());
}

#[test]
fn a_wrong_command_line_is_refused_with_the_usage() {
    for words in [&["stat"][..], &[], &["start", "stop"], &["status", "--direct"], &["start", "--settings"]] {
        let output = Command::new(CTL).args(words).output().expect("runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("usage: illumio-ven-ctl"), "{words:?}");
    }
}
