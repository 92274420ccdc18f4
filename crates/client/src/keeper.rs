//! The thread that decides.
//!
//! The core is made for one thread: its parts share each other without a lock. So it has one, with
//! a runtime of its own that no other work delays, and questions come by a channel. A live
//! credential is at hand without a question.

use std::pin::Pin;
use std::rc::Rc;

use lakegate_core::edge::ServerError;
use lakegate_core::flow::connector::{Connector, Ticket};
use lakegate_core::flow::mint::MintError;
use lakegate_core::problem::Problem;
use lakegate_core::time::millis;
use lakegate_edges::clock::Clock;
use lakegate_edges::live::{self, Held, Live};
use tokio::runtime::{self, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

use crate::credential::Credential;
use crate::edge::Native;
use crate::error::{Error, Kind};

/// A question, with what it is asked of.
type Ask = Box<dyn FnOnce(Rc<Connector<Native>>) -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// The way to that thread. The thread ends, and all it was about to do, when this is dropped.
pub(crate) struct Keeper {
    asks: mpsc::UnboundedSender<Ask>,
    live: Live<Credential>,
    clock: Clock,
}

impl Keeper {
    /// Starts the thread, waits for the first credential, and has it renewed from then on.
    pub(crate) async fn start(edge: Native) -> Result<Self, Error> {
        let clock = edge.clock.clone();
        let (asks, questions) = mpsc::unbounded_channel();
        begin(edge, questions).map_err(|error| {
            let advice = "The system's limit of threads or of open files may be reached.";
            Error::setup(Kind::Internal, &error, advice)
        })?;
        let (writer, live) = live::live(clock.clone());
        let keeper = Self { asks, live, clock };
        keeper.current().await?;
        let clock = keeper.clock.clone();
        keeper
            .ask(async move |connector| drop(spawn_local(keep(connector, clock, writer))))
            .await?;
        Ok(keeper)
    }

    /// The credentials as they come.
    pub(crate) const fn live(&self) -> &Live<Credential> {
        &self.live
    }

    /// The present credential: at once if one lives.
    pub(crate) async fn current(&self) -> Result<Credential, Error> {
        if let Some(held) = self.live.get() {
            return Ok(Credential::clone(&held));
        }
        self.credential(async |connector| connector.current().await).await
    }

    /// The one after this generation, when it is there.
    pub(crate) async fn renewed(&self, after: u64) -> Result<Credential, Error> {
        self.credential(async move |connector| connector.renewed(after).await).await
    }

    /// The one to log in with once more, after a login with this generation was refused.
    pub(crate) async fn refused(
        &self,
        generation: u64,
        report: ServerError,
    ) -> Result<Credential, Error> {
        self.credential(async move |connector| connector.refused(generation, &report).await).await
    }

    async fn credential(
        &self,
        get: impl AsyncFnOnce(&Connector<Native>) -> Result<Ticket, Problem> + Send + 'static,
    ) -> Result<Credential, Error> {
        let answer = self.ask(async move |connector| {
            let ticket = get(&connector).await?;
            reveal(&connector, ticket).await
        });
        Ok(answer.await??)
    }

    /// Asks, and waits for the answer. A question that nobody waits for any more is not pursued.
    pub(crate) async fn ask<R: Send + 'static>(
        &self,
        question: impl AsyncFnOnce(Rc<Connector<Native>>) -> R + Send + 'static,
    ) -> Result<R, Error> {
        let (mut answer, answered) = oneshot::channel();
        let ask: Ask = Box::new(move |connector| {
            Box::pin(async move {
                tokio::select! {
                    () = answer.closed() => {}
                    found = question(connector) => drop(answer.send(found)),
                }
            })
        });
        self.asks.send(ask).map_err(|_| Error::stopped())?;
        answered.await.map_err(|_| Error::stopped())
    }
}

/// Starts the thread.
fn begin(edge: Native, questions: mpsc::UnboundedReceiver<Ask>) -> anyhow::Result<()> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new()
        .name("lakegate".to_owned())
        .spawn(move || serve(&runtime, edge, questions))?;
    Ok(())
}

/// Answers until nobody can ask any more.
fn serve(runtime: &Runtime, edge: Native, mut questions: mpsc::UnboundedReceiver<Ask>) {
    LocalSet::new().block_on(runtime, async move {
        let connector = Rc::new(Connector::new(edge));
        while let Some(ask) = questions.recv().await {
            spawn_local(ask(Rc::clone(&connector)));
        }
    });
}

/// Keeps a credential alive.
async fn keep(connector: Rc<Connector<Native>>, clock: Clock, writer: live::Keeper<Credential>) {
    let mut generation = 0;
    loop {
        let renewed = connector.renewed(generation).await;
        let taken = clock.now();
        let revealed = match renewed {
            Ok(ticket) => {
                generation = ticket.generation;
                reveal(&connector, ticket).await
            }
            Err(problem) => Err(problem),
        };
        match revealed {
            Ok(credential) => {
                let validity = credential.ticket().validity;
                let left = validity.map_or(u64::MAX, |validity| millis(validity.left));
                writer.put(Held::new(credential, taken, left));
            }
            Err(problem) => {
                let Problem { message, advice, .. } = problem;
                tracing::warn!(advice, "the token was not renewed: {message}");
            }
        }
    }
}

/// A ticket with its secret.
async fn reveal(connector: &Connector<Native>, ticket: Ticket) -> Result<Credential, Problem> {
    // Of a token there is always one: it was handed out this moment.
    let gone = || MintError::SecretGone { name: "POSTGRES_PASSWORD".to_owned() }.problem();
    let password = connector.reveal(ticket.generation).await.ok_or_else(gone)?;
    Ok(Credential::new(ticket, password))
}

#[cfg(test)]
mod tests {
    use crate::Lakebase;

    /// Nobody is asked for anything in LOCAL mode.
    async fn local() -> Lakebase {
        let settings = [
            ("ENV", "LOCAL"),
            ("POSTGRES_HOST", "localhost"),
            ("POSTGRES_DB", "app"),
            ("POSTGRES_USER", "dev"),
            ("POSTGRES_PASSWORD", "s3cret"),
        ];
        Lakebase::builder().settings(settings).start().await.unwrap()
    }

    /// Waits until the thread has let go of all that it had.
    async fn ended(mut live: super::Live<super::Credential>) {
        while live.changed().await {}
    }

    #[tokio::test]
    async fn a_password_is_a_credential_that_never_ends() {
        let lakebase = local().await;
        let credential = lakebase.credential().await.unwrap();
        assert_eq!((credential.user(), credential.password()), ("dev", "s3cret"));
        assert_eq!((credential.host(), credential.port()), ("localhost", 5432));
        assert_eq!((credential.database(), credential.schema()), ("app", "public"));
        assert_eq!((credential.generation(), credential.expires_at()), (1, None));
        assert!(lakebase.status().await.unwrap().is_none());
        assert!(!format!("{lakebase:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn all_ends_with_the_last_clone() {
        let lakebase = local().await;
        let live = lakebase.0.keeper.live().clone();
        let clone = lakebase.clone();
        drop(lakebase);
        clone.credential().await.unwrap();
        drop(clone);
        ended(live).await;
    }

    #[cfg(feature = "deadpool")]
    #[tokio::test]
    async fn a_pool_of_clients_is_one_of_those_who_keep_it() {
        let lakebase = local().await;
        let live = lakebase.0.keeper.live().clone();
        let pool = lakebase.deadpool().build().unwrap();
        let parts = std::sync::Arc::downgrade(&lakebase.0);
        drop(lakebase);
        assert_eq!(parts.strong_count(), 1);
        drop(pool);
        ended(live).await;
    }

    #[cfg(feature = "sqlx")]
    #[tokio::test]
    async fn so_is_a_pool_of_sqlx_until_it_is_closed() {
        let lakebase = local().await;
        let live = lakebase.0.keeper.live().clone();
        let pool = lakebase.sqlx(Default::default()).await.unwrap();
        let parts = std::sync::Arc::downgrade(&lakebase.0);
        drop(lakebase);
        assert_eq!(parts.strong_count(), 1);
        pool.close().await;
        ended(live).await;
    }
}
