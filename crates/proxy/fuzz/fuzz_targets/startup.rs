//! The first packet of a connection, in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lakegate_proxy::fuzzing::startup(bytes));
