//! What a caller is told when a request cannot be served.

use serde_json::{Value, json};
use spin_sdk::http::StatusCode;
use spin_sdk::pg::{Error, PgError, QueryError};

use crate::bindings::lakegate::connect::problems::Problem;

/// Tables or schemas that are not there: `undefined_table`, `invalid_schema_name`.
const NOT_PREPARED: [&str; 2] = ["42P01", "3F000"];

/// Why there is no answer.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: StatusCode,
    message: String,
    /// What to do next; may be empty.
    advice: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), advice: String::new() }
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.message, "advice": self.advice })
    }
}

/// Lakegate's problems hold no secret and say what to do next.
impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { advice: problem.advice, ..Self::unavailable(problem.message) }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let Error::PgError(PgError::QueryFailed(QueryError::DbError(refusal))) = error else {
            return Self::unavailable(error.to_string());
        };
        let advice = if NOT_PREPARED.contains(&refusal.code.as_str()) {
            "The database is not prepared yet: POST /orders/prepare does it."
        } else {
            ""
        };
        Self { advice: advice.to_owned(), ..Self::unavailable(refusal.message) }
    }
}
