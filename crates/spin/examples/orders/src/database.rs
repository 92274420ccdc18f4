//! From Lakegate's credential to a connection.

use spin_sdk::pg::{Certificate, Connection, Error, OpenOptions, PgError};
use spin_sdk::variables;

use crate::bindings::lakegate::connect::problems::ServerError;
use crate::bindings::lakegate::connect::tokens::{self, Credential};
use crate::failure::Failure;

/// Connects with the present credential; also gives the schema's name, quoted for SQL.
///
/// A refused login is reported to Lakegate, which then brings a newer token or says why none
/// would help: a token can be revoked before its time.
pub(crate) async fn open() -> Result<(Connection, String), Failure> {
    let mut credential = tokens::current().await?;
    let connection = match connect(&credential).await? {
        Ok(connection) => connection,
        Err(refusal) => {
            credential = tokens::refused(credential.generation, refusal).await?;
            connect(&credential).await?.map_err(|refusal| Failure::unavailable(refusal.message))?
        }
    };
    Ok((connection, format!("\"{}\"", credential.schema.replace('"', "\"\""))))
}

/// Logs in. The inner error is what the server said; Spin tells no SQLSTATE with it.
async fn connect(credential: &Credential) -> Result<Result<Connection, ServerError>, Failure> {
    let password = tokens::reveal(credential.generation).await;
    let password = password.ok_or_else(|| Failure::unavailable("the token was replaced twice"))?;
    // Lakebase's certificate is one of the system's; a database of one's own may have another.
    let ca = variables::get("lakegate_postgres_ca").await.unwrap_or_default();
    let ca_root = (!ca.is_empty()).then_some(Certificate::Text(ca));
    match Connection::open_with_options(address(credential, &password), OpenOptions { ca_root })
        .await
    {
        Ok(connection) => Ok(Ok(connection)),
        Err(Error::PgError(PgError::ConnectionFailed(message))) => Ok(Err(ServerError {
            code: String::new(),
            message,
            detail: None,
            hint: None,
            position: None,
            internal_position: None,
            internal_query: None,
            context: None,
        })),
        Err(other) => Err(other.into()),
    }
}

/// The address as `libpq` reads it. With `require`, Spin verifies the certificate and its name.
fn address(credential: &Credential, password: &str) -> String {
    let sslmode = if credential.plaintext { "disable" } else { "require" };
    format!(
        "host={} port={} user={} password={} dbname={} sslmode={sslmode} connect_timeout=10",
        quoted(&credential.host),
        credential.port,
        quoted(&credential.user),
        quoted(password),
        quoted(&credential.database),
    )
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_end_early() {
        check("eyJ.x-y_z", "'eyJ.x-y_z'");
        check("", "''");
        check("a b' sslmode=disable", r"'a b\' sslmode=disable'");
        check(r"\'", r"'\\\''");
    }

    #[track_caller]
    fn check(value: &str, expected: &str) {
        assert_eq!(quoted(value), expected);
    }
}
