//! Where credentials come from.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use zeroize::Zeroizing;

/// An answer that may take a while.
pub type Answer<'a> = Pin<Box<dyn Future<Output = Result<Arc<Login>, Failure>> + Send + 'a>>;

/// Hands out the login that new server connections use.
///
/// The proxy decides nothing about tokens: it asks before each login, and tells of a refusal.
pub trait Logins: Send + Sync + 'static {
    /// A login that is alive now. At once when there is one; else it waits for the mint.
    fn current(&self) -> Answer<'_>;

    /// Postgres refused this login: the one to try instead, or why there is none.
    fn refused<'a>(&'a self, login: &'a Login, refusal: &'a ServerError) -> Answer<'a>;
}

/// A database user, its password, and where both are good.
pub struct Login {
    /// The server's DNS name or address; its certificate carries this name.
    pub host: String,
    /// The server's TCP port.
    pub port: u16,
    /// Whether the server is reached without TLS: only in LOCAL mode, on loopback.
    pub plaintext: bool,
    /// The Postgres role.
    pub user: String,
    /// The database of applications that name none.
    pub database: String,
    /// The token.
    pub password: Zeroizing<String>,
    /// Which token it is: a newer one has a higher number.
    pub generation: u64,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, user, database, generation, .. } = self;
        write!(f, "Login({user} at {host}:{port}/{database}, token {generation})")
    }
}

/// What Postgres said when it refused something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerError {
    /// The SQLSTATE, five characters.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// The detail, if there is one.
    pub detail: Option<String>,
    /// The hint, if there is one.
    pub hint: Option<String>,
}

/// Why something cannot be done, as the application is told: an `ErrorResponse` without its
/// severity.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The SQLSTATE that drivers decide by.
    pub code: String,
    /// What happened, to what.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether it may pass by itself, so that waiting makes sense.
    pub passes: bool,
}
