//! The agent of this workspace on targets without a C compiler.

use std::collections::BTreeMap;
use std::path::Path;

use cross_build::{Config, Toolchains};

#[test]
fn nothing_in_the_agents_dependency_tree_compiles_c_where_there_is_no_c_compiler() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let dir = tempfile::tempdir().unwrap();
    let toolchains = Toolchains::new(Config {
        specs_dir: root.join("specs"),
        cache_dir: dir.path().join("cache"),
        work_dir: dir.path().join("work"),
        offline: true,
        sysroots: BTreeMap::new(),
        jobs: None,
        environment: std::env::vars_os().collect(),
    })
    .unwrap();
    let mut examined = 0;
    for target in toolchains.targets().targets.iter().filter(|target| target.pure_rust) {
        let findings = toolchains.foreign_code(target, &root, "ven-agent").unwrap();
        assert!(findings.is_empty(), "{}:\n{}", target.triple, findings.join("\n"));
        examined += 1;
    }
    assert_eq!(examined, 3, "two for Solaris, one for AIX");
}
