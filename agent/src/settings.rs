//! The recorded settings of an install: `NAME=value` lines written by the package's scripts.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where the package's scripts record the settings, whatever the prefix.
pub const DEFAULT_PATH: &str = "/etc/illumio_ven/install.env";

/// How the agent is hooked into the host (`VEN_INIT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    /// A systemd unit starts it.
    Systemd,
    /// An upstart job starts it.
    Upstart,
    /// A SysV script, the cron job, or nothing: it starts itself.
    Direct,
}

/// The settings that the agent needs. Unknown names are left to newer versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The file they come from.
    pub path: PathBuf,
    /// `VEN_VERSION`, the release id.
    pub version: Option<String>,
    /// `VEN_PREFIX`: holds `illumio_ven`.
    pub prefix: PathBuf,
    /// `VEN_DATA_DIR/illumio_ven_data`.
    pub data: PathBuf,
    /// `VEN_NONPRIV_USER`: the daemon runs as this user.
    pub user: String,
    /// `VEN_NONPRIV_UID`, for users that only the host's name service knows.
    pub uid: Option<u32>,
    /// `VEN_NONPRIV_GID`.
    pub gid: Option<u32>,
    /// `VEN_INIT`.
    pub init: Init,
    /// `ILLUMIO_RUNTIME_ENV`: a runtime_env.yml outside the data directory.
    pub runtime_env: Option<PathBuf>,
}

/// What is wrong with a settings file.
#[derive(Debug)]
pub enum Error {
    /// It cannot be read.
    Read(PathBuf, std::io::Error),
    /// A line breaks the rules.
    Line(PathBuf, usize, &'static str),
    /// A setting has a value of the wrong kind.
    Value(PathBuf, usize, String, &'static str),
    /// A setting that must be there is not.
    Missing(PathBuf, &'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Read(path, error) => {
                write!(
                    f,
                    "{}: {error}: install the package, or name the file with --settings",
                    path.display()
                )
            }
            Error::Line(path, line, rule) => write!(f, "{}:{line}: {rule}", path.display()),
            Error::Value(path, line, name, rule) => write!(f, "{}:{line}: {name}: {rule}", path.display()),
            Error::Missing(path, name) => {
                write!(f, "{}: {name} is missing: install the package again", path.display())
            }
        }
    }
}

impl std::error::Error for Error {}

impl Settings {
    /// Reads the settings file.
    ///
    /// # Errors
    /// An unreadable file, a line that is not `NAME=value` of plain characters, a missing or wrong value.
    pub fn load(path: &Path) -> Result<Settings, Error> {
        let text = std::fs::read_to_string(path).map_err(|error| Error::Read(path.to_path_buf(), error))?;
        Settings::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Settings, Error> {
        let mut version = None;
        let mut prefix = None;
        let mut data_dir = None;
        let mut user = None;
        let mut uid = None;
        let mut gid = None;
        let mut init = Init::Direct;
        let mut runtime_env = None;
        for (index, line) in text.lines().enumerate() {
            let line_error = |rule| Error::Line(path.to_path_buf(), index + 1, rule);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (name, value) = line.split_once('=').ok_or_else(|| line_error("not NAME=value"))?;
            if !value.bytes().all(|b| b.is_ascii_alphanumeric() || b"._/:@+-".contains(&b)) {
                return Err(line_error("a value may hold letters, digits and . _ / : @ + - only"));
            }
            if value.is_empty() {
                continue;
            }
            let wrong = |rule| Error::Value(path.to_path_buf(), index + 1, name.to_owned(), rule);
            let absolute = || {
                let value = PathBuf::from(value);
                if value.has_root() { Ok(Some(value)) } else { Err(wrong("not an absolute path")) }
            };
            let number = || value.parse().map(Some).map_err(|_| wrong("not a number"));
            match name {
                "VEN_VERSION" => version = Some(value.to_owned()),
                "VEN_PREFIX" => prefix = absolute()?,
                "VEN_DATA_DIR" => data_dir = absolute()?,
                "VEN_NONPRIV_USER" => user = Some(value.to_owned()),
                "VEN_NONPRIV_UID" => uid = number()?,
                "VEN_NONPRIV_GID" => gid = number()?,
                "VEN_INIT" => {
                    init = match value {
                        "systemd" => Init::Systemd,
                        "upstart" => Init::Upstart,
                        "sysv" | "cron" | "none" => Init::Direct,
                        _ => return Err(wrong("not systemd, upstart, sysv, cron or none")),
                    }
                }
                "ILLUMIO_RUNTIME_ENV" => runtime_env = absolute()?,
                _ => {}
            }
        }
        let missing = |name| Error::Missing(path.to_path_buf(), name);
        let data_dir: PathBuf = data_dir.ok_or_else(|| missing("VEN_DATA_DIR"))?;
        Ok(Settings {
            path: path.to_path_buf(),
            version,
            prefix: prefix.ok_or_else(|| missing("VEN_PREFIX"))?,
            data: data_dir.join("illumio_ven_data"),
            user: user.ok_or_else(|| missing("VEN_NONPRIV_USER"))?,
            uid,
            gid,
            init,
            runtime_env,
        })
    }

    /// The package's own directory.
    #[cfg(unix)]
    pub fn home(&self) -> PathBuf {
        self.prefix.join("illumio_ven")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# comment\nVEN_VERSION=23.5.10-1234\nVEN_PREFIX=/opt\nVEN_DATA_DIR=/opt/d\n\
                        VEN_NONPRIV_USER=ilo-ven\nVEN_NONPRIV_UID=998\nVEN_INIT=systemd\nVEN_FUTURE=1\n";

    fn parse(text: &str) -> Result<Settings, Error> {
        Settings::parse(Path::new("install.env"), text)
    }

    #[test]
    fn a_complete_file_is_read_and_unknown_names_are_left_to_newer_versions() {
        let settings = parse(GOOD).expect("good");
        assert_eq!(settings.data, Path::new("/opt/d/illumio_ven_data"));
        assert_eq!((settings.uid, settings.gid, settings.init), (Some(998), None, Init::Systemd));
        assert_eq!(settings.version.as_deref(), Some("23.5.10-1234"));
    }

    #[test]
    fn each_mistake_names_the_file_the_line_and_the_rule() {
        for (bad, expected) in [
            ("VEN_PREFIX", "install.env:9: not NAME=value"),
            ("VEN_PREFIX=$(id)", "install.env:9: a value may hold"),
            ("VEN_PREFIX=opt", "install.env:9: VEN_PREFIX: not an absolute path"),
            ("VEN_NONPRIV_UID=x", "install.env:9: VEN_NONPRIV_UID: not a number"),
            ("VEN_INIT=launchd", "install.env:9: VEN_INIT: not systemd"),
        ] {
            let error = parse(&format!("{GOOD}{bad}\n")).expect_err(bad).to_string();
            assert!(error.starts_with(expected), "{bad}: {error}");
        }
        for name in ["VEN_PREFIX", "VEN_DATA_DIR", "VEN_NONPRIV_USER"] {
            let text: String =
                GOOD.lines().filter(|l| !l.starts_with(name)).map(|l| format!("{l}\n")).collect();
            let error = parse(&text).expect_err(name).to_string();
            assert!(error.contains(&format!("{name} is missing")), "{error}");
        }
    }
}
