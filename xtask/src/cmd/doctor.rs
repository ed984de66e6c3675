//! `doctor`: what is ready, what is missing, and the command that mends it.

use cross_build::Status;

use crate::cli::DoctorArgs;
use crate::cmd::keys;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::plan::table::columns;
use crate::tools;

pub fn run(context: &Context, args: DoctorArgs) -> Result<(), Failure> {
    let request = args.what.request(context.source_date_epoch.clone(), context.now);
    let plan = crate::plan::plan(&context.root, &request)?;
    let toolchains = context.toolchains(None)?;
    let mut missing = 0;
    let mut rows = vec![["WHAT", "STATE", "MEND"].map(str::to_owned).to_vec()];
    for target in &toolchains.targets().targets {
        let planned = plan.targets.contains_key(&target.triple);
        let (state, mend) = match toolchains.status(target) {
            Status::Ready { provider } => (format!("ready ({provider:?})").to_lowercase(), String::new()),
            Status::Missing { what, mend } => {
                missing += usize::from(planned);
                let needed = if planned { "" } else { " (no planned package needs it)" };
                (format!("missing {}{needed}", what.join(", ")), mend)
            }
        };
        rows.push(vec![format!("target {}", target.triple), state, mend]);
    }
    for tool in tools::ALL {
        let (state, mend) = match tool.find() {
            Some(path) => (format!("ready ({})", path.display()), String::new()),
            None => (format!("missing: {}", tool.purpose), format!("apt-get install {}", tool.debian_package)),
        };
        rows.push(vec![format!("tool {}", tool.program), state, mend]);
    }
    let (fingerprint, state) = keys::state(context, &plan.keys);
    rows.push(vec![format!("key {}", plan.keys.profile), format!("{state} {fingerprint}")]);
    print!("{}", columns(&rows));
    if missing == 0 {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Checks,
        format!("{missing} of the planned targets are not ready"),
        "`cargo xtask dist` installs them as it needs them; `cargo xtask toolchain install` does so now",
    ))
}
