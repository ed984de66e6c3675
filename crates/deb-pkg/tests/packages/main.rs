//! Packages as others see them: Debian's own tools, damaged bytes, any tree.

mod canonical;
mod dpkg;
mod foreign;
mod mutation;
mod roundtrip;
mod signature;
mod support;
mod validation;
