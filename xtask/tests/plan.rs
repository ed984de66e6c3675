//! The plan: every mistake of the specs is found before anything runs, with its place, its rule and its mend.

mod common;
#[path = "plan/mistakes.rs"]
mod mistakes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use common::{copy_of_project, root, text, xtask};
use mistakes::{COMMAND_LINE, CREATE, Case, REMOVE};
use proptest::test_runner::{Config, TestRunner};
use xtask::payload;
use xtask::plan::{Package, PackageDetails, Plan, Request, plan};
use xtask::spec::Problem;

/// Rules that no spec of this project can break, and why they are there all the same.
const UNREACHABLE: [(&str, &str); 1] =
    [("template/value", "product/name and install/* refuse first what has a meaning in a shell")];

/// Strings that look like rules and are folders.
const PATHS: [&str; 2] = ["specs/platforms", "src/bin"];

/// A request of ten days after the release.
fn request() -> Request {
    let spec = std::fs::read_to_string(root().join("specs/product.toml")).unwrap();
    let table: toml::Table = spec.parse().unwrap();
    let released: jiff::Timestamp = table["release"]["released"].as_str().unwrap().parse().unwrap();
    Request { now: released.as_second() + 864_000, ..Request::default() }
}

/// A copy of everything that a plan reads.
fn project(into: &Path) -> PathBuf {
    let project = copy_of_project(into);
    std::fs::copy(root().join("Cargo.toml"), project.join("Cargo.toml")).unwrap();
    project
}

/// Where `a→b` stands in a text: the first `b` after the first `a`.
fn find(text: &str, place: &str) -> Result<std::ops::Range<usize>, String> {
    let mut at = 0..0;
    for part in place.split('→') {
        let start = text[at.end..]
            .find(part)
            .ok_or_else(|| format!("the test looks for {part:?}, which is not there"))?;
        at = at.end + start..at.end + start + part.len();
    }
    Ok(at)
}

fn edit(project: &Path, (file, from, to): (&str, &str, &str)) {
    let path = project.join(file);
    match from {
        REMOVE => std::fs::remove_file(path).unwrap(),
        // Text that begins with NUL stands for a file in another encoding.
        CREATE if to.starts_with('\0') => std::fs::write(path, b"caf\xe9 \xff").unwrap(),
        CREATE => std::fs::write(path, to).unwrap(),
        _ => {
            let mut text = std::fs::read_to_string(&path).unwrap();
            let at = if from.is_empty() {
                text.len()..text.len()
            } else {
                find(&text, from).unwrap_or_else(|e| panic!("{file}: {e}"))
            };
            text.replace_range(at, to);
            std::fs::write(path, text).unwrap();
        }
    }
}

/// What is wrong with the plan's answer to a mistake.
fn judge(case: &Case, project: &Path, problems: &[Problem]) -> Result<(), String> {
    // A mistake of a flag stands in a pseudo file that is named for the flag; the case's name begins with it.
    let flag = case.name.split(' ').next().unwrap_or_default();
    let here = |p: &Problem| match case.place.0 {
        COMMAND_LINE => p.at.source.name.to_string_lossy().starts_with(&format!("<{flag} ")),
        file => p.at.source.name == Path::new(file),
    };
    let found: Vec<&Problem> = problems.iter().filter(|p| p.rule == case.rule && here(p)).collect();
    let [problem] = found.as_slice() else { return Err(format!("{} such problems", found.len())) };
    let expected = if case.place.1.is_empty() {
        None
    } else {
        let text = std::fs::read_to_string(project.join(case.place.0)).unwrap();
        let before = &text[..find(&text, case.place.1)?.start];
        let line_start = before.rfind('\n').map_or(0, |i| i + 1);
        Some((before.matches('\n').count() + 1, before[line_start..].chars().count() + 1))
    };
    let place = problem.at.line_and_column();
    match expected {
        Some(expected) if place != expected => return Err(format!("is at {place:?}, not at {expected:?}")),
        None if place.0 != 1 => return Err(format!("is at {place:?}, not in the first line")),
        _ => {}
    }
    if !problem.message.contains(case.message) || !problem.mend.contains(case.mend) {
        return Err(format!("says {:?} and {:?}", problem.message, problem.mend));
    }
    let mut rules: Vec<&str> = problems.iter().map(|p| p.rule).collect();
    rules.remove(rules.iter().position(|r| *r == case.rule).expect("just found"));
    let here = project.to_string_lossy();
    if let Some(p) = problems.iter().find(|p| p.plain().contains(&*here)) {
        return Err(format!("names where the project stands: {}", p.message));
    }
    let (rules, also) = (BTreeSet::from_iter(rules), BTreeSet::from_iter(case.also.iter().copied()));
    if rules == also { Ok(()) } else { Err(format!("also reports {rules:?}, not {also:?}")) }
}

#[test]
fn every_seeded_mistake_is_reported_at_its_place_with_its_rule_and_its_mend() {
    let mut failed = Vec::new();
    for case in mistakes::all() {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path());
        case.edits.iter().for_each(|e| edit(&project, *e));
        let mut request = request();
        (case.flags)(&mut request);
        let verdict = match plan(&project, &request) {
            Ok(_) => Err("is accepted".to_owned()),
            Err(errors) => judge(&case, &project, &errors.0).map_err(|why| {
                let all: Vec<String> = errors.0.iter().map(Problem::plain).collect();
                format!("{why}\n{}", all.join("\n"))
            }),
        };
        failed.extend(verdict.err().map(|why| format!("{} [{}]: {why}\n", case.name, case.rule)));
    }
    assert!(failed.is_empty(), "{} cases:\n{}", failed.len(), failed.join("\n"));
}

/// Every rule that the sources name: strings of the form `area/rule`.
fn rules_in_source() -> BTreeSet<String> {
    let mut rules = BTreeSet::new();
    for folder in ["xtask/src/spec", "xtask/src/plan"] {
        for entry in walkdir::WalkDir::new(root().join(folder)) {
            let entry = entry.unwrap();
            if !entry.file_type().is_file() {
                continue;
            }
            let text = std::fs::read_to_string(entry.path()).unwrap();
            let code: String =
                text.lines().filter(|l| !l.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
            for piece in code.split('"').skip(1).step_by(2) {
                let plain =
                    |part: &str| part.len() > 2 && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
                if piece.split_once('/').is_some_and(|(area, rule)| plain(area) && plain(rule)) {
                    rules.insert(piece.to_owned());
                }
            }
        }
    }
    rules
}

#[test]
fn every_rule_has_a_seeded_mistake_or_a_reason_to_have_none() {
    let seeded: BTreeSet<String> = mistakes::all().iter().map(|case| case.rule.to_owned()).collect();
    let unreachable: BTreeSet<String> = UNREACHABLE.iter().map(|(rule, _)| (*rule).to_owned()).collect();
    let known: BTreeSet<String> = seeded.union(&unreachable).cloned().collect();
    let rules: BTreeSet<String> =
        rules_in_source().into_iter().filter(|r| !PATHS.contains(&r.as_str())).collect();
    assert!(rules.len() > 60, "the sources are searched as they are written: {rules:?}");
    assert_eq!(
        rules.difference(&known).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "no mistake breaks these"
    );
    assert_eq!(
        known.difference(&rules).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "the program has no such rules"
    );
    assert_eq!(seeded.intersection(&unreachable).count(), 0);
}

#[test]
fn all_mistakes_of_all_files_are_reported_together_in_order_of_file_and_place() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let edits = [
        ("specs/product.toml", "\"23.5.10\"", "\"23.5\""),
        ("specs/product.toml", "\"illumio-ven\"", "\"Illumio\""),
        ("specs/payload.toml", "copyright\"→\"root\"", "\"jenkins\""),
        ("specs/platforms/redhat.toml", "tag = \"c9\"", "tag = \"c-9\""),
        ("signing/profiles.toml", "name = \"development\"", "name = \"dev elopment\""),
        ("templates/payload/version", "", "{{ relase }}\n"),
    ];
    edits.into_iter().for_each(|e| edit(&project, e));
    let errors = plan(&project, &Request { build: Some("x".to_owned()), ..request() }).unwrap_err();
    let found: Vec<(String, &str)> =
        errors.0.iter().map(|p| (p.at.source.name.to_string_lossy().into_owned(), p.rule)).collect();
    let expected = [
        ("<--build x>", "release/build"),
        ("signing/profiles.toml", "keys/name"),
        ("specs/payload.toml", "payload/owner"),
        ("specs/platforms/redhat.toml", "platform/tag"),
        ("specs/product.toml", "product/name"),
        ("specs/product.toml", "release/version"),
        ("specs/product.toml", "keys/unknown-profile"),
        ("templates/payload/version", "template/undefined-variable"),
    ];
    assert_eq!(found, expected.map(|(file, rule)| (file.to_owned(), rule)));
    assert_eq!(errors.to_string(), "8 mistakes in the specs or flags: nothing was made");
}

#[test]
fn a_pipe_gets_one_line_for_each_mistake_and_its_mend_and_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    edit(&project, ("specs/product.toml", "vendor =", "vender ="));
    let output = common::run(xtask().args(["plan", "--root"]).arg(&project));
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(output.stdout, b"");
    let place = "specs/product.toml:10:1: [toml/unknown-key] unknown key `vender`\n    mend: did you mean `vendor`?\n";
    let message = text(&output);
    assert!(message.contains(place), "{message}");
    assert!(message.ends_with("error: 2 mistakes in the specs or flags: nothing was made\n"), "{message}");
}

#[test]
fn json_has_each_mistake_with_its_place_and_exit_code_3() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    edit(&project, ("specs/platforms/redhat.toml", "\"c9\"→\"el6\"", "\"el7\""));
    let output = common::run(xtask().args(["plan", "--json", "--root"]).arg(&project));
    assert_eq!(output.status.code(), Some(3));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON on standard output");
    let line = std::fs::read_to_string(project.join("specs/platforms/redhat.toml")).unwrap();
    let line = line.lines().position(|l| l.contains("el7")).unwrap() + 1;
    let expected = serde_json::json!({ "exit": 3, "errors": [{
        "rule": "toml/choice", "file": "specs/platforms/redhat.toml", "line": line, "column": 11,
        "message": "`profile` cannot be \"el7\"", "mend": "did you mean `el5`?" }] });
    assert_eq!(answer, expected);
}

#[test]
fn the_table_of_a_selection_names_files_targets_and_dependencies() {
    let output =
        common::stdout_of(xtask().args(["plan", "--platform", "c8.x86_64", "--platform", "u22.amd64"]));
    let (table, left_out) = output.split_once("\nleft out (").expect("the rest is named");
    insta::assert_snapshot!(table, @r"
    release 23.5.10-1234  time 2026-11-01T00:00:00Z  expires 2029-10-31T00:00:00Z  keys development

    FILE                                                   TARGET                     PROFILE     COMPRESSION  REQUIRES
    illumio-ven-23.5.10-1234.c8.x86_64.rpm                 x86_64-unknown-linux-musl  rpm el6     gzip         /bin/sh, nftables, systemd, ca-certificates
    illumio-ven-23.5.10-1234.u22.amd64.deb                 x86_64-unknown-linux-musl  deb         xz           nftables, ca-certificates
    illumio-ven-repo-23.5.10-1234.tar.bz2                  server bundle              2 packages
    illumio-ven-packages-23.5.10-1234.tar                  ctl bundle                 2 packages
    illumio-ven-compatibility-matrix-23.5.10-1234.tar.bz2  matrix bundle              rules
    ");
    assert!(left_out.contains("c9.x86_64"), "{left_out}");
}

#[test]
fn what_a_selection_leaves_out_is_named_and_the_release_is_partial() {
    let all = plan(&root(), &request()).unwrap();
    assert!(all.release.complete);
    assert_eq!(all.left_out.len(), 0);
    let some = plan(
        &root(),
        &Request { platforms: vec!["c8*".to_owned()], formats: vec!["rpm".to_owned()], ..request() },
    )
    .unwrap();
    assert!(!some.release.complete);
    assert_eq!(some.packages.len() + some.left_out.len(), all.packages.len());
    assert!(some.packages.iter().all(|p| p.tag == "c8"));
    let matrix_only = some.bundles.iter().filter(|b| b.packages.is_empty()).count();
    assert_eq!((some.bundles.len(), matrix_only), (all.bundles.len(), 1));
}

#[test]
fn rhel_5_is_left_out_before_23_2_10_and_the_plan_says_so() {
    let at =
        |version: &str| plan(&root(), &Request { version: Some(version.to_owned()), ..request() }).unwrap();
    let c5 = |plan: &Plan| plan.packages.iter().filter(|p| p.tag == "c5").count();
    assert_eq!(c5(&at("23.2.10")), 2);
    let old = at("23.2.9");
    assert_eq!(c5(&old), 0);
    let why: Vec<_> = old.left_out.iter().map(|l| (l.package.as_str(), l.reason.as_str())).collect();
    let reason = "needs version 23.2.10 or later";
    assert_eq!(why, [("c5.i686", reason), ("c5.x86_64", reason)]);
    assert!(old.release.complete, "nothing that this version has is missing");
}

#[test]
fn version_build_and_source_date_epoch_win_over_the_specs() {
    let flags = Request {
        version: Some("23.5.11".to_owned()),
        build: Some("7".to_owned()),
        source_date_epoch: Some("1700000000".to_owned()),
        ..request()
    };
    let plan = plan(&root(), &flags).unwrap();
    assert_eq!(plan.release.id.to_string(), "23.5.11-7");
    assert_eq!(plan.release.source_date, 1_700_000_000);
    assert_eq!(plan.release.created, "2023-11-14T22:13:20Z");
    assert!(plan.packages.iter().any(|p| p.file == "illumio-ven-23.5.11-7.c8.x86_64.rpm"));
    assert!(plan.bundles.iter().any(|b| b.file == "illumio-ven-repo-23.5.11-7.tar.bz2"));
}

#[test]
fn no_two_files_of_a_plan_have_one_name_and_every_package_knows_its_ca_certificates() {
    let plan = plan(&root(), &request()).unwrap();
    let packages = plan.packages.iter().map(|p| &p.file);
    let files: BTreeSet<&String> = packages.chain(plan.bundles.iter().map(|b| &b.file)).collect();
    assert_eq!(files.len(), plan.packages.len() + plan.bundles.len());
    for package in &plan.packages {
        let names: Vec<&str> = package.requires.iter().map(|d| d.alternatives[0].name.as_str()).collect();
        let certificates = |n: &&str| n.contains("certificates") || n.contains("certs");
        assert_eq!(names.iter().filter(|n| certificates(n)).count(), 1, "{}: {names:?}", package.id);
    }
}

#[test]
fn two_plans_of_the_same_input_are_equal() {
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = project(folder.path());
    let json = |root: &Path| serde_json::to_string_pretty(&plan(root, &request()).unwrap()).unwrap();
    assert_eq!(json(&root()), json(&root()));
    assert_eq!(json(&root()), json(&elsewhere), "a plan says nothing of where the project stands");
}

/// Whether the writers of both formats take what the plan accepted.
fn write_drafts(plan: &Plan, packages: &[&Package]) -> Result<(), String> {
    let program: std::sync::Arc<[u8]> = b"\x7fELF".as_slice().into();
    let binaries: payload::Binaries =
        plan.agent.binaries.iter().map(|b| (b.clone(), program.clone())).collect();
    let tree = payload::tree(plan, &binaries).map_err(|e| e.to_string())?;
    for package in packages {
        let scripts = payload::scripts(plan, package).map_err(|e| e.to_string())?;
        match &package.details {
            PackageDetails::Rpm { profile, rpm_release } => {
                let spec = xtask::package::rpm::spec(plan, package, *profile, rpm_release, &tree, &scripts);
                let spec = spec.map_err(|e| e.to_string())?;
                rpm_pkg::Draft::new(&spec).map_err(|e| format!("{}: {e}", package.id))?;
            }
            PackageDetails::Deb { deb_version } => {
                let spec = xtask::package::deb::spec(plan, package, deb_version, &tree, &scripts);
                let spec = spec.map_err(|e| e.to_string())?;
                deb_pkg::Draft::new(&spec).map_err(|e| format!("{}: {e}", package.id))?;
            }
        }
    }
    Ok(())
}

/// A change to a file, at places between 0 and 1 of its length.
#[derive(Debug, Clone)]
enum Mutation {
    Truncate(f64),
    Delete(f64, usize),
    Overwrite(f64, Vec<u8>),
    Insert(f64, String),
    RepeatLine(f64),
}

/// Pieces that mean something in TOML, and characters that mean something to packages.
const PIECES: [&str; 20] = [
    "\"",
    "'",
    "\"\"\"",
    "[",
    "]]",
    "{",
    "}",
    "=",
    "#",
    "\n",
    "\\",
    "é",
    "\u{202e}",
    "\u{0}",
    "~",
    "/../",
    "0x10",
    "-1",
    " | ",
    "\n[[entry]]\n",
];

fn mutation() -> impl proptest::strategy::Strategy<Value = Mutation> {
    use proptest::prelude::*;
    let place = || 0.0..1.0f64;
    prop_oneof![
        place().prop_map(Mutation::Truncate),
        (place(), 1..60usize).prop_map(|(at, n)| Mutation::Delete(at, n)),
        (place(), proptest::collection::vec(any::<u8>(), 1..4))
            .prop_map(|(at, b)| Mutation::Overwrite(at, b)),
        (place(), proptest::sample::select(PIECES.to_vec()))
            .prop_map(|(at, p)| Mutation::Insert(at, p.to_owned())),
        (place(), "[a-zA-Z0-9._ ~+:-]{1,3}").prop_map(|(at, p)| Mutation::Insert(at, p)),
        place().prop_map(Mutation::RepeatLine),
    ]
}

fn mutate(bytes: &[u8], mutation: &Mutation) -> Vec<u8> {
    let place = |at: f64| (at * bytes.len() as f64) as usize;
    let mut new = bytes.to_vec();
    match mutation {
        Mutation::Truncate(at) => new.truncate(place(*at)),
        Mutation::Delete(at, n) => drop(new.drain(place(*at)..(place(*at) + n).min(bytes.len()))),
        Mutation::Overwrite(at, with) => {
            let end = (place(*at) + with.len()).min(bytes.len());
            new.splice(place(*at)..end, with.iter().copied());
        }
        Mutation::Insert(at, piece) => drop(new.splice(place(*at)..place(*at), piece.bytes())),
        Mutation::RepeatLine(at) => {
            let start = bytes[..place(*at)].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
            let end = bytes[place(*at)..]
                .iter()
                .position(|b| *b == b'\n')
                .map_or(bytes.len(), |i| place(*at) + i + 1);
            new.splice(start..start, bytes[start..end].iter().copied());
        }
    }
    new
}

#[test]
fn changed_specs_never_panic_and_give_problems_or_a_plan_that_the_writers_take() {
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path());
    let files: Vec<PathBuf> = ["specs", "signing", "templates/payload"]
        .iter()
        .flat_map(|f| walkdir::WalkDir::new(project.join(f)).sort_by_file_name())
        .map(|e| e.unwrap())
        .filter(|e| e.file_type().is_file() && e.path().extension().is_none_or(|x| x != "md"))
        .map(|e| e.into_path())
        .collect();
    let request = request();
    let base: BTreeMap<String, String> = shown(&plan(&project, &request).unwrap());
    let (refused, accepted) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let strategy = (0..files.len(), proptest::collection::vec(mutation(), 1..3));
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    let result = runner.run(&strategy, |(file, mutations)| {
        let path = &files[file];
        let original = std::fs::read(path).unwrap();
        let changed = mutations.iter().fold(original.clone(), |bytes, m| mutate(&bytes, m));
        std::fs::write(path, &changed).unwrap();
        let outcome = plan(&project, &request);
        let verdict = match outcome {
            Err(errors) if errors.0.is_empty() => Err("refused without a problem".to_owned()),
            Err(errors) => {
                // Reports in both forms are part of the promise.
                let shown: usize =
                    errors.0.iter().map(|p| p.plain().len() + format!("{:?}", p.with_source()).len()).sum();
                assert!(shown > 0);
                Ok(false)
            }
            Ok(plan) => {
                let new = shown(&plan);
                let touched = plan.packages.iter().filter(|p| base.get(&p.id) != new.get(&p.id));
                let one_of_each = ["c5.x86_64", "u22.amd64"];
                let always = plan.packages.iter().filter(|p| one_of_each.contains(&p.id.as_str()));
                write_drafts(&plan, &always.chain(touched.take(2)).collect::<Vec<_>>()).map(|()| true)
            }
        };
        std::fs::write(path, &original).unwrap();
        match verdict {
            Ok(true) => accepted.set(accepted.get() + 1),
            Ok(false) => refused.set(refused.get() + 1),
            Err(why) => {
                let text = String::from_utf8_lossy(&changed).into_owned();
                return Err(proptest::test_runner::TestCaseError::fail(format!(
                    "{}: {why}\n{text}",
                    path.display()
                )));
            }
        }
        Ok(())
    });
    result.unwrap_or_else(|e| panic!("{e}"));
    let (refused, accepted) = (refused.get(), accepted.get());
    assert!(
        refused > 200 && accepted > 30,
        "{refused} refused, {accepted} accepted: the mutations miss their point"
    );
}

/// Each package of a plan, as JSON.
fn shown(plan: &Plan) -> BTreeMap<String, String> {
    plan.packages.iter().map(|p| (p.id.clone(), serde_json::to_string(p).unwrap())).collect()
}
