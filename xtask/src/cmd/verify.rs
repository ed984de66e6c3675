//! `verify`: open what was made, with readers that did not write it.

use crate::cli::VerifyArgs;
use crate::context::Context;
use crate::error::{Cause, Exit, Failure};
use crate::verify::{self, Policy};

pub fn run(context: &Context, args: VerifyArgs) -> Result<(), Failure> {
    let keys = context.trusted(&args.trust)?;
    if keys.is_empty() {
        return Err(Failure::new(
            Exit::Keys,
            "there is no key to verify signatures with",
            "name the release's public key: --key FILE",
        ));
    }
    let policy = Policy {
        keys,
        now: args.at.map_or(context.now, |time| time.as_second()),
        newer_than: args.newer_than,
        require_complete: args.require_complete,
    };
    for path in &args.path {
        let accepted = verify::path(path, &policy).map_err(|refusals| Failure {
            exit: Exit::Refused,
            cause: Cause::Refused { what: path.display().to_string(), refusals },
        })?;
        println!("accepted  {}  {}", path.display(), accepted.what);
        println!("  signed by {}", accepted.key);
        for line in accepted.checks.iter().chain(&accepted.notes) {
            println!("  {line}");
        }
    }
    Ok(())
}
