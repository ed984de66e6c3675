//! Any bytes through every reader, see `aix_bff::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| aix_bff::fuzz::fuzz_one(bytes));
