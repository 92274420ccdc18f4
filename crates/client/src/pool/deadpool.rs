//! A pool of tokio-postgres clients: each new connection asks for the live token.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use deadpool_postgres::{Connect, Manager, ManagerConfig, Pool, PoolBuilder, Runtime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls};

use crate::login::Failure;
use crate::{Error, Lakebase};

impl Lakebase {
    /// A pool of clients, to be sized and built. Each connection that it opens logs in as
    /// [`connect`](Self::connect) does; those that are open live on when the token is renewed. The
    /// pool keeps this Lakebase, so that it is all that an application has to hold.
    ///
    /// ```no_run
    /// # async fn start() -> anyhow::Result<()> {
    /// use lakegate_client::Lakebase;
    ///
    /// let pool = Lakebase::from_env().await?.deadpool().max_size(16).build()?;
    /// let client = pool.get().await?;
    /// client.execute("INSERT INTO orders DEFAULT VALUES", &[]).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A refused login is the error of `tokio_postgres`, with its SQLSTATE. When there is no token
    /// to log in with, [`Error::within`] finds the reason.
    pub fn deadpool(&self) -> PoolBuilder {
        self.deadpool_with(ManagerConfig::default())
    }

    /// The same with a way of one's own to reuse connections.
    pub fn deadpool_with(&self, config: ManagerConfig) -> PoolBuilder {
        // How to connect is asked at each connection.
        let manager = Manager::from_connect(Config::new(), Door(self.clone()), config);
        Pool::builder(manager).runtime(Runtime::Tokio1)
    }
}

/// Where a pool gets its connections.
struct Door(Lakebase);

impl Connect for Door {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Opened> + Send + '_>> {
        Box::pin(async {
            match self.0.log_in().await {
                Ok(opened) => Ok(opened),
                Err(Failure { error, own: Some(own) }) => {
                    // The pool can hand on the library's error alone, and that has no advice.
                    tracing::warn!(advice = error.advice(), "{error}");
                    Err(own)
                }
                Err(Failure { error, own: None }) => Err(carried(error).await),
            }
        })
    }
}

type Opened = Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

/// An error of ours as one of the library, which makes its errors itself: what a stream says, it
/// passes on as the source of its own.
async fn carried(error: Error) -> tokio_postgres::Error {
    let mut config = Config::new();
    config.user("lakegate").ssl_mode(SslMode::Disable);
    let broken = Broken(Some(error));
    config.connect_raw(broken, NoTls).await.err().expect("a stream that fails lets nobody in")
}

/// A stream that fails, and says why.
struct Broken(Option<Error>);

impl Broken {
    fn fail<T>(&mut self) -> Poll<io::Result<T>> {
        let error = self.0.take().map_or(io::ErrorKind::BrokenPipe.into(), io::Error::other);
        Poll::Ready(Err(error))
    }
}

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.fail()
    }
}

impl AsyncWrite for Broken {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.fail()
    }

    fn poll_flush(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.fail()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_the_pool_passes_on_says_why() {
        let error = carried(Error::stopped()).await;
        let found = Error::within(&error).expect("it is below the error of the library");
        assert_eq!(found.to_string(), Error::stopped().to_string());
        let pool = deadpool_postgres::PoolError::Backend(error);
        assert!(Error::within(&pool).is_some());
    }
}
