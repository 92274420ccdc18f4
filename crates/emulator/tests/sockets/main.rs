//! Promises of the emulator, kept through real sockets, real TLS and a real Postgres.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in its client")]

mod client;
mod control_plane;
mod faults;
mod foreign_server;
mod life_of_a_token;
mod postgres;
mod process;
