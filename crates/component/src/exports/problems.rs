//! Failures, as `wit/problems.wit` tells them.

use alloc::string::String;

use lakegate_core::edge::ServerError;
use lakegate_core::problem::{Kind, Problem};

use crate::bindings::lakegate::connect::problems as wit;

impl From<Problem> for wit::Problem {
    fn from(problem: Problem) -> Self {
        let Problem { kind, message, advice, sqlstate } = problem;
        Self { kind: kind.into(), message, advice, sqlstate }
    }
}

impl From<Kind> for wit::Kind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Configuration => Self::Configuration,
            Kind::Denied => Self::Denied,
            Kind::Unavailable => Self::Unavailable,
            Kind::Throttled => Self::Throttled,
            Kind::Timeout => Self::Timeout,
            Kind::Login => Self::Login,
            Kind::Statement => Self::Statement,
            Kind::Conflict => Self::Conflict,
            Kind::Internal => Self::Other("internal".into()),
            // The core may learn new kinds before the interface does.
            _ => Self::Other(String::new()),
        }
    }
}

impl From<wit::ServerError> for ServerError {
    fn from(report: wit::ServerError) -> Self {
        let wit::ServerError {
            code,
            message,
            detail,
            hint,
            position,
            internal_position,
            internal_query,
            context,
        } = report;
        Self { code, message, detail, hint, position, internal_position, internal_query, context }
    }
}
