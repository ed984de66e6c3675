//! Logs in the data directory, rotated by size.

use std::fs::File;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::dir::Dir;

/// Size at which a log is rotated: 15 MB.
pub const MAX_BYTES: u64 = 15 * 1024 * 1024;
/// Older parts that are kept: `NAME.log.1` is the youngest.
pub const KEPT: u32 = 2;

/// A log file that never stops the agent: what cannot be written is dropped.
#[derive(Debug)]
pub struct Log {
    dir: Dir,
    name: String,
    max_bytes: u64,
}

impl Log {
    /// A log `NAME.log` in `dir`.
    pub fn new(dir: Dir, name: &str) -> Log {
        Log { dir, name: format!("{name}.log"), max_bytes: MAX_BYTES }
    }

    /// Appends a line with the time (UTC) and this process's number.
    pub fn line(&self, text: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let line = format!("{} [{}] {text}\n", timestamp(now), std::process::id());
        if let Some(mut file) = self.file(line.len() as u64) {
            let _ = file.write_all(line.as_bytes());
        }
    }

    fn open(&self) -> Option<File> {
        self.dir.open_file(&self.name, libc::O_WRONLY | libc::O_APPEND | libc::O_CREAT, 0o640).ok()
    }

    fn file(&self, more: u64) -> Option<File> {
        let file = self.open()?;
        if file.metadata().ok()?.len() + more <= self.max_bytes {
            return Some(file);
        }
        let part = |number: u32| format!("{}.{number}", self.name);
        for number in (1..KEPT).rev() {
            let _ = self.dir.rename(&part(number), &part(number + 1));
        }
        let _ = self.dir.rename(&self.name, &part(1));
        self.open()
    }
}

/// `2024-02-29T12:34:56Z` of seconds since 1970 (civil-from-days of Howard Hinnant's calendar paper).
pub fn timestamp(seconds: u64) -> String {
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let time = seconds % 86_400;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", time / 3600, time / 60 % 60, time % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_agree_with_the_calendar_at_leap_days_and_century_ends() {
        assert_eq!(timestamp(0), "1970-01-01T00:00:00Z");
        assert_eq!(timestamp(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(timestamp(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(timestamp(1_709_210_096), "2024-02-29T12:34:56Z");
        assert_eq!(timestamp(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn a_full_log_is_rotated_and_only_the_promised_parts_are_kept() {
        let root = tempfile::tempdir().expect("a directory");
        let log = Log { dir: Dir::open(root.path()).expect("open"), name: "x.log".into(), max_bytes: 200 };
        for number in 0..50 {
            log.line(&format!("line {number}"));
        }
        let mut names: Vec<_> = std::fs::read_dir(root.path())
            .expect("read")
            .map(|e| e.expect("entry").file_name().into_string().expect("plain"))
            .collect();
        names.sort();
        assert_eq!(names, ["x.log", "x.log.1", "x.log.2"]);
        for name in &names {
            assert!(std::fs::metadata(root.path().join(name)).expect("there").len() <= 200, "{name}");
        }
        let last = std::fs::read_to_string(root.path().join("x.log")).expect("read");
        assert!(last.ends_with("line 49\n"), "{last}");
    }

    #[test]
    fn a_log_does_not_write_through_planted_links() {
        let root = tempfile::tempdir().expect("a directory");
        let victim = root.path().join("victim");
        std::fs::write(&victim, "").expect("written");
        std::fs::create_dir(root.path().join("log")).expect("made");
        let link = root.path().join("log/x.log");
        for symbolic in [true, false] {
            if symbolic {
                std::os::unix::fs::symlink(&victim, &link).expect("planted");
            } else {
                std::fs::hard_link(&victim, &link).expect("planted");
            }
            Log::new(Dir::open(&root.path().join("log")).expect("open"), "x").line("text");
            assert_eq!(std::fs::read_to_string(&victim).expect("read"), "");
            std::fs::remove_file(&link).expect("removed");
        }
    }
}
