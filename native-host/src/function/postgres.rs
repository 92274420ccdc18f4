//! The function's database connections.
//!
//! Nothing is pooled: a pool knows a connection by its password, which is a token here, and would
//! keep those of dead tokens. The function holds on to none either, so each costs a login, and that
//! is what a bootstrap needs once.
#![expect(clippy::result_large_err, reason = "the error has the shape that Spin gave it")]

use std::sync::Arc;

use futures_util::TryStreamExt;
use tokio_postgres::{Client, Statement};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::bindings::spin::postgres::postgres::{
    self, Column, DbError, DbValue, Error, ParameterValue, QueryError, RowSet,
};
use super::guest::Guest;
use super::login::{Builder, authorities};
use super::values;

/// The largest answer. The function's own are one row of text; Spin's limit is 128 MiB.
const ANSWER_LIMIT: usize = 32 << 20;

/// An open connection, as an instance holds it.
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Connection {
    client: Arc<Client>,
}

async fn open<T>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    builder: Builder,
) -> Result<Resource<Connection>, Error> {
    let world = accessor.with(|mut access| Arc::clone(&access.get().world));
    let client = Arc::new(builder.open(&world).await?);
    accessor
        .with(|mut access| access.get().table.push(Connection { client }))
        .map_err(|error| Error::ConnectionFailed(error.to_string()))
}

fn client<T>(
    accessor: &Accessor<T, HasSelf<Guest>>,
    connection: &Resource<Connection>,
) -> Result<Arc<Client>, Error> {
    accessor
        .with(|mut access| access.get().table.get(connection).map(|c| Arc::clone(&c.client)))
        .map_err(|error| Error::Other(error.to_string()))
}

/// Prepares a statement first, as Spin does: the server says of what types its parameters are.
async fn prepare(client: &Client, statement: &str) -> Result<Statement, Error> {
    client.prepare(statement).await.map_err(|error| query_failed(&error))
}

/// Reads rows until their end, and says what that was.
async fn rows(
    client: &Client,
    statement: &Statement,
    parameters: Vec<values::Parameter>,
) -> Result<(Vec<Vec<DbValue>>, Result<(), Error>), Error> {
    let stream =
        client.query_raw(statement, parameters).await.map_err(|error| query_failed(&error))?;
    let mut stream = std::pin::pin!(stream);
    let (mut rows, mut size) = (Vec::new(), 0);
    let outcome = loop {
        let row = match stream.try_next().await {
            Ok(Some(row)) => row,
            Ok(None) => break Ok(()),
            Err(error) => break Err(query_failed(&error)),
        };
        size += row.raw_size_bytes();
        if ANSWER_LIMIT < size {
            let words = format!("the answer is larger than {ANSWER_LIMIT} bytes");
            break Err(Error::QueryFailed(QueryError::Text(words)));
        }
        match values::row(&row) {
            Ok(row) => rows.push(row),
            Err(error) => break Err(error),
        }
    };
    Ok((rows, outcome))
}

/// A failure in the words and the shape of Spin, so that the function reads both alike.
fn query_failed(error: &tokio_postgres::Error) -> Error {
    let Some(report) = error.as_db_error() else {
        return Error::QueryFailed(QueryError::Text(format!("{error:?}")));
    };
    let line = report.line().map(|line| line.to_string());
    let extras = [
        ("column", report.column()),
        ("constraint", report.constraint()),
        ("routine", report.routine()),
        ("hint", report.hint()),
        ("table", report.table()),
        ("datatype", report.datatype()),
        ("schema", report.schema()),
        ("file", report.file()),
        ("line", line.as_deref()),
        ("where_", report.where_()),
    ];
    let extras = extras.into_iter().filter_map(|(name, value)| Some((name, value?)));
    Error::QueryFailed(QueryError::DbError(DbError {
        as_text: format!("{error:?}"),
        severity: report.severity().to_owned(),
        code: report.code().code().to_owned(),
        message: report.message().to_owned(),
        detail: report.detail().map(str::to_owned),
        extras: extras.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }))
}

/// The calls that would stop every other request of an instance until a server answers.
fn blocking<R>(name: &str) -> Result<R, Error> {
    Err(Error::Other(format!("`{name}` is not offered here; call `{name}-async`")))
}

impl postgres::Host for Guest {}

impl postgres::HostConnectionBuilder for Guest {
    fn new(&mut self, address: String) -> wasmtime::Result<Resource<Builder>> {
        Ok(self.table.push(Builder { address, authorities: Vec::new() })?)
    }

    fn set_ca_root(
        &mut self,
        builder: Resource<Builder>,
        certificate: String,
    ) -> Result<(), Error> {
        let authorities = authorities(&certificate)?;
        let builder = self.table.get_mut(&builder).map_err(|e| Error::Other(e.to_string()))?;
        builder.authorities = authorities;
        Ok(())
    }

    fn build(&mut self, _: Resource<Builder>) -> Result<Resource<Connection>, Error> {
        blocking("build")
    }

    fn drop(&mut self, builder: Resource<Builder>) -> wasmtime::Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

impl<T> postgres::HostConnectionBuilderWithStore<T> for HasSelf<Guest> {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        builder: Resource<Builder>,
    ) -> Result<Resource<Connection>, Error> {
        let builder = accessor
            .with(|mut access| access.get().table.get(&builder).cloned())
            .map_err(|error| Error::Other(error.to_string()))?;
        open(accessor, builder).await
    }
}

impl postgres::HostConnection for Guest {
    fn open(&mut self, _: String) -> Result<Resource<Connection>, Error> {
        blocking("open")
    }

    fn query(
        &mut self,
        _: Resource<Connection>,
        _: String,
        _: Vec<ParameterValue>,
    ) -> Result<RowSet, Error> {
        blocking("query")
    }

    fn execute(
        &mut self,
        _: Resource<Connection>,
        _: String,
        _: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        blocking("execute")
    }

    fn drop(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

impl<T> postgres::HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> Result<Resource<Connection>, Error> {
        open(accessor, Builder { address, authorities: Vec::new() }).await
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<(Vec<Column>, StreamReader<Vec<DbValue>>, FutureReader<Result<(), Error>>), Error>
    {
        let client = client(accessor, &connection)?;
        let parameters = values::parameters(parameters)?;
        let statement = prepare(&client, &statement).await?;
        let columns = values::columns(&statement);
        let (rows, outcome) = rows(&client, &statement, parameters).await?;
        accessor
            .with(|mut access| {
                let rows = StreamReader::new(&mut access, rows)?;
                let outcome = async move { Ok::<_, wasmtime::Error>(outcome) };
                wasmtime::Result::Ok((columns, rows, FutureReader::new(&mut access, outcome)?))
            })
            .map_err(|error: wasmtime::Error| Error::Other(format!("{error:#}")))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        parameters: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let client = client(accessor, &connection)?;
        let parameters = values::parameters(parameters)?;
        let statement = prepare(&client, &statement).await?;
        client.execute_raw(&statement, parameters).await.map_err(|error| query_failed(&error))
    }
}
