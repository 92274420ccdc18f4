//! What client and server say, in pieces.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lakegate_proxy::fuzzing::conversation(bytes));
