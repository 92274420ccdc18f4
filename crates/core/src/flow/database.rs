//! Logging in: with a live token, once more with a new one, and again while the server wakes up.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

use crate::config::Place;
use crate::edge::{DatabaseError, Edge, Level, Login, Notice, Server, ServerError};
use crate::flow::connector::{Connector, Ticket};
use crate::flow::mint::MintError;
use crate::problem::{Kind, Problem};
use crate::refusal::{Attempt, LoginRefusal, Password, classify_failure};
use crate::secret::Secret;
use crate::time::{Timeline, Timestamp};

/// How long an endpoint that scaled to zero is waited for. Its own proxy gives up earlier; with a
/// restart of the instance below it, two minutes have been seen.
pub(super) const WAKE_UP: Duration = Duration::from_secs(120);

/// The pause after the first try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: nobody waits much longer than the server takes.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl<E: Edge> Connector<E> {
    /// Logs in to a database of the configured server, the configured one by default.
    ///
    /// A refused token is replaced once. A server that does not answer is tried for `patience`,
    /// with a notice at each try.
    pub(super) async fn open(
        &self,
        database: Option<&str>,
        patience: Duration,
    ) -> Result<E::Connection, Problem> {
        let at = |ticket: Ticket| match database {
            Some(database) => Ticket { database: database.to_owned(), ..ticket },
            None => ticket,
        };
        let mut ticket = at(self.current().await?);
        let mut opened = self.enter(&ticket, patience).await?;
        if let Err(error) = &opened
            && classify_failure(error).retry_with_new_token()
            && let Some(next) = self.successor(ticket.generation).await?
        {
            ticket = at(next);
            opened = self.enter(&ticket, patience).await?;
        }
        opened.map_err(|error| problem(&error, ticket.server.port, &ticket.attempt()))
    }

    /// Logs in as somebody else: an admin with a pasted token.
    pub(super) async fn open_as(
        &self,
        user: &str,
        token: &Secret,
        database: &str,
    ) -> Result<E::Connection, Problem> {
        let Place { host, port, .. } = Place::load(&*self.edge).map_err(|error| error.problem())?;
        let server = Server { host, port, plaintext: false };
        let login =
            Login { user: user.to_owned(), password: token.clone(), database: database.to_owned() };
        let password = Password::Pasted;
        let attempt = Attempt { host: &server.host, user, database, password };
        let opened = self.knock(&server, &login, WAKE_UP).await;
        opened.map_err(|error| problem(&error, port, &attempt))
    }

    async fn enter(
        &self,
        ticket: &Ticket,
        patience: Duration,
    ) -> Result<Result<E::Connection, DatabaseError>, Problem> {
        let password = self.reveal(ticket.generation).await.ok_or_else(|| {
            // Of a token there is always one: it was handed out this moment.
            MintError::SecretGone { name: "POSTGRES_PASSWORD".to_owned() }.problem()
        })?;
        let (user, database) = (ticket.user.clone(), ticket.database.clone());
        Ok(self.knock(&ticket.server, &Login { user, password, database }, patience).await)
    }

    /// Tries until the server answers: the time limit is for silence, never for a refusal.
    async fn knock(
        &self,
        server: &Server,
        login: &Login,
        patience: Duration,
    ) -> Result<E::Connection, DatabaseError> {
        let mut timeline = Timeline::start(self.edge.clocks());
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.edge.connect(server, login).await {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let waited = timeline.at(self.edge.clocks()).since(Timestamp::default());
            let left = patience.saturating_sub(waited);
            if left.is_zero() || !asleep(&error) {
                return Err(error);
            }
            let host = &server.host;
            let seconds = left.as_secs();
            let text = format!("{host} lets nobody in yet ({error}); trying again for {seconds} s");
            self.edge.notice(&Notice { level: Level::Info, text });
            self.edge.sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Whether the server may only be waking up. Words that we know say it best, whoever passes them on.
fn asleep(error: &DatabaseError) -> bool {
    match classify_failure(error) {
        LoginRefusal::Other => {
            matches!(error, DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. })
        }
        refusal => refusal.transient(),
    }
}

/// What a person is told of a login that failed.
fn problem(error: &DatabaseError, port: u16, attempt: &Attempt<'_>) -> Problem {
    let host = attempt.host;
    let refusal = classify_failure(error);
    let (kind, advice) = match error {
        DatabaseError::Server(report) => return refusal.problem(report, attempt),
        // Some hosts pass the server's words on as mere text.
        DatabaseError::Unreachable { detail }
        | DatabaseError::Lost { detail }
        | DatabaseError::Other { detail }
            if refusal != LoginRefusal::Other =>
        {
            let report = ServerError { message: detail.clone(), ..ServerError::default() };
            return refusal.problem(&report, attempt);
        }
        DatabaseError::Tls { .. } => (
            Kind::Denied,
            format!(
                "No password was sent. Check that {host} is the server you mean; if a private \
                 authority signed its certificate, name that authority's file in SSL_CERT_FILE."
            ),
        ),
        DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. } => (
            Kind::Unavailable,
            format!(
                "Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this \
                 machine may reach it on port {port}."
            ),
        ),
        DatabaseError::Other { .. } => {
            (Kind::Unavailable, String::from("`lakegate doctor` checks each step by itself."))
        }
    };
    Problem { kind, message: format!("{host}:{port}: {error}"), advice, sqlstate: None }
}

#[cfg(test)]
mod tests;
