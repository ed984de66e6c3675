//! Builds the fixture for real. The first run provisions the toolchain (network, minutes); the cache is
//! kept in the target folder between runs.

use std::path::{Path, PathBuf};

use cross_build::{BuildRequest, Config, Level, Observer, Status, Toolchains};

struct Print;

impl Observer for Print {
    fn progress(&self, what: &str) {
        println!("{what}");
    }
}

fn toolchains() -> Toolchains {
    let tmp = Path::new(env!("CARGO_TARGET_TMPDIR"));
    Toolchains::new(Config {
        specs_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs"),
        cache_dir: tmp.join("cross-cache"),
        work_dir: tmp.join("cross-work"),
        offline: false,
        sysroots: Default::default(),
        jobs: None,
        environment: std::env::vars_os().collect(),
    })
    .unwrap()
}

fn request(work: &Path) -> BuildRequest {
    BuildRequest {
        workspace: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/hello"),
        package: "hello".to_owned(),
        profile: "agent".to_owned(),
        bins: vec!["hello".to_owned()],
        source_date_epoch: 1_700_000_000,
        log_file: work.join("build.log"),
        run_args: vec!["version".to_owned()],
        run_expect: "hello 1.2.3 hello 5".to_owned(),
    }
}

fn build_and_check(triple: &str, level: Level) {
    let toolchains = toolchains();
    let target = toolchains.targets().get(triple).unwrap().clone();
    let dir = tempfile::tempdir().unwrap();
    let built = match toolchains.build(&target, &request(dir.path()), &Print) {
        Ok(built) => built,
        Err(e) => panic!("{triple}: {e}"),
    };
    println!("{:#?}", built);
    let record = &built.verification["hello"];
    assert_eq!(record.level, level);
    assert_eq!(record.size, built.binaries["hello"].metadata().unwrap().len());
    let status = toolchains.status(&target);
    assert_eq!(status, Status::Ready { provider: built.provider.kind });
}

#[test]
fn x86_64_linux_is_built_static_and_runs_here() {
    build_and_check("x86_64-unknown-linux-musl", Level::Run);
}
