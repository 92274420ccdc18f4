//! The component in other people's hosts: the examples of `wit/README.md`, run as they stand there.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod hosts;
mod readme;
