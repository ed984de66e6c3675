//! In `crates/svr4-pkg`: `cargo +nightly fuzz run read -- -max_total_time=60`.
//!
//! Without a nightly compiler, in `crates/svr4-pkg/fuzz`, with the coverage pass that stable has:
//!
//! ```text
//! RUSTFLAGS="--cfg fuzzing -Cdebug-assertions -Ccodegen-units=1 -Cpasses=sancov-module
//!   -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
//!   -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares" \
//!   cargo run --release --target x86_64-unknown-linux-gnu -- -max_total_time=60
//! ```
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| svr4_pkg::fuzz::fuzz_one(data));
