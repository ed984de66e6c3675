//! The verbs of the control program.
#![expect(unsafe_code, reason = "std signals children only, not other processes")]

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::dir::Dir;
use super::monitor::{STOP_TIMEOUT, pid_name};
use super::pidfile::{Owner, owner};
use super::{Error, MANAGER, MONITOR};
use crate::settings::{Init, Settings};

/// How long a started agent has until both of its processes run.
const START_TIMEOUT: Duration = Duration::from_secs(20);
/// Pause between looks.
const LOOK: Duration = Duration::from_millis(50);
/// LSB status codes.
const RUNNING: u8 = 0;
const DEAD: u8 = 1;
const STOPPED: u8 = 3;

/// How an agent is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Through the init system that the installation found.
    ByInit,
    /// As a child of nobody.
    Direct,
}

struct State {
    monitor: Owner,
    manager: Owner,
}

fn state(settings: &Settings) -> Result<State, Error> {
    match Dir::open(&settings.data.join("run")) {
        Ok(run) => {
            Ok(State { monitor: owner(&run, &pid_name(MONITOR)), manager: owner(&run, &pid_name(MANAGER)) })
        }
        // The agent never ran.
        Err(error) if error.is_not_found() => Ok(State { monitor: Owner::None, manager: Owner::None }),
        Err(error) => Err(error),
    }
}

/// Prints what runs.
pub fn status(settings: &Settings) -> Result<u8, Error> {
    let State { monitor, manager } = state(settings)?;
    for (name, owner) in [(MONITOR, monitor), (MANAGER, manager)] {
        match owner {
            Owner::Alive(pid) => println!("{name} (pid {pid}) is running..."),
            Owner::Elsewhere => println!("{name} is running in another process name space"),
            Owner::Dead => println!("{name} dead but pid file exists"),
            Owner::None => println!("{name} is stopped"),
        }
    }
    let paired = settings.data.join("etc/agent_activation.cfg").exists();
    println!("Agent State: {}", if paired { "pairing configured" } else { "unpaired" });
    Ok(match monitor {
        Owner::Alive(_) | Owner::Elsewhere => RUNNING,
        Owner::Dead => DEAD,
        Owner::None => STOPPED,
    })
}

fn report(text: &str, ok: bool) {
    println!("{text:<60}{}", if ok { "[  OK  ]" } else { "[FAILED]" });
}

/// Starts the agent; one that runs is left alone.
pub fn start(settings: &Settings, how: How) -> Result<u8, Error> {
    if let Owner::Alive(_) | Owner::Elsewhere = state(settings)?.monitor {
        println!("{MONITOR} is already running");
        return Ok(0);
    }
    println!("Starting illumio-control:");
    let result = match (how, settings.init) {
        (How::ByInit, Init::Systemd) if Path::new("/run/systemd/system").is_dir() => {
            // A unit that was restarted often or failed is not refused for that. Nothing to reset is no failure.
            let _ = Command::new("systemctl")
                .args(["reset-failed", "illumio-ven.service"])
                .stdin(Stdio::null())
                .stderr(Stdio::null())
                .status();
            command("systemctl", &["start", "illumio-ven.service"])
                .and_then(|()| await_start(settings, || None))
        }
        (How::ByInit, Init::Upstart) => {
            command("initctl", &["start", "illumio-ven"]).and_then(|()| await_start(settings, || None))
        }
        _ => start_directly(settings),
    };
    report(&format!(" - {MANAGER} Starting {MANAGER}:"), result.is_ok());
    report(&format!(" - {MONITOR} Starting {MONITOR}:"), result.is_ok());
    result.map(|()| 0)
}

fn command(program: &str, arguments: &[&str]) -> Result<(), Error> {
    let line = format!("{program} {}", arguments.join(" "));
    match Command::new(program).args(arguments).stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::new(format!("{line}: {status}"))),
        Err(error) => Err(Error::io(line, error)),
    }
}

/// Starts the monitor as its own session, with nothing of this process's environment: it may hold an
/// activation code.
fn start_directly(settings: &Settings) -> Result<(), Error> {
    let program = std::env::current_exe().map_err(|error| Error::io("own path", error))?;
    let mut command = Command::new(&program);
    command.arg("supervise").arg("--detached").arg("--settings").arg(&settings.path);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    // SAFETY: setsid() is async-signal-safe.
    unsafe {
        command.pre_exec(|| if libc::setsid() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) });
    }
    let mut child = command.spawn().map_err(|error| Error::io(format!("{}", program.display()), error))?;
    await_start(settings, || {
        let status = child.try_wait().ok()??;
        let mut said = String::new();
        if let Some(mut stderr) = child.stderr.take() {
            let _ = stderr.read_to_string(&mut said);
        }
        Some(Error::new(format!("the monitor ended with {status}: {}", said.trim())))
    })
}

fn await_start(settings: &Settings, mut failed: impl FnMut() -> Option<Error>) -> Result<(), Error> {
    let deadline = Instant::now() + START_TIMEOUT;
    loop {
        if let State { monitor: Owner::Alive(_), manager: Owner::Alive(_) } = state(settings)? {
            return Ok(());
        }
        if let Some(error) = failed() {
            return Err(error);
        }
        if Instant::now() >= deadline {
            let log = settings.data.join("log").join(format!("{MONITOR}.log"));
            return Err(Error::new(format!("the agent did not start in time: see {}", log.display())));
        }
        std::thread::sleep(LOOK);
    }
}

/// Stops the agent; one that does not run is stopped already.
pub fn stop(settings: &Settings) -> Result<u8, Error> {
    println!("Shutting down illumio-control:");
    // The monitor first: it stops its daemon and does not start it again.
    for (name, patience) in [(MONITOR, 2 * STOP_TIMEOUT), (MANAGER, STOP_TIMEOUT)] {
        let stopped = stop_process(settings, name, patience);
        report(&format!(" - {name} Stopping {name}:"), stopped.is_ok());
        stopped?;
    }
    if let Ok(run) = Dir::open(&settings.data.join("run")) {
        for name in [MONITOR, MANAGER] {
            // What is left of a process that was killed. A starting one holds its lock.
            if owner(&run, &pid_name(name)) == Owner::Dead {
                run.remove(&pid_name(name))
                    .map_err(|error| Error::io(run.path_of(&pid_name(name)).display().to_string(), error))?;
            }
        }
    }
    Ok(0)
}

fn stop_process(settings: &Settings, name: &str, patience: Duration) -> Result<(), Error> {
    let find = || {
        let State { monitor, manager } = state(settings)?;
        Ok(if name == MONITOR { monitor } else { manager })
    };
    for (signal, patience) in [(libc::SIGTERM, patience), (libc::SIGKILL, STOP_TIMEOUT)] {
        let Owner::Alive(pid) = find()? else { break };
        // SAFETY: the process holds the lock at this moment.
        if unsafe { libc::kill(pid, signal) } < 0 {
            let error = io::Error::last_os_error();
            if error.raw_os_error() != Some(libc::ESRCH) {
                return Err(Error::io(format!("{name} (pid {pid})"), error));
            }
        }
        let deadline = Instant::now() + patience;
        while find()? == Owner::Alive(pid) && Instant::now() < deadline {
            std::thread::sleep(LOOK);
        }
    }
    match find()? {
        Owner::Alive(pid) => Err(Error::new(format!("{name} (pid {pid}) does not end"))),
        Owner::Elsewhere => {
            Err(Error::new(format!("{name} runs in another process name space: stop it there")))
        }
        Owner::Dead | Owner::None => Ok(()),
    }
}
