//! The routes that ask for no key.

use crate::answer::Answer;

/// `GET /healthz`: this function runs. It looks at nothing else: a database that is down is no reason
/// to start the function anew.
pub(crate) fn health() -> Answer {
    Answer::text(r#"{"status":"ok"}"#.to_owned())
}

/// `GET /openapi.json`: the description of all routes.
pub(crate) fn description() -> Answer {
    Answer::text(document())
}

/// The document, out of files that a person can read.
fn document() -> String {
    include_str!("../openapi/document.json")
        .replacen(r#""@paths""#, include_str!("../openapi/paths.json"), 1)
        .replacen(r#""@responses""#, include_str!("../openapi/responses.json"), 1)
        .replacen(r#""@schemas""#, include_str!("../openapi/schemas.json"), 1)
}

#[cfg(test)]
mod tests;
