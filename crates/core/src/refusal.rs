//! What a refused login means.
//!
//! Lakebase has two gateways with texts of their own, in front of a Postgres with its own. The
//! SQLSTATE says little: it is empty under some hosts, and `XX000` for whatever one of the gateways
//! itself refuses. So the text is looked at first, then the SQLSTATE.

mod advice;
mod failure;
mod patience;

pub use advice::{Attempt, Password};
pub(crate) use advice::{create_role, kind_of, no_role};
pub use failure::problem;
pub(crate) use failure::{report, without_tls};
pub use patience::{Patience, Retry, WAKE_UP};

use crate::edge::{DatabaseError, ServerError};

/// What a refused login means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LoginRefusal {
    /// The token is expired, or of another identity than the role: both have the same text.
    DeadToken,
    /// The token says of itself that it is expired.
    ExpiredToken,
    /// The identity has no role in this database server, or not on this branch.
    NoRole,
    /// What was sent as password is no database credential: a personal access token perhaps.
    NotAToken,
    /// The connection was not encrypted.
    NoTls,
    /// The gateway closed the connection: native Postgres login is switched off.
    NativeLoginOff,
    /// The endpoint is switched off.
    EndpointDisabled,
    /// There is no such endpoint.
    EndpointNotFound,
    /// The server starts, stops or wakes up.
    Waking,
    /// All connections are taken.
    TooManyConnections,
    /// There is no such database.
    MissingDatabase,
    /// The role may not connect to this database.
    NoConnectPrivilege,
    /// Something else.
    Other,
}

/// Part of a text in lower case, and what it means. The first that is found counts.
const TEXTS: &[(&str, LoginRefusal)] = &[
    ("oauth: user is not authorized", LoginRefusal::DeadToken), // Autoscaling
    ("invalid authorization for databricks identity login", LoginRefusal::DeadToken), // Provisioned
    ("jwt token has expired", LoginRefusal::ExpiredToken),
    ("not a valid jwt encoding", LoginRefusal::NotAToken),
    ("failed to decode token for role", LoginRefusal::NotAToken),
    ("external authorization failed", LoginRefusal::DeadToken),
    // In single quotes it is the gateway that speaks, and it speaks of the role; Postgres itself
    // uses double quotes, and means the password.
    ("password authentication failed for user '", LoginRefusal::NoRole),
    ("password authentication failed", LoginRefusal::DeadToken),
    ("connection closed unexpectedly", LoginRefusal::NativeLoginOff),
    ("invalid protocol version", LoginRefusal::NoTls),
    ("no encryption", LoginRefusal::NoTls), // no pg_hba.conf entry for host …, no encryption
    ("endpoint is disabled", LoginRefusal::EndpointDisabled),
    ("endpoint cannot be found", LoginRefusal::EndpointNotFound),
    ("endpoint is temporarily unavailable", LoginRefusal::Waking),
    ("the database system is", LoginRefusal::Waking), // starting up, shutting down
    ("too many connections", LoginRefusal::TooManyConnections),
    ("too many clients", LoginRefusal::TooManyConnections),
    ("failed to acquire permit to connect", LoginRefusal::TooManyConnections),
    ("permission denied for database", LoginRefusal::NoConnectPrivilege),
];

/// Tells what the error report of a refused login means.
pub fn classify(error: &ServerError) -> LoginRefusal {
    by_text(&error.message).or_else(|| by_code(&error.code)).unwrap_or(LoginRefusal::Other)
}

/// Tells what it means that a connection was not opened. Some hosts pass the server's words on as
/// mere text.
pub fn classify_failure(error: &DatabaseError) -> LoginRefusal {
    match error {
        DatabaseError::Server(error) => classify(error),
        DatabaseError::Unreachable { detail }
        | DatabaseError::Lost { detail }
        | DatabaseError::Other { detail } => by_text(detail).unwrap_or(LoginRefusal::Other),
        // Our side refused the server, no password was sent.
        DatabaseError::Tls { .. } => LoginRefusal::Other,
    }
}

impl LoginRefusal {
    /// Whether to log in once more, with a new token, if the one that was refused was not fresh.
    ///
    /// That is every refusal of the identity. Some of them point to the role and not to the token,
    /// but the texts are not documented, and a mint costs less than an outage.
    pub const fn retry_with_new_token(self) -> bool {
        matches!(self, Self::DeadToken | Self::ExpiredToken | Self::NoRole | Self::NotAToken)
    }

    /// Whether the same login may work in a moment.
    pub const fn transient(self) -> bool {
        matches!(self, Self::Waking | Self::TooManyConnections)
    }
}

fn by_text(message: &str) -> Option<LoginRefusal> {
    let message = message.to_ascii_lowercase();
    if let Some(subject) = missing(&message) {
        return Some(subject);
    }
    TEXTS.iter().find(|(text, _)| message.contains(text)).map(|&(_, refusal)| refusal)
}

/// `role "x" does not exist`, `database "x" does not exist`.
fn missing(message: &str) -> Option<LoginRefusal> {
    if !message.contains("\" does not exist") {
        return None;
    }
    if message.contains("role \"") {
        Some(LoginRefusal::NoRole)
    } else if message.contains("database \"") {
        Some(LoginRefusal::MissingDatabase)
    } else {
        None
    }
}

fn by_code(code: &str) -> Option<LoginRefusal> {
    Some(match code {
        "3D000" => LoginRefusal::MissingDatabase,
        "42501" => LoginRefusal::NoConnectPrivilege,
        "53300" => LoginRefusal::TooManyConnections,
        "57P01" | "57P02" | "57P03" => LoginRefusal::Waking,
        _ if code.starts_with("28") => LoginRefusal::DeadToken,
        _ if code.starts_with("08") => LoginRefusal::Waking,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, message: &str, expected: LoginRefusal) {
        let error =
            ServerError { code: code.into(), message: message.into(), ..ServerError::default() };
        assert_eq!(classify(&error), expected, "{code} {message}");
    }

    #[test]
    fn by_the_text_of_lakebase_whatever_the_code() {
        use LoginRefusal::*;
        for code in ["", "XX000", "28P01"] {
            for (message, expected) in [
                ("OAuth: User is not authorized", DeadToken),
                ("Invalid authorization for databricks identity login", DeadToken),
                ("External authorization failed", DeadToken),
                ("JWT token has expired (exp=1795348800)", ExpiredToken),
                ("password authentication failed for user '3f2a'", NoRole),
                ("role \"3f2a\" does not exist", NoRole),
                ("Provided authentication token is not a valid JWT encoding", NotAToken),
                ("Failed to decode token for role", NotAToken),
                ("Connection closed unexpectedly", NativeLoginOff),
                ("Invalid protocol version: 196608", NoTls),
                ("Control plane request failed: endpoint is disabled", EndpointDisabled),
                ("Control plane request failed: endpoint cannot be found", EndpointNotFound),
                (
                    "Control plane request failed: endpoint is temporarily unavailable. Check",
                    Waking,
                ),
                ("Too many connections attempts", TooManyConnections),
                ("Failed to acquire permit to connect to the database. Too", TooManyConnections),
            ] {
                check(code, message, expected);
            }
        }
    }

    #[test]
    fn by_the_text_of_postgres() {
        use LoginRefusal::*;
        for (code, message, expected) in [
            ("28P01", "password authentication failed for user \"app\"", DeadToken),
            ("", "FATAL: database \"app_ontos\" does not exist", MissingDatabase),
            ("", "permission denied for database \"app_ontos\"", NoConnectPrivilege),
            ("57P03", "the database system is starting up", Waking),
            ("53300", "sorry, too many clients already", TooManyConnections),
            (
                "28000",
                "no pg_hba.conf entry for host \"10.0.0.1\", user \"app\", no encryption",
                NoTls,
            ),
        ] {
            check(code, message, expected);
        }
    }

    #[test]
    fn by_the_code_when_the_text_is_new() {
        use LoginRefusal::*;
        for (code, expected) in [
            ("28000", DeadToken),
            ("28P01", DeadToken),
            ("28999", DeadToken),
            ("3D000", MissingDatabase),
            ("42501", NoConnectPrivilege),
            ("53300", TooManyConnections),
            ("57P03", Waking),
            ("08006", Waking),
            ("XX000", Other),
            ("", Other),
        ] {
            check(code, "a text that nobody has seen yet", expected);
        }
    }

    #[test]
    fn from_a_host_that_knows_no_codes() {
        let detail = "Connection closed unexpectedly".into();
        let lost = DatabaseError::Lost { detail };
        assert_eq!(classify_failure(&lost), LoginRefusal::NativeLoginOff);
        let detail = "db error: FATAL: OAuth: User is not authorized".into();
        let other = DatabaseError::Other { detail };
        assert_eq!(classify_failure(&other), LoginRefusal::DeadToken);
        let detail = "connection refused".into();
        let unreachable = DatabaseError::Unreachable { detail };
        assert_eq!(classify_failure(&unreachable), LoginRefusal::Other);
    }

    #[test]
    fn a_new_token_is_tried_for_every_refused_identity_and_nothing_else() {
        use LoginRefusal::*;
        for refusal in [DeadToken, ExpiredToken, NoRole, NotAToken] {
            assert!(refusal.retry_with_new_token(), "{refusal:?}");
        }
        for refusal in [
            NoTls,
            NativeLoginOff,
            EndpointDisabled,
            EndpointNotFound,
            Waking,
            TooManyConnections,
            MissingDatabase,
            NoConnectPrivilege,
            Other,
        ] {
            assert!(!refusal.retry_with_new_token(), "{refusal:?}");
        }
    }
}
