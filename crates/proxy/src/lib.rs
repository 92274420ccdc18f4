//! The pool and proxy of Lakegate: fresh tokens for every connection of every application.
//!
//! An application connects to [`Proxy`] on this machine, with any driver and no password. Its
//! queries run over few TLS connections to Lakebase, each opened with a token that was alive at
//! that moment ([`Logins`]).
//!
//! `wire` is the protocol without a socket; `front` lets applications in; `server` logs in to the
//! database; `pool` keeps those connections; `session` carries bytes between the two. Nothing in
//! here decides about tokens.

mod logins;
mod metrics;
mod options;
mod stream;

pub use crate::logins::{Answer, Failure, Login, Logins, ServerError};
pub use crate::metrics::Metrics;
pub use crate::options::{Mode, Options, Tuning, UnixSocket};
