//! How a run fails: an exit code, what went wrong, and what to do.

use std::fmt::Display;

use crate::plan::PlanErrors;
use crate::release::PlaceError;
use crate::release::bundle::BundleError;
use crate::signing;
use crate::verify::Refusal;

/// Documented exit codes (README.md, "Exit codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Something that should not happen.
    Unexpected = 1,
    /// The command line itself (clap's code).
    Usage = 2,
    /// Mistakes in specs or flags: nothing was made.
    Plan = 3,
    /// A toolchain is missing, or the agent did not build.
    Build = 4,
    /// A package or bundle could not be made.
    Package = 5,
    /// A key is missing, locked or wrong.
    Keys = 6,
    /// The disk: full, not writable, or locked by another run.
    Output = 7,
    /// What was verified is refused.
    Refused = 8,
    /// Tests failed, or `doctor` found something missing.
    Checks = 9,
}

/// A failed run.
#[derive(Debug)]
pub struct Failure {
    pub exit: Exit,
    pub cause: Cause,
}

/// What a failed run has to say.
#[derive(Debug)]
pub enum Cause {
    /// Mistakes, each with place, rule and mend.
    Plan(PlanErrors),
    /// Reasons to refuse an artifact.
    Refused { what: String, refusals: Vec<Refusal> },
    /// One error and its mend.
    One { what: String, mend: String },
}

impl Failure {
    /// A failure with a mend.
    pub fn new(exit: Exit, what: impl Display, mend: impl Display) -> Failure {
        Failure { exit, cause: Cause::One { what: what.to_string(), mend: mend.to_string() } }
    }
}

impl From<PlanErrors> for Failure {
    fn from(errors: PlanErrors) -> Self {
        Failure { exit: Exit::Plan, cause: Cause::Plan(errors) }
    }
}

impl From<signing::Error> for Failure {
    fn from(error: signing::Error) -> Self {
        Failure::new(Exit::Keys, &error, error.mend())
    }
}

impl From<PlaceError> for Failure {
    fn from(error: PlaceError) -> Self {
        Failure::new(Exit::Output, &error, error.mend())
    }
}

impl From<crate::package::Error> for Failure {
    fn from(error: crate::package::Error) -> Self {
        let mend = "the writer names the rule that the package breaks: correct specs/ or templates/ there";
        Failure::new(Exit::Package, error, mend)
    }
}

impl From<crate::scriptlets::Error> for Failure {
    fn from(error: crate::scriptlets::Error) -> Self {
        Failure::new(Exit::Package, error, "correct the template: `cargo xtask plan` checks all of them")
    }
}

impl From<BundleError> for Failure {
    fn from(error: BundleError) -> Self {
        match error {
            BundleError::Signing(error) => error.into(),
            error => Failure::new(Exit::Package, error, "correct specs/bundles.toml"),
        }
    }
}

impl From<cross_build::Error> for Failure {
    fn from(error: cross_build::Error) -> Self {
        if matches!(error, cross_build::Error::DiskFull { .. }) {
            return Failure::new(Exit::Output, error, "the previous release, if any, is as it was");
        }
        // The error itself says what to do; this says where to look further.
        Failure::new(Exit::Build, error, "`cargo xtask doctor` shows which toolchains are ready")
    }
}
