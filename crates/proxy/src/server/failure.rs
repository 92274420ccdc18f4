//! Why no connection was opened, and what the application is told.

use std::io;

use crate::logins::{Failure, ServerError};

/// Why no connection was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// Nobody answers there.
    #[error("{at} cannot be reached: {source}")]
    Unreachable { at: String, source: io::Error },
    /// Somebody answers, but not in time.
    #[error("{at} did not answer the login in {seconds} s")]
    Late { at: String, seconds: u64 },
    /// The connection ended before the login did.
    #[error("{at} ended the connection during the login: {source}")]
    Lost { at: String, source: io::Error },
    /// LOCAL mode names a server elsewhere.
    #[error("{at} is not on this machine, and the login would be plaintext")]
    Exposed { at: String },
    /// The server offers no TLS.
    #[error("{at} offers no TLS")]
    NoTls { at: String },
    /// The server is not whom we mean, or speaks another TLS.
    #[error("no TLS with {at}: {source}")]
    Tls { at: String, source: rustls::Error },
    /// Not what Postgres sends.
    #[error("{at} does not speak as Postgres does: {what}")]
    Strange { at: String, what: String },
    /// It wants a proof that a token is not.
    #[error("{at} asks for {method}, and Lakegate has a token or a password only")]
    Method { at: String, method: &'static str },
    /// It answered with an error report.
    #[error("{}", .0.message)]
    Server(ServerError),
}

impl OpenError {
    /// The refusal about which the [`Logins`](crate::Logins) are asked: it may be about the token.
    ///
    /// Class 28 is; and the gateways in front of Lakebase say `XX000` for whatever they refuse.
    pub(super) fn refusal(&self) -> Option<&ServerError> {
        match self {
            Self::Server(report) if report.code.starts_with("28") || report.code == "XX000" => {
                Some(report)
            }
            _ => None,
        }
    }

    /// What the application is told.
    pub(super) fn failure(self) -> Failure {
        let (code, passes, hint) = match self {
            Self::Server(report) => return told(report),
            Self::Unreachable { .. } | Self::Lost { .. } => ("08001", true, CHECK_PLACE),
            Self::Late { .. } => ("57P03", true, CHECK_PLACE),
            Self::Exposed { .. } => ("08001", false, ONLY_HERE),
            Self::NoTls { .. } => ("08006", false, CHECK_HOST),
            Self::Tls { .. } => ("08006", false, CHECK_CERTIFICATE),
            Self::Strange { .. } => ("08P01", false, CHECK_HOST),
            Self::Method { .. } => ("28000", false, ASK_FOR_PASSWORD),
        };
        let hint = Some(hint.to_owned());
        Failure { code: code.to_owned(), message: self.to_string(), hint, passes }
    }
}

const ONLY_HERE: &str = "ENV=LOCAL is for a server on this machine. Name one, or leave ENV away, so \
                         that TLS is used.";
const ASK_FOR_PASSWORD: &str = "Let the server ask for a password: `scram-sha-256` or `password` in \
                                its pg_hba.conf.";
const CHECK_PLACE: &str = "Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and \
                           that this machine may reach it.";
const CHECK_HOST: &str = "No password was sent. Check that POSTGRES_HOST and POSTGRES_PORT name the \
                          server you mean.";
const CHECK_CERTIFICATE: &str = "No password was sent. Check that POSTGRES_HOST is the server you \
                                 mean; if a private authority signed its certificate, name that \
                                 authority's file in SSL_CERT_FILE.";

/// The server's own words. A server that starts, stops or is full may let us in later.
pub(super) fn told(report: ServerError) -> Failure {
    let ServerError { code, message, detail, hint } = report;
    let passes = ["57P", "53", "08"].iter().any(|class| code.starts_with(class));
    Failure { code, message, hint: hint.or(detail), passes }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(code: &str) -> OpenError {
        OpenError::Server(ServerError {
            code: code.into(),
            message: "no".into(),
            detail: Some("because".into()),
            hint: None,
        })
    }

    #[track_caller]
    fn check(error: OpenError, asked: bool, code: &str, passes: bool) {
        assert_eq!(error.refusal().is_some(), asked, "whether the logins are asked");
        let failure = error.failure();
        assert_eq!((&*failure.code, failure.passes), (code, passes), "{failure:?}");
        assert!(failure.hint.is_some(), "what to do next");
    }

    #[test]
    fn each_error_has_a_code_and_an_end() {
        let at = || "db.example:5432".to_owned();
        let source = || io::Error::from(io::ErrorKind::ConnectionRefused);
        let tls = rustls::Error::HandshakeNotComplete;
        check(OpenError::Unreachable { at: at(), source: source() }, false, "08001", true);
        check(OpenError::Lost { at: at(), source: source() }, false, "08001", true);
        check(OpenError::Late { at: at(), seconds: 30 }, false, "57P03", true);
        check(OpenError::Exposed { at: at() }, false, "08001", false);
        check(OpenError::NoTls { at: at() }, false, "08006", false);
        check(OpenError::Tls { at: at(), source: tls }, false, "08006", false);
        check(OpenError::Strange { at: at(), what: "?".into() }, false, "08P01", false);
        check(OpenError::Method { at: at(), method: "GSSAPI" }, false, "28000", false);
    }

    #[test]
    fn a_report_of_the_server_is_told_as_it_is() {
        check(server("28P01"), true, "28P01", false);
        check(server("28000"), true, "28000", false);
        check(server("XX000"), true, "XX000", false);
        check(server("3D000"), false, "3D000", false);
        check(server("22023"), false, "22023", false);
        check(server("53300"), false, "53300", true);
        check(server("57P03"), false, "57P03", true);
        check(server("57P01"), false, "57P01", true);
        check(server("08006"), false, "08006", true);
    }
}
