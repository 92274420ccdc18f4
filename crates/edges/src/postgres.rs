//! Postgres over verified TLS.

mod error;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::cause::innermost;
use crate::is_loopback;

pub use error::{DatabaseError, LoginError, ServerError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A login, connecting included; an endpoint that wakes up answers it late.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// A server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// A DNS name or an IP address; the name that its certificate must carry.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// Whether to talk in plaintext: for this machine alone.
    pub plaintext: bool,
}

impl Server {
    /// What leads into a database of this server: over TLS, unless it is plaintext on this machine;
    /// 10 s to connect. The caller may add to it, a `search_path` for one.
    ///
    /// # Errors
    ///
    /// [`DatabaseError::Tls`]: plaintext beyond this machine.
    pub fn login(
        &self,
        user: &str,
        database: &str,
        password: &str,
    ) -> Result<Config, DatabaseError> {
        if self.plaintext && !is_loopback(&self.host) {
            return Err(DatabaseError::Tls("plaintext beyond this machine".into()));
        }
        let mut config = Config::new();
        config
            .host(&self.host)
            .port(self.port)
            .user(user)
            .dbname(database)
            .password(password)
            .application_name("lakegate")
            .connect_timeout(CONNECT_TIMEOUT)
            // The default, `prefer`, would fall back to plaintext.
            .ssl_mode(if self.plaintext { SslMode::Disable } else { SslMode::Require });
        Ok(config)
    }
}

/// Opens connections.
#[derive(Clone)]
pub struct Postgres {
    tls: MakeRustlsConnect,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Connections are to be verified as this configuration says.
    #[must_use]
    pub fn new(tls: &Arc<rustls::ClientConfig>) -> Self {
        Self { tls: MakeRustlsConnect::new(tls.as_ref().clone()) }
    }

    /// Logs in, in 30 s at most. The connection is a task of its own on the current runtime, and
    /// lives until the client is dropped.
    ///
    /// # Errors
    ///
    /// The server was not reached, not trusted, or refused.
    pub async fn connect(
        &self,
        server: &Server,
        user: &str,
        database: &str,
        password: &str,
    ) -> Result<Client, DatabaseError> {
        Ok(self.log_in(&server.login(user, database, password)?).await?)
    }

    /// The same with a configuration of the caller's own. It goes over TLS unless its mode is
    /// `Disable`: whether it may be is the caller's to check.
    ///
    /// # Errors
    ///
    /// The server was not reached, not trusted, or refused.
    pub async fn log_in(&self, config: &Config) -> Result<Client, LoginError> {
        self.open(config).await.map(|(client, _)| client)
    }

    /// The same, with the task of the connection: to abort it closes the connection at once,
    /// whatever is under way. It also ends when the client is dropped.
    ///
    /// # Errors
    ///
    /// The server was not reached, not trusted, or refused.
    pub async fn open(&self, config: &Config) -> Result<(Client, JoinHandle<()>), LoginError> {
        let login = async {
            if config.get_ssl_mode() == SslMode::Disable {
                let (client, connection) = config.connect(NoTls).await?;
                Ok((client, tokio::spawn(drive(connection))))
            } else {
                let (client, connection) = config.connect(self.tls.clone()).await?;
                Ok((client, tokio::spawn(drive(connection))))
            }
        };
        tokio::time::timeout(LOGIN_TIMEOUT, login)
            .await
            .map_err(|_| LoginError::Timeout)?
            .map_err(LoginError::Failed)
    }
}

/// Runs a connection to its end. Its errors reach the client's caller as well.
async fn drive<F: Future<Output = Result<(), tokio_postgres::Error>>>(connection: F) {
    if let Err(error) = connection.await {
        tracing::debug!(error = %innermost(&error), "a database connection ended");
    }
}

/// Runs one statement of the extended protocol in one round trip, with text parameters for `$1`,
/// `$2`, … Answers with the first column of the first row, which must be text, if there is a row.
///
/// # Errors
///
/// The server refused the statement, or the connection was lost.
pub async fn run(
    client: &Client,
    statement: &str,
    parameters: &[Option<&str>],
) -> Result<Option<String>, DatabaseError> {
    // The types are given, so nothing is asked beforehand.
    let typed: Vec<(&(dyn ToSql + Sync), Type)> =
        parameters.iter().map(|p| (p as &(dyn ToSql + Sync), Type::TEXT)).collect();
    let rows = client.query_typed(statement, &typed).await?;
    match rows.first() {
        Some(row) if !row.is_empty() => Ok(row.try_get(0)?),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, plaintext: bool, expected: Result<SslMode, DatabaseError>) {
        let server = Server { host: host.to_owned(), port: 5432, plaintext };
        let mode = server.login("u", "d", "p").map(|config| config.get_ssl_mode());
        assert_eq!(mode, expected, "{server:?}");
    }

    #[test]
    fn plaintext_stays_on_this_machine() {
        let refused = DatabaseError::Tls("plaintext beyond this machine".into());
        check("db.example", false, Ok(SslMode::Require));
        check("localhost", false, Ok(SslMode::Require));
        check("localhost", true, Ok(SslMode::Disable));
        check("db.example", true, Err(refused));
    }
}
