//! `inspect`: everything about a file.

use crate::cli::InspectArgs;
use crate::context::Context;
use crate::error::{Cause, Exit, Failure};
use crate::inspect;
use crate::verify::Refusal;

pub fn run(context: &Context, args: InspectArgs) -> Result<(), Failure> {
    let keys = context.trusted(&args.trust)?;
    let path = &args.file;
    let refused = |refusals: Vec<Refusal>| Failure {
        exit: Exit::Refused,
        cause: Cause::Refused { what: path.display().to_string(), refusals },
    };
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::new(Exit::Usage, format!("{}: {e}", path.display()), "name a package, a bundle or release.json")
    })?;
    print!("{}", inspect::render(&name, &bytes, &keys, !args.no_scripts).map_err(refused)?);
    Ok(())
}
