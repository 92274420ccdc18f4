//! Why somebody is not let in.

use std::io;

use super::scram::ScramError;
use crate::logins::Failure;
use crate::wire::startup::StartupError;

/// Why somebody is not let in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It left, or there is no way to tell it anything.
    Gone(io::Error),
    /// It is told so.
    Told(Failure),
    /// It is told so in the manner of protocol 2.
    ToldOld(Failure),
}

impl Refusal {
    /// A refusal with the SQLSTATE, and what to do next.
    pub(super) fn told(code: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        let (code, hint) = (code.to_owned(), hint.map(str::to_owned));
        Self::Told(Failure { code, message: message.into(), hint, passes: false })
    }

    /// Something that the protocol does not allow.
    pub(super) fn violation(message: &str) -> Self {
        Self::told("08P01", message, None)
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl From<StartupError> for Refusal {
    fn from(error: StartupError) -> Self {
        let failure = Failure {
            code: error.code().into(),
            message: error.to_string(),
            hint: None,
            passes: false,
        };
        match error {
            StartupError::Version { major: 0..=2, .. } => Self::ToldOld(failure),
            _ => Self::Told(failure),
        }
    }
}

impl From<ScramError> for Refusal {
    fn from(error: ScramError) -> Self {
        match error {
            ScramError::Malformed => Self::violation("malformed SCRAM message"),
            ScramError::Binding => Self::told(
                "28000",
                "SCRAM channel binding negotiation error",
                Some("Somebody may be between the application and the proxy."),
            ),
            ScramError::Wrong => Self::told(
                "28P01",
                "password authentication failed",
                Some("The proxy has a password of its own, which is not the database's."),
            ),
        }
    }
}
