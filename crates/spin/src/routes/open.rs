//! The routes that ask for no key.

use crate::answer::Answer;

/// The description of all routes.
pub(crate) const DESCRIPTION: &str = include_str!("../openapi.json");

/// `GET /healthz`: this function runs. It looks at nothing else: a database that is down is no reason
/// to start the function anew.
pub(crate) fn health() -> Answer {
    Answer::text(r#"{"status":"ok"}"#)
}

/// `GET /openapi.json`.
pub(crate) fn description() -> Answer {
    Answer::text(DESCRIPTION)
}

#[cfg(test)]
mod tests;
