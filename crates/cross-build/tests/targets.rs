//! Builds the fixture for real, for every target, twice from different places. The first run provisions the
//! toolchains (network, minutes), so the tests are ignored unless asked for: `cargo test -p cross-build --test
//! targets -- --ignored`. The cache is kept in the target folder between runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cross_build::{BuildRequest, Built, Config, Level, Observer, Status, Toolchains};

struct Print;

impl Observer for Print {
    fn progress(&self, what: &str) {
        println!("{what}");
    }
}

fn tmp() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn toolchains(work_dir: PathBuf) -> Toolchains {
    Toolchains::new(Config {
        specs_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs"),
        cache_dir: tmp().join("cross-cache"),
        work_dir,
        offline: false,
        sysroots: BTreeMap::new(),
        jobs: None,
        environment: std::env::vars_os().collect(),
    })
    .unwrap()
}

/// A copy of the fixture as another checkout has it.
fn checkout(place: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hello");
    for name in ["Cargo.toml", "Cargo.lock", "src/main.rs"] {
        let to = place.join(name);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(source.join(name), to).unwrap();
    }
    place.to_owned()
}

fn build(triple: &str, workspace: PathBuf, work_dir: &Path) -> Built {
    let toolchains = toolchains(work_dir.to_owned());
    let target = toolchains.targets().get(triple).unwrap().clone();
    let request = BuildRequest {
        workspace,
        package: "hello".to_owned(),
        profile: "agent".to_owned(),
        bins: vec!["hello".to_owned()],
        source_date_epoch: 1_700_000_000,
        log_file: work_dir.join("logs").join(format!("{triple}.log")),
        run_args: vec!["version".to_owned()],
        run_expect: "hello 1.2.3 hello 5".to_owned(),
    };
    let start = std::time::Instant::now();
    let built = toolchains.build(&target, &request, &Print).unwrap_or_else(|e| panic!("{triple}: {e}"));
    println!("{triple}: {:.1} s", start.elapsed().as_secs_f32());
    assert_eq!(toolchains.status(&target), Status::Ready { provider: built.provider.kind });
    built
}

fn build_and_check(triple: &str, level: Level) {
    let first = build(triple, checkout(&tmp().join("cross-checkout")), &tmp().join("cross-work"));
    let record = &first.verification["hello"];
    println!("{:?} {} bytes\n{}", first.provider.kind, record.size, record.findings.join("\n"));
    assert_eq!(record.level, level);
    assert_eq!(record.size, first.binaries["hello"].metadata().unwrap().len());

    let binary = &first.binaries["hello"];
    let (_, words, format) = FOREIGN.iter().find(|row| row.0 == triple).expect("a row for every target");
    let said = foreign("file", "-b", binary, "file");
    assert!(words.iter().all(|word| said.contains(word)), "file says {said:?}");
    if let Some(format) = format {
        let said = foreign("objdump", "-f", binary, "binutils-multiarch");
        assert!(said.contains(format), "objdump says {said:?}");
    }

    let other = tempfile::tempdir().unwrap();
    let second = build(triple, checkout(&other.path().join("a/longer/path")), &other.path().join("work"));
    assert_eq!(second.verification["hello"].sha256, record.sha256, "two checkouts, two binaries");
}

/// What foreign readers say of each target's binaries: words of `file`, format of
/// `objdump` (binutils-multiarch 2.40 knows no Mach-O for arm64).
const FOREIGN: [(&str, &[&str], Option<&str>); 11] = [
    ("x86_64-unknown-linux-musl", &["ELF 64-bit LSB", "x86-64", "statically linked"], Some("elf64-x86-64")),
    ("i686-unknown-linux-musl", &["ELF 32-bit LSB", "Intel 80386", "statically linked"], Some("elf32-i386")),
    (
        "aarch64-unknown-linux-musl",
        &["ELF 64-bit LSB", "ARM aarch64", "statically linked"],
        Some("elf64-littleaarch64"),
    ),
    (
        "powerpc64le-unknown-linux-musl",
        &["ELF 64-bit LSB", "64-bit PowerPC", "statically linked"],
        Some("elf64-powerpcle"),
    ),
    ("s390x-unknown-linux-musl", &["ELF 64-bit MSB", "IBM S/390", "statically linked"], Some("elf64-s390")),
    ("x86_64-pc-windows-gnu", &["PE32+ executable", "x86-64", "console"], Some("pei-x86-64")),
    ("x86_64-apple-darwin", &["Mach-O 64-bit", "x86_64", "executable"], Some("mach-o-x86-64")),
    ("aarch64-apple-darwin", &["Mach-O 64-bit", "arm64", "executable"], None),
    (
        "x86_64-pc-solaris",
        &["ELF 64-bit LSB", "x86-64", "interpreter /usr/lib/amd64/ld.so.1"],
        Some("elf64-x86-64"),
    ),
    (
        "sparcv9-sun-solaris",
        &["ELF 64-bit MSB", "SPARC V9", "interpreter /usr/lib/sparcv9/ld.so.1"],
        Some("elf64-sparc"),
    ),
    ("powerpc64-ibm-aix", &["64-bit XCOFF executable"], Some("aix5coff64-rs6000")),
];

/// What a foreign reader prints of the binary.
fn foreign(program: &str, flag: &str, binary: &Path, package: &str) -> String {
    let out = std::process::Command::new(program).env("LC_ALL", "C").arg(flag).arg(binary).output();
    let out = out.unwrap_or_else(|e| panic!("{program}: {e}; apt-get install {package}"));
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{program} does not know it: apt-get install {package}\n{text}");
    text
}

/// One test a target, so that each can be run by name.
macro_rules! targets {
    ($($test:ident: $triple:literal, $level:ident;)+) => {
        $(#[test]
        #[ignore = "provisions a toolchain: network and minutes at the first run"]
        fn $test() {
            build_and_check($triple, Level::$level);
        })+
    };
}

targets! {
    linux_x86_64_is_built_static_and_runs_here: "x86_64-unknown-linux-musl", Run;
    linux_i686_is_built_static_and_runs_here: "i686-unknown-linux-musl", Run;
    linux_aarch64_is_built_static_and_runs_emulated: "aarch64-unknown-linux-musl", Run;
    linux_ppc64le_is_built_static_and_runs_emulated: "powerpc64le-unknown-linux-musl", Run;
    linux_s390x_is_built_static_and_runs_emulated: "s390x-unknown-linux-musl", Run;
    windows_is_built_and_runs_under_wine: "x86_64-pc-windows-gnu", Run;
    macos_x86_64_is_built_and_its_structure_checked: "x86_64-apple-darwin", Structure;
    macos_aarch64_is_built_and_its_structure_checked: "aarch64-apple-darwin", Structure;
    solaris_x86_64_is_built_and_its_structure_checked: "x86_64-pc-solaris", Structure;
    solaris_sparcv9_is_built_and_its_structure_checked: "sparcv9-sun-solaris", Structure;
    aix_is_built_and_its_structure_checked: "powerpc64-ibm-aix", Structure;
}
