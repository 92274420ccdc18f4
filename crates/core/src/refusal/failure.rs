//! What a person is told of a login that failed, for whatever reason.

use alloc::format;
use alloc::string::String;

use super::{Attempt, LoginRefusal, classify_failure};
use crate::edge::{DatabaseError, ServerError};
use crate::problem::{Kind, Problem};

/// What a person is told of a login that failed at this port.
pub fn problem(error: &DatabaseError, port: u16, attempt: &Attempt<'_>) -> Problem {
    let host = attempt.host;
    let refusal = classify_failure(error);
    let (kind, advice) = match error {
        DatabaseError::Server(report) => return refusal.problem(report, attempt),
        // Some hosts pass the server's words on as mere text.
        DatabaseError::Unreachable { detail }
        | DatabaseError::Lost { detail }
        | DatabaseError::Other { detail }
            if refusal != LoginRefusal::Other =>
        {
            let report = ServerError { message: detail.clone(), ..ServerError::default() };
            return refusal.problem(&report, attempt);
        }
        DatabaseError::Tls { .. } => (
            Kind::Denied,
            format!(
                "No password was sent. Check that {host} is the server you mean; if a private \
                 authority signed its certificate, name that authority's file in SSL_CERT_FILE."
            ),
        ),
        DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. } => (
            Kind::Unavailable,
            format!(
                "Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this \
                 machine may reach it on port {port}."
            ),
        ),
        DatabaseError::Other { .. } => {
            (Kind::Unavailable, String::from("`lakegate doctor` checks each step by itself."))
        }
    };
    Problem { kind, message: format!("{host}:{port}: {error}"), advice, sqlstate: None }
}
