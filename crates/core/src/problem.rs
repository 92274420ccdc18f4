//! What a person is told when something failed: what happened, to what, and what to do next.

use alloc::string::String;

/// The one shape in which a failure leaves this crate.
///
/// Each part of the crate has an error enum of its own; the flows turn them into this at the end.
/// It never holds a secret.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// What kind of failure it is, for programs.
    pub kind: Kind,
    /// What happened, to what: lower case, no full stop.
    pub message: String,
    /// What to do next: whole sentences, possibly with ready-to-paste lines of SQL.
    pub advice: String,
    /// The SQLSTATE, when Postgres was the one to say no.
    pub sqlstate: Option<String>,
}

/// What kind of failure it is, by what the reader does next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// A setting, a migration file or an argument is missing or wrong. Nothing was sent anywhere.
    Configuration,
    /// Databricks knows who asked and said no, or does not know them. Trying again cannot help
    /// until somebody changes something.
    Denied,
    /// There was no usable answer: network, TLS, a 5xx, nonsense. Trying again may help.
    Unavailable,
    /// Databricks was asked too often (429). Trying again helps, later.
    Throttled,
    /// No answer came within the time limits. Trying again may help.
    Timeout,
    /// Postgres refused the login, with a token it should have taken.
    Login,
    /// Postgres refused a statement. Everything the statement did is undone.
    Statement,
    /// The database is not in a state this may change: foreign owner, changed migration.
    Conflict,
    /// Something this crate did not expect; a bug of ours or of the host.
    Internal,
}
