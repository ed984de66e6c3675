//! `dist`: one way from the plan to a verified release.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::binaries;
use crate::context::Context;
use crate::cli::BuildArgs;
use crate::error::{Cause, Exit, Failure};
use crate::package::{self, Made};
use crate::payload::{self, Tree};
use crate::plan::{Bundle, Package, Plan};
use crate::release::bundle::{self, file_record};
use crate::release::records::{
    FileRecord, KeyRecord, LeftOut, PackageRecord, Release, SCHEMA, TargetRecord, canonical,
};
use crate::release::{RELEASE, SUMS, SUMS_SIGNATURE, Staging, sums};
use crate::report::Reporter;
use crate::signing::{Signer, Version, armored_public};
use crate::spec::{BundleKind, RpmProfile};
use crate::verify::{self, Policy};

/// A finished release.
pub struct Done {
    pub folder: PathBuf,
    pub release: Release,
    /// Rows of the summary: file, size, sha256, signature, how verified.
    pub rows: Vec<Row>,
    pub checks: Vec<String>,
    pub took: Duration,
}

/// A line of the summary.
pub struct Row {
    pub file: String,
    pub size: u64,
    pub sha256: String,
    pub signature: String,
    pub verified: String,
    /// How long it took to make: mapping, signing, writing; a payload stream that packages share is not in it.
    pub took: Duration,
}

/// Makes a release.
pub fn run(context: &Context, plan: &Plan, args: &BuildArgs, reporter: &Reporter) -> Result<Done, Failure> {
    let began = Instant::now();
    let id = plan.release.id.to_string();
    let staging = Staging::begin(&context.out, &id, plan.release.source_date)?;
    let signer = Signer::open(&plan.keys, &context.keys, &plan.root, plan.release.source_date)?;
    check_signer(plan, &signer)?;

    let toolchains = context.toolchains(Some(args))?;
    let built = binaries::all(plan, &toolchains, args.offline, reporter)?;
    let trees: BTreeMap<String, Tree> = built
        .iter()
        .map(|(triple, target)| Ok((triple.clone(), payload::tree(plan, &target.binaries)?)))
        .collect::<Result<_, Failure>>()?;

    let packages = package::make(plan, &trees, &signer, reporter)?;
    let key = KeyRecord {
        profile: plan.keys.profile.clone(),
        fingerprint: signer.key().fingerprint(),
        development: plan.keys.is_development(),
    };
    let records = read_back(plan, &trees, &packages.made, &signer)?;

    let job = reporter.job("bundles");
    let mut bundles: Vec<(FileRecord, Vec<u8>)> = Vec::new();
    let mut bundle_times: Vec<Duration> = Vec::new();
    for planned in &plan.bundles {
        job.step(&planned.file);
        let began = Instant::now();
        let members = bundle_members(planned, plan, &records, &packages.made);
        let bytes = bundle::make(plan, planned, &key, &members, &signer)?;
        bundles.push((file_record(&format!("bundles/{}", planned.file), &bytes), bytes));
        bundle_times.push(began.elapsed());
    }
    job.done(&format!("{} bundles", bundles.len()));

    let release = Release {
        schema: SCHEMA,
        product: plan.product.name.clone(),
        release: id.clone(),
        created: plan.release.created.clone(),
        expires: plan.release.expires.clone(),
        complete: plan.release.complete,
        left_out: plan
            .left_out
            .iter()
            .map(|l| LeftOut { package: l.package.clone(), reason: l.reason.clone() })
            .collect(),
        key,
        targets: built
            .iter()
            .map(|(triple, target)| TargetRecord {
                target: triple.clone(),
                provider: target.provider.clone(),
                verification: target.verification.clone(),
                payload: trees[triple].records(),
            })
            .collect(),
        packages: records,
        bundles: bundles.iter().map(|(record, _)| record.clone()).collect(),
        payload_streams: packages.streams_compressed,
    };
    let public = armored_public(signer.key().certificate())?;
    write(&staging, &release, &packages.made, &bundles, &public, &signer)?;

    let job = reporter.job("verify");
    let policy = Policy {
        keys: vec![signer.key().clone()],
        now: context.now,
        newer_than: None,
        require_complete: false,
    };
    let accepted = verify::path(staging.folder(), &policy).map_err(|refusals| Failure {
        exit: Exit::Refused,
        cause: Cause::Refused { what: format!("the release that was just made ({id})"), refusals },
    })?;
    job.done(&accepted.checks.join("; "));

    let levels = built.iter().map(|(triple, target)| (triple.as_str(), target.level)).collect();
    let times: Vec<Duration> = packages.made.iter().map(|m| m.took).chain(bundle_times).collect();
    let rows = rows(&release, &levels, &times);
    let folder = staging.commit(&id)?;
    Ok(Done { folder, release, rows, checks: accepted.checks, took: began.elapsed() })
}

/// V3 signatures cannot come from every backend: say so before anything is built.
fn check_signer(plan: &Plan, signer: &Signer) -> Result<(), Failure> {
    let old: Vec<&str> = plan
        .packages
        .iter()
        .filter(|p| matches!(p.details, crate::plan::PackageDetails::Rpm { profile: RpmProfile::El5, .. }))
        .map(|p| p.id.as_str())
        .collect();
    if old.is_empty() || signer.can_sign(Version::V3) {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Keys,
        format!("{} need V3 signatures, which protocol \"openpgp\" cannot make", old.join(", ")),
        "use protocol = \"rsa-sha256-digest\" in signing/profiles.toml, or leave these platforms out",
    ))
}

/// Opens every package with its strict reader and compares it with the plan.
fn read_back(
    plan: &Plan,
    trees: &BTreeMap<String, Tree>,
    made: &[Made],
    signer: &Signer,
) -> Result<Vec<PackageRecord>, Failure> {
    let keys = [signer.key().clone()];
    made.iter().map(|made| record(plan, &plan.packages[made.index], trees, made, &keys)).collect()
}

fn record(
    plan: &Plan,
    package: &Package,
    trees: &BTreeMap<String, Tree>,
    made: &Made,
    keys: &[crate::signing::TrustedKey],
) -> Result<PackageRecord, Failure> {
    let refused = |refusals| Failure {
        exit: Exit::Refused,
        cause: Cause::Refused { what: "a package that was just made".to_owned(), refusals },
    };
    let differs = |what: &str| {
        let why = format!("its {what} is not what the plan says");
        Err(refused(vec![verify::Refusal::new(&package.file, "package/plan", why)]))
    };
    let facts = verify::package::read(&package.file, &made.bytes).map_err(|r| refused(vec![r]))?;
    let (_, signature) = verify::package::signatures(&package.file, &facts, keys).map_err(|r| refused(vec![r]))?;
    if facts.tree != trees[&package.target].records() {
        return differs("tree");
    }
    if facts.name != plan.product.name || facts.architecture != package.arch.in_package {
        return differs("name or architecture");
    }
    if !package.file.contains(&facts.version) || facts.time != plan.release.source_date {
        return differs("version or time");
    }
    Ok(PackageRecord {
        id: package.id.clone(),
        file: package.file.clone(),
        format: package.format.name().to_owned(),
        name: facts.name,
        version: facts.version,
        family: package.family.clone(),
        distribution: package.distribution.clone(),
        os_versions: package.os_versions.clone(),
        architecture: facts.architecture,
        target: package.target.clone(),
        dependencies: facts.dependencies,
        size: made.bytes.len() as u64,
        sha256: made.sha256.clone(),
        signature,
    })
}

fn bundle_members<'a>(
    bundle: &Bundle,
    plan: &Plan,
    records: &'a [PackageRecord],
    made: &'a [Made],
) -> Vec<(&'a PackageRecord, &'a [u8])> {
    if bundle.kind == BundleKind::Matrix {
        return Vec::new();
    }
    made.iter()
        .zip(records)
        .filter(|(made, _)| bundle.packages.contains(&plan.packages[made.index].id))
        .map(|(made, record)| (record, &made.bytes[..]))
        .collect()
}

fn write(
    staging: &Staging,
    release: &Release,
    made: &[Made],
    bundles: &[(FileRecord, Vec<u8>)],
    public: &str,
    signer: &Signer,
) -> Result<(), Failure> {
    let mut files: Vec<FileRecord> = Vec::new();
    let mut put = |path: &str, bytes: &[u8]| -> Result<(), Failure> {
        staging.write(path, bytes)?;
        files.push(file_record(path, bytes));
        Ok(())
    };
    for (made, record) in made.iter().zip(&release.packages) {
        put(&format!("packages/{}", record.file), &made.bytes)?;
    }
    for (record, bytes) in bundles {
        put(&record.path, bytes)?;
    }
    put(&format!("keys/{}.asc", release.key.fingerprint), public.as_bytes())?;
    put(RELEASE, canonical(release).as_bytes())?;
    let sums = sums(&files);
    staging.write(SUMS, sums.as_bytes())?;
    staging.write(SUMS_SIGNATURE, signer.sign_armored(sums.as_bytes())?.as_bytes())?;
    Ok(())
}

fn rows(release: &Release, levels: &BTreeMap<&str, &str>, times: &[Duration]) -> Vec<Row> {
    let packages = release.packages.iter().map(|p| {
        let verified = format!("reader, tree, signature; agent: {}", levels[p.target.as_str()]);
        (&p.file[..], p.size, &p.sha256, format!("{} V{}", p.signature.kind, p.signature.version), verified)
    });
    let bundles = release.bundles.iter().map(|b| {
        let file = b.path.trim_start_matches("bundles/");
        (file, b.size, &b.sha256, "manifest V4".to_owned(), "archive, manifest, every member".to_owned())
    });
    let all = packages.chain(bundles).zip(times);
    all.map(|((file, size, sha256, signature, verified), took)| Row {
        file: file.to_owned(),
        size,
        sha256: sha256.clone(),
        signature,
        verified,
        took: *took,
    })
    .collect()
}
