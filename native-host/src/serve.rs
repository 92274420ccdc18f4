//! The HTTP front of `lakegate serve`: from a socket to the function and back.
//!
//! [`listener`] accepts and stops in order, [`connection`] speaks TLS and HTTP with one client,
//! and [`front`] takes each request: names it, limits it, logs it. What the function cannot answer
//! itself is a [`problem`]. Keys, routes, bodies and the time limit of a request are the function's.

pub(crate) mod address;
mod connection;
pub(crate) mod front;
pub(crate) mod headers;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod problem;
mod pulse;
mod record;
pub(crate) mod tls;

#[cfg(test)]
mod tests;
