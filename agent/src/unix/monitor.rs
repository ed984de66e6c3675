//! `venAgentMonitor`: keeps one daemon alive.
#![expect(
    unsafe_code,
    reason = "std has no fork without exec: the daemon must not depend on a file being replaced"
)]

use std::io::{self, BufRead, BufReader};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::dir::Dir;
use super::log::Log;
use super::pidfile::{AcquireError, PidFile};
use super::privileges::{self, Account};
use super::signals::{Event, Signals, pipe};
use super::{Error, MANAGER, MONITOR, manager, set_process_name};
use crate::settings::Settings;

/// First and longest pause before a dead daemon is started again.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// A daemon that lived this long starts the pauses anew.
const HEALTHY: Duration = Duration::from_secs(60);
/// How long the daemon has to end before it is killed.
pub const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Name of a process id file.
pub fn pid_name(process: &str) -> String {
    format!("{process}.pid")
}

/// The agent's directories, opened without following links.
struct Places {
    run: Dir,
    state: Dir,
    log: Dir,
}

impl Places {
    fn open(settings: &Settings, account: Option<Account>) -> Result<Places, Error> {
        let data = Dir::open(&settings.data)?;
        let run = data.subdir("run", 0o750)?;
        let state = data.subdir("state", 0o750)?;
        let log = data.subdir("log", 0o750)?;
        if let Some(Account { uid, gid }) = account {
            let failed = |error| Error::io(format!("chown {}", settings.data.display()), error);
            // Process ids are root's: nobody else may say whom to signal.
            privileges::give(run.file(), 0, gid).map_err(failed)?;
            privileges::give(state.file(), uid, gid).map_err(failed)?;
            privileges::give(log.file(), uid, gid).map_err(failed)?;
            if settings.data.join("etc/agent_activation.cfg").exists() {
                privileges::give(data.file(), uid, gid).map_err(failed)?;
            }
        }
        Ok(Places { run, state, log })
    }
}

/// Runs the monitor in this process until it is told to stop.
pub fn supervise(settings: &Settings, detached: bool) -> Result<u8, Error> {
    set_process_name(MONITOR);
    // SAFETY: umask() cannot fail.
    unsafe { libc::umask(0o027) };
    let account = if privileges::is_root() { Some(privileges::account(settings)?) } else { None };
    let places = Places::open(settings, account)?;
    let _pid_file = match PidFile::acquire(&places.run, &pid_name(MONITOR)) {
        Ok(held) => held,
        Err(AcquireError::Held(pid)) => {
            return Err(Error::new(format!("{MONITOR} already runs as process {pid}")));
        }
        Err(AcquireError::Failed(error)) => return Err(error),
    };
    let signals = Signals::install().map_err(|error| Error::io("signals", error))?;
    std::env::set_current_dir("/").map_err(|error| Error::io("/", error))?;
    if detached {
        close_terminal().map_err(|error| Error::io("/dev/null", error))?;
    }
    let log = Log::new(places.log.subdir(".", 0).map_err(|error| Error::new(error.to_string()))?, MONITOR);
    log.line("started");
    prepare_platform(settings, &log);
    keep_alive(settings, &places, account, &signals, &log);
    let _ = places.run.remove(&pid_name(MONITOR));
    log.line("stopped");
    Ok(0)
}

fn close_terminal() -> io::Result<()> {
    let null = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for fd in 0..3 {
        // SAFETY: dup2 onto the standard descriptors.
        if unsafe { libc::dup2(null.as_raw_fd(), fd) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Kernel modules and the like, by the host's own script: what it cannot do is in the log and stops nothing.
fn prepare_platform(settings: &Settings, log: &Log) {
    let script = settings.home().join("bin/init_Platform");
    if !privileges::is_root() || !script.exists() {
        return log.line("the platform is not prepared: not root, or no init_Platform");
    }
    let child = Command::new(&script)
        .arg("prepare")
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = match child {
        Ok(child) => child,
        Err(error) => return log.line(&format!("{}: {error}", script.display())),
    };
    if let Some(output) = child.stdout.take() {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            log.line(&line);
        }
    }
    match child.wait() {
        Ok(status) if status.success() => {}
        Ok(status) => log.line(&format!("{} prepare: {status}", script.display())),
        Err(error) => log.line(&format!("{}: {error}", script.display())),
    }
}

/// A running daemon: while `_lifeline` is open it knows that the monitor lives.
struct Daemon {
    pid: libc::pid_t,
    since: Instant,
    _lifeline: OwnedFd,
}

fn keep_alive(settings: &Settings, places: &Places, account: Option<Account>, signals: &Signals, log: &Log) {
    let mut daemon: Option<Daemon> = None;
    let mut pause = BACKOFF.0;
    let mut start_at = Instant::now();
    loop {
        if daemon.is_none() && Instant::now() >= start_at {
            match spawn(settings, places, account) {
                Ok(started) => {
                    log.line(&format!("{MANAGER} started as process {}", started.pid));
                    daemon = Some(started);
                }
                Err(error) => {
                    log.line(&format!("{MANAGER} not started: {error}"));
                    start_at = Instant::now() + pause;
                }
            }
        }
        let wait =
            if daemon.is_some() { HEALTHY } else { start_at.saturating_duration_since(Instant::now()) };
        match signals.wait(wait, None) {
            Event::Stop => break,
            Event::Reload => {
                if let Some(daemon) = &daemon {
                    signal(daemon.pid, libc::SIGHUP);
                }
            }
            Event::Child | Event::Timeout | Event::Orphaned => {}
        }
        if let Some(running) = &daemon
            && let Some(how) = reap(running.pid)
        {
            pause = if running.since.elapsed() >= HEALTHY { BACKOFF.0 } else { pause };
            log.line(&format!("{MANAGER} {how}: it is started again in {} s", pause.as_secs()));
            start_at = Instant::now() + pause;
            pause = (pause * 2).min(BACKOFF.1);
            daemon = None;
        }
    }
    log.line("told to stop");
    if let Some(daemon) = daemon {
        stop_daemon(&daemon, signals, log);
    }
    let _ = places.run.remove(&pid_name(MANAGER));
}

fn stop_daemon(daemon: &Daemon, signals: &Signals, log: &Log) {
    signal(daemon.pid, libc::SIGTERM);
    let deadline = Instant::now() + STOP_TIMEOUT;
    while reap(daemon.pid).is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            log.line(&format!("{MANAGER} does not end: killed"));
            signal(daemon.pid, libc::SIGKILL);
            // SAFETY: waits for an own child that has been killed.
            unsafe { libc::waitpid(daemon.pid, std::ptr::null_mut(), 0) };
            return;
        }
        signals.wait(left.min(Duration::from_millis(200)), None);
    }
}

fn signal(pid: libc::pid_t, signal: libc::c_int) {
    // SAFETY: signals an own child that has not been waited for, so that its number is still its own.
    unsafe { libc::kill(pid, signal) };
}

/// Collects the daemon when it has ended, and says how.
fn reap(pid: libc::pid_t) -> Option<String> {
    let mut status = 0;
    // SAFETY: `status` is a valid place.
    match unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) } {
        0 => None,
        ended if ended == pid && libc::WIFSIGNALED(status) => {
            Some(format!("was ended by signal {}", libc::WTERMSIG(status)))
        }
        ended if ended == pid => Some(format!("ended with code {}", libc::WEXITSTATUS(status))),
        _ => Some("is gone".to_owned()),
    }
}

fn spawn(settings: &Settings, places: &Places, account: Option<Account>) -> Result<Daemon, Error> {
    let (life_read, life_write) = pipe().map_err(|error| Error::io("pipe", error))?;
    // SAFETY: this process has one thread, so that the child may go on as usual.
    match unsafe { libc::fork() } {
        -1 => Err(Error::io("fork", io::Error::last_os_error())),
        0 => {
            drop(life_write);
            let code = u8::from(run_daemon(settings, places, account, &life_read).is_err());
            std::process::exit(code.into())
        }
        pid => Ok(Daemon { pid, since: Instant::now(), _lifeline: life_write }),
    }
}

fn run_daemon(
    settings: &Settings,
    places: &Places,
    account: Option<Account>,
    lifeline: &OwnedFd,
) -> Result<(), Error> {
    set_process_name(MANAGER);
    let signals = Signals::install().map_err(|error| Error::io("signals", error))?;
    let log = Log::new(places.log.subdir(".", 0)?, MANAGER);
    let pid_file = PidFile::acquire(&places.run, &pid_name(MANAGER));
    let held = pid_file.map_err(|error| {
        let what = match error {
            AcquireError::Held(pid) => Error::new(format!("{MANAGER} already runs as process {pid}")),
            AcquireError::Failed(error) => error,
        };
        log.line(&what.to_string());
        what
    })?;
    if let Some(account) = account {
        privileges::drop_to(account).inspect_err(|error| log.line(&error.to_string()))?;
    }
    manager::run(settings, &places.state, &log, &signals, lifeline);
    drop(held);
    Ok(())
}
