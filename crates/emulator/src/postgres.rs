//! A real Postgres of our own: found, started in a private folder, filled, and removed afterwards. Or
//! one that runs already.
//!
//! It listens on a Unix socket only, in a folder nobody else may enter, and trusts whoever comes
//! that way: the gate has already asked for the token.

pub mod account;
pub mod address;
pub mod binaries;
pub mod catalog;
pub mod foreign;
pub mod origin;
pub mod package;
pub mod server;
pub mod template;

/// The superuser inside, named as Lakebase names its own.
pub(crate) const SUPERUSER: &str = "cloud_admin";
