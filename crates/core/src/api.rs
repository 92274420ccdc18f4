//! The requests to Databricks and what their answers mean.
//!
//! Builders make a [`Request`](crate::edge::Request), parsers take the
//! [`Response`](crate::edge::Response); nothing is sent here. Unknown fields of an answer are
//! passed over, missing ones are only an error where nothing can be done without them.

pub mod advice;
pub mod apps;
pub mod database;
pub mod error;
pub mod expiry;
mod json;
pub mod oidc;
pub mod postgres;
mod request;
pub mod retry_after;
pub mod roles;
mod said;
pub mod scim;

pub use advice::Call;
pub use error::ApiError;
pub use expiry::ExpiryClaim;
pub(crate) use said::clean;

use crate::secret::Secret;

/// A token out of an answer, and what the answer said about its life.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The token.
    pub token: Secret,
    /// Its life.
    pub claim: ExpiryClaim,
}
