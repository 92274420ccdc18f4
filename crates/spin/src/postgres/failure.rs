//! What Spin says of a login or a statement that failed, sorted.
//!
//! Of a login Spin has only the text of a chain of causes. Of a statement it has the server's report,
//! but its position only within the text of a Rust value.

mod position;

use lakegate_core::edge::{DatabaseError, ServerError};
use spin_sdk::pg::{DbError, Error, PgError, QueryError};

/// Why nobody was logged in.
pub(super) fn of_login(error: Error) -> DatabaseError {
    match error {
        Error::PgError(PgError::ConnectionFailed(text)) => connection_failed(&text),
        // The one other thing that is looked at: the authority's certificate.
        Error::PgError(PgError::Other(text)) if text.starts_with("invalid root certificate") => {
            DatabaseError::Tls { detail: format!("LAKEGATE_POSTGRES_CA: {}", last_line(&text)) }
        }
        error => other(error),
    }
}

/// Why a statement did not end well.
pub(super) fn of_statement(error: Error) -> DatabaseError {
    match error {
        Error::PgError(PgError::QueryFailed(QueryError::DbError(report))) => {
            DatabaseError::Server(Box::new(server_error(report)))
        }
        Error::PgError(PgError::QueryFailed(QueryError::Text(text))) => {
            let detail = last_line(&text);
            if text.contains("kind: Closed") || text.contains("kind: Io") {
                DatabaseError::Lost { detail }
            } else {
                DatabaseError::Other { detail }
            }
        }
        error => other(error),
    }
}

fn connection_failed(text: &str) -> DatabaseError {
    if let Some(report) = refusal(text) {
        return DatabaseError::Server(Box::new(report));
    }
    let detail = last_line(text);
    if text.contains("TLS handshake") || text.contains("SSL routines") {
        DatabaseError::Tls { detail: openssl_reason(text).unwrap_or(detail) }
    } else if text.contains("is not permitted") || text.contains("invalid connection string") {
        DatabaseError::Other { detail }
    } else {
        DatabaseError::Unreachable { detail }
    }
}

/// The server's own words in a chain of causes: a line such as `1: FATAL: …`, and what follows.
fn refusal(text: &str) -> Option<ServerError> {
    let mut lines = text.lines().map(without_number);
    let severities = ["FATAL: ", "ERROR: ", "PANIC: "];
    let message = lines.find_map(|line| {
        severities.iter().find_map(|severity| {
            line.strip_prefix(severity)
                .or_else(|| line.split_once(&format!("db error: {severity}")).map(|(_, said)| said))
        })
    })?;
    let mut report = ServerError { message: message.to_owned(), ..ServerError::default() };
    for line in lines {
        if let Some(detail) = line.strip_prefix("DETAIL: ") {
            report.detail = Some(detail.to_owned());
        } else if let Some(hint) = line.strip_prefix("HINT: ") {
            report.hint = Some(hint.to_owned());
        }
    }
    Some(report)
}

/// The innermost cause: the last line before a backtrace.
fn last_line(text: &str) -> String {
    let text = text.split("Stack backtrace:").next().unwrap_or_default();
    let line = text.lines().map(without_number).rfind(|line| !line.is_empty());
    line.unwrap_or("no reason was given").to_owned()
}

/// The reason in OpenSSL's `error:CODE:SSL routines:FUNCTION:REASON:FILE:LINE: (CERTIFICATE)`.
fn openssl_reason(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(":SSL routines:")?;
    let reason = rest.split(':').nth(1)?;
    let line = rest.lines().next()?.trim_end();
    let certificate = line.rsplit_once(": (").and_then(|(_, words)| words.strip_suffix(')'));
    Some(match certificate {
        Some(certificate) => format!("{reason}: {certificate}"),
        None => reason.to_owned(),
    })
}

/// A line of a chain of causes without its number: `    0: db error`.
fn without_number(line: &str) -> &str {
    let line = line.trim();
    match line.split_once(": ") {
        Some((number, rest)) if number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => line,
    }
}

fn server_error(report: DbError) -> ServerError {
    let extra = |name: &str| {
        report.extras.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    };
    let (hint, context) = (extra("hint"), extra("where_"));
    let found = position::find(&report, hint.as_ref());
    ServerError {
        hint,
        context,
        position: found.position,
        internal_position: found.internal_position,
        internal_query: found.internal_query,
        code: report.code,
        message: report.message,
        detail: report.detail,
    }
}

fn other(error: Error) -> DatabaseError {
    DatabaseError::Other { detail: last_line(&error.to_string()) }
}

#[cfg(test)]
mod tests;
