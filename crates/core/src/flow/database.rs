//! Logging in: with a live token, once more with a new one, and again while the server wakes up.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use crate::config::Place;
use crate::edge::{DatabaseError, Edge, Level, Login, Notice, Server, ServerError};
use crate::flow::connector::{Connector, Mode, Ticket};
use crate::problem::{Kind, Problem};
use crate::refusal::classify_failure;
use crate::secret::Secret;

/// How long an endpoint that scaled to zero is waited for. Its own proxy gives up earlier; with a
/// restart of the instance below it, two minutes have been seen.
pub(super) const WAKE_UP: Duration = Duration::from_secs(120);

/// The first pause between two tries, and the longest; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

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
        let mut ticket = self.current().await?;
        if let Some(database) = database {
            ticket.database = String::from(database);
        }
        match self.try_for(&ticket, patience).await {
            Ok(connection) => Ok(connection),
            Err(error) => {
                let renewed = match report(&error) {
                    Some(report)
                        if self.mints() && classify_failure(&error).retry_with_new_token() =>
                    {
                        self.refused(ticket.generation, report).await?
                    }
                    _ => return Err(problem(&error, &ticket, true)),
                };
                let ticket = Ticket { database: ticket.database, ..renewed };
                self.try_for(&ticket, patience).await.map_err(|e| problem(&e, &ticket, true))
            }
        }
    }

    /// Logs in as somebody else: an admin with a pasted token.
    pub(super) async fn open_as(
        &self,
        user: &str,
        token: &Secret,
        database: &str,
    ) -> Result<E::Connection, Problem> {
        let place = Place::load(&*self.edge).map_err(|error| error.problem())?;
        let ticket = Ticket {
            generation: 0,
            server: Server { host: place.host, port: place.port, plaintext: false },
            user: String::from(user),
            database: String::from(database),
            schema: String::new(),
            valid_for: None,
        };
        let tried = self.knock(&ticket, token, WAKE_UP).await;
        tried.map_err(|error| problem(&error, &ticket, false))
    }

    async fn try_for(
        &self,
        ticket: &Ticket,
        patience: Duration,
    ) -> Result<E::Connection, DatabaseError> {
        let secret = self.reveal(ticket.generation).unwrap_or_else(|| Secret::new(""));
        self.knock(ticket, &secret, patience).await
    }

    /// Tries until the server answers: the time limit is for silence, never for a refusal.
    async fn knock(
        &self,
        ticket: &Ticket,
        password: &Secret,
        patience: Duration,
    ) -> Result<E::Connection, DatabaseError> {
        let Ticket { server, user, database, .. } = ticket;
        let login =
            Login { user: user.clone(), password: password.clone(), database: database.clone() };
        let (mut waited, (mut pause, longest)) = (Duration::ZERO, PAUSES);
        loop {
            let error = match self.edge.connect(server, &login).await {
                Ok(connection) => return Ok(connection),
                Err(error) if waited >= patience || !asleep(&error) => return Err(error),
                Err(error) => error,
            };
            let text = format!(
                "{} does not answer yet ({error}); trying again for {} s",
                server.host,
                (patience - waited).as_secs()
            );
            self.edge.notice(&Notice { level: Level::Info, text });
            self.edge.sleep(pause).await;
            waited += pause;
            pause = (pause * 2).min(longest);
        }
    }

    /// Whether there are tokens to be renewed.
    fn mints(&self) -> bool {
        self.ready().is_ok_and(|ready| matches!(ready.mode, Mode::OAuth(_)))
    }
}

/// Whether the server may only be waking up.
fn asleep(error: &DatabaseError) -> bool {
    match error {
        DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. } => true,
        DatabaseError::Server(report) => {
            report.code.starts_with("08") || classify_failure(error).transient()
        }
        DatabaseError::Tls { .. } | DatabaseError::Other { .. } => false,
    }
}

fn report(error: &DatabaseError) -> Option<&ServerError> {
    match error {
        DatabaseError::Server(report) => Some(report),
        _ => None,
    }
}

/// What a person is told of a login that failed.
fn problem(error: &DatabaseError, ticket: &Ticket, fresh: bool) -> Problem {
    let refusal = classify_failure(error);
    let (host, port) = (&ticket.server.host, ticket.server.port);
    let (kind, advice) = match error {
        DatabaseError::Server(report) => return refusal.problem(report, &ticket.attempt(fresh)),
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
