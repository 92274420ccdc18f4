//! The component's database connections.

use std::sync::Arc;

use lakegate_edges::postgres as native;
use tokio_postgres::Client;
use wasmtime::component::{Accessor, HasSelf, Resource};
use zeroize::Zeroizing;

use super::Host;
use crate::bindings::lakegate::connect::postgres::{self, DatabaseError, Server};
use crate::bindings::lakegate::connect::problems::ServerError;

/// An open connection, as the component holds it.
pub struct Connection {
    client: Arc<Client>,
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
        let client = postgres.connect(&server.into(), &user, &database, &password).await?;
        let connection = Connection { client: Arc::new(client) };
        accessor
            .with(|mut access| access.get().connections.push(connection))
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
        let parameters: Vec<_> = parameters.iter().map(Option::as_deref).collect();
        Ok(native::run(&client, &statement, &parameters).await?)
    }
}

impl From<Server> for native::Server {
    fn from(Server { host, port, plaintext }: Server) -> Self {
        Self { host, port, plaintext }
    }
}

impl From<native::DatabaseError> for DatabaseError {
    fn from(error: native::DatabaseError) -> Self {
        match error {
            native::DatabaseError::Unreachable(detail) => Self::Unreachable(detail),
            native::DatabaseError::Tls(detail) => Self::Tls(detail),
            native::DatabaseError::Lost(detail) => Self::Lost(detail),
            native::DatabaseError::Server(report) => Self::Server((*report).into()),
            native::DatabaseError::Other(detail) => Self::Other(detail),
        }
    }
}

impl From<native::ServerError> for ServerError {
    fn from(report: native::ServerError) -> Self {
        Self {
            code: report.code,
            message: report.message,
            detail: report.detail,
            hint: report.hint,
            position: report.position,
            internal_position: report.internal_position,
            internal_query: report.internal_query,
            context: report.context,
        }
    }
}
