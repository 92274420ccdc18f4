//! What is promised, shown through what a user has: the binaries, a real Postgres behind real TLS,
//! and the component inside of `lakegate`. One file for each promise.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod detects_the_user;
mod is_safe;
mod keeps_open_connections;
mod mints_the_token;
mod rotates_before_expiry;
mod sets_up_once;
mod starts_first_time;
mod tightens;
