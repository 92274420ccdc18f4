//! The text of a statement, in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lakegate_proxy::fuzzing::text(bytes));
