//! Whatever ends a run early, the release that stood there stands there still, whole.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::time::Duration;

use common::{run, stdout_of, text, xtask};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use xtask::release::RELEASE;

const ID: &str = "23.5.10-77";
/// 2026-09-01; each run takes another day, so that their releases differ.
const TIME: u32 = 1_788_220_800;
const DAY: u32 = 86_400;

/// Two packages are enough: every step of a run is there, and it is short.
fn arguments(out: &Path, time: u32, command: &mut Command) {
    command.arg("dist").arg("--out").arg(out).args(["--build", "77", "--progress", "plain"]);
    command
        .args(["--platform", "c8.x86_64", "--platform", "u22.amd64"])
        .env("SOURCE_DATE_EPOCH", time.to_string());
}

fn dist(out: &Path, time: u32) -> Command {
    let mut command = xtask();
    arguments(out, time, &mut command);
    command
}

/// Every path of a release with mode, time and content.
type Seen = BTreeMap<PathBuf, (u32, i64, Option<Vec<u8>>)>;

fn snapshot(release: &Path) -> Seen {
    let seen = |entry: walkdir::DirEntry| {
        let meta = entry.metadata().expect("readable");
        let content = meta.is_file().then(|| fs::read(entry.path()).expect("readable"));
        (entry.path().strip_prefix(release).expect("below").to_owned(), (meta.mode(), meta.mtime(), content))
    };
    walkdir::WalkDir::new(release).into_iter().map(|e| seen(e.expect("readable"))).collect()
}

/// The time that a whole release says it was made at.
fn time_of(release: &Path) -> u32 {
    let at = "2026-12-01T00:00:00Z";
    stdout_of(xtask().arg("verify").arg(release).args(["--at", at]));
    fs::metadata(release.join(RELEASE)).expect("there").mtime() as u32
}

fn entries(out: &Path) -> Vec<String> {
    let names = fs::read_dir(out).expect("there").map(|e| e.expect("readable").file_name());
    let mut names: Vec<String> = names.map(|n| n.into_string().expect("our names")).collect();
    names.sort();
    names
}

/// A run in a process group of its own, which has said `lines` lines of progress.
fn begin(out: &Path, time: u32, lines: usize) -> (Child, BufReader<ChildStderr>) {
    let mut command = dist(out, time);
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program under test");
    let mut said = BufReader::new(child.stderr.take().expect("piped"));
    for _ in 0..lines {
        let mut line = String::new();
        said.read_line(&mut line).expect("text");
        assert!(line.starts_with("begin ") || line.starts_with("done "), "{line}");
    }
    (child, said)
}

/// Whom a signal reaches.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    /// Everything that runs, as a terminal or an out-of-memory killer does.
    Group,
    /// The program alone, as a service manager may do.
    Program,
}

/// Runs until `lines` lines of progress and some milliseconds later, and sends a signal.
fn interrupt(out: &Path, time: u32, lines: usize, wait: u64, signal: Signal, reach: Reach) -> ExitStatus {
    let (mut child, mut said) = begin(out, time, lines);
    std::thread::sleep(Duration::from_millis(wait));
    let pid = Pid::from_child(&child);
    // It may have ended by itself: then there is nothing to interrupt.
    let _ = match reach {
        Reach::Group => kill_process_group(pid, signal),
        Reach::Program => kill_process(pid, signal),
    };
    let status = child.wait().expect("a child");
    said.read_to_string(&mut String::new()).expect("text");
    status
}

#[test]
fn a_run_killed_at_any_moment_leaves_the_old_release_or_the_new_one_whole_and_the_next_run_succeeds() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("writable");
    let out = dir.path().join("out");
    let release = out.join(ID);
    stdout_of(&mut dist(&out, TIME));
    let usual = entries(&out);
    assert_eq!(usual, [".lock", ID, "logs", "toolchain"]);

    // After each line of progress there is, with the agent compiled anew for the first, and at a random moment then.
    let killed = (1..=8).map(|line| (line, Signal::KILL, Reach::Group));
    let asked =
        [(5, Signal::INT, Reach::Group), (3, Signal::TERM, Reach::Group), (1, Signal::TERM, Reach::Program)];
    let moments: Vec<_> = killed.chain(asked).collect();
    let seed = 1234;
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut interrupted = 0;
    for (n, (line, signal, reach)) in moments.into_iter().enumerate() {
        let time = TIME + DAY * (n as u32 + 1);
        let before = snapshot(&release);
        if line == 1 {
            fs::remove_dir_all(out.join("toolchain")).expect("there");
        }
        // The steps behind the first take some tens of milliseconds each on an idle machine.
        let wait = if line == 1 { random.gen_range(500..3000) } else { random.gen_range(0..30) };
        let status = interrupt(&out, time, line, wait, signal, reach);
        interrupted += usize::from(!status.success());
        let what = format!("{signal:?} {wait} ms after line {line}, {status}");

        let left = entries(&out);
        let odd: Vec<_> = left.iter().filter(|e| !usual.contains(e) && !e.starts_with(".staging-")).collect();
        assert!(odd.is_empty(), "{what}: {odd:?}");
        let after = snapshot(&release);
        if after != before {
            assert_eq!(time_of(&release), time, "{what}: neither the old release nor the new one");
        }
        if n % 2 == 0 {
            stdout_of(&mut dist(&out, time));
            assert_eq!(entries(&out), usual, "{what}, and then a whole run");
            assert_eq!(time_of(&release), time, "{what}, and then a whole run");
            if after != before {
                assert!(snapshot(&release) == after, "{what}: the next run makes the same release");
            }
        }
    }
    assert!(interrupted >= 8, "only {interrupted} runs were interrupted");
    stdout_of(&mut dist(&out, TIME));
    assert_eq!(entries(&out), usual);
}

#[test]
fn of_two_runs_at_once_the_second_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("writable");
    let (mut first, mut said) = begin(dir.path(), TIME, 1);
    let pid = Pid::from_child(&first);
    kill_process_group(pid, Signal::STOP).expect("it runs");
    let second = run(&mut dist(dir.path(), TIME + DAY));
    kill_process_group(pid, Signal::CONT).expect("it is stopped");
    assert_eq!(second.status.code(), Some(7), "{}", text(&second));
    let lock = format!("another run holds {}", dir.path().join(".lock").display());
    assert!(text(&second).contains(&lock), "{}", text(&second));
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("text");
    assert!(first.wait().expect("a child").success(), "{rest}");
    assert_eq!(time_of(&dir.path().join(ID)), TIME);
}

/// A small file system that only this test and its children see.
struct Disk {
    holder: Child,
    place: PathBuf,
}

impl Disk {
    /// `None`, said aloud, where the tests do not run as root.
    fn mount(place: &Path) -> Option<Disk> {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return None;
        }
        fs::create_dir_all(place).expect("writable");
        let script = r#"mount -t tmpfs -o size=200m none "$0" && echo ready && read -r _"#;
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", script]).arg(place).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut holder = command.spawn().expect("unshare; `cargo xtask test` installs what tests need");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("piped")).read_line(&mut line).expect("text");
        assert_eq!(line, "ready\n", "root can mount a tmpfs");
        Some(Disk { holder, place: place.to_owned() })
    }

    /// The file system as seen from outside.
    fn view(&self) -> PathBuf {
        Path::new("/proc")
            .join(self.holder.id().to_string())
            .join("root")
            .join(self.place.strip_prefix("/").expect("absolute"))
    }

    fn inside(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("--mount").arg("--target").arg(self.holder.id().to_string()).arg(program);
        command
    }

    fn remount(&self, options: &str) {
        stdout_of(self.inside("mount").args(["-o", &format!("remount,{options}")]).arg(&self.place));
    }

    /// Leaves this many bytes free.
    fn leave(&self, free: u64) {
        let stat = rustix::fs::statvfs(self.view()).expect("mounted");
        let used = (stat.f_blocks - stat.f_bfree) * stat.f_frsize;
        self.remount(&format!("size={}", used + free));
    }

    fn dist(&self, time: u32) -> Command {
        let outside = xtask();
        let mut command = self.inside(env!("CARGO_BIN_EXE_xtask"));
        for (name, value) in outside.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        arguments(&self.place, time, &mut command);
        command
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Asserts that a run fails for want of space, says where, and leaves everything as it was.
#[track_caller]
fn assert_full(disk: &Disk, time: u32, path: &str) {
    let before = snapshot(&disk.view().join(ID));
    let output = run(&mut disk.dist(time));
    let said = text(&output);
    assert_eq!(output.status.code(), Some(7), "{said}");
    assert!(said.to_lowercase().contains("no space left"), "{said}");
    assert!(said.contains(disk.place.join(path).to_str().expect("our path")), "{said}");
    assert!(said.contains("the previous release, if any, is as it was"), "{said}");
    assert!(snapshot(&disk.view().join(ID)) == before, "the previous release was touched: {said}");
    let left = entries(&disk.view());
    assert!(left.iter().all(|e| [".lock", ID, "logs", "toolchain"].contains(&e.as_str())), "{left:?}");
}

#[test]
fn a_full_disk_is_named_and_leaves_the_previous_release_as_it_was() {
    let dir = tempfile::tempdir().expect("writable");
    let Some(disk) = Disk::mount(&dir.path().join("disk")) else { return };
    stdout_of(&mut disk.dist(TIME));
    let size: u64 = snapshot(&disk.view().join(ID))
        .values()
        .map(|(_, _, c)| c.as_ref().map_or(0, |c| c.len() as u64))
        .sum();

    // Among the first files, and among the last.
    let staging = format!(".staging-{ID}");
    for free in [64 << 10, size - (16 << 10)] {
        disk.leave(free);
        assert_full(&disk, TIME + DAY, &staging);
        disk.remount("size=200m");
    }
    // While the agent is compiled.
    fs::remove_dir_all(disk.view().join("toolchain")).expect("there");
    for free in [0, 1 << 20] {
        disk.leave(free);
        assert_full(&disk, TIME + DAY, "");
        disk.remount("size=200m");
    }
    stdout_of(&mut disk.dist(TIME + DAY));
    let copy = dir.path().join("copy");
    common::copy_tree(&disk.view().join(ID), &copy);
    let written = fs::metadata(disk.view().join(ID).join(RELEASE)).expect("there").mtime();
    assert_eq!(written, i64::from(TIME + DAY));
    stdout_of(xtask().arg("verify").arg(&copy).args(["--at", "2026-12-01T00:00:00Z"]));
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().expect("writable");
    let out = dir.path().join("out");
    let disk = Disk::mount(&out);
    let output = match &disk {
        Some(disk) => {
            disk.remount("ro");
            run(&mut disk.dist(TIME))
        }
        None => {
            fs::create_dir_all(&out).expect("writable");
            fs::set_permissions(&out, fs::Permissions::from_mode(0o555)).expect("ours");
            run(&mut dist(&out, TIME))
        }
    };
    assert_eq!(output.status.code(), Some(7), "{}", text(&output));
    assert!(text(&output).contains(out.join(".lock").to_str().expect("our path")), "{}", text(&output));
    assert!(text(&output).contains("check the path and its permissions"), "{}", text(&output));
}
