//! SVR4 (Solaris) packages: write and strictly read, without Solaris.
//!
//! A [`PackageSpec`] says what a package holds. [`PackageSpec::prepare`] checks it against every
//! rule at once and gives a [`Prepared`] package, whose bytes are all determined. [`write()`] streams
//! prepared packages as one datastream, [`write_directory`] makes the directory form, and
//! [`Prepared::members`] feeds any other archive.
//!
//! [`read`] takes a datastream apart again, [`read_directory`] a directory, [`PackageReader`] the
//! members of any other archive. All of them compare every size and checksum with pkgmap, bound
//! their memory, and refuse what pkgmk and pkgtrans would not have written; with
//! [`Form::Canonical`] they accept only the bytes that this crate writes for the same meaning.
//!
//! [`bourne_lint`] finds what the `/sbin/sh` of Solaris 10 does not know in a script.
//!
//! [`Admin`] and [`Response`] read the files an administrator gives to pkgadd.
//!
//! The byte layout and the sources of each fact are in FORMAT.md.
//!
//! ```
//! use svr4_pkg::{Attributes, Content, Object, PackageSpec, PkgInfo, ReadOptions, Ruleset};
//!
//! let spec = PackageSpec {
//!     info: PkgInfo::new("acme-agent", "Acme agent", "sparc", "1.0", "application").with("BASEDIR", "/"),
//!     objects: vec![
//!         Object::os_directory("opt"),
//!         Object::directory("opt/acme", Attributes::set(0o755, "root", "bin")),
//!         Object::file("opt/acme/hello", Attributes::set(0o644, "root", "bin"), 0, b"hello\n".as_slice()),
//!     ],
//!     install: Vec::new(),
//!     mtime: 0,
//! };
//! let package = spec.prepare(Ruleset::Portable)?;
//! let mut stream = Vec::new();
//! let written = svr4_pkg::write(&[package], &mut stream)?;
//! assert_eq!(written.size, stream.len() as u64);
//! let found = svr4_pkg::read(stream.as_slice(), &ReadOptions::canonical(), &mut |_, _| Ok(()))?;
//! assert_eq!(found.packages[0].info.pkg(), "acme-agent");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod admin;
pub mod bourne_lint;
mod check;
mod content;
mod cpio;
mod directory;
#[doc(hidden)]
pub mod fuzz;
mod install;
mod layout;
mod object;
mod package;
mod params;
mod pkginfo;
mod pkgmap;
mod reading;
mod response;
mod rule;
mod spec;
mod stream;
mod sum;

pub use admin::Admin;
pub use check::MAX_PATH_LENGTH;
pub use content::{Content, Source};
pub use directory::{read_directory, write_directory};
pub use install::{InstallFile, InstallName};
pub use object::{Attributes, DeviceKind, DirectoryKind, FileKind, Object, ObjectKind};
pub use package::{Package, PackageReader, PackagedFile, Visit};
pub use params::{parse_params, render_params};
pub use pkginfo::{MAX_PKG_LENGTH, PkgInfo, REQUIRED};
pub use pkgmap::{InstallLine, PkgMap};
pub use reading::{Form, Limits, ReadError, ReadOptions};
pub use response::Response;
pub use rule::{Problem, Rule, Ruleset};
pub use spec::{Member, MemberBody, PackageSpec, Prepared, WriteError};
pub use stream::{Datastream, Written, read, write};
pub use sum::Sum;
