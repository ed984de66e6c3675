//! `cargo xtask`: builds, signs, bundles and verifies the VEN packages of every platform.

use std::process::ExitCode;

use clap::Parser;
use xtask::cli::Cli;
use xtask::{cmd, failure};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let json = cmd::wants_json(&cli.command);
    match cmd::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure::print(&failure, json);
            ExitCode::from(failure.exit as u8)
        }
    }
}
