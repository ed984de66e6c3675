//! `plan`: what `dist` would make.

use crate::cli::PlanArgs;
use crate::context::Context;
use crate::error::Failure;
use crate::plan;

pub fn run(context: &Context, args: PlanArgs) -> Result<(), Failure> {
    let request = args.what.request(context.source_date_epoch.clone(), context.now);
    let plan = plan::plan(&context.root, &request)?;
    if args.json {
        println!("{}", serde_json::to_string_pretty(&plan).expect("a plan is plain data"));
    } else {
        print!("{}", plan::table::render(&plan));
    }
    Ok(())
}
