//! What an answer said about the life of a token, word for word.

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::edge::Response;

/// The raw statements of an answer about a token's life. Their meaning is decided where lifetimes
/// are measured, so that one place knows every odd form.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ExpiryClaim {
    /// Seconds from the answer on, as text: a number in JSON, or a string (both occur).
    pub expires_in: Option<String>,
    /// An instant, RFC 3339: `expiration_time` (Provisioned) or `expire_time` (Autoscaling).
    pub expires_at: Option<String>,
    /// The answer's `Date` header, the server's own clock.
    pub date: Option<String>,
}

impl ExpiryClaim {
    pub(crate) fn new(
        response: &Response,
        expires_in: Option<String>,
        expires_at: Option<String>,
    ) -> Self {
        Self { expires_in, expires_at, date: response.header("date").map(ToOwned::to_owned) }
    }
}
