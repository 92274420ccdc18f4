//! What Lakegate asks of the place it runs in.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::future::{Future, ready};
use core::pin::Pin;
use core::time::Duration;

use crate::secret::Secret;
use crate::time::Clocks;

/// A place that can carry out what this crate decides: a WASI host, Spin, a test.
///
/// Methods take `&self`: many tasks of one thread share an edge, usually behind an `Rc`.
/// Deadlines are the edge's business: 10 s to connect, 30 s an HTTPS exchange.
pub trait Edge: 'static {
    /// An open database connection.
    type Connection: Connection;

    /// Reads both clocks.
    fn clocks(&self) -> Clocks;

    /// Draws a random number, for jitter and identifiers. It need not be unpredictable.
    fn random(&self) -> u64;

    /// Waits. It may wake late, not early.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// Runs a task to its end beside the caller, even when the caller has gone.
    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()>>>);

    /// The value of a setting in one layer, by its environment name (`POSTGRES_HOST`).
    /// An empty value may be given as it is; the configuration treats it as absent.
    fn setting(&self, origin: Origin, name: &str) -> Option<String>;

    /// Whether a secret setting (`DATABRICKS_CLIENT_SECRET`) has a value that is not blank.
    fn has_secret(&self, name: &str) -> bool;

    /// The value of a secret setting. Asked at every use and never kept, so that a rotated secret
    /// is used at the next mint.
    fn secret(&self, name: &str) -> impl Future<Output = Option<Secret>>;

    /// The content of a file that holds a secret: a token of a service account, a profile. Asked
    /// at every use and never kept. A leading `~/` is the home folder.
    ///
    /// `databricks-cli:` and an argument is no file: it asks for what `databricks auth token` prints
    /// with that argument. An edge that runs no programs says [`ReadError::Missing`].
    fn read(&self, path: &str) -> Result<Secret, ReadError>;

    /// What was last [remembered](Self::remember) for this owner, by this instance or another.
    ///
    /// The owner is a text that says whose credential it is: the workspace, the instance or host,
    /// and the identity. Two that differ in a byte are two owners. It names no secret, but holds
    /// the fingerprint of one: show it to nobody. An edge that seals entries binds them to it, and
    /// whatever it cannot open is nothing: a wrong key, a changed byte, another owner, a store that
    /// does not answer soon.
    ///
    /// By default nothing is kept.
    fn recall(&self, _owner: &str) -> impl Future<Output = Option<Secret>> {
        ready(None)
    }

    /// Keeps an entry for this owner in the place of an earlier one, for [`recall`](Self::recall).
    /// The entry is the secret itself: whoever reads it can log in. A failure is nobody's but the
    /// edge's to tell, and the caller waits: do not try for long.
    ///
    /// By default nothing is kept.
    fn remember(&self, _owner: &str, _entry: &Secret) -> impl Future<Output = ()> {
        ready(())
    }

    /// Says to other instances that this one is about to buy a credential for this owner, so that
    /// they wait for that one and do not all buy at once. It spares purchases and nothing depends on
    /// it: two instances may each be told that the claim is theirs. One that is not taken back
    /// lapses by itself, within seconds. The caller waits: do not try for long.
    ///
    /// By default there is nobody to say it to.
    fn claim(&self, _owner: &str) -> impl Future<Output = Claim> {
        ready(Claim::Needless)
    }

    /// Takes back a claim that was [`Claim::Ours`]: what was bought is there, or will not come.
    /// `refused` says that it was refused for good, as the next purchase would be. So that nobody
    /// waits for a turn to hear the same, claims are [needless](Claim::Needless) until this lapses.
    fn disclaim(&self, _owner: &str, _refused: bool) -> impl Future<Output = ()> {
        ready(())
    }

    /// Tells the person who watches how it goes.
    fn notice(&self, notice: &Notice);

    /// Sends one HTTPS request and reads its whole answer, of at most 4 MiB.
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, SendError>>;

    /// Opens a database connection over TLS, the server's certificate and name verified.
    fn connect(
        &self,
        server: &Server,
        login: &Login,
    ) -> impl Future<Output = Result<Self::Connection, DatabaseError>>;
}

/// An open database connection. Dropping it closes it.
pub trait Connection {
    /// Runs one statement (extended protocol) with text parameters for `$1`, `$2`, … and returns
    /// the one text column of its one row, if it gave a row. Every query of this crate answers with
    /// one row of one text, the shape that every host can carry.
    fn run(
        &self,
        statement: &str,
        parameters: &[Option<&str>],
    ) -> impl Future<Output = Result<Option<String>, DatabaseError>>;
}

/// The layers of settings, the strongest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Origin {
    /// A command-line flag.
    Flag,
    /// The environment of the process, or what the host has in its place (Spin's variables).
    Environment,
    /// `lakegate.toml`.
    File,
}

impl Origin {
    /// All of them, the strongest first.
    pub const ALL: [Self; 3] = [Self::Flag, Self::Environment, Self::File];
}

/// Who is about to buy a credential; see [`Edge::claim`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// This instance: nobody else said so lately.
    Ours,
    /// Another instance, which said so a moment ago.
    Theirs,
    /// Nobody's: whoever wants to buy does so now. There is no place to say it, or it cannot be
    /// used, or a purchase was just refused for good.
    Needless,
}

/// A line for the person who watches.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// Whether it needs attention.
    pub level: Level,
    /// One line, no secret.
    pub text: String,
}

/// How much attention a [`Notice`] needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Level {
    /// Progress.
    Info,
    /// Something that a person should change, though it goes on.
    Warning,
}

/// Why a file was not read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// The host does not let this program read it.
    #[error("it may not be read: {detail}")]
    Forbidden {
        /// The host's words.
        detail: String,
    },
    /// Anything else.
    #[error("{detail}")]
    Other {
        /// The host's words.
        detail: String,
    },
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Method {
    /// Read.
    Get,
    /// Send a body.
    Post,
}

/// One HTTPS request. Its `Debug` shows neither the authorization nor the body.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// An absolute URL.
    pub url: String,
    /// Names in lower case; no secret in any value.
    pub headers: Vec<(&'static str, String)>,
    /// The `authorization` header.
    pub authorization: Option<Secret>,
    /// The body; a form may hold a secret.
    pub body: Option<Secret>,
}

/// The whole answer to a [`Request`]. Its `Debug` does not show the body.
#[derive(Clone)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body: it may hold a token.
    pub body: Vec<u8>,
}

impl Response {
    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

impl Drop for Response {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.body);
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

/// Why there is no answer to a [`Request`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The name was not found, or nobody answered there.
    #[error("no connection: {detail}")]
    Unreachable {
        /// The host's words.
        detail: String,
    },
    /// The server's certificate is not one to trust. Nothing was sent.
    #[error("the TLS handshake failed: {detail}")]
    Tls {
        /// The host's words.
        detail: String,
    },
    /// A time limit passed.
    #[error("no answer in time")]
    Timeout,
    /// The answer is larger than 4 MiB.
    #[error("the answer is larger than 4 MiB")]
    TooLarge,
    /// The host does not let this program talk to that address.
    #[error("the host does not allow it: {detail}")]
    Forbidden {
        /// The host's words.
        detail: String,
    },
    /// Anything else.
    #[error("{detail}")]
    Other {
        /// The host's words.
        detail: String,
    },
}

/// A Postgres server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// A DNS name or an IP address; the name that its certificate must carry.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether plaintext is allowed: only in LOCAL mode, to a loopback address.
    pub plaintext: bool,
}

/// Who logs in to which database.
#[derive(Clone, Debug)]
pub struct Login {
    /// The role.
    pub user: String,
    /// The password: a database credential, in OAuth mode.
    pub password: Secret,
    /// The database.
    pub database: String,
}

/// Why a connection was not opened, or a statement did not end well.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The name was not found, nobody answered there, or not in time.
    #[error("no connection: {detail}")]
    Unreachable {
        /// The host's words.
        detail: String,
    },
    /// The server offers no TLS, or its certificate is not one to trust. No password was sent.
    #[error("the TLS handshake failed: {detail}")]
    Tls {
        /// The host's words.
        detail: String,
    },
    /// The connection broke while a statement ran: whether it was committed is not known.
    #[error("the connection was lost: {detail}")]
    Lost {
        /// The host's words.
        detail: String,
    },
    /// The server said no.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// Anything else.
    #[error("{detail}")]
    Other {
        /// The host's words.
        detail: String,
    },
}

/// An error report of Postgres, or of the proxy before it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerError {
    /// The SQLSTATE; empty when the host could not tell (a refused login under Spin).
    pub code: String,
    /// The primary message.
    pub message: String,
    /// More detail, when there is some.
    pub detail: Option<String>,
    /// A suggestion, when there is one.
    pub hint: Option<String>,
    /// Where in the statement, in characters from 1.
    pub position: Option<u32>,
    /// Where in [`internal_query`](Self::internal_query), in characters from 1.
    pub internal_position: Option<u32>,
    /// The text of a statement that a function or a `DO` block ran.
    pub internal_query: Option<String>,
    /// The call stack of functions and blocks (Postgres' `where`).
    pub context: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.code.is_empty() {
            write!(f, " (SQLSTATE {})", self.code)?;
        }
        Ok(())
    }
}
