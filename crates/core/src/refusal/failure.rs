//! What a person is told of a login that failed, for whatever reason.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;

use super::{Attempt, LoginRefusal, classify_failure};
use crate::edge::{DatabaseError, ServerError};
use crate::problem::{Kind, Problem};

/// What a person is told of a login that failed at this port.
pub fn problem(error: &DatabaseError, port: u16, attempt: &Attempt<'_>) -> Problem {
    let host = attempt.host;
    if let Some(report) = report(error) {
        return classify_failure(error).problem(&report, attempt);
    }
    let (kind, advice) = match error {
        _ if without_tls(error) => (
            Kind::Denied,
            format!(
                "No password was sent. Lakebase always does TLS, so what listens at {host}:{port} is \
                 something else: check POSTGRES_HOST and POSTGRES_PORT."
            ),
        ),
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
        DatabaseError::Server(_) | DatabaseError::Other { .. } => {
            (Kind::Unavailable, String::from("`lakegate doctor` checks each step by itself."))
        }
    };
    Problem { kind, message: format!("{host}:{port}: {error}"), advice, sqlstate: None }
}

/// Whether the server does without TLS. Every host so far has the library that says it like this.
pub(crate) fn without_tls(error: &DatabaseError) -> bool {
    matches!(error, DatabaseError::Tls { detail } if detail.contains("does not support TLS"))
}

/// The refusal of the server, if it was the one to say no. Some hosts pass its words on as mere
/// text.
pub(crate) fn report(error: &DatabaseError) -> Option<Cow<'_, ServerError>> {
    match error {
        DatabaseError::Server(report) => Some(Cow::Borrowed(report)),
        DatabaseError::Unreachable { detail }
        | DatabaseError::Lost { detail }
        | DatabaseError::Other { detail }
            if classify_failure(error) != LoginRefusal::Other =>
        {
            Some(Cow::Owned(ServerError { message: detail.clone(), ..ServerError::default() }))
        }
        _ => None,
    }
}
