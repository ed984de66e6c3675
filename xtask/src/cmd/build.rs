//! `build`: the agent for every target, without packages.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use serde_json::json;

use crate::binaries::{self, BuiltTarget};
use crate::cli::AgentArgs;
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::failure;
use crate::plan::table::columns;
use crate::plan::{Request, plan};
use crate::release::records::canonical;
use crate::report::{bytes, seconds};

/// Goes on after a target that fails, so that one run shows all of them.
pub fn run(context: &Context, args: AgentArgs) -> Result<(), Failure> {
    let source_date_epoch = context.source_date_epoch.clone();
    let plan = plan(&context.root, &Request { source_date_epoch, now: context.now, ..Request::default() })?;
    let toolchains = context.toolchains(Some(&args.build))?;
    let wanted: Vec<String> = if args.targets.is_empty() {
        toolchains.targets().targets.iter().map(|t| t.triple.clone()).collect()
    } else {
        args.targets
    };
    let reporter = context.reporter(args.build.progress, &plan.release.id.to_string());
    let mut rows = vec![["TARGET", "BINARY", "SIZE", "SHA256", "VERIFIED", "TIME"].map(str::to_owned).to_vec()];
    let mut manifest = BTreeMap::new();
    let mut failed = Vec::new();
    for triple in wanted {
        let began = Instant::now();
        let target = binaries::find(&toolchains, &triple)?;
        match binaries::one(&plan, &toolchains, target, &reporter) {
            Ok(built) => {
                let took = seconds(began.elapsed());
                for (name, sha256, size) in write(context, &triple, &built)? {
                    let short = sha256[..12].to_owned();
                    rows.push(vec![triple.clone(), name, bytes(size), short, built.level.to_owned(), took.clone()]);
                }
                manifest.insert(triple, json!({ "provider": built.provider, "verification": built.verification }));
            }
            Err(failure) => {
                eprint!("{triple}: {}", failure::to_text(&failure, false));
                rows.push(vec![triple.clone(), "-".into(), "-".into(), "-".into(), "FAILED".into()]);
                failed.push(triple);
            }
        }
    }
    put(&context.out.join("binaries/manifest.json"), canonical(&manifest).as_bytes(), 0o644)?;
    print!("{}", columns(&rows));
    println!("\n{}", context.out.join("binaries").display());
    if failed.is_empty() {
        return Ok(());
    }
    let what = format!("{} of {} targets failed: {}", failed.len(), rows.len() - 1, failed.join(", "));
    Err(Failure::new(Exit::Build, what, "each says above what to do"))
}

fn write(context: &Context, triple: &str, built: &BuiltTarget) -> Result<Vec<(String, String, u64)>, Failure> {
    let mut written = Vec::new();
    for (name, content) in &built.binaries {
        put(&context.out.join("binaries").join(triple).join(name), content, 0o755)?;
        let record = crate::release::bundle::file_record(name, content);
        written.push((name.clone(), record.sha256, record.size));
    }
    Ok(written)
}

/// Writes a file beside its place and renames it.
fn put(path: &PathBuf, content: &[u8], mode: u32) -> Result<(), Failure> {
    use std::os::unix::fs::PermissionsExt;
    let scratch = path.with_extension("new");
    let write = || {
        std::fs::create_dir_all(path.parent().unwrap_or(path))?;
        std::fs::write(&scratch, content)?;
        std::fs::set_permissions(&scratch, std::fs::Permissions::from_mode(mode))?;
        std::fs::rename(&scratch, path)
    };
    write().map_err(|e| Failure::new(Exit::Output, format!("{}: {e}", path.display()), "check the disk and its permissions"))
}
