//! A pool of sqlx connections: it is told each new token.

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use lakegate_core::edge::ServerError;
use lakegate_core::refusal::classify;
use lakegate_edges::is_loopback;
use lakegate_edges::live::Live;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{PgPool, Postgres};

use crate::credential::Credential;
use crate::login::search_path;
use crate::{Error, Lakebase};

impl Lakebase {
    /// A pool of sqlx, which is told each new token. It opens its first connection at the first
    /// use, or sooner if its options say so; what is open lives on when the token is renewed.
    ///
    /// ```no_run
    /// # async fn start() -> anyhow::Result<()> {
    /// use lakegate_client::Lakebase;
    /// use sqlx::postgres::PgPoolOptions;
    ///
    /// let lakebase = Lakebase::from_env().await?;
    /// let pool = lakebase.sqlx(PgPoolOptions::new().max_connections(16)).await?;
    /// let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&pool).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The tokens come until the pool is closed ([`PgPool::close`]), whatever else is dropped: a
    /// pool without them would fail an hour later.
    ///
    /// sqlx tells nobody of a login that was refused, so one that is refused for its token, a rare
    /// thing, is an error of whoever needed the connection. [`acquire`](Self::acquire) mends it.
    ///
    /// # Errors
    ///
    /// There is no token.
    pub async fn sqlx(&self, options: PgPoolOptions) -> Result<PgPool, Error> {
        // From here on no change is missed.
        let live = self.0.keeper.live().clone();
        let credential = self.credential().await?;
        let pool = options.connect_lazy_with(self.options(&credential));
        self.tell(&pool, &credential);
        tokio::spawn(tell_tokens(self.clone(), live, pool.clone()));
        Ok(pool)
    }

    /// A connection of a pool that [`sqlx`](Self::sqlx) made. If a login is refused for its token,
    /// a new one is bought and the login tried once more: once, however many callers were refused.
    ///
    /// # Errors
    ///
    /// As [`PgPool::acquire`].
    pub async fn acquire(&self, pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        let used = pool.connect_options();
        let error = match pool.acquire().await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let Some(report) = refusal(&error) else { return Err(error) };
        match self.0.keeper.refused(self.0.told.generation(&used), report).await {
            Ok(next) => {
                self.tell(pool, &next);
                pool.acquire().await
            }
            Err(told) => {
                // The pool's error has no advice.
                tracing::warn!(advice = told.advice(), "{told}");
                Err(error)
            }
        }
    }

    /// From now on the pool logs in with this credential.
    fn tell(&self, pool: &PgPool, credential: &Credential) {
        self.0.told.tell(pool, self.options(credential), credential.generation());
    }

    /// How sqlx connects with this credential.
    fn options(&self, credential: &Credential) -> PgConnectOptions {
        let server = &credential.ticket().server;
        let plaintext = server.plaintext && is_loopback(&server.host);
        PgConnectOptions::new_without_pgpass()
            .host(&server.host)
            .port(server.port)
            .username(credential.user())
            .password(credential.password())
            .database(credential.database())
            .application_name(&self.0.application_name)
            .options([("search_path", search_path(credential.schema()))])
            .ssl_mode(if plaintext { PgSslMode::Disable } else { PgSslMode::VerifyFull })
            // Beside the machine's; and in the place of what PGSSLROOTCERT may name.
            .ssl_root_cert_from_pem(self.0.authority.clone().into_bytes())
    }
}

/// Which token each pool was told last: the options of a pool do not say it.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<(Weak<PgConnectOptions>, u64)>>);

impl Told {
    fn tell(&self, pool: &PgPool, options: PgConnectOptions, generation: u64) {
        // No code panics while it holds the lock.
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool.set_connect_options(options);
        told.retain(|(options, _)| options.strong_count() > 0);
        told.push((Arc::downgrade(&pool.connect_options()), generation));
    }

    /// The token in these options; 0, which is older than any, if they are none of ours.
    fn generation(&self, options: &Arc<PgConnectOptions>) -> u64 {
        let told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = told.iter().find(|(own, _)| own.as_ptr() == Arc::as_ptr(options));
        own.map_or(0, |(_, generation)| *generation)
    }
}

/// Tells a pool each new token until it is closed.
async fn tell_tokens(lakebase: Lakebase, mut live: Live<Credential>, pool: PgPool) {
    let mut closed = pin!(pool.close_event());
    while tokio::select! { () = &mut closed => false, goes_on = live.changed() => goes_on } {
        if let Some(held) = live.get() {
            lakebase.tell(&pool, &held);
        }
    }
}

/// What the server said, if it refused a login for its token.
fn refusal(error: &sqlx::Error) -> Option<ServerError> {
    let error = error.as_database_error()?;
    let report = ServerError {
        code: error.code().unwrap_or_default().into_owned(),
        message: error.message().to_owned(),
        ..ServerError::default()
    };
    classify(&report).retry_with_new_token().then_some(report)
}
