//! Postgres by way of Spin, which keeps connections in pools.
//!
//! A pool belongs to one address, password included, and lives as long as the host: so nothing
//! variable but the password is in the address. Only asynchronous calls are made: the other kind
//! hangs the whole instance when a query has no rows.

mod address;
mod failure;

use std::time::Duration;

use lakegate_core::edge::{Connection, DatabaseError, Login, Server};
use spin_sdk::pg::{self, Certificate, DbValue, OpenOptions, ParameterValue};

use crate::time;

/// A login, connecting included; an endpoint that wakes up answers it late.
const LOGIN_LIMIT: Duration = Duration::from_secs(30);

/// An open connection; dropping it gives it back to its pool.
pub(crate) struct Session(pg::Connection);

/// Logs in over TLS, the certificate and the name verified.
///
/// `ca` is the PEM text of one authority that is trusted beside those of the host.
pub(crate) async fn connect(
    server: &Server,
    login: &Login,
    ca: Option<&str>,
) -> Result<Session, DatabaseError> {
    let address = address::of(server, login);
    let ca_root = ca.map(|pem| Certificate::Text(pem.to_owned()));
    let options = OpenOptions { ca_root };
    let opening = pg::Connection::open_with_options(address.expose(), options);
    match time::within(LOGIN_LIMIT, opening).await {
        Some(Ok(connection)) => Ok(Session(connection)),
        Some(Err(error)) => Err(failure::of_login(error)),
        None => Err(DatabaseError::Unreachable { detail: "no answer to the login in 30 s".into() }),
    }
}

impl Connection for Session {
    async fn run(
        &self,
        statement: &str,
        parameters: &[Option<&str>],
    ) -> Result<Option<String>, DatabaseError> {
        let parameters: Vec<_> = parameters.iter().copied().map(parameter).collect();
        let mut result =
            self.0.query(statement, parameters).await.map_err(failure::of_statement)?;
        let mut first = None;
        while let Some(row) = result.rows().next().await {
            first.get_or_insert(row);
        }
        // Rows may have come before the statement failed.
        result.result().await.map_err(failure::of_statement)?;
        match first.into_iter().flatten().next() {
            None | Some(DbValue::DbNull) => Ok(None),
            Some(DbValue::Str(text)) => Ok(Some(text)),
            Some(_) => Err(DatabaseError::Other { detail: "the answer is no text".into() }),
        }
    }
}

fn parameter(value: Option<&str>) -> ParameterValue {
    value.map_or(ParameterValue::DbNull, |text| ParameterValue::Str(text.to_owned()))
}
