//! The ways to the database: directly, and through the proxy.

use lakegate_tests::{House, Program, Proxy};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// What an application must know where the proxy asks for a password.
const PASSWORD: &str = "password-of-the-proxy-7Fq2";

/// Fewer than the sessions that the suites open, and enough for those that keep one.
const FEW: &str = "8";

/// More than the sessions that the suites open at a time.
const MANY: &str = "30";

/// How a driver gets to the database.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// With the role, its token and TLS: what a suite finds is what the database does.
    Direct,
    /// Through the proxy as it is by default: any user name, no database name, no password, no TLS.
    Session,
    /// Through the proxy with few connections that all share, and with a password of its own.
    Transaction,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Direct, Self::Session, Self::Transaction];

    /// Opens it. [`Road::close`] it.
    pub(crate) async fn open(self, house: &House) -> Road {
        let size = if self == Self::Transaction { FEW } else { MANY };
        self.open_with(house, &["--pool-size", size]).await
    }

    /// The same with other arguments for the proxy.
    pub(crate) async fn open_with(self, house: &House, arguments: &[&str]) -> Road {
        let credential = house.credential().await;
        let proxy = match self {
            Self::Direct => None,
            Self::Session => Some(Proxy::start(house, arguments).await),
            Self::Transaction => {
                house.keep_secret(PASSWORD);
                let proxy = house.proxy(arguments).arg("--pool").arg("transaction");
                Some(Proxy::of(proxy.env("LAKEGATE_PROXY_PASSWORD", PASSWORD)).await)
            }
        };
        let (host, port) = match &proxy {
            Some(proxy) => (proxy.host().to_owned(), proxy.port()),
            None => ("localhost".to_owned(), house.env("POSTGRES_PORT").parse().unwrap()),
        };
        let user = if self == Self::Direct { credential.user() } else { "anybody" };
        let password = match self {
            Self::Direct => Some(credential.token().to_owned()),
            Self::Session => None,
            Self::Transaction => Some(PASSWORD.to_owned()),
        };
        let database = (self == Self::Direct).then(|| house.env("POSTGRES_DB").to_owned());
        Road { host, port, user: user.to_owned(), password, database, proxy }
    }
}

/// An open way.
pub(crate) struct Road {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) database: Option<String>,
    proxy: Option<Proxy>,
}

impl Road {
    /// Whether the database is at its end, and not the proxy.
    pub(crate) fn is_direct(&self) -> bool {
        self.proxy.is_none()
    }

    /// The proxy on it.
    pub(crate) fn proxy(&mut self) -> &mut Proxy {
        self.proxy.as_mut().unwrap()
    }

    /// Tells a program to take it, by libpq's variables.
    pub(crate) fn lead(&self, house: &House, program: Program) -> Program {
        let mut program = program
            .env("PGHOST", &self.host)
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("LOGIN_ROLE", house.principal())
            .env("LOGIN_DATABASE", house.env("POSTGRES_DB"));
        for (name, value) in [("PGPASSWORD", &self.password), ("PGDATABASE", &self.database)] {
            if let Some(value) = value {
                program = program.env(name, value);
            }
        }
        if self.is_direct() {
            program.env("PGSSLMODE", "verify-full")
        } else {
            program.without("PGSSLROOTCERT")
        }
    }

    /// The same for tokio-postgres.
    pub(crate) fn config(&self) -> Config {
        let mut config = Config::new();
        config.host(&self.host).port(self.port).user(&self.user);
        self.password.iter().for_each(|password| _ = config.password(password));
        self.database.iter().for_each(|database| _ = config.dbname(database));
        config.ssl_mode(if self.is_direct() { SslMode::Require } else { SslMode::Prefer });
        config
    }

    /// Closes it; nothing may be left of what went over it.
    pub(crate) async fn close(self) {
        if let Some(proxy) = self.proxy {
            proxy.stop().await;
        }
    }
}
