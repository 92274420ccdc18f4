//! A server that runs already, in place of our own: for its extensions, say, or its data.
//!
//! It gets what every Lakebase has, and keeps it when the emulator stops. It must let every role in
//! from here without a password (`trust` in its pg_hba.conf), because the gate has asked for the token
//! already and has nothing else to show.

use tokio_postgres::{Client, error::SqlState};

use super::address::Address;
use super::template::CONTENT;

/// The oldest that has what Lakebase's roles are made of and what its rules for new schemas are.
const OLDEST: i32 = 15;

/// The server cannot stand for a Lakebase.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// It does not let the superuser in.
    #[error("the server does not let `{user}` in")]
    Closed {
        /// The user of the URL.
        user: String,
        /// Why.
        source: tokio_postgres::Error,
    },
    /// The user of the URL may not do what the emulator does.
    #[error("`{user}` is not a superuser of that server; name one that is")]
    NotSuperuser {
        /// The user of the URL.
        user: String,
    },
    /// It is too old.
    #[error("that server is PostgreSQL {major}; it must be {OLDEST} or newer")]
    TooOld {
        /// Its major version.
        major: i32,
    },
    /// What a Lakebase has could not be made.
    #[error("that server refused what every Lakebase has")]
    Refused(#[source] tokio_postgres::Error),
    /// It asks roles for passwords.
    #[error(
        "that server asks the role `{role}` for a password, and the emulator has checked its token already; \
         let every role in from here by `trust` in pg_hba.conf"
    )]
    AsksForPassword {
        /// The role that was tried.
        role: String,
        /// What it said.
        source: tokio_postgres::Error,
    },
}

/// Makes a Lakebase of the server and returns its major version.
///
/// # Errors
/// See [`ForeignError`].
pub(crate) async fn furnish(address: &Address) -> Result<String, ForeignError> {
    let user = || address.superuser().to_owned();
    let client = address.connect(None).await;
    let client = client.map_err(|source| ForeignError::Closed { user: user(), source })?;
    let major = inspect(&client, user()).await?;
    for database in [None, Some("template1")] {
        let client = address.connect(database).await.map_err(ForeignError::Refused)?;
        // The extension is entered by hand, as in a server of our own.
        let script = format!("SET LOCAL allow_system_table_mods = on;\n{CONTENT}");
        client.batch_execute(&script).await.map_err(ForeignError::Refused)?;
    }
    match client.batch_execute("CREATE DATABASE databricks_postgres").await {
        Err(error) if error.code() == Some(&SqlState::DUPLICATE_DATABASE) => {}
        outcome => outcome.map_err(ForeignError::Refused)?,
    }
    Ok(major.to_string())
}

async fn inspect(client: &Client, user: String) -> Result<i32, ForeignError> {
    const ASKED: &str = "SELECT current_setting('server_version_num')::int / 10000, rolsuper
         FROM pg_roles WHERE rolname = current_user";
    let row = client.query_one(ASKED, &[]).await.map_err(ForeignError::Refused)?;
    match (row.get(0), row.get(1)) {
        (_, false) => Err(ForeignError::NotSuperuser { user }),
        (major, true) if major < OLDEST => Err(ForeignError::TooOld { major }),
        (major, true) => Ok(major),
    }
}

/// Makes sure that a role is let in without a password.
///
/// # Errors
/// [`ForeignError::AsksForPassword`]
pub(crate) async fn admits(address: &Address, role: &str) -> Result<(), ForeignError> {
    let refused = |source| ForeignError::AsksForPassword { role: role.to_owned(), source };
    address.connect_as(role).await.map(drop).map_err(refused)
}
