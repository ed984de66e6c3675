//! The datastream: a text header and cpio archives, one file for pkgadd.

mod header;
mod read;
mod tape;
mod write;

pub use read::{Datastream, read};
pub use write::{Written, write};
