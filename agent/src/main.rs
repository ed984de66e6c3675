//! `illumio-ven-ctl`: controls the VEN, and is the VEN.

#[cfg(unix)]
mod unix;

mod settings;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: illumio-ven-ctl version | status | start [--direct] | stop | restart | supervise
                       [--settings FILE]

  version     print the release of this agent
  status      print what runs; exit code 0: running, 1: died, 3: stopped, 4: unknown
  start       start the agent, through the host's init system or, with --direct, without it
  stop        stop the agent
  restart     stop, then start
  supervise   run in the foreground, for a service manager
  --settings  read FILE instead of /etc/illumio_ven/install.env";

/// Exit code of a wrong command line, as the LSB has it for init scripts.
const EXIT_USAGE: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Version,
    Status,
    Start,
    Stop,
    Restart,
    Supervise,
}

#[cfg_attr(not(unix), expect(dead_code, reason = "only the Unix verbs read these"))]
struct Arguments {
    verb: Verb,
    settings: PathBuf,
    /// Start without the init system.
    direct: bool,
    /// Internal: `supervise` was started by `start` and lets go of the terminal.
    detached: bool,
}

fn parse(mut words: impl Iterator<Item = std::ffi::OsString>) -> Result<Arguments, String> {
    let mut verb = None;
    let mut settings = PathBuf::from(settings::DEFAULT_PATH);
    let mut direct = false;
    let mut detached = false;
    while let Some(word) = words.next() {
        let named = match word.to_str() {
            Some("version" | "--version") => Verb::Version,
            Some("status") => Verb::Status,
            Some("start") => Verb::Start,
            Some("stop") => Verb::Stop,
            Some("restart") => Verb::Restart,
            Some("supervise") => Verb::Supervise,
            Some("--direct") => {
                direct = true;
                continue;
            }
            Some("--detached") => {
                detached = true;
                continue;
            }
            Some("--settings") => {
                settings = words.next().ok_or("--settings needs a file")?.into();
                continue;
            }
            _ => return Err(format!("unknown word {word:?}")),
        };
        if verb.replace(named).is_some() {
            return Err("more than one verb".to_owned());
        }
    }
    let verb = verb.ok_or("a verb is missing")?;
    if direct && !matches!(verb, Verb::Start | Verb::Restart) {
        return Err("--direct goes with start and restart only".to_owned());
    }
    Ok(Arguments { verb, settings, direct, detached })
}

fn main() -> ExitCode {
    let arguments = match parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(what) => {
            eprintln!("illumio-ven-ctl: {what}\n{USAGE}");
            return ExitCode::from(EXIT_USAGE);
        }
    };
    if arguments.verb == Verb::Version {
        println!("{}", version(&arguments.settings));
        return ExitCode::SUCCESS;
    }
    run(&arguments)
}

/// The release id: of `etc/version` beside the program, else of the recorded settings, else the program's own.
fn version(settings: &Path) -> String {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| std::fs::read_to_string(exe.parent()?.join("etc/version")).ok())
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    beside
        .or_else(|| settings::Settings::load(settings).ok()?.version)
        .unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned())
}

#[cfg(unix)]
fn run(arguments: &Arguments) -> ExitCode {
    use unix::control;

    /// LSB: program or service status is unknown.
    const EXIT_UNKNOWN: u8 = 4;

    let settings = match settings::Settings::load(&arguments.settings) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("illumio-ven-ctl: {error}");
            return ExitCode::from(if arguments.verb == Verb::Status { EXIT_UNKNOWN } else { 1 });
        }
    };
    let how = if arguments.direct { control::How::Direct } else { control::How::ByInit };
    let result = match arguments.verb {
        Verb::Status => control::status(&settings),
        Verb::Start => control::start(&settings, how),
        Verb::Stop => control::stop(&settings),
        Verb::Restart => control::stop(&settings).and_then(|_| control::start(&settings, how)),
        Verb::Supervise => unix::monitor::supervise(&settings, arguments.detached),
        Verb::Version => unreachable!("handled without settings"),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("illumio-ven-ctl: {error}");
            ExitCode::from(if arguments.verb == Verb::Status { EXIT_UNKNOWN } else { 1 })
        }
    }
}

/// Windows has services: its service manager starts, stops and supervises them.
#[cfg(not(unix))]
fn run(arguments: &Arguments) -> ExitCode {
    eprintln!(
        "illumio-ven-ctl: {:?}: on this system the service manager controls the services venAgentMonitorSvc \
         and venAgentMgrSvc",
        arguments.verb
    );
    ExitCode::from(EXIT_USAGE)
}
