//! One file for each verb.

mod build;
mod dist;
mod doctor;
mod inspect;
mod keys;
mod plan;
mod test;
pub mod test_install;
mod toolchain;
mod verify;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::error::Failure;

/// Runs the command line.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let context = Context::new(&cli.folders)?;
    match cli.command {
        Command::Dist(args) => dist::run(&context, args),
        Command::Build(args) => build::run(&context, args),
        Command::Plan(args) => plan::run(&context, args),
        Command::Verify(args) => verify::run(&context, args),
        Command::Inspect(args) => inspect::run(&context, args),
        Command::Doctor(args) => doctor::run(&context, args),
        Command::Keys(command) => keys::run(&context, command),
        Command::Toolchain(command) => toolchain::run(&context, command),
        Command::Test(args) => test::run(&context, args),
        Command::TestInstall(args) => test_install::run(&context, &cli.folders, args),
    }
}

/// Whether failures are printed as JSON.
pub fn wants_json(command: &Command) -> bool {
    match command {
        Command::Dist(args) => args.json,
        Command::Plan(args) => args.json,
        _ => false,
    }
}
