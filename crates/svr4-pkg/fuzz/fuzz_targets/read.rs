#![no_main]

//! `cargo +nightly fuzz run read -- -max_total_time=60` in `crates/svr4-pkg`.

libfuzzer_sys::fuzz_target!(|data: &[u8]| svr4_pkg::fuzz::fuzz_one(data));
