//! Provisioning without a network: programs on PATH are scripts of the test's own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cross_build::{Config, Error, Silent, Status, Toolchains};

const TRIPLE: &str = "x86_64-unknown-linux-musl";
const VERSION: &str = "rustc 1.80.0 (0123456789 2024-07-21)";

/// A machine of the test's own: PATH, home, cache.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    /// With a compiler that has a prebuilt std, made by `std_maker`.
    fn new(std_maker: &str) -> Self {
        let machine = Self { dir: tempfile::tempdir().unwrap() };
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

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn toolchains(&self, offline: bool) -> Toolchains {
        Toolchains::new(Config {
            specs_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs"),
            cache_dir: self.path("cache"),
            work_dir: self.path("work"),
            offline,
            sysroots: BTreeMap::new(),
            jobs: None,
            environment: vec![
                (OsString::from("PATH"), self.path("bin").into_os_string()),
                (OsString::from("HOME"), self.path("home").into_os_string()),
                (OsString::from("RUSTFLAGS"), OsString::from("--cfg from_the_callers_environment")),
            ],
        })
        .unwrap()
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

/// A pip that leaves `content` as the wheel, and a zipfile that unpacks it.
fn python(content: &str) -> String {
    format!(
        "test -z \"$RUSTFLAGS\" || exit 9\ncase \"$*\" in\n*pip*) while [ \"$1\" != --dest ]; do shift; done; mkdir -p \"$2\"; \
         printf '{content}' > \"$2/ziglang.whl\";;\nesac"
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
    machine.program("bin/python3", &python("not zig"));
    let error = machine.install(false).unwrap_err();
    let Error::Digest { path, authority, .. } = &error else { panic!("{error}") };
    assert_eq!(authority, "targets.toml");
    assert!(!path.exists());
    assert!(!machine.path("cache/wheels").exists());
    // The next run tries again and does not take what is left over.
    assert!(matches!(machine.install(false), Err(Error::Digest { .. })));
}

#[test]
fn a_missing_download_program_is_named_with_its_debian_package() {
    let machine = Machine::new(VERSION);
    let error = machine.install(false).unwrap_err();
    let Error::MissingTool { tool, mend, .. } = &error else { panic!("{error}") };
    assert_eq!(tool, "python3");
    assert!(mend.contains("python3-pip"), "{mend}");
}

#[test]
fn a_python_without_pip_is_named() {
    let machine = Machine::new(VERSION);
    machine.program("bin/python3", "echo '/usr/bin/python3: No module named pip' >&2; exit 1");
    let error = machine.install(false).unwrap_err();
    assert!(matches!(&error, Error::MissingTool { tool, .. } if tool == "pip"), "{error}");
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
    machine.program("bin/python3", "echo 'OSError: [Errno 28] No space left on device' >&2; exit 1");
    let error = machine.install(false).unwrap_err();
    assert!(matches!(&error, Error::DiskFull { .. }), "{error}");
    assert!(error.to_string().contains("GB in the cache"), "{error}");
}

#[test]
fn any_other_failure_names_the_log_and_shows_its_end() {
    let machine = Machine::new(VERSION);
    machine.program("bin/python3", "echo 'something new' >&2; exit 3");
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
