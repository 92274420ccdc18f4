//! The HTTP front of `lakegate serve`: from a socket to the function and back.
//!
//! [`listener`] accepts and stops in order, [`connection`] speaks TLS and HTTP with one client,
//! and [`front`] takes each request: names it, limits it, logs it. What the function
//! cannot answer itself is a [`problem`]. Keys, routes, bodies and the time limit of a request are the function's.

pub(crate) mod address;
mod connection;
pub(crate) mod front;
mod headers;
pub(crate) mod listener;
mod problem;
mod pulse;
mod record;
pub(crate) mod signals;
pub(crate) mod tls;

#[cfg(test)]
mod tests;

use std::time::Duration;

/// How much the front takes on, and how long it waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Requests under way at a time; one more is answered 503.
    pub(crate) requests: usize,
    /// What the function takes at most before it answers.
    pub(crate) deadline: Duration,
    /// For a TLS handshake, and again for the first request on a connection.
    pub(crate) opening: Duration,
    /// For a connection without a request under way, or whose client takes nothing of an answer.
    pub(crate) idle: Duration,
}

impl Limits {
    /// Ten seconds are plenty for a handshake or the head of a request. Proxies keep connections
    /// for a minute; closing first would cut off a request that is just being sent.
    pub(crate) const fn new(requests: usize, deadline: Duration) -> Self {
        Self { requests, deadline, opening: Duration::from_secs(10), idle: Duration::from_secs(75) }
    }

    /// Connections at a time; the next one waits in the kernel's queue. More than requests,
    /// because most are kept open for the next request.
    const fn connections(&self) -> usize {
        self.requests.saturating_mul(4)
    }
}
