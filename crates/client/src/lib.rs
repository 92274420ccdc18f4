//! Lakebase for Rust.
