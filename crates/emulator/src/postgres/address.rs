//! How Postgres is reached, by its Unix socket or by TCP, as its superuser or as anybody.

use std::io;
use std::path::Path;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

use super::SUPERUSER;

/// Bytes to and from Postgres.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Where it is, and as whom it is administered. `Debug` hides the password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    config: Config,
}

/// A text does not say where Postgres is.
#[derive(Debug, thiserror::Error)]
pub enum AddressError {
    /// It is no URL of Postgres.
    #[error("the URL of postgres is not one; write postgres://SUPERUSER@HOST:PORT/DATABASE")]
    NotAUrl(#[source] tokio_postgres::Error),
    /// It lacks what is needed, or wishes what is not there.
    #[error("the URL of postgres {0}")]
    Unfit(&'static str),
}

impl Address {
    /// A server of our own, by the folder of its socket.
    pub(crate) fn of_socket(folder: &Path) -> Self {
        let mut config = Config::new();
        config.host_path(folder).user(SUPERUSER).dbname("postgres");
        Self { config }
    }

    /// A server that runs already. Without a database its `postgres` is meant.
    ///
    /// # Errors
    /// See [`AddressError`].
    pub fn parse(url: &str) -> Result<Self, AddressError> {
        let mut config: Config = url.parse().map_err(AddressError::NotAUrl)?;
        if config.get_hosts().len() != 1 {
            return Err(AddressError::Unfit("must name one host"));
        }
        if config.get_user().is_none() {
            return Err(AddressError::Unfit("must name a superuser"));
        }
        if config.get_ssl_mode() == SslMode::Require {
            let words = "asks for TLS, which the emulator does not speak to it: clients meet the emulator's own";
            return Err(AddressError::Unfit(words));
        }
        if config.get_dbname().is_none() {
            config.dbname("postgres");
        }
        Ok(Self { config })
    }

    /// The superuser.
    pub(crate) fn superuser(&self) -> &str {
        self.config.get_user().unwrap_or(SUPERUSER)
    }

    /// A session of the superuser, in another database if one is named.
    pub(crate) async fn connect(
        &self,
        database: Option<&str>,
    ) -> Result<Client, tokio_postgres::Error> {
        let mut config = self.config.clone();
        config.application_name("lakebase-emulator");
        if let Some(database) = database {
            config.dbname(database);
        }
        open(&config).await
    }

    /// A session of anybody, who is let in without a password.
    pub(crate) async fn connect_as(&self, role: &str) -> Result<Client, tokio_postgres::Error> {
        let mut config = Config::new();
        match &self.config.get_hosts()[0] {
            Host::Tcp(host) => config.host(host),
            Host::Unix(folder) => config.host_path(folder),
        };
        let database = self.config.get_dbname().unwrap_or("postgres");
        open(config.port(self.port()).user(role).dbname(database)).await
    }

    /// A connection on which nothing was said yet.
    pub(crate) async fn dial(&self) -> io::Result<Box<dyn Wire>> {
        match &self.config.get_hosts()[0] {
            Host::Tcp(host) => {
                let stream = TcpStream::connect((&**host, self.port())).await?;
                let _ = stream.set_nodelay(true); // Slower without it, but not wrong.
                Ok(Box::new(stream))
            }
            Host::Unix(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", self.port()));
                Ok(Box::new(UnixStream::connect(socket).await?))
            }
        }
    }

    fn port(&self) -> u16 {
        self.config.get_ports().first().copied().unwrap_or(5432)
    }
}

async fn open(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    // Its end shows as `is_closed`.
    tokio::spawn(connection);
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_one_server_and_its_superuser() {
        #[track_caller]
        fn check(url: &str, expected: Result<(&str, u16), &str>) {
            let parsed = Address::parse(url).map_err(|error| error.to_string());
            let seen = parsed.as_ref().map(|address| (address.superuser(), address.port()));
            assert_eq!(seen.map_err(|error| &**error), expected);
        }
        check("postgres://me@localhost", Ok(("me", 5432)));
        check("postgres://me:secret@127.0.0.1:7000/mine", Ok(("me", 7000)));
        check("postgres://me@/db?host=/run/postgresql", Ok(("me", 5432)));
        check("postgres://localhost", Err("the URL of postgres must name a superuser"));
        check("postgres://me@a,b", Err("the URL of postgres must name one host"));
        let tls = "the URL of postgres asks for TLS, which the emulator does not speak to it: clients meet the emulator's own";
        check("postgres://me@a?sslmode=require", Err(tls));
        let words = "the URL of postgres is not one; write postgres://SUPERUSER@HOST:PORT/DATABASE";
        check("nowhere", Err(words));
    }

    #[test]
    fn the_password_is_not_shown() {
        let address = Address::parse("postgres://me:opensesame@localhost").unwrap();
        assert!(!format!("{address:?}").contains("opensesame"));
    }
}
