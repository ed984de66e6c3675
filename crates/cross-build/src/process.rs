//! Runs external programs: argv only, a clean environment, output into a log file.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::error::{DISK_NEED, Error, IoContext, Result};

/// Variables that may reach a program: where programs and homes are, how to get through a proxy, whom to
/// trust. Everything else could change what is built (RUSTFLAGS, CARGO_*, CFLAGS, LD_*, …).
const ALLOWED: [&str; 21] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "http_proxy",
    "https_proxy",
    "ftp_proxy",
    "all_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "APT_CONFIG",
    "PYENV_ROOT",
    "NETRC",
];

/// Families of variables that only say how to reach a mirror.
const ALLOWED_PREFIXES: [&str; 4] = ["CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTRIES_", "PIP_"];

/// The part of the caller's environment that programs get.
#[derive(Debug, Clone)]
pub(crate) struct CleanEnv(Vec<(OsString, OsString)>);

impl CleanEnv {
    pub fn new(all: &[(OsString, OsString)]) -> Self {
        let keep = |name: &OsStr| {
            name.to_str().is_some_and(|name| {
                ALLOWED.contains(&name) || ALLOWED_PREFIXES.iter().any(|p| name.starts_with(p))
            })
        };
        Self(all.iter().filter(|(name, _)| keep(name)).cloned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_os_str())
    }

    /// A program with this environment and nothing else. `LC_ALL=C`: messages are parsed and logged.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.0.iter().cloned()).env("LC_ALL", "C").env("TZ", "UTC");
        command.stdin(Stdio::null());
        command
    }

    /// PATH with a folder before it.
    pub fn path_with(&self, first: &Path) -> OsString {
        let mut path = first.as_os_str().to_owned();
        if let Some(rest) = self.get("PATH") {
            path.push(":");
            path.push(rest);
        }
        path
    }

    /// The first executable of that name on PATH.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(self.get("PATH")?).map(|dir| dir.join(program)).find(|path| is_executable(path))
    }
}

pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// The command as one line, for logs and messages.
pub(crate) fn show(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Runs a program and takes its standard output.
pub(crate) fn output(command: &mut Command, needed_for: &str) -> Result<String> {
    let out = command.output().map_err(|e| spawn_error(command, needed_for, e))?;
    if out.status.success() {
        return Ok(String::from_utf8_lossy(&out.stdout).into_owned());
    }
    let text = String::from_utf8_lossy(&out.stderr).into_owned();
    Err(Error::Build {
        what: show(command),
        status: out.status.to_string(),
        log: PathBuf::from("(not logged)"),
        tail: last_lines(&text),
    })
}

fn spawn_error(command: &Command, needed_for: &str, source: std::io::Error) -> Error {
    let program = command.get_program().to_string_lossy().into_owned();
    if source.kind() == std::io::ErrorKind::NotFound {
        return Error::MissingTool {
            mend: format!("install it (Debian: {})", debian_package_of(&program)),
            tool: program,
            needed_for: needed_for.to_owned(),
        };
    }
    Error::Io { action: "run", path: program.into(), source }
}

/// The Debian package to name when a program is missing.
fn debian_package_of(program: &str) -> &str {
    let name = program.rsplit('/').next().unwrap_or(program);
    match name {
        "apt-get" | "apt-cache" => "apt",
        "dpkg-deb" => "dpkg",
        "python3" => "python3 python3-pip",
        "cc" | "c++" => "build-essential",
        "cargo" | "rustc" => "rustc cargo",
        "xz" => "xz-utils",
        name if name.starts_with("qemu-") => "qemu-user-static",
        name => name,
    }
}

/// Runs a program with its output appended to `log`, and explains a failure from that output.
pub(crate) fn logged(command: &mut Command, what: &str, log: &Path) -> Result<()> {
    if let Some(dir) = log.parent() {
        std::fs::create_dir_all(dir).at("create", dir)?;
    }
    let mut file = OpenOptions::new().create(true).append(true).open(log).at("open", log)?;
    let start = file.seek(SeekFrom::End(0)).at("read", log)?;
    writeln!(file, "$ {}", show(command)).at("write", log)?;
    command.stdout(file.try_clone().at("open", log)?);
    command.stderr(file.try_clone().at("open", log)?);
    let status = command.status().map_err(|e| spawn_error(command, &format!("for: {what}"), e))?;
    if status.success() {
        return Ok(());
    }
    let text = text_from(log, start)?;
    if says_disk_full(&text) {
        let path = command.get_current_dir().unwrap_or(log).to_owned();
        return Err(Error::DiskFull { path, during: what.to_owned(), needed: DISK_NEED });
    }
    let tail = last_lines(&text);
    if says_no_network(&text) {
        return Err(Error::Network { what: what.to_owned(), attempts: 1, detail: tail.join(" | ") });
    }
    Err(Error::Build { what: what.to_owned(), status: status.to_string(), log: log.to_owned(), tail })
}

/// The log from byte `start` on; at most its last 4 MB.
pub(crate) fn text_from(log: &Path, start: u64) -> Result<String> {
    const MOST: u64 = 4 << 20;
    let mut file = File::open(log).at("open", log)?;
    let len = file.metadata().at("read", log)?.len();
    file.seek(SeekFrom::Start(start.max(len.saturating_sub(MOST)))).at("read", log)?;
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes).at("read", log)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

pub(crate) fn says_disk_full(text: &str) -> bool {
    ["No space left on device", "os error 28", "NoSpaceLeft", "Disk quota exceeded", "os error 122"]
        .iter()
        .any(|sign| text.contains(sign))
}

pub(crate) fn says_no_network(text: &str) -> bool {
    [
        "Could not resolve host",
        "Couldn't resolve host",
        "Temporary failure resolving",
        "Temporary failure in name resolution",
        "Name or service not known",
        "Failed to establish a new connection",
        "Connection refused",
        "Connection timed out",
        "Network is unreachable",
        "Could not connect to",
        "failed to download from",
        "spurious network error",
        "Failed to fetch",
        "download of config.json failed",
        "Timeout was reached",
        "attempting to make an HTTP request, but --offline was specified",
    ]
    .iter()
    .any(|sign| text.contains(sign))
}

/// The last 25 lines, each at most 300 characters.
pub(crate) fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(25)..].iter().map(|line| line.chars().take(300).collect()).collect()
}
