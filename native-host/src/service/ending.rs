//! How a command that stays ends.

use std::process::ExitCode;

/// How serving ended.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Ended {
    /// Everything under way was finished.
    Drained,
    /// Some of it was cut off. The exit code is that of a command which this signal ended.
    Cut { code: u8 },
}

impl Ended {
    /// The exit code; says so when something was cut off.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Drained => ExitCode::SUCCESS,
            Self::Cut { code } => {
                eprintln!("lakegate: warning: stopped before all that was under way was finished");
                ExitCode::from(*code)
            }
        }
    }
}
