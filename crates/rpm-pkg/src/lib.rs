//! RPM packages: write and strictly read.
//!
//! Writing takes three steps, so that packages which carry the same files share one compression:
//!
//! ```
//! fn write(spec: &rpm_pkg::Spec, signer: &dyn rpm_pkg::Signer) -> Result<(), Box<dyn std::error::Error>> {
//!     let draft = rpm_pkg::Draft::new(spec)?; // checks the whole spec, lays out header and archive
//!     let payload = rpm_pkg::compress(draft.payload(), spec.compression)?; // once for each payload key
//!     let file = std::fs::File::create(spec.file_name())?;
//!     draft.finish(&payload, Some(signer), file)?;
//!     Ok(())
//! }
//! ```
//!
//! Reading ([`Package::read`]) accepts only what this writer emits: every byte of a signed package is
//! constant, derived from another byte, covered by a digest, or covered by a signature which
//! [`Package::verify_signatures`] checks. `FORMAT.md` has the byte tables.

mod dependencies;
mod draft;
mod error;
mod header;
mod lead;
mod package;
mod payload;
mod read;
mod signature;
mod spec;
mod tags;
mod validate;

pub use dependencies::HeaderDependency;
pub use draft::{Draft, Written};
pub use error::{DraftError, Problem, Problems, ReadError, Rule, WriteError};
pub use package::{Digest, FileInfo, Package, SignedRegion};
pub use payload::{CompressedPayload, Payload, compress};
pub use read::Limits;
pub use signature::{SignatureError, SignaturePacket, SignatureVersion, Signer, Verifier, VerifyError};
pub use spec::{
    Arch, ChangelogEntry, Comparison, Compression, Constraint, Dependencies, Dependency, Entry, FileClass,
    Interpreter, Kind, Profile, Scriptlet, Scriptlets, Spec, VerifyFlags,
};
