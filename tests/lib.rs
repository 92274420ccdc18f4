//! What a user has: the binaries, HTTP, SQL and files. Tests are written with this and with
//! nothing else, so that what they show is what a user gets.
//!
//! A [`House`] is one test's own world: an emulated Lakebase, a home folder, a clock. Everything
//! that a program prints in it is searched for the house's secrets, whatever the test is about.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in its harness")]

mod admin;
mod answer;
mod binaries;
mod clock;
mod database;
mod house;
mod operations;
mod process;
mod proxy;
mod rest;
mod secrets;
mod serve;

pub use answer::Answer;
pub use binaries::{binary, connector, function, installed, node, python, root};
pub use database::{Credential, refusal};
pub use house::House;
pub use operations::Operations;
pub use process::{Program, Run, Running};
pub use proxy::Proxy;
pub use serve::{ADMIN, CACHE_KEY, Serving, TOKEN, digest};

use std::time::Duration;

/// How long anything may take on a busy machine before a test calls it hung. Nothing waits for it
/// to pass.
pub const DEADLINE: Duration = Duration::from_secs(60);
