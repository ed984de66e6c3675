//! `dist`: make a release.

use crate::cli::DistArgs;
use crate::context::Context;
use crate::dist::{self, Done};
use crate::error::{Exit, Failure};
use crate::plan::table::columns;
use crate::release::records::canonical;
use crate::report::{bytes, seconds};

pub fn run(context: &Context, args: DistArgs) -> Result<(), Failure> {
    if let Some(jobs) = args.build.jobs {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(jobs)).build_global();
        pool.map_err(|e| Failure::new(Exit::Unexpected, e, "leave out --jobs"))?;
    }
    let request = args.what.request(context.source_date_epoch.clone(), context.now);
    let plan = crate::plan::plan(&context.root, &request)?;
    let reporter = context.reporter(args.build.progress, &plan.release.id.to_string());
    let done = dist::run(context, &plan, &args.build, &reporter)?;
    if args.json {
        print!("{}", canonical(&done.release));
    } else {
        print!("{}", summary(&done, &reporter.times()));
    }
    Ok(())
}

fn summary(done: &Done, times: &[(String, std::time::Duration)]) -> String {
    let mut rows = vec![["FILE", "SIZE", "SHA256", "SIGNATURE", "VERIFIED", "TIME"].map(str::to_owned).to_vec()];
    for row in &done.rows {
        rows.push(vec![
            row.file.clone(),
            bytes(row.size),
            row.sha256[..12].to_owned(),
            row.signature.clone(),
            row.verified.clone(),
            seconds(row.took),
        ]);
    }
    let mut jobs = vec![["JOB", "TIME"].map(str::to_owned).to_vec()];
    jobs.extend(times.iter().map(|(name, took)| vec![name.clone(), seconds(*took)]));
    let release = &done.release;
    let mut text = format!("{}\n{}\n", columns(&rows), columns(&jobs));
    for check in &done.checks {
        text.push_str(&format!("verified  {check}\n"));
    }
    text.push_str(&format!(
        "\nrelease {} in {}: {} packages, {} bundles, {} payload streams compressed once each, signed by {} (\"{}\")\n\
         {}\n",
        release.release,
        seconds(done.took),
        release.packages.len(),
        release.bundles.len(),
        release.payload_streams,
        release.key.fingerprint,
        release.key.profile,
        done.folder.display()
    ));
    if !release.complete {
        text.push_str(&format!("PARTIAL RELEASE: flags left out {} packages\n", release.left_out.len()));
    }
    if release.key.development {
        text.push_str("DEVELOPMENT KEY: nobody should trust this release. See signing/README.md for a release key.\n");
    }
    text
}
