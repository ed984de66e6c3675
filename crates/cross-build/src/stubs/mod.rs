//! Link stubs: shared libraries and import lists that carry names, never code, made from reviewed lists.

mod elf;
mod list;
mod xcoff;

pub(crate) use elf::{Machine, write_library};
pub(crate) use list::{Kind, Library, SymbolList, Version, undefined_in};
pub(crate) use xcoff::import_file;
