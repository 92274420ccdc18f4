//! Why a database did not do what it was asked, sorted by what the caller must know.

use std::fmt;

use tokio_postgres::error::{DbError, ErrorPosition};

use super::LOGIN_TIMEOUT;
use crate::cause::{innermost, tls_failure};

/// Nobody was let in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The server took too long.
    #[error("no answer to the login in {} s", LOGIN_TIMEOUT.as_secs())]
    Timeout,
    /// It was not reached, not trusted, or refused.
    #[error("the login failed")]
    Failed(#[source] tokio_postgres::Error),
}

/// Why there is no connection, or why a statement did not end well.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DatabaseError {
    /// The name was not found, nobody answered there, or not in time.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// No TLS, or a certificate that is not one to trust. No password was sent.
    #[error("the TLS handshake failed: {0}")]
    Tls(String),
    /// The connection broke while a statement ran: whether it was committed is not known.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// The server said no.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// Anything else, in the library's words.
    #[error("{0}")]
    Other(String),
}

/// An error report of Postgres, or of what stands before it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerError {
    /// The SQLSTATE.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// More detail, when there is some.
    pub detail: Option<String>,
    /// A suggestion, when there is one.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<u32>,
    /// Where in [`internal_query`](Self::internal_query), in characters from 1.
    pub internal_position: Option<u32>,
    /// The text of a statement that a function or a `DO` block ran.
    pub internal_query: Option<String>,
    /// The call stack of functions and blocks (Postgres' `where`).
    pub context: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (SQLSTATE {})", self.message, self.code)
    }
}

impl From<LoginError> for DatabaseError {
    fn from(error: LoginError) -> Self {
        Self::from(&error)
    }
}

impl From<&LoginError> for DatabaseError {
    fn from(error: &LoginError) -> Self {
        match error {
            LoginError::Timeout => Self::Unreachable(error.to_string()),
            LoginError::Failed(error) => error.into(),
        }
    }
}

impl From<tokio_postgres::Error> for DatabaseError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::from(&error)
    }
}

impl From<&tokio_postgres::Error> for DatabaseError {
    fn from(error: &tokio_postgres::Error) -> Self {
        if let Some(report) = error.as_db_error() {
            return Self::Server(Box::new(report.into()));
        }
        let detail = innermost(error);
        // The library keeps its kinds to itself; its own first words are all there is to tell them
        // by.
        let kind = error.to_string();
        if tls_failure(error) || kind.starts_with("error performing TLS handshake") {
            Self::Tls(detail)
        } else if kind.starts_with("error connecting to server") || kind.starts_with("timeout") {
            Self::Unreachable(detail)
        } else if error.is_closed() || kind.starts_with("error communicating with the server") {
            Self::Lost(detail)
        } else {
            Self::Other(detail)
        }
    }
}

impl From<&DbError> for ServerError {
    fn from(report: &DbError) -> Self {
        let (position, internal_position, internal_query) = match report.position() {
            Some(ErrorPosition::Original(position)) => (Some(*position), None, None),
            Some(ErrorPosition::Internal { position, query }) => {
                (None, Some(*position), Some(query.clone()))
            }
            None => (None, None, None),
        };
        Self {
            code: report.code().code().to_owned(),
            message: report.message().to_owned(),
            detail: report.detail().map(str::to_owned),
            hint: report.hint().map(str::to_owned),
            position,
            internal_position,
            internal_query,
            context: report.where_().map(str::to_owned),
        }
    }
}
