//! Lakebase for Rust: every connection of an application logs in with a live token, in process.
//!
//! A Lakebase database takes an OAuth token for a password. It dies after an hour and is checked at
//! each login, so a connection string that was built at the start fails an hour later, in the first
//! connection that a pool then opens. A [`Lakebase`] finds out who the application is, buys the
//! token, renews it at 50 of its 60 minutes, and gives it to whatever connects:
//!
//! ```no_run
//! # async fn start() -> anyhow::Result<()> {
//! let lakebase = lakegate_client::Lakebase::from_env().await?;
//!
//! let client = lakebase.connect().await?;
//! let row = client.query_one("SELECT current_user::text", &[]).await?;
//! println!("I am {}", row.get::<_, String>(0));
//! # Ok(())
//! # }
//! ```
//!
//! | you use | you call | feature |
//! |---|---|---|
//! | `tokio_postgres` | [`Lakebase::connect`] | |
//! | `deadpool_postgres` | `Lakebase::deadpool` | `deadpool` |
//! | `sqlx` | `Lakebase::sqlx` | `sqlx` |
//! | anything else | [`Lakebase::credential`] | |
//!
//! While a token lives nobody notices that the workspace is down. However many connections are
//! opened at once, one token is bought. A login that is refused makes one new token and one more
//! login. An endpoint that is asleep is waited for. TLS is always verified, with the certificates
//! that this machine trusts (or `SSL_CERT_FILE`); a password in plaintext goes to this machine
//! alone, and in LOCAL mode only.
//!
//! The settings are those of `lakegate`: the environment, then `lakegate.toml`. It needs a runtime
//! of tokio, and has one thread of its own for the token.

mod builder;
mod credential;
mod edge;
mod error;
mod keeper;
mod login;
mod pool;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use lakegate_core::flow::preparation::Wish;
use lakegate_edges::clock::Clock;
use lakegate_edges::postgres::Postgres;

pub use builder::Builder;
pub use credential::Credential;
pub use error::{Error, Kind};
pub use lakegate_core::bootstrap::Report;
pub use lakegate_core::flow::gate::GateStatus as Status;
pub use lakegate_core::token::{Counts, State};

use keeper::Keeper;

/// A Lakebase database, and the token that logs in to it.
///
/// Clones are the same one. Dropping the last clone, and the last pool that was made of it, stops
/// everything: the renewal, its thread, its connections to the workspace. What an application
/// connected lives on.
#[derive(Clone)]
pub struct Lakebase(Arc<Parts>);

struct Parts {
    keeper: Keeper,
    clock: Clock,
    postgres: Postgres,
    application_name: String,
    /// Trusted beside the machine's; PEM, possibly empty.
    #[cfg(feature = "sqlx")]
    authority: String,
    patience: Duration,
    #[cfg(feature = "sqlx")]
    told: pool::Told,
}

impl Lakebase {
    /// The Lakebase that the environment or `lakegate.toml` names, as for the program `lakegate`.
    /// It is ready when this returns: the first token is there.
    ///
    /// # Errors
    ///
    /// The settings are wrong, or there is no token: Databricks refused, or did not answer.
    pub async fn from_env() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// For settings that come from somewhere else, an authority of one's own, a name in
    /// `pg_stat_activity`.
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// The present credential: at once, without a lock, as long as one lives.
    ///
    /// # Errors
    ///
    /// None lives and there is no new one: Databricks refused, or did not answer.
    pub async fn credential(&self) -> Result<Credential, Error> {
        self.0.keeper.current().await
    }

    /// The credential after this one, when it is there: after a renewal in time, or a refused login.
    /// For what has to be told, such as a file that another program reads.
    ///
    /// ```no_run
    /// # async fn start(lakebase: lakegate_client::Lakebase, tell: fn(&str)) -> anyhow::Result<()> {
    /// let mut credential = lakebase.credential().await?;
    /// loop {
    ///     tell(credential.password());
    ///     credential = lakebase.renewed(&credential).await?;
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// A renewal failed. The present one may live on: the next call waits for the next try. In
    /// LOCAL mode there is no other, and this waits for ever.
    pub async fn renewed(&self, after: &Credential) -> Result<Credential, Error> {
        self.0.keeper.renewed(after.generation()).await
    }

    /// How the token stands: its age, the next renewal, the last failure although the token lives,
    /// counts. `None` in LOCAL mode. Looking starts nothing.
    ///
    /// # Errors
    ///
    /// Nobody answers: a bug.
    pub async fn status(&self) -> Result<Option<Status>, Error> {
        self.0.keeper.ask(async |connector| connector.health()).await
    }

    /// Makes the database ready, as `lakegate bootstrap apply` does: the schema, owned by the
    /// application's role, default privileges, and those of `migrations` (names such as
    /// `0001_orders.sql`, and their SQL) that have not run. Any number of replicas may do it at
    /// once; each migration runs once.
    ///
    /// ```no_run
    /// # async fn start(lakebase: lakegate_client::Lakebase) -> Result<(), lakegate_client::Error> {
    /// let orders = "CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);";
    /// let report = lakebase.bootstrap([("0001_orders.sql", orders)]).await?;
    /// report.done.iter().for_each(|step| println!("{step}"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The database is in a state that this may not change, nobody is let in, or a migration
    /// failed: then the advice says what was undone.
    pub async fn bootstrap(
        &self,
        migrations: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Result<Report, Error> {
        let migrations = migrations.into_iter().map(|(name, sql)| (name.into(), sql.into()));
        let wish = Wish { migrations: migrations.collect(), ..Wish::default() };
        Ok(self.0.keeper.ask(async move |connector| connector.apply(wish).await).await??)
    }
}

impl fmt::Debug for Lakebase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let live = self.0.keeper.live().get();
        f.debug_struct("Lakebase").field("live", &live).finish_non_exhaustive()
    }
}
