//! An application that connects in every way there is.

use std::time::Instant;

use lakegate_client::{Builder, Lakebase};
use lakegate_tests::{DEADLINE, House};
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{ConnectOptions, PgPool, Postgres};

/// What leads to a house's Lakebase.
const SETTINGS: [&str; 9] = [
    "DATABRICKS_HOST",
    "DATABRICKS_CLIENT_ID",
    "DATABRICKS_CLIENT_SECRET",
    "LAKEBASE_INSTANCE_NAME",
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_DB",
    "POSTGRES_DB_SCHEMA",
    "LAKEGATE_CLOCK_FILE",
];

/// A Lakebase with a house's settings, which does not yet trust the house's authority.
pub(crate) fn builder(house: &House) -> Builder {
    Lakebase::builder().settings(SETTINGS.map(|name| (name, house.env(name))))
}

/// The house's authority, in PEM.
pub(crate) fn authority(house: &House) -> String {
    std::fs::read_to_string(house.env("SSL_CERT_FILE")).unwrap()
}

/// An application with a pool of each kind. Both are large enough to open a connection whenever one
/// is asked for while the others are held.
pub(crate) struct Application {
    pub(crate) lakebase: Lakebase,
    pub(crate) deadpool: deadpool_postgres::Pool,
    pub(crate) sqlx: PgPool,
}

impl Application {
    pub(crate) async fn start(house: &House) -> Self {
        Self::of(builder(house).authority(authority(house))).await
    }

    pub(crate) async fn of(builder: Builder) -> Self {
        let lakebase = builder.start().await.unwrap();
        let deadpool = lakebase.deadpool().max_size(100).build().unwrap();
        let options = PgPoolOptions::new().max_connections(100).acquire_timeout(DEADLINE);
        let sqlx = lakebase.sqlx(options).await.unwrap();
        Self { lakebase, deadpool, sqlx }
    }

    /// What sqlx logs in with, to be compared.
    pub(crate) fn login_of_sqlx(&self) -> String {
        self.sqlx.connect_options().to_url_lossy().into()
    }

    /// Returns once sqlx logs in with something else than this: it is told of a renewal beside
    /// those who wait for one.
    pub(crate) async fn sqlx_is_told(&self, old: &str) {
        let start = Instant::now();
        while self.login_of_sqlx() == old {
            assert!(start.elapsed() < DEADLINE, "sqlx is never told of the renewal");
            tokio::task::yield_now().await;
        }
    }

    /// A connection of each kind.
    pub(crate) async fn connect(&self) -> [Session; 3] {
        [
            Session::Bare(self.lakebase.connect().await.unwrap()),
            Session::Deadpool(self.deadpool.get().await.unwrap()),
            Session::Sqlx(self.sqlx.acquire().await.unwrap()),
        ]
    }
}

/// A connection.
pub(crate) enum Session {
    Bare(tokio_postgres::Client),
    Deadpool(deadpool_postgres::Client),
    Sqlx(PoolConnection<Postgres>),
}

impl Session {
    /// The one text that a statement answers with.
    pub(crate) async fn ask(&mut self, statement: &'static str) -> String {
        match self {
            Self::Bare(client) => client.query_one(statement, &[]).await.unwrap().get(0),
            Self::Deadpool(client) => client.query_one(statement, &[]).await.unwrap().get(0),
            Self::Sqlx(client) => {
                sqlx::query_scalar(statement).fetch_one(&mut **client).await.unwrap()
            }
        }
    }

    pub(crate) async fn process(&mut self) -> String {
        self.ask("SELECT pg_backend_pid()::text").await
    }
}
