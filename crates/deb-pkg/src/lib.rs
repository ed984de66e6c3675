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
//! ```
//! use deb_pkg::{Architecture, Compression, Description, Draft, Entry, EntryKind, Owner, Priority, Scripts, Spec};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let spec = Spec {
//!     name: "demo".parse()?,
//!     version: "1.0-1".parse()?,
//!     architecture: Architecture::Amd64,
//!     maintainer: "Demo Team <demo@example.com>".to_owned(),
//!     section: "admin".to_owned(),
//!     priority: Priority::Optional,
//!     homepage: None,
//!     description: Description::fold("demonstration", "A package with one file."),
//!     pre_depends: vec![],
//!     depends: vec!["libc6 (>= 2.17) | musl".parse()?],
//!     recommends: vec![],
//!     suggests: vec![],
//!     conflicts: vec![],
//!     breaks: vec![],
//!     replaces: vec![],
//!     provides: vec![],
//!     extra_fields: vec![],
//!     scripts: Scripts::default(),
//!     conffiles: vec![],
//!     entries: vec![Entry {
//!         path: "/opt/demo/hello".to_owned(),
//!         kind: EntryKind::File { content: b"hello\n"[..].into() },
//!         mode: 0o644,
//!         user: Owner::root(),
//!         group: Owner::root(),
//!     }],
//!     source_date: 1_700_000_000,
//!     control_compression: Compression::Gzip { level: 9 },
//! };
//! let draft = Draft::new(&spec)?;
//! let data = deb_pkg::compress(&draft.data_tar().bytes, Compression::Xz { level: 6 })?;
//! let mut package = Vec::new();
//! let written = draft.finish(&data, None, &mut package)?;
//! assert_eq!(written.size, package.len() as u64);
//!
//! let read = deb_pkg::read(&package)?;
//! assert_eq!(read.entries().last().unwrap().path, "/opt/demo/hello");
//! # Ok(())
//! # }
//! ```
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
