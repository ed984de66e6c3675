//! The VEN control program.
fn main() {}
