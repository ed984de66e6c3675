//! Installer tests: scenarios from `ci/scenarios`, on every package that this machine runs, in every root or
//! image that it has.

pub mod case;
pub mod container;
pub mod expect;
pub mod faults;
pub mod images;
pub mod isolated;
pub mod junit;
pub mod places;
pub mod report;
pub mod roots;
pub mod run;
pub mod sandbox;
pub mod scenario;
pub mod select;
pub mod subjects;
pub mod tree;
