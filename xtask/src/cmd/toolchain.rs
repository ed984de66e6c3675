//! `toolchain`: install and list what the targets need.

use cross_build::Status;

use crate::binaries::{Steps, find};
use crate::cli::{BuildArgs, ToolchainCommand};
use crate::context::Context;
use crate::error::Failure;
use crate::plan::table::columns;
use crate::plan::{Request, plan};

pub fn run(context: &Context, command: ToolchainCommand) -> Result<(), Failure> {
    match command {
        ToolchainCommand::Install { targets, build } => install(context, &targets, &build),
        ToolchainCommand::List => {
            let toolchains = context.toolchains(None)?;
            let mut rows = vec![["TARGET", "STATE"].map(str::to_owned).to_vec()];
            for target in &toolchains.targets().targets {
                let state = match toolchains.status(target) {
                    Status::Ready { provider } => format!("ready ({provider:?})").to_lowercase(),
                    Status::Missing { what, mend } => format!("missing {}: {mend}", what.join(", ")),
                };
                rows.push(vec![target.triple.clone(), state]);
            }
            print!("{}", columns(&rows));
            Ok(())
        }
    }
}

fn install(context: &Context, targets: &[String], build: &BuildArgs) -> Result<(), Failure> {
    let toolchains = context.toolchains(Some(build))?;
    let wanted: Vec<String> = if targets.is_empty() {
        plan(&context.root, &Request { now: context.now, ..Request::default() })?.targets.into_keys().collect()
    } else {
        targets.to_vec()
    };
    let reporter = context.reporter(build.progress, "toolchains");
    for triple in wanted {
        let target = find(&toolchains, &triple)?;
        let job = reporter.job(format!("toolchain {triple}"));
        toolchains.install(target, &Steps(&job))?;
        job.done("ready");
    }
    Ok(())
}
