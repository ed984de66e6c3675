//! Cross-compiles a cargo package for every target from one Linux machine.
//!
//! The table of targets is data ([`Targets`], `specs/targets.toml`). [`Toolchains`] says what a target
//! still needs ([`Toolchains::status`]), provisions it ([`Toolchains::install`]) and builds and verifies
//! the binaries ([`Toolchains::build`]). Nothing of the machine changes: compilers, linkers and standard
//! libraries go into a cache folder that the caller names.

mod binutils;
mod compile;
mod compiler;
mod config;
mod error;
mod fetch;
mod ld;
mod linker;
mod patch;
mod process;
mod pure;
mod std_build;
mod store;
mod stubs;
mod target;
mod toolchains;
pub mod verify;

pub use config::{
    BuildRequest, Built, Config, Level, Observer, ProviderRecord, Silent, Status, VerificationRecord,
};
pub use error::{Error, Result, Undefined};
pub use target::{
    CopyFile, DebianSet, DebianSpec, Endian, Expect, Format, Ld, Linker, StdProvider, Strip, Stubs, Target,
    Targets, Verify, Wheel,
};
pub use toolchains::Toolchains;
