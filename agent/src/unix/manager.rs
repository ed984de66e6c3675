//! `venAgentMgr`: the daemon. Keeps its status file current and follows changes of the configuration.

use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::dir::Dir;
use super::log::{Log, timestamp};
use super::signals::{Event, Signals};
use crate::settings::Settings;

/// How often the status file is written when nothing changes.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How often the configuration files are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// Name of the status file in `state/`.
const STATUS: &str = "agent.status";

/// What tells one state of a file from the next.
type Stamp = Option<(SystemTime, u64, u64)>;

fn stamp(path: &Path) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

/// The daemon's configuration: which files it comes from and what they looked like.
struct Watched {
    files: Vec<(PathBuf, Stamp)>,
}

impl Watched {
    fn new(settings: &Settings) -> Watched {
        let etc = settings.data.join("etc");
        let mut files =
            vec![settings.path.clone(), etc.join("agent_activation.cfg"), etc.join("runtime_env.yml")];
        files.extend(settings.runtime_env.clone());
        Watched { files: files.into_iter().map(|path| (path.clone(), stamp(&path))).collect() }
    }

    /// The files that changed since the last look.
    fn changed(&mut self) -> Vec<&Path> {
        let mut changed = Vec::new();
        for (path, seen) in &mut self.files {
            let now = stamp(path);
            if now != *seen {
                *seen = now;
                changed.push(path.as_path());
            }
        }
        changed
    }
}

/// Runs until told to stop, or until the monitor is gone.
pub fn run(settings: &Settings, state: &Dir, log: &Log, signals: &Signals, lifeline: &OwnedFd) {
    let started = SystemTime::now();
    let mut watched = Watched::new(settings);
    let mut generation = 1_u64;
    let mut written: Option<Instant> = None;
    log.line("started");
    loop {
        if written.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
            match write_status(settings, state, started, generation) {
                Ok(()) => {}
                Err(error) => log.line(&format!("{}: {error}", state.path_of(STATUS).display())),
            }
            written = Some(Instant::now());
        }
        let event = signals.wait(LOOK, Some(lifeline));
        match event {
            Event::Stop => break log.line("told to stop"),
            Event::Orphaned => break log.line("the monitor is gone: stopping"),
            Event::Reload | Event::Child | Event::Timeout => {}
        }
        let changed = watched.changed();
        for path in &changed {
            log.line(&format!("configuration changed: {}", path.display()));
        }
        if !changed.is_empty() || event == Event::Reload {
            generation += 1;
            written = None;
        }
    }
    let _ = state.remove(STATUS);
}

fn write_status(
    settings: &Settings,
    state: &Dir,
    started: SystemTime,
    generation: u64,
) -> std::io::Result<()> {
    let time = |at: SystemTime| timestamp(at.duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()));
    let paired = settings.data.join("etc/agent_activation.cfg").exists();
    let text = format!(
        "pid={}\nversion={}\nstarted={}\nupdated={}\nconfiguration={generation}\npairing={}\n",
        std::process::id(),
        settings.version.as_deref().unwrap_or(env!("CARGO_PKG_VERSION")),
        time(started),
        time(SystemTime::now()),
        if paired { "configured" } else { "none" },
    );
    let new = format!("{STATUS}.new");
    let mut file = state.open_file(&new, libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC, 0o640)?;
    file.write_all(text.as_bytes())?;
    state.rename(&new, STATUS)
}
