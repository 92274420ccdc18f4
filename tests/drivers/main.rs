//! Real drivers: what each finds directly, it finds through the proxy, in both pool modes.
//!
//! A suite is a program in its driver's own language. Where to connect stands in libpq's variables,
//! and `LOGIN_ROLE` and `LOGIN_DATABASE` say who and where it is then. It prints one line for each
//! promise, and exits with the first that is broken. A driver that is not installed breaks its
//! test, which says what to run.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod pgbench;
mod road;
mod suites;
mod with_sqlx;
mod with_tokio_postgres;
