//! The library for Rust, as an application uses it: against an emulated Lakebase, with settings of
//! its own and none of this process. One file for each promise.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod application;
mod gives_live_tokens;
mod keeps_secrets;
mod prepares_the_database;
mod renews_in_time;
mod survives_outages;
mod survives_refused_logins;
mod verifies_tls;
