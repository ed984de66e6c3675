//! `test-install`: install, upgrade and remove packages for real, in roots and images of their own.

use rayon::prelude::*;

use crate::cli::{BuildArgs, Folders, TestInstallArgs};
use crate::context::Context;
use crate::error::{Exit, Failure};
use crate::install_test::container::{self, Program};
use crate::install_test::roots::{self, Medium, Root};
use crate::install_test::scenario::{EngineKind, Scenario};
use crate::install_test::subjects::{self, Wanted};
use crate::install_test::{images, junit, report, run, scenario, select};
use crate::plan::PlanErrors;
use crate::report::{Reporter, seconds};

/// Which isolation is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// Everything that works here; what does not is named.
    Auto,
    /// Roots made by debootstrap.
    Roots,
    /// Container images, with podman.
    Podman,
    /// Container images, with docker.
    Docker,
}

pub fn run(context: &Context, folders: &Folders, args: TestInstallArgs) -> Result<(), Failure> {
    let began = std::time::Instant::now();
    let scenarios = scenarios(context, &args)?;
    let images = images::load(&context.root).map_err(PlanErrors)?;
    let reporter = context.reporter(args.progress, "test-install");
    let mut left_out: Vec<String> = report::NOT_COVERED.iter().map(|t| (*t).to_owned()).collect();
    let build =
        BuildArgs { jobs: args.jobs, offline: args.offline, sysroot: Vec::new(), progress: args.progress };
    let wanted = Wanted { platforms: &args.platform, release: args.release.as_deref() };
    let subjects = subjects::provide(context, folders, &wanted, &build, &reporter)?;

    let needed = |r: &&images::RootSpec| {
        select::matches(&args.within, &[&r.name])
            && scenarios.iter().any(|s| s.host.has_systemd() == r.systemd)
    };
    let specs: Vec<&images::RootSpec> = images.roots.iter().filter(needed).collect();
    let mut roots = provide_roots(context, &specs, args.engine, &reporter, &mut left_out)?;
    let wanted = |i: &&images::ImageSpec| select::matches(&args.within, &[&i.name]);
    let specs: Vec<&images::ImageSpec> = images.images.iter().filter(wanted).collect();
    if !specs.is_empty() && scenarios.iter().any(|s| s.engines.contains(&EngineKind::Container)) {
        roots.extend(provide_images(&specs, args.engine, &reporter, &mut left_out)?);
    }
    let base = context.cache.join("install-test/cases");
    let disk = |e: std::io::Error| {
        Failure::new(Exit::Output, format!("{}: {e}", base.display()), "make it writable")
    };
    std::fs::create_dir_all(&base).map_err(disk)?;

    let cases = select::cases(&scenarios, &roots, &subjects.all);
    if cases.is_empty() {
        let what = format!("no case is left to run\n  left out: {}", left_out.join("\n  left out: "));
        return Err(Failure::new(Exit::Checks, what, "give other --scenario, --platform or --in"));
    }
    // A case mostly waits: for the agent to start and stop, for the disk.
    let cores = || 2 * std::thread::available_parallelism().map_or(2, usize::from);
    let jobs = args.jobs.map_or_else(cores, usize::from);
    let job = reporter.job("cases");
    let started = std::time::Instant::now();
    let finished = run::all(cases, &subjects, &base, jobs, args.keep, &args.fault, &job)
        .map_err(|e| Failure::new(Exit::Unexpected, e, "give a smaller --jobs"))?;
    let took = started.elapsed();
    let failed: Vec<_> = finished.iter().filter(|f| !f.verdict.passed()).collect();
    job.done(&format!("{} cases, {} failed", finished.len(), failed.len()));

    failed.iter().for_each(|f| println!("{}", report::failure(f)));
    print!("{}", report::table(&finished));
    for root in &roots {
        println!("root      {}: {}", root.name, root.versions);
    }
    left_out.iter().for_each(|text| println!("left out  {text}"));
    println!(
        "\n{} cases, {} failed, in {} on {jobs} threads ({} with releases and roots): release {} and {}",
        finished.len(),
        failed.len(),
        seconds(took),
        seconds(began.elapsed()),
        subjects.release,
        subjects.next_release
    );
    if let Some(path) = &args.junit {
        std::fs::write(path, junit::render(&report::suites(&finished), &left_out)).map_err(|e| {
            Failure::new(Exit::Output, format!("{}: {e}", path.display()), "give another --junit")
        })?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    let what = format!("{} of {} cases failed", failed.len(), finished.len());
    Err(Failure::new(Exit::Checks, what, "each failure above ends with the command that runs it alone"))
}

fn scenarios(context: &Context, args: &TestInstallArgs) -> Result<Vec<Scenario>, Failure> {
    let folder = args.scenarios.clone().unwrap_or_else(|| context.root.join("ci/scenarios"));
    let all = scenario::load(&context.root, &folder).map_err(PlanErrors)?;
    let names: Vec<String> = all.iter().map(|s| s.name.clone()).collect();
    let chosen: Vec<Scenario> =
        all.into_iter().filter(|s| select::matches(&args.scenario, &[&s.name])).collect();
    if chosen.is_empty() {
        let what = format!("no scenario matches {}", args.scenario.join(", "));
        return Err(Failure::new(Exit::Plan, what, format!("there are: {}", names.join(", "))));
    }
    Ok(chosen)
}

/// Under `auto` a root that cannot be had is left out by name; asked for, it is an error.
fn provide_roots(
    context: &Context,
    specs: &[&images::RootSpec],
    engine: Engine,
    reporter: &Reporter,
    left_out: &mut Vec<String>,
) -> Result<Vec<Root>, Failure> {
    if matches!(engine, Engine::Podman | Engine::Docker) {
        return Ok(Vec::new());
    }
    let give_up =
        |what: String| Failure::new(Exit::Checks, what, "mend that, or use --engine auto to go on without");
    if !rustix::process::geteuid().is_root() {
        let what = "engine roots: only root can mount and make name spaces".to_owned();
        if engine == Engine::Roots {
            return Err(give_up(what));
        }
        left_out.push(what);
        return Ok(Vec::new());
    }
    let mut roots = Vec::new();
    // Making one is mostly waiting for the mirror.
    let (cache, say) = (&context.cache, |line: &str| reporter.say(line));
    let provided: Vec<_> = specs.par_iter().map(|spec| roots::provide(spec, cache, &say)).collect();
    for (spec, root) in specs.iter().zip(provided) {
        match root {
            Ok(root) => roots.push(root),
            Err(e) if engine == Engine::Roots => return Err(give_up(format!("root {}: {e}", spec.name))),
            Err(e) => left_out.push(format!("root {}: {e}", spec.name)),
        }
    }
    Ok(roots)
}

/// Under `auto` the first engine that works is used, and what cannot be had is left out by name.
fn provide_images(
    specs: &[&images::ImageSpec],
    engine: Engine,
    reporter: &Reporter,
    left_out: &mut Vec<String>,
) -> Result<Vec<Root>, Failure> {
    let (programs, asked): (&[Program], bool) = match engine {
        Engine::Roots => return Ok(Vec::new()),
        Engine::Auto => (&[Program::Podman, Program::Docker], false),
        Engine::Podman => (&[Program::Podman], true),
        Engine::Docker => (&[Program::Docker], true),
    };
    let give_up =
        |what: String| Failure::new(Exit::Checks, what, "mend that, or use --engine auto to go on without");
    let mut working = None;
    for program in programs {
        match program.check() {
            Ok(()) if working.is_none() => working = Some(*program),
            Ok(()) => {}
            Err(why) if asked => return Err(give_up(format!("engine {}: {why}", program.name()))),
            Err(why) => left_out.push(format!("engine {}: {why}", program.name())),
        }
    }
    let Some(program) = working else { return Ok(Vec::new()) };
    let mut roots = Vec::new();
    for spec in specs {
        match container::provide(program, spec, &|line| reporter.say(line)) {
            Ok(image) => roots.push(Root {
                name: spec.name.clone(),
                versions: container::versions(program, &image),
                medium: Medium::Image(program, image),
                formats: vec![spec.format],
                tags: spec.tags.clone(),
                systemd: false,
            }),
            Err(why) if asked => return Err(give_up(format!("image {}: {why}", spec.name))),
            Err(why) => left_out.push(format!("image {}: {why}", spec.name)),
        }
    }
    Ok(roots)
}
