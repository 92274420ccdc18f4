//! The pool and proxy of Lakegate: fresh tokens for every connection of every application.
//!
//! An application connects to [`Proxy`] on this machine, with any driver and no password. Its
//! queries run over few TLS connections to Lakebase, each opened with a token that was alive at
//! that moment ([`Logins`]).
//!
//! `wire` is the protocol without a socket; `front` lets applications in; `server` logs in to the
//! database; `pool` keeps those connections; `session` carries bytes between the two. Nothing in
//! here decides about tokens.

mod binding;
mod cancel;
mod front;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod logins;
mod metrics;
mod options;
mod pool;
mod proxy;
mod server;
mod session;
mod stop;
mod stream;
mod tcp;
mod wire;

pub use crate::front::UnixError;
pub use crate::logins::{Answer, Failure, Login, Logins, ServerError};
pub use crate::metrics::Metrics;
pub use crate::options::{Mode, Options, Tuning, UnixSocket};
pub use crate::proxy::{Counts, Drained, Proxy, StartError};
