//! The build system as a library, so that tests can call each step.
pub mod scriptlets;
