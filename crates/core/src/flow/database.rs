//! Logging in: with a live token, once more with a new one, and again while the server wakes up.

use alloc::borrow::ToOwned;
use core::time::Duration;

use crate::config::Place;
use crate::edge::{DatabaseError, Edge, Login, Server};
use crate::flow::connector::{Connector, Ticket};
use crate::flow::mint::MintError;
use crate::problem::Problem;
use crate::refusal::{Attempt, Password, Patience, WAKE_UP, classify_failure, problem};
use crate::secret::Secret;

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
    pub(super) async fn knock(
        &self,
        server: &Server,
        login: &Login,
        patience: Duration,
    ) -> Result<E::Connection, DatabaseError> {
        let mut tries = Patience::new(self.edge.clocks(), patience);
        loop {
            let error = match self.edge.connect(server, login).await {
                Ok(connection) => return Ok(connection),
                Err(error) => error,
            };
            let Some(retry) = tries.after(self.edge.clocks(), &server.host, &error) else {
                return Err(error);
            };
            self.edge.notice(&retry.notice);
            self.edge.sleep(retry.pause).await;
        }
    }
}

#[cfg(test)]
mod tests;
