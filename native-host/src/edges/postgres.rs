//! Postgres over verified TLS.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::config::SslMode;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;
use wasmtime::component::{Accessor, HasSelf, Resource};
use zeroize::Zeroizing;

use super::cause::{innermost, tls_failure};
use super::{Host, is_loopback};
use crate::bindings::lakegate::connect::postgres::{self, DatabaseError, Server};
use crate::bindings::lakegate::connect::problems::ServerError;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// A login, connecting included; an endpoint that wakes up answers it late.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Opens connections.
#[derive(Clone)]
pub(crate) struct Postgres {
    tls: MakeRustlsConnect,
}

/// An open connection, as the component holds it.
pub struct Connection {
    client: Arc<Client>,
}

impl Postgres {
    pub(crate) fn new(tls: &Arc<rustls::ClientConfig>) -> Self {
        Self { tls: MakeRustlsConnect::new(tls.as_ref().clone()) }
    }

    /// Logs in and returns the client; the connection lives until the client is dropped.
    pub(crate) async fn connect(
        &self,
        server: &Server,
        user: &str,
        database: &str,
        password: &Zeroizing<String>,
    ) -> Result<Client, DatabaseError> {
        let mut config = Config::new();
        config
            .host(&server.host)
            .port(server.port)
            .user(user)
            .dbname(database)
            .password(password.as_bytes())
            .application_name("lakegate")
            .connect_timeout(CONNECT_TIMEOUT);
        if server.plaintext {
            if !is_loopback(&server.host) {
                return Err(DatabaseError::Tls("plaintext beyond this machine".into()));
            }
            config.ssl_mode(SslMode::Disable);
        } else {
            // The default, `prefer`, would fall back to plaintext.
            config.ssl_mode(SslMode::Require);
        }
        match log_in(&config, &self.tls).await {
            Ok(client) => Ok(client),
            Err(LoginError::Timeout) => {
                Err(DatabaseError::Unreachable(LoginError::Timeout.to_string()))
            }
            Err(LoginError::Failed(error)) => Err(database_error(error)),
        }
    }
}

/// Nobody was let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    /// The server took too long.
    #[error("no answer to the login in {} s", LOGIN_TIMEOUT.as_secs())]
    Timeout,
    /// It was not reached, not trusted, or refused.
    #[error("the login failed")]
    Failed(#[source] tokio_postgres::Error),
}

/// Logs in, over TLS unless the configuration's mode is `Disable`. The connection lives until the
/// client is dropped.
pub(crate) async fn log_in(config: &Config, tls: &MakeRustlsConnect) -> Result<Client, LoginError> {
    let login = async {
        if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await?;
            tokio::spawn(drive(connection));
            Ok(client)
        } else {
            let (client, connection) = config.connect(tls.clone()).await?;
            tokio::spawn(drive(connection));
            Ok(client)
        }
    };
    tokio::time::timeout(LOGIN_TIMEOUT, login)
        .await
        .map_err(|_| LoginError::Timeout)?
        .map_err(LoginError::Failed)
}

/// Runs a connection to its end. Its errors reach the client's caller as well.
async fn drive<F: Future<Output = Result<(), tokio_postgres::Error>>>(connection: F) {
    if let Err(error) = connection.await {
        tracing::debug!(error = %innermost(&error), "a database connection ended");
    }
}

/// Runs one statement in one round trip: the types are given, so nothing is asked beforehand.
async fn run(
    client: &Client,
    statement: &str,
    parameters: &[Option<String>],
) -> Result<Option<String>, DatabaseError> {
    let typed: Vec<(&(dyn ToSql + Sync), Type)> =
        parameters.iter().map(|p| (p as &(dyn ToSql + Sync), Type::TEXT)).collect();
    let rows = client.query_typed(statement, &typed).await.map_err(database_error)?;
    match rows.first() {
        Some(row) if !row.is_empty() => row.try_get(0).map_err(database_error),
        _ => Ok(None),
    }
}

fn database_error(error: tokio_postgres::Error) -> DatabaseError {
    if let Some(report) = error.as_db_error() {
        return DatabaseError::Server(server_error(report));
    }
    let detail = innermost(&error);
    // The library keeps its kinds to itself; its own first words are all there is to tell them by.
    let kind = error.to_string();
    if tls_failure(&error) || kind.starts_with("error performing TLS handshake") {
        DatabaseError::Tls(detail)
    } else if kind.starts_with("error connecting to server") || kind.starts_with("timeout") {
        DatabaseError::Unreachable(detail)
    } else if error.is_closed() || kind.starts_with("error communicating with the server") {
        DatabaseError::Lost(detail)
    } else {
        DatabaseError::Other(detail)
    }
}

fn server_error(report: &tokio_postgres::error::DbError) -> ServerError {
    use tokio_postgres::error::ErrorPosition::{Internal, Original};
    let (position, internal_position, internal_query) = match report.position() {
        Some(Original(position)) => (Some(*position), None, None),
        Some(Internal { position, query }) => (None, Some(*position), Some(query.clone())),
        None => (None, None, None),
    };
    ServerError {
        code: report.code().code().to_owned(),
        message: report.message().to_owned(),
        detail: report.detail().map(str::to_owned),
        hint: report.hint().map(str::to_owned),
        position,
        internal_position,
        internal_query,
        context: report.where_().map(str::to_owned),
    }
}

impl postgres::Host for Host {}

impl postgres::HostConnection for Host {
    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.connections.delete(connection)?;
        Ok(())
    }
}

impl<T> postgres::HostConnectionWithStore<T> for HasSelf<Host> {
    async fn open(
        accessor: &Accessor<T, Self>,
        server: Server,
        user: String,
        database: String,
        password: String,
    ) -> Result<Resource<Connection>, DatabaseError> {
        let password = Zeroizing::new(password);
        let postgres = accessor.with(|mut access| access.get().edges.postgres.clone());
        let client = Arc::new(postgres.connect(&server, &user, &database, &password).await?);
        accessor
            .with(|mut access| access.get().connections.push(Connection { client }))
            .map_err(|e| DatabaseError::Other(e.to_string()))
    }

    async fn run(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<Option<String>>,
    ) -> Result<Option<String>, DatabaseError> {
        let client = accessor
            .with(|mut access| {
                access.get().connections.get(&connection).map(|c| Arc::clone(&c.client))
            })
            .map_err(|e| DatabaseError::Other(e.to_string()))?;
        run(&client, &statement, &parameters).await
    }
}
