//! How a command fails: what happened, what to do next, and the exit code that scripts read.

use std::fmt;
use std::process::ExitCode;

use crate::component::{CallError, Kind, Problem};

/// A failed command.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    advice: String,
    code: u8,
}

/// The command line or a setting is wrong.
pub(crate) const USAGE: u8 = 2;
/// There are pending changes, or the database differs.
pub(crate) const DRIFT: u8 = 3;
const FAILED: u8 = 1;

impl Failure {
    /// Wrong usage or configuration.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self { message: message.to_string(), advice: String::new(), code: USAGE }
    }

    /// A program could not be run; the code is the one that a shell has for that.
    pub(crate) fn ending(code: u8, error: impl fmt::Display) -> Self {
        Self { message: error.to_string(), advice: String::new(), code }
    }

    /// The same failure, with what to do next.
    pub(crate) fn advise(mut self, advice: &str) -> Self {
        advice.clone_into(&mut self.advice);
        self
    }

    /// Prints the failure on standard error and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        eprintln!("lakegate: error: {}", self.message);
        for line in self.advice.lines() {
            eprintln!("  {line}");
        }
        ExitCode::from(self.code)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { message: format!("{error:#}"), advice: String::new(), code: FAILED }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Problem(Problem { kind, message, advice, .. }) => {
                let code = if matches!(kind, Kind::Configuration) { USAGE } else { FAILED };
                Self { message, advice, code }
            }
            stopped @ CallError::Stopped(_) => anyhow::Error::from(stopped).into(),
        }
    }
}

impl From<lakegate_proxy::Failure> for Failure {
    fn from(failure: lakegate_proxy::Failure) -> Self {
        let lakegate_proxy::Failure { code, message, hint, .. } = failure;
        Self {
            message: format!("{message} (SQLSTATE {code})"),
            advice: hint.unwrap_or_default(),
            code: FAILED,
        }
    }
}
