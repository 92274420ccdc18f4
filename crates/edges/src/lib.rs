//! The native edges of Lakegate: what its decisions need done on a machine with sockets.
//!
//! One file for each edge: the clocks ([`clock`]), HTTPS to the workspace ([`control_plane`]),
//! Postgres over verified TLS ([`mod@postgres`]), whom to trust ([`tls`]), settings ([`settings`]),
//! the files with secrets ([`secrets`]), the way to a server for who looks for an obstacle ([`mod@probe`]),
//! and the place where a credential is kept ([`live`]). The host of the component and the library for Rust
//! both stand on them; each turns these plain types into its own. Nothing in here decides.

pub mod cause;
pub mod clock;
pub mod control_plane;
mod databricks_cli;
pub mod live;
pub mod postgres;
pub mod probe;
pub mod random;
pub mod secrets;
pub mod settings;
pub mod tls;

/// Whether a host is this machine, where plaintext is readable by nobody else: a name or an
/// address, the one of IPv6 with or without brackets.
#[must_use]
pub fn is_loopback(host: &str) -> bool {
    matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
}
