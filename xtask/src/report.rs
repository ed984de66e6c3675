//! Progress for people and logs for later: bars on a terminal, plain lines in a pipe, one log file for each job.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Progress {
    /// Bars on a terminal, plain lines elsewhere or when `CI` is set.
    Auto,
    /// One line when a job begins and one when it ends.
    Plain,
    /// Nothing.
    None,
}

/// Where progress goes. Everything goes to standard error: standard output is for results.
pub struct Reporter {
    bars: Option<MultiProgress>,
    plain: bool,
    logs: PathBuf,
    times: Mutex<Vec<(String, Duration)>>,
}

/// A named piece of work with a log file of its own.
pub struct Job<'a> {
    reporter: &'a Reporter,
    name: String,
    bar: Option<ProgressBar>,
    began: Instant,
}

impl Reporter {
    /// A reporter whose jobs log below `logs`. `ci` says whether the variable `CI` is set.
    pub fn new(progress: Progress, ci: bool, logs: PathBuf) -> Reporter {
        let terminal = std::io::stderr().is_terminal() && !ci;
        let (bars, plain) = match progress {
            Progress::None => (None, false),
            Progress::Auto if terminal => (Some(MultiProgress::new()), false),
            Progress::Auto | Progress::Plain => (None, true),
        };
        Reporter { bars, plain, logs, times: Mutex::default() }
    }

    /// Begins a job. Its name becomes a file name.
    pub fn job(&self, name: impl Into<String>) -> Job<'_> {
        let name = name.into();
        let bar = self.bars.as_ref().map(|bars| {
            let bar = bars.add(ProgressBar::new_spinner());
            let style = ProgressStyle::with_template("{spinner} {prefix:<28} {elapsed:>4} {wide_msg}");
            bar.set_style(style.expect("a constant template"));
            bar.set_prefix(name.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if self.plain {
            eprintln!("begin  {name}");
        }
        Job { reporter: self, name, bar, began: Instant::now() }
    }

    /// A line that must not be lost among bars.
    pub fn say(&self, line: &str) {
        match &self.bars {
            Some(bars) => drop(bars.println(line)),
            None if self.plain => eprintln!("{line}"),
            None => {}
        }
    }

    /// Finished jobs and how long each took, in order of their end.
    pub fn times(&self) -> Vec<(String, Duration)> {
        self.times.lock().expect("no job panics while it holds the lock").clone()
    }

    /// The folder of the log files.
    pub fn logs(&self) -> &Path {
        &self.logs
    }
}

impl Job<'_> {
    /// Says what the job is doing now.
    pub fn step(&self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_owned());
        }
        self.log(message);
    }

    /// The job's log file. Its folder is made when it is first needed.
    pub fn log_file(&self) -> PathBuf {
        self.reporter.logs.join(format!("{}.log", self.name.replace(['/', ' '], "-")))
    }

    fn log(&self, message: &str) {
        // A log that cannot be written must not stop a release: the disk error shows where it matters.
        let path = self.log_file();
        let file = path.parent().map(std::fs::create_dir_all).and_then(|_| File::options().append(true).create(true).open(path).ok());
        if let Some(mut file) = file {
            let _ = writeln!(file, "{message}");
        }
    }

    /// Ends the job well.
    pub fn done(self, detail: &str) {
        let took = self.began.elapsed();
        if let Some(bar) = &self.bar {
            bar.finish_with_message(detail.to_owned());
        }
        if self.reporter.plain {
            eprintln!("done   {} ({}) {detail}", self.name, seconds(took));
        }
        self.log(detail);
        self.reporter.times.lock().expect("no job panics while it holds the lock").push((self.name.clone(), took));
    }
}

/// A duration for people: `0.3 s`, `12.0 s`, `3 min 20 s`.
pub fn seconds(duration: Duration) -> String {
    let s = duration.as_secs_f64();
    if s < 120.0 { format!("{s:.1} s") } else { format!("{} min {} s", s as u64 / 60, s as u64 % 60) }
}

/// A size for people.
pub fn bytes(size: u64) -> String {
    match size {
        0..1024 => format!("{size} B"),
        1024..1_048_576 => format!("{:.1} KiB", size as f64 / 1024.0),
        _ => format!("{:.1} MiB", size as f64 / 1_048_576.0),
    }
}
