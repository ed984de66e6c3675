//! The build system as a library, so that tests can call each step.
//!
//! Data goes one way: [`spec`] → [`plan`] → binaries → payload → packages → signatures → release → verified.

#![allow(missing_docs, reason = "the library serves the program beside it; its items are named for what they are")]

pub mod archive;
pub mod binaries;
pub mod cli;
pub mod cmd;
pub mod context;
pub mod dist;
pub mod error;
pub mod failure;
pub mod inspect;
pub mod install_test;
pub mod package;
pub mod payload;
pub mod plan;
pub mod release;
pub mod report;
pub mod scriptlets;
pub mod signing;
pub mod spec;
pub mod tools;
pub mod verify;
