//! Runs rendered scriptlets in a root of their own, with programs that record, fail on demand, and change
//! only that root.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod flows;
pub mod scenarios;
pub mod variables;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

pub use flows::{deb, rpm};
use xtask::scriptlets::{self, Context, Family, ScriptName};

/// A shell that runs the scriptlets: its words, and the Debian package that has it.
pub struct Shell {
    pub name: &'static str,
    pub words: &'static [&'static str],
    pub package: &'static str,
}

pub const SHELLS: [Shell; 7] = [
    Shell { name: "dash", words: &["dash"], package: "dash" },
    Shell { name: "bash", words: &["bash", "--posix"], package: "bash" },
    Shell { name: "busybox", words: &["busybox", "sh"], package: "busybox" },
    Shell { name: "mksh", words: &["mksh"], package: "mksh" },
    Shell { name: "ksh93", words: &["ksh93"], package: "ksh93u+m" },
    Shell { name: "yash", words: &["yash"], package: "yash" },
    Shell { name: "posh", words: &["posh"], package: "posh" },
];

/// Programs that do their real work, through the stub.
const TOOLS: [&str; 16] = [
    "cat", "chmod", "chown", "cp", "grep", "id", "ln", "ls", "mkdir", "mv", "readlink", "rm", "rmdir", "sed",
    "sleep", "stat",
];
/// Programs that only the stub knows.
const STUBS: [&str; 12] = [
    "groupadd",
    "useradd",
    "groupdel",
    "userdel",
    "getent",
    "initctl",
    "systemctl",
    "chkconfig",
    "update-rc.d",
    "insserv",
    "nsenter",
    "adduser",
];

pub fn templates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").join("templates")
}

pub fn context(family: Family) -> Context {
    let end = match family {
        Family::Rpm => "c8.x86_64.rpm",
        Family::Deb => "d12.amd64.deb",
    };
    Context {
        package: "illumio-ven".into(),
        release_id: "23.5.10-1234".into(),
        package_file: format!("illumio-ven-23.5.10-1234.{end}"),
        default_prefix: "/opt".into(),
        default_user: "ilo-ven".into(),
        default_group: "ilo-ven".into(),
    }
}

static SCRIPTS: LazyLock<BTreeMap<ScriptName, String>> = LazyLock::new(|| {
    Family::ALL
        .iter()
        .flat_map(|family| {
            scriptlets::render(&templates(), *family, &context(*family)).expect("renders").scripts
        })
        .collect()
});

/// The installed scripts, rendered.
pub static PAYLOAD_SCRIPTS: LazyLock<BTreeMap<&'static str, String>> = LazyLock::new(|| {
    ["init_Platform", "agent_status.sh"]
        .into_iter()
        .map(|name| {
            let file = format!("payload/{name}");
            (name, scriptlets::render_file(&templates(), &file, &context(Family::Rpm)).expect("renders"))
        })
        .collect()
});

/// The rendered scripts of both families.
pub fn scripts() -> &'static BTreeMap<ScriptName, String> {
    &SCRIPTS
}

/// Which init system the sandbox shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Init {
    Systemd,
    Upstart,
    Sysv,
    Cron,
    /// Process 1 is an init, and there is nothing to hook into.
    Bare,
    /// No init runs: an image being built.
    Offline,
}

/// What a script or a whole flow did.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub code: i32,
    pub output: String,
}

impl Outcome {
    #[track_caller]
    pub fn ok(self) -> Outcome {
        assert_eq!(self.code, 0, "{}", self.output);
        self
    }

    #[track_caller]
    pub fn refused(self, expected: &[&str]) -> Outcome {
        assert_ne!(self.code, 0, "not refused: {}", self.output);
        self.says(expected)
    }

    #[track_caller]
    pub fn says(self, expected: &[&str]) -> Outcome {
        for text in expected {
            assert!(self.output.contains(text), "{text:?} is missing in: {}", self.output);
        }
        self
    }
}

/// One root, one shell.
pub struct Sandbox {
    dir: tempfile::TempDir,
    shell: &'static Shell,
    /// Whether the shell (bash) writes down each line that it runs.
    traced: bool,
}

/// Whether the sandbox can be made; says so where it cannot.
pub fn can_run() -> bool {
    let root = fs::metadata("/proc/self").is_ok_and(|proc| proc.uid() == 0);
    if !root {
        println!("skipped: scriptlets change owners in a root of their own, which only root can do");
    }
    root
}

impl Sandbox {
    pub fn new(shell: &'static Shell, traced: bool) -> Sandbox {
        let program = Path::new("/usr/bin").join(shell.words[0]);
        assert!(
            program.exists(),
            "{} is not there: install the Debian package {}",
            shell.name,
            shell.package
        );
        let sandbox = Sandbox { dir: tempfile::tempdir().expect("a directory"), shell, traced };
        fs::set_permissions(sandbox.dir.path(), fs::Permissions::from_mode(0o755)).expect("mode");
        for dir in [
            "host",
            "dev",
            "etc/systemd",
            "proc/self/ns",
            "proc/1/ns",
            "usr/sbin",
            "usr/bin",
            "trace/fail",
            "opt",
            "scripts",
        ] {
            fs::create_dir_all(sandbox.path(dir)).expect("made");
        }
        for (link, to) in [
            ("usr/lib", "/host/lib"),
            ("usr/lib64", "/host/lib64"),
            ("lib", "/host/lib"),
            ("lib64", "/host/lib64"),
            ("bin", "usr/bin"),
            ("sbin", "usr/sbin"),
            ("usr/bin/printf", "/host/bin/printf"),
        ] {
            symlink(to, sandbox.path(link)).expect("linked");
        }
        sandbox.write("dev/null", "");
        if shell.name == "ksh93" {
            // It keeps the output of some command substitutions in an unlinked file there. The others have no
            // /tmp at all, which shows that the scripts do without.
            fs::create_dir(sandbox.path("tmp")).expect("made");
        }
        sandbox.write("etc/passwd", "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n");
        sandbox.write("etc/group", "root:x:0:\nstaff:x:1000:\nother:x:1001:\n");
        sandbox.write("trace/count", "0\n");
        sandbox.write("trace/fail_at", "0\n");
        for name in TOOLS.iter().chain(&STUBS).filter(|name| **name != "adduser" && **name != "nsenter") {
            sandbox.add_program(name);
        }
        sandbox.set_init(Init::Systemd);
        sandbox
    }

    /// The same state once more, to do something else with.
    pub fn copy(&self) -> Sandbox {
        let dir = tempfile::tempdir().expect("a directory");
        let copied = Command::new("cp").arg("-a").arg(self.dir.path().join(".")).arg(dir.path()).status();
        assert!(copied.expect("cp (Debian: coreutils)").success());
        Sandbox { dir, shell: self.shell, traced: self.traced }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name.trim_start_matches('/'))
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, text).expect("written");
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub fn read_lossy(&self, name: &str) -> String {
        String::from_utf8_lossy(&fs::read(self.path(name)).expect("read")).into_owned()
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).symlink_metadata().is_ok()
    }

    pub fn remove(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    pub fn link(&self, name: &str, to: &str) {
        symlink(to, self.path(name)).expect("linked");
    }

    /// `mode uid:gid`, as `0750 0:900`.
    pub fn owner(&self, name: &str) -> String {
        let metadata = self.path(name).symlink_metadata().unwrap_or_else(|error| panic!("{name}: {error}"));
        format!("{:04o} {}:{}", metadata.mode() & 0o7777, metadata.uid(), metadata.gid())
    }

    fn add_stub(&self, path: &str) {
        self.write(path, include_str!("stub.sh"));
        fs::set_permissions(self.path(path), fs::Permissions::from_mode(0o755)).expect("mode");
    }

    pub fn add_program(&self, name: &str) {
        self.add_stub(&format!("usr/sbin/{name}"));
    }

    pub fn remove_program(&self, name: &str) {
        self.remove(&format!("usr/sbin/{name}"));
    }

    /// A program fails from now on; `init`: the start through the init system; `stop`: stopping the agent.
    pub fn make_fail(&self, name: &str) {
        self.write(&format!("trace/fail/{name}"), "");
    }

    pub fn let_work(&self, name: &str) {
        self.remove(&format!("trace/fail/{name}"));
    }

    /// The external call of that number, from 1, fails.
    pub fn fail_call(&self, number: usize) {
        self.write("trace/count", "0\n");
        self.write("trace/fail_at", &format!("{number}\n"));
    }

    /// External calls since [`Sandbox::fail_call`].
    pub fn call_count(&self) -> usize {
        self.read("trace/count").trim().parse().expect("a number")
    }

    /// What was called, line by line, with a `# SCRIPT` line before each script's calls.
    pub fn calls(&self) -> String {
        if self.exists("trace/calls") { self.read("trace/calls") } else { String::new() }
    }

    /// The external calls in their order: the script that made it, and its words.
    pub fn call_list(&self) -> Vec<(String, String)> {
        let mut script = String::new();
        let mut list = Vec::new();
        for line in self.calls().lines() {
            match line.strip_prefix("# ") {
                Some(name) => name.clone_into(&mut script),
                None => list.push((script.clone(), line.to_owned())),
            }
        }
        list
    }

    pub fn forget_calls(&self) {
        self.write("trace/calls", "");
    }

    pub fn agent_runs(&self) -> bool {
        self.exists("trace/agent")
    }

    pub fn stop_agent(&self) {
        self.remove("trace/agent");
    }

    pub fn set_init(&self, init: Init) {
        for (name, present) in [("initctl", init == Init::Upstart), ("chkconfig", init == Init::Sysv)] {
            match (present, self.exists(&format!("usr/sbin/{name}"))) {
                (true, false) => self.add_program(name),
                (false, true) => self.remove_program(name),
                _ => {}
            }
        }
        for name in ["update-rc.d", "insserv"] {
            if self.exists(&format!("usr/sbin/{name}")) {
                self.remove_program(name);
            }
        }
        for (dir, present) in [
            ("etc/init", init == Init::Upstart),
            ("etc/init.d", init == Init::Sysv),
            ("etc/cron.d", init == Init::Cron),
        ] {
            if present {
                fs::create_dir_all(self.path(dir)).expect("made");
            } else if self.exists(dir) {
                self.remove(dir);
            }
        }
        if self.exists("proc/1/root") {
            self.remove("proc/1/root");
        }
        if init != Init::Offline {
            self.link("proc/1/root", "/");
            self.write("proc/1/comm", if init == Init::Systemd { "systemd\n" } else { "init\n" });
        }
    }

    /// What the package manager does between the scripts.
    pub fn unpack(&self, prefix: &str) {
        let home = format!("{prefix}/illumio_ven");
        self.add_stub(&format!("{home}/illumio-ven-ctl"));
        self.add_stub(&format!("{home}/bin/init_Platform"));
        for name in ["service", "conf", "init", "cron"] {
            let text =
                fs::read_to_string(templates().join(format!("services/illumio-ven.{name}"))).expect("read");
            self.write(&format!("{home}/etc/templates/illumio-ven.{name}"), &text);
        }
    }

    /// Runs one script as the package manager does.
    pub fn run(&self, script: ScriptName, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
        self.run_text(script.as_str(), &scripts()[&script], arguments, environment)
    }

    /// Runs an installed script of `payload/`.
    pub fn run_payload(&self, script: &str, arguments: &[&str]) -> Outcome {
        self.run_text(script, &PAYLOAD_SCRIPTS[script], arguments, &[])
    }

    fn run_text(
        &self,
        script: &str,
        text: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
    ) -> Outcome {
        let name = format!("scripts/{script}");
        self.write("trace/calls", &format!("{}# {script}\n", self.calls()));
        let mut words: Vec<String> = self.shell.words.iter().map(ToString::to_string).collect();
        words[0] = format!("/host/bin/{}", words[0]);
        if self.traced {
            let first = format!("exec 9>>/trace/lines.{script}; BASH_XTRACEFD=9; PS4='@@$LINENO@'; set -x\n");
            self.write(&name, &format!("{first}{text}"));
        } else {
            self.write(&name, text);
        }
        let mount = "mount --bind /usr \"$1/host\" && mount --bind /dev/null \"$1/dev/null\" && \
                     r=$1 && shift && cd \"$r\" && exec chroot \"$r\" \"$@\"";
        let output = Command::new("unshare")
            .args(["-m", "--propagation", "private", "/bin/sh", "-c", mount, "sh"])
            .arg(self.dir.path())
            .args(&words)
            .arg(format!("/{name}"))
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("DPKG_MAINTSCRIPT_PACKAGE", "illumio-ven")
            .envs(environment.iter().map(|(name, value)| (OsStr::new(name), OsStr::new(value))))
            .stdin(Stdio::null())
            .output()
            .expect("unshare (Debian: util-linux)");
        let text = [output.stdout, output.stderr].concat();
        Outcome {
            code: output.status.code().unwrap_or(-1),
            output: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// Every file, directory and link of the root that is not the sandbox's own, with mode and owner.
    pub fn tree(&self) -> Vec<String> {
        let own = ["host", "trace", "scripts", "proc", "dev", "usr"];
        let mut tree = Vec::new();
        for entry in walkdir::WalkDir::new(self.dir.path()).min_depth(1).sort_by_file_name() {
            let entry = entry.expect("readable");
            let name =
                entry.path().strip_prefix(self.dir.path()).expect("below").to_string_lossy().into_owned();
            if own.iter().any(|own| Path::new(&name).starts_with(own)) {
                continue;
            }
            let content = match entry.file_type() {
                kind if kind.is_file() => self.read(&name),
                kind if kind.is_symlink() => {
                    fs::read_link(entry.path()).expect("a link").display().to_string()
                }
                _ => String::new(),
            };
            tree.push(format!("{name} {} {content}", self.owner(&name)));
        }
        tree
    }
}
