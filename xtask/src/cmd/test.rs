//! `test`: all tests, with everything they need.

use std::ffi::OsStr;
use std::process::Command;

use crate::cli::TestArgs;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::tools;

pub fn run(context: &Context, args: TestArgs) -> Result<(), Failure> {
    install_tools(args.offline)?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let has_nextest = Command::new(&cargo).args(["nextest", "--version"]).output().is_ok_and(|o| o.status.success());
    // The examples in the documentation first: nextest does not run them, and its summary belongs last.
    if args.filter.is_empty() {
        cargo_run(context, &cargo, &["test", "--workspace", "--doc", "--quiet"], &[])?;
    }
    let runner: &[&str] = if has_nextest { &["nextest", "run"] } else { &["test", "--all-targets"] };
    let all = [runner, &["--workspace", "--no-fail-fast"]].concat();
    cargo_run(context, &cargo, &all, &args.filter)
}

fn cargo_run(context: &Context, cargo: &OsStr, args: &[&str], filter: &[String]) -> Result<(), Failure> {
    let mut command = Command::new(cargo);
    let status = command.current_dir(&context.root).args(args).args(filter).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(Failure::new(Exit::Checks, format!("cargo {}: tests failed", args.join(" ")), "see above")),
        Err(e) => Err(Failure::new(Exit::Checks, format!("cargo: {e}"), "put cargo into the PATH")),
    }
}

/// Installs the Debian packages of missing tools.
fn install_tools(offline: bool) -> Result<(), Failure> {
    let missing: Vec<&tools::Tool> = tools::ALL.iter().filter(|tool| tool.find().is_none()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = missing.iter().map(|tool| tool.debian_package).collect();
    packages.dedup();
    let by_hand = format!("as root: apt-get update && apt-get install -y {}", packages.join(" "));
    let names: Vec<&str> = missing.iter().map(|tool| tool.program).collect();
    let fail = |why: &str| Failure::new(Exit::Checks, format!("{} missing: {why}", names.join(", ")), &by_hand);
    if offline {
        return Err(fail("--offline installs nothing"));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(fail("only root can install packages"));
    }
    eprintln!("installing {}", packages.join(" "));
    let apt = |args: &[&str]| {
        Command::new("apt-get").args(args).env("DEBIAN_FRONTEND", "noninteractive").status().is_ok_and(|s| s.success())
    };
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(&packages);
    if apt(&["update", "-qq"]) && apt(&install) { Ok(()) } else { Err(fail("apt-get failed, see above")) }
}
