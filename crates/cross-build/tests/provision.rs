//! Provisioning without a network: programs on PATH are scripts of the test's own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cross_build::{Config, Error, Silent, Status, StdProvider, Targets, Toolchains};

const TRIPLE: &str = "x86_64-unknown-linux-musl";
const VERSION: &str = "rustc 1.80.0 (0123456789 2024-07-21)";

/// SHA-256 of the three bytes `zig`.
const ZIG_SHA256: &str = "77ebfe9993f116e089f21a982b4afcb67e3761529a29b52d5c88c65b467514e4";

/// A machine of the test's own: PATH, home, cache.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    /// With a compiler that has a prebuilt std, made by `std_maker`.
    fn new(std_maker: &str) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
        machine.write_table();
        let sysroot = machine.path("sysroot");
        let std = sysroot.join("lib/rustlib").join(TRIPLE).join("lib");
        std::fs::create_dir_all(&std).unwrap();
        std::fs::write(std.join("libstd-1.rlib"), "std").unwrap();
        std::fs::write(std.join("libpanic_abort-1.rlib"), format!("rust\0{std_maker}\0more")).unwrap();
        // The compiler also "compiles" the link driver.
        machine.program(
            "sysroot/bin/rustc",
            &format!(
                "case \"$*\" in\n*-vV*) echo '{VERSION}'; echo 'host: x86_64-unknown-linux-gnu';;\n\
                 *sysroot*) echo '{}';;\n*) touch link-driver;;\nesac",
                sysroot.display()
            ),
        );
        machine.program("sysroot/bin/cargo", "exit 1");
        std::fs::create_dir_all(machine.path("bin")).unwrap();
        std::os::unix::fs::symlink(machine.path("sysroot/bin/rustc"), machine.path("bin/rustc")).unwrap();
        for tool in ["sh", "touch", "mkdir", "env"] {
            let real = ["/usr/bin", "/bin"].map(|dir| Path::new(dir).join(tool));
            let real = real.iter().find(|path| path.exists()).unwrap();
            std::os::unix::fs::symlink(real, machine.path("bin").join(tool)).unwrap();
        }
        machine
    }

    /// The real table, with the digest of a wheel that says "zig".
    fn write_table(&self) {
        let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/targets.toml");
        let text = std::fs::read_to_string(real).unwrap();
        let (before, after) = text.split_once("[zig.sha256]").unwrap();
        let (_, after) = after.split_once("\n\n").unwrap();
        let digests = ["x86_64", "aarch64"].map(|host| format!("{host} = \"{ZIG_SHA256}\"")).join("\n");
        std::fs::create_dir_all(self.path("specs")).unwrap();
        let text = format!("{before}[zig.sha256]\n{digests}\n\n{after}");
        std::fs::write(self.path("specs/targets.toml"), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A Python that has pip and runs `script` for all else.
    fn python(&self, script: &str) {
        self.program("bin/python3", &format!("case \"$*\" in *'pip --version'*) exit 0;; esac\n{script}"));
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn toolchains(&self, offline: bool) -> Toolchains {
        Toolchains::new(config(self.dir.path(), offline)).unwrap()
    }

    fn install(&self, offline: bool) -> Result<(), Error> {
        let toolchains = self.toolchains(offline);
        let target = toolchains.targets().get(TRIPLE).unwrap().clone();
        toolchains.install(&target, &Silent)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("work/logs").join(format!("install-{TRIPLE}.log"))).unwrap()
    }
}

fn config(machine: &Path, offline: bool) -> Config {
    Config {
        specs_dir: machine.join("specs"),
        cache_dir: machine.join("cache"),
        work_dir: machine.join("work"),
        offline,
        sysroots: BTreeMap::new(),
        jobs: None,
        environment: vec![
            (OsString::from("PATH"), machine.join("bin").into_os_string()),
            (OsString::from("HOME"), machine.join("home").into_os_string()),
            (OsString::from("RUSTFLAGS"), OsString::from("--cfg from_the_callers_environment")),
        ],
    }
}

/// A pip that leaves `content` as the wheel, and a zipfile that unpacks it.
fn python(content: &str) -> String {
    format!(
        "test -z \"$RUSTFLAGS\" || exit 9\ncase \"$*\" in\n*pip*) while [ \"$1\" != --dest ]; do shift; done; mkdir -p \"$2\"; \
         printf '{content}' > \"$2/ziglang.whl\";;\n\
         *zipfile*) mkdir -p \"$5/ziglang\"; touch \"$5/ziglang/zig\";;\nesac"
    )
}

#[test]
fn without_a_network_offline_says_what_is_missing_and_the_command_that_mends_it() {
    let machine = Machine::new(VERSION);
    let error = machine.install(true).unwrap_err();
    let Error::Offline { what, mend } = &error else { panic!("{error}") };
    assert!(what.contains("zig"), "{what}");
    assert_eq!(mend, &format!("cargo xtask toolchain install {TRIPLE}"));
}

#[test]
fn the_status_names_everything_that_is_missing_and_makes_nothing() {
    let machine = Machine::new(VERSION);
    let toolchains = machine.toolchains(false);
    let Status::Missing { what, mend } = toolchains.status(toolchains.targets().get(TRIPLE).unwrap()) else {
        panic!("an empty cache cannot be ready");
    };
    assert_eq!(what.len(), 2, "link driver and zig: {what:?}");
    assert_eq!(mend, format!("cargo xtask toolchain install {TRIPLE}"));
    assert!(!machine.path("cache").exists());
}

#[test]
fn an_altered_download_is_refused_by_its_digest_and_not_kept() {
    let machine = Machine::new(VERSION);
    machine.python(&python("not zig"));
    let error = machine.install(false).unwrap_err();
    let Error::Digest { path, authority, .. } = &error else { panic!("{error}") };
    assert_eq!(authority, "targets.toml");
    assert!(!path.exists());
    assert!(!machine.path("cache/wheels").exists());
    // The next run tries again and does not take what is left over.
    assert!(matches!(machine.install(false), Err(Error::Digest { .. })));
}

#[test]
fn where_python_or_its_pip_is_missing_debians_is_fetched() {
    for python in [None, Some("echo '/usr/bin/python3: No module named pip' >&2; exit 1")] {
        let machine = Machine::new(VERSION);
        if let Some(script) = python {
            machine.program("bin/python3", script);
        }
        // This machine has no apt either, which is what the error names.
        let error = machine.install(false).unwrap_err();
        let Error::MissingTool { tool, mend, .. } = &error else { panic!("{error}") };
        assert!(tool.starts_with("apt") && !mend.is_empty(), "{error}");
    }
}

#[test]
fn a_std_of_another_compiler_is_refused_and_both_are_named() {
    let machine = Machine::new("rustc 1.79.0 (aaaaaaaaa 2024-06-10)");
    let error = machine.install(false).unwrap_err();
    let Error::WrongStd { compiler, found, mend, .. } = &error else { panic!("{error}") };
    assert_eq!((compiler.as_str(), found.as_str()), (VERSION, "rustc 1.79.0 (aaaaaaaaa 2024-06-10)"));
    assert!(mend.contains("rustup target add"), "{mend}");
}

#[test]
fn a_full_disk_during_a_download_is_recognised_in_the_programs_output() {
    let machine = Machine::new(VERSION);
    machine.python("echo 'OSError: [Errno 28] No space left on device' >&2; exit 1");
    let error = machine.install(false).unwrap_err();
    assert!(matches!(&error, Error::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("GB in the cache"), "{error}");
}

#[test]
fn any_other_failure_names_the_log_and_shows_its_end() {
    let machine = Machine::new(VERSION);
    machine.python("echo 'something new' >&2; exit 3");
    let error = machine.install(false).unwrap_err();
    let Error::Build { status, log, tail, .. } = &error else { panic!("{error}") };
    assert_eq!(status, "exit status: 3");
    assert_eq!(tail.last().unwrap(), "something new");
    assert!(log.exists());
    assert!(machine.log().contains("pip download"), "the command stands in the log");
}

#[test]
fn without_a_compiler_the_error_says_how_to_get_one() {
    let machine = Machine::new(VERSION);
    std::fs::remove_file(machine.path("bin/rustc")).unwrap();
    // What is tried instead is Debian's compiler, for which apt is needed.
    let error = machine.install(false).unwrap_err();
    assert!(matches!(&error, Error::MissingTool { tool, .. } if tool == "apt-cache"), "{error}");
}

#[test]
fn a_whole_download_is_unpacked_and_the_target_is_ready_even_offline() {
    let machine = Machine::new(VERSION);
    machine.python(&python("zig"));
    machine.install(false).unwrap();
    let toolchains = machine.toolchains(true);
    let target = toolchains.targets().get(TRIPLE).unwrap();
    assert_eq!(toolchains.status(target), Status::Ready { provider: StdProvider::Rustup });
    machine.install(true).unwrap();
}

#[test]
fn a_sysroot_for_a_target_that_needs_none_is_refused() {
    let machine = Machine::new(VERSION);
    let mut config = config(machine.dir.path(), false);
    config.sysroots.insert(TRIPLE.to_owned(), machine.path("vendor"));
    let toolchains = Toolchains::new(config).unwrap();
    let target = toolchains.targets().get(TRIPLE).unwrap().clone();
    let error = toolchains.install(&target, &Silent).unwrap_err();
    assert!(error.to_string().contains("sysroots are for targets with link stubs"), "{error}");
}

#[test]
fn a_table_with_mistakes_is_refused_with_all_of_them() {
    let machine = Machine::new(VERSION);
    let table = std::fs::read_to_string(machine.path("specs/targets.toml")).unwrap();
    let broken = table.replace("bits = 32", "bits = 31").replace("set = \"mingw\"", "set = \"none\"");
    std::fs::write(machine.path("specs/targets.toml"), broken).unwrap();
    let Err(Error::Spec { problems, .. }) = Targets::read(&machine.path("specs/targets.toml")) else {
        panic!("accepted");
    };
    assert_eq!(problems.len(), 2, "{problems:?}");
    std::fs::write(machine.path("specs/targets.toml"), table.replace("[zig]\n", "[zig]\nunknown = 1\n"))
        .unwrap();
    assert!(matches!(Targets::read(&machine.path("specs/targets.toml")), Err(Error::Spec { .. })));
}

/// Not a test: what the next test runs in a process of its own, to kill it.
#[test]
#[ignore = "the other half of a_run_that_is_killed_during_a_download"]
fn install_in_a_process_of_its_own() {
    let Some(dir) = std::env::var_os("CROSS_BUILD_TEST_MACHINE") else { return };
    let toolchains = Toolchains::new(config(Path::new(&dir), false)).unwrap();
    let target = toolchains.targets().get(TRIPLE).unwrap().clone();
    toolchains.install(&target, &Silent).unwrap();
}

#[test]
fn a_run_that_is_killed_during_a_download_leaves_no_lock_and_the_next_run_repairs_it() {
    let machine = Machine::new(VERSION);
    // A download that has begun and does not end.
    let begun = machine.path("begun");
    let script = format!("echo $$ > '{0}.new'; /bin/mv '{0}.new' '{0}'; exec sleep 600", begun.display());
    machine.python(&script);
    std::os::unix::fs::symlink("/bin/sleep", machine.path("bin/sleep")).unwrap();
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "install_in_a_process_of_its_own"])
        .env("CROSS_BUILD_TEST_MACHINE", machine.dir.path())
        .spawn()
        .unwrap();
    while !begun.exists() {
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its download began");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The download that nobody waits for any more.
    let pid = std::fs::read_to_string(&begun).unwrap();
    let killed = std::process::Command::new("sh").args(["-c", "kill \"$0\"", pid.trim()]).status().unwrap();
    assert!(killed.success());
    assert!(!machine.path("cache/wheels").exists());

    machine.python(&python("zig"));
    machine.install(false).unwrap();
    let rests: Vec<_> = std::fs::read_dir(machine.path("cache/tmp")).unwrap().collect();
    assert!(rests.is_empty(), "{rests:?}");
}
