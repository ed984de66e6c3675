//! Processes, files and signals of the agent on Unix.

pub mod control;
pub mod dir;
pub mod log;
pub mod manager;
pub mod monitor;
pub mod pidfile;
pub mod privileges;
pub mod signals;

/// Name of the supervising process.
pub const MONITOR: &str = "venAgentMonitor";
/// Name of the daemon.
pub const MANAGER: &str = "venAgentMgr";

/// An operation on the host that failed: what was tried, and the system's reason.
#[derive(Debug)]
pub struct Error {
    what: String,
    source: Option<std::io::Error>,
}

impl Error {
    /// A failure with the system's reason.
    pub fn io(what: impl Into<String>, source: std::io::Error) -> Error {
        Error { what: what.into(), source: Some(source) }
    }

    /// Whether the thing is simply not there.
    pub fn is_not_found(&self) -> bool {
        self.source.as_ref().is_some_and(|error| error.kind() == std::io::ErrorKind::NotFound)
    }

    /// A failure that no system call reported.
    pub fn new(what: impl Into<String>) -> Error {
        Error { what: what.into(), source: None }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Some(source) => write!(f, "{}: {source}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

impl std::error::Error for Error {}

/// Sets the process name that `ps -o comm` and /proc/PID/comm show, where the system can.
pub fn set_process_name(name: &str) {
    #[cfg(target_os = "linux")]
    if let Ok(name) = std::ffi::CString::new(name) {
        // SAFETY: PR_SET_NAME reads a string of at most 16 bytes that outlives the call.
        #[expect(unsafe_code, reason = "there is no safe call for it in std")]
        unsafe {
            libc::prctl(libc::PR_SET_NAME, name.as_ptr());
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = name;
}
