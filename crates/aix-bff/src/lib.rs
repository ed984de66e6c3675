//! AIX backup-file-format (BFF) packages: write and strictly read, without AIX.
//!
//! A package is a stream of the AIX `backup` command ([`backup`]) that holds the file `lpp_name`
//! ([`lpp_name`]), an archive of control files per part ([`ar`], [`inventory`]) and the payload.
//! [`write()`] makes one from a [`Spec`]; [`read`] and [`read_with`] take one apart and prove that all its
//! statements agree. `FORMAT.md` has the byte tables and says how certain each fact is.
//!
//! ```
//! use aix_bff::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tool = Entry {
//!     path: "/opt/acme/bin/tool".parse()?,
//!     owner: "root".into(),
//!     group: "system".into(),
//!     mode: 0o755,
//!     kind: EntryKind::File(FileEntry {
//!         content: Source::Bytes(b"#!/bin/sh\n".to_vec()),
//!         upkeep: Upkeep::Fixed,
//!         links: vec![],
//!     }),
//! };
//! let spec = Spec {
//!     name: "acme".parse()?,
//!     timestamp: 1_700_000_000,
//!     extra: Default::default(),
//!     product_id: None,
//!     filesets: vec![Fileset {
//!         name: "acme.rte".parse()?,
//!         level: "1.0.0.0".parse()?,
//!         description: "Acme tools".into(),
//!         language: "en_US".into(),
//!         bosboot: lpp_name::Bosboot::No,
//!         requisites: vec![lpp_name::Requisite::Prereq("bos.rte".parse()?, Some("7.1.0.0".parse()?))],
//!         copyright: None,
//!         usr: Part { entries: vec![tool], ..Part::default() },
//!         root: None,
//!     }],
//! };
//! let mut bytes = Vec::new();
//! let written = write(&spec, &mut bytes)?;
//! let installable = read(bytes.as_slice(), Dialect::Canonical)?;
//! assert_eq!(installable.package, written.package);
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod ar;
pub mod backup;
pub mod checksum;
pub mod fuzz;
mod huffman;
pub mod inventory;
pub mod lpp_name;
mod name;
mod package;
mod text;
mod vrmf;

pub use name::{InstallPath, NAME_MAX, Name, NameError, PATH_MAX, PathError, SYSCK_REFUSED};
pub use package::{
    Content, Contents, Control, ControlScript, Dialect, Entry, EntryKind, FileEntry, Fileset, Installable,
    Package, Part, PartKind, PayloadItem, Problem, Problems, ReadError, Source, Spec, Upkeep, WriteError,
    Written, read, read_with, write,
};
pub use text::{ConfigHandling, SizeLine, TextError};
pub use vrmf::{Vrmf, VrmfError};
