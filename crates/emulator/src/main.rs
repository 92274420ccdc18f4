//! `lakebase-emulator`: starts a local Lakebase and tells how to reach it.
fn main() {}
