//! Packages: each format maps the same tree, and each distinct payload stream is compressed once.

pub mod deb;
pub mod rpm;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::payload::{self, Tree};
use crate::plan::{Package, PackageDetails, Plan};
use crate::report::Reporter;
use crate::signing::Signer;
use crate::spec::{Compression, Format};

/// A package that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{package}: {source}")]
    Rpm { package: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("{package}: {source}")]
    Deb { package: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error(transparent)]
    Scriptlets(#[from] crate::scriptlets::Error),
}

/// A finished package, in memory.
#[derive(Debug)]
pub struct Made {
    /// Index in the plan's list of packages.
    pub index: usize,
    pub bytes: Vec<u8>,
    pub sha256: String,
    /// Which stream it carries.
    pub stream: StreamKey,
    pub took: Duration,
}

/// What makes a payload stream distinct: the uncompressed bytes and how they are compressed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamKey {
    pub format: Format,
    pub compression: Compression,
    pub sha256: [u8; 32],
}

/// What a run made.
#[derive(Debug)]
pub struct Packages {
    pub made: Vec<Made>,
    /// How many payload streams were compressed.
    pub streams_compressed: usize,
}

enum Draft {
    Rpm(::rpm_pkg::Draft),
    Deb(::deb_pkg::Draft),
}

enum Stream {
    Rpm(::rpm_pkg::CompressedPayload),
    Deb(::deb_pkg::CompressedData),
}

/// Makes every package of the plan. `trees` has one tree for each Rust target.
pub fn make(
    plan: &Plan,
    trees: &BTreeMap<String, Tree>,
    signer: &Signer,
    reporter: &Reporter,
) -> Result<Packages, Error> {
    let job = reporter.job("packages");
    job.step("mapping trees");
    let drafts: Vec<Draft> =
        plan.packages.par_iter().map(|p| draft(plan, p, &trees[&p.target])).collect::<Result<_, _>>()?;
    let keys: Vec<StreamKey> = drafts.iter().zip(&plan.packages).map(|(d, p)| d.key(p)).collect();

    let mut first_of: BTreeMap<&StreamKey, usize> = BTreeMap::new();
    for (index, key) in keys.iter().enumerate() {
        first_of.entry(key).or_insert(index);
    }
    job.step(&format!("compressing {} payload streams for {} packages", first_of.len(), drafts.len()));
    let compressed = Mutex::new(0usize);
    let streams: BTreeMap<&StreamKey, Stream> = first_of
        .par_iter()
        .map(|(key, index)| {
            *compressed.lock().expect("nothing panics while counting") += 1;
            Ok((*key, drafts[*index].compress(&plan.packages[*index])?))
        })
        .collect::<Result<_, Error>>()?;

    job.step("signing");
    let made: Vec<Made> = drafts
        .par_iter()
        .zip(&keys)
        .enumerate()
        .map(|(index, (draft, key))| {
            let began = Instant::now();
            let bytes = draft.finish(&plan.packages[index], &streams[key], signer)?;
            let sha256 = hex::encode(Sha256::digest(&bytes));
            Ok(Made { index, bytes, sha256, stream: key.clone(), took: began.elapsed() })
        })
        .collect::<Result<_, Error>>()?;
    let streams_compressed = compressed.into_inner().expect("nothing panics while counting");
    job.done(&format!("{} packages, {streams_compressed} payload streams", made.len()));
    Ok(Packages { made, streams_compressed })
}

fn draft(plan: &Plan, package: &Package, tree: &Tree) -> Result<Draft, Error> {
    let scripts = payload::scripts(plan, package)?;
    match &package.details {
        PackageDetails::Rpm { profile, rpm_release } => {
            let spec = rpm::spec(plan, package, *profile, rpm_release, tree, &scripts);
            let fail = |source| Error::Rpm { package: package.file.clone(), source };
            let spec = spec.map_err(|e| fail(e.into()))?;
            Ok(Draft::Rpm(::rpm_pkg::Draft::new(&spec).map_err(|e| fail(e.into()))?))
        }
        PackageDetails::Deb { deb_version } => {
            let spec = deb::spec(plan, package, deb_version, tree, &scripts);
            let fail = |source| Error::Deb { package: package.file.clone(), source };
            let spec = spec.map_err(fail)?;
            Ok(Draft::Deb(::deb_pkg::Draft::new(&spec).map_err(|e| fail(e.into()))?))
        }
    }
}

impl Draft {
    fn key(&self, package: &Package) -> StreamKey {
        let sha256 = match self {
            Draft::Rpm(draft) => draft.payload().sha256(),
            Draft::Deb(draft) => draft.data_sha256(),
        };
        StreamKey { format: package.format, compression: package.compression, sha256 }
    }

    fn compress(&self, package: &Package) -> Result<Stream, Error> {
        match self {
            Draft::Rpm(draft) => ::rpm_pkg::compress(draft.payload(), rpm::compression(package.compression))
                .map(Stream::Rpm)
                .map_err(|e| Error::Rpm { package: package.file.clone(), source: e.into() }),
            Draft::Deb(draft) => ::deb_pkg::compress(&draft.data_tar().bytes, deb::compression(package.compression))
                .map(Stream::Deb)
                .map_err(|e| Error::Deb { package: package.file.clone(), source: e.into() }),
        }
    }

    fn finish(&self, package: &Package, stream: &Stream, signer: &Signer) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        match (self, stream) {
            (Draft::Rpm(draft), Stream::Rpm(stream)) => {
                let written = draft.finish(stream, Some(&rpm::PackageSigner(signer)), &mut bytes);
                written.map_err(|e| Error::Rpm { package: package.file.clone(), source: e.into() })?;
            }
            (Draft::Deb(draft), Stream::Deb(stream)) => {
                let written = draft.finish(stream, Some(&deb::PackageSigner(signer)), &mut bytes);
                written.map_err(|e| Error::Deb { package: package.file.clone(), source: e.into() })?;
            }
            _ => unreachable!("streams are keyed by format"),
        }
        Ok(bytes)
    }
}
