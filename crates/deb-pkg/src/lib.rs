//! Debian binary packages (`.deb`, format 2.0): write them, and strictly read what was written.
//!
//! Writing goes in three steps, so that packages which differ only in their control metadata can share
//! one compressed payload:
//!
//! 1. [`Draft::new`] validates a [`Spec`] and reports every problem at once;
//! 2. [`Draft::data_tar`] gives the uncompressed `data.tar`, and [`compress`] packs it; drafts with the same
//!    tree and date have the same [`Draft::data_sha256`];
//! 3. [`Draft::finish`] assembles the package, with an embedded signature when a [`Signer`] is given.
//!
//! [`read`] accepts exactly what this crate writes: each byte of a package either has the one value that the
//! format allows here, or is bound by a digest, a compression check or the signature. See `FORMAT.md`.
//!
//! Output depends on the specification alone: no clock, no environment, no file system.

mod ar;
mod compress;
mod control;
mod draft;
mod fields;
pub mod openpgp;
mod read;
mod relation;
mod spec;
mod tar;
mod tree;
mod validate;

pub use ar::ArError;
pub use compress::{CompressError, CompressedData, Compression, DecompressError, compress};
pub use control::ControlError;
pub use draft::{DataTar, Draft, FinishError, Signer, Written};
pub use fields::{Architecture, FieldError, PackageName, Priority, Version};
pub use read::{Limits, Member, Package, ReadError, read, read_with_limits};
pub use relation::{Comparison, Dependency, Relation, RelationError};
pub use spec::{Description, Entry, EntryKind, Owner, Scripts, Spec};
pub use tar::TarError;
pub use validate::{InvalidSpec, Problem};
