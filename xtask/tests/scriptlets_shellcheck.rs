//! shellcheck has nothing to say about any script that is installed or run.

mod scriptlets_support;

use std::fs;
use std::process::Command;

use scriptlets_support::{context, scripts, templates};
use xtask::scriptlets::{self, Family};

#[test]
fn shellcheck_is_clean_on_every_script() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut files = Vec::new();
    for (name, text) in scripts() {
        files.push((name.to_string(), text.clone()));
    }
    for name in ["payload/init_Platform", "payload/agent_status.sh", "services/illumio-ven.init"] {
        let text = scriptlets::render_file(&templates(), name, &context(Family::Rpm)).expect("renders");
        files.push((name.replace('/', "_"), text));
    }
    let mut command = Command::new("shellcheck");
    // SC2015: `A && B || C` is meant: C also when B fails. SC2034: the library's functions set more variables than
    // each script reads. SC2317: and have more functions than each script calls.
    command.args(["--shell=sh", "--severity=style", "--exclude=SC2015,SC2034,SC2317"]);
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        command.arg(path);
    }
    let output = command.output().expect("shellcheck is not there: install the Debian package shellcheck");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
