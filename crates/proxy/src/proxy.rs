//! A running proxy: start, change, drain, end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::cancel::Registry;
use crate::front::{self, Crowd, Listener, Rules, UnixError};
use crate::logins::{Failure, Logins};
use crate::metrics::Metrics;
use crate::options::{Mode, Options, Tuning};
use crate::pool::{Origin, Pool};
use crate::session;
use crate::stop::{Phase, Stop};

/// How long sessions that are cut may take to say so to their applications.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How long the end waits for threads that hang in the system, as in a look-up of a name.
const LAST_THREADS: Duration = Duration::from_millis(250);

/// A running proxy, on threads of its own. Dropped, it ends at once.
pub struct Proxy {
    running: Running,
    thread: Option<JoinHandle<()>>,
}

/// What is known of a proxy once it runs.
struct Running {
    shared: Arc<Shared>,
    addresses: Vec<SocketAddr>,
    socket: Option<PathBuf>,
    runtime: Handle,
}

/// What all sessions share.
pub(crate) struct Shared {
    /// The connections to the database.
    pub(crate) pool: Arc<Pool>,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// When a server connection goes back to the pool.
    pub(crate) mode: Mode,
    /// What sessions know from each other.
    pub(crate) sessions: session::Common,
    /// Whose queries can be cancelled.
    pub(crate) registry: Arc<Registry>,
    /// Who is here.
    pub(crate) crowd: Crowd,
    /// Tells everybody that the proxy stops.
    pub(crate) stop: Stop,
    rules: Mutex<Arc<Rules>>,
}

impl Shared {
    /// Who is let in now, and how.
    pub(crate) fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn set_rules(&self, rules: Rules) {
        *self.rules.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}

/// How a drain went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Drained {
    /// Applications that were cut off in the middle of a transaction.
    pub cut: usize,
}

/// How many there are at this moment.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// Applications that were let in.
    pub clients: usize,
    /// Of these, who waits for a server connection.
    pub waiting: usize,
    /// Server connections.
    pub servers: usize,
    /// Of these, who nobody uses.
    pub servers_idle: usize,
}

/// Why a proxy cannot start, or not go on with other settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// No address and no Unix socket was named.
    #[error("there is nothing to listen on; name an address or a folder for a Unix socket")]
    Nowhere,
    /// Another machine could read and use the connections.
    #[error(
        "{address} can be reached from other machines, and {missing} not set; \
         set both a password and TLS for applications, or listen on 127.0.0.1"
    )]
    Unguarded {
        /// Where it was to listen.
        address: SocketAddr,
        /// What is missing, with its verb.
        missing: &'static str,
    },
    /// The address cannot be had.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The Unix socket cannot be had.
    #[error(transparent)]
    Unix(#[from] UnixError),
    /// The system gives no thread, or nothing to wait for sockets with.
    #[error("cannot start the proxy's own threads")]
    Threads(#[source] std::io::Error),
}

impl Proxy {
    /// Starts a proxy: when this returns, applications can connect.
    ///
    /// # Errors
    ///
    /// An address or the Unix socket cannot be had, or would be reachable from other machines
    /// without a password and TLS.
    pub fn start(
        options: Options,
        logins: Arc<dyn Logins>,
        metrics: Metrics,
    ) -> Result<Self, StartError> {
        let rules = Rules::new(&options.tuning, &options.listen)?;
        let (tell, told) = mpsc::channel();
        // The runtime lives and ends on this thread: elsewhere its end might block the caller.
        let thread = thread::Builder::new()
            .name("lakegate-proxy".into())
            .spawn(move || {
                let opened = runtime(options.threads).and_then(|runtime| {
                    let (running, doors) = open(&runtime, &options, rules, logins, metrics)?;
                    Ok((runtime, running, doors))
                });
                match opened {
                    Ok((runtime, running, doors)) => {
                        let end = End(running.shared.stop.clone());
                        drop(tell.send(Ok(running)));
                        runtime.block_on(last(&end.0, doors));
                        runtime.shutdown_timeout(LAST_THREADS);
                    }
                    Err(error) => drop(tell.send(Err(error))),
                }
            })
            .map_err(StartError::Threads)?;
        let running = told.recv().expect("the thread tells how it went")?;
        Ok(Self { running, thread: Some(thread) })
    }

    /// Where applications connect over TCP, in the order of [`Options::listen`].
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.running.addresses
    }

    /// The file where applications connect over a Unix socket.
    pub fn unix_socket(&self) -> Option<&Path> {
        self.running.socket.as_deref()
    }

    /// Goes on with other settings; no application is dropped.
    ///
    /// # Errors
    ///
    /// Other machines could connect without a password and TLS. Then nothing has changed.
    pub fn retune(&self, tuning: &Tuning) -> Result<(), StartError> {
        let Running { shared, addresses, .. } = &self.running;
        shared.set_rules(Rules::new(tuning, addresses)?);
        shared.pool.retune(tuning);
        Ok(())
    }

    /// Takes a connection to the database and gives it back: whether a query would get one now.
    ///
    /// # Errors
    ///
    /// What an application would be told.
    pub async fn probe(&self) -> Result<(), Failure> {
        let Shared { pool, stop, .. } = &*self.running.shared;
        if stop.is_draining() {
            return Err(stopping());
        }
        let pool = Arc::clone(pool);
        let origin = Arc::new(Origin::new(None, Vec::new()));
        let taken = self
            .running
            .runtime
            .spawn(async move { pool.take(&origin).await.map(crate::pool::Lease::give_back) });
        taken.await.unwrap_or_else(|_| Err(stopping()))
    }

    /// Returns when it serves nobody any more: after a [`drain`](Self::drain), or by a fault.
    pub async fn gone(&self) {
        self.running.shared.stop.reached(Phase::Gone).await;
    }

    /// How many there are now.
    pub fn counts(&self) -> Counts {
        let Shared { metrics, crowd, .. } = &*self.running.shared;
        let count = |gauge: &Gauge| usize::try_from(gauge.get()).unwrap_or(0);
        Counts {
            clients: crowd.clients.present(),
            waiting: count(&metrics.waiting),
            servers: count(&metrics.servers),
            servers_idle: count(&metrics.servers_idle),
        }
    }

    /// Lets nobody in, sends away who is in no transaction, waits for the others at most `limit`,
    /// and cuts who is still there. Then the addresses are free.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let Running { shared, runtime, .. } = &self.running;
        // Where applications are served: what keeps them from leaving keeps the time of this, too.
        let drained = runtime.spawn(drain(Arc::clone(shared), limit)).await;
        shared.stop.advance(Phase::Gone);
        // Of one that is gone already nobody is left.
        drained.unwrap_or(Drained { cut: 0 })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.running.shared.stop.advance(Phase::Gone);
        if let Some(thread) = self.thread.take() {
            // A thread that panicked is gone as well.
            drop(thread.join());
        }
    }
}

/// What applications are told while the proxy stops.
pub(crate) fn stopping() -> Failure {
    Failure {
        code: "57P01".into(),
        message: "the proxy is stopping".into(),
        hint: Some("Connect again; if nobody starts it anew, ask whoever runs it.".into()),
        passes: true,
    }
}

fn open(
    runtime: &Runtime,
    options: &Options,
    rules: Rules,
    logins: Arc<dyn Logins>,
    metrics: Metrics,
) -> Result<(Running, JoinSet<()>), StartError> {
    let _inside = runtime.enter();
    let listeners = front::listen(options)?;
    let shared = Arc::new(Shared {
        pool: Pool::new(options, logins, metrics.clone()),
        crowd: Crowd::new(metrics.clients.clone()),
        metrics,
        mode: options.mode,
        sessions: session::Common::default(),
        registry: Arc::default(),
        stop: Stop::default(),
        rules: Mutex::new(Arc::new(rules)),
    });
    let running = Running {
        addresses: listeners.iter().filter_map(Listener::address).collect(),
        socket: listeners.iter().find_map(Listener::socket).map(Path::to_owned),
        runtime: runtime.handle().clone(),
        shared: Arc::clone(&shared),
    };
    runtime.spawn(Arc::clone(&shared.pool).maintain());
    let serve = |listener: Listener| {
        let place = shared.crowd.doors.enter(usize::MAX);
        listener.serve(Arc::clone(&shared), place)
    };
    let doors = listeners.into_iter().map(serve).collect();
    Ok((running, doors))
}

/// Sends everybody away, and returns when the addresses are free.
async fn drain(shared: Arc<Shared>, limit: Duration) -> Drained {
    let Shared { stop, crowd, pool, .. } = &*shared;
    stop.advance(Phase::Draining);
    pool.drain();
    // Who is in time leaves by itself.
    let in_time = timeout(limit, crowd.clients.empty()).await.is_ok();
    let cut = if in_time { 0 } else { crowd.clients.present() };
    stop.advance(Phase::Ended);
    // Who does not take the last words is cut without them.
    drop(timeout(LAST_WORDS, crowd.clients.empty()).await);
    // They wait for nobody when they close.
    crowd.doors.empty().await;
    Drained { cut }
}

/// Tells everybody that nothing runs any more, however that came.
struct End(Stop);

impl Drop for End {
    fn drop(&mut self) {
        self.0.advance(Phase::Gone);
    }
}

/// Lasts as long as the proxy: to its end, when the addresses are free, or until a task that lets
/// applications in has panicked. Whoever runs the proxy must notice that it is of no use.
async fn last(stop: &Stop, mut doors: JoinSet<()>) {
    // They close when they are told that it ends.
    while let Some(ended) = doors.join_next().await {
        if let Err(error) = ended {
            return tracing::error!("nobody is let in any more: {error}");
        }
    }
    stop.reached(Phase::Gone).await;
}

/// One thread needs no wake-ups from one to another: it is its own runtime.
fn runtime(threads: usize) -> Result<Runtime, StartError> {
    let mut builder =
        if threads <= 1 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    builder.worker_threads(threads.max(1)).thread_name("lakegate-proxy").enable_all();
    builder.build().map_err(StartError::Threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_lasts_until_nobody_is_let_in_by_a_fault() {
        let stop = Stop::default();
        let mut doors = JoinSet::new();
        doors.spawn(async {}); // As while it drains.
        doors.spawn(async { panic!("a fault") });
        last(&stop, doors).await;
        assert!(!stop.is_draining());
    }

    #[tokio::test(start_paused = true)]
    async fn or_until_it_is_told_to_end() {
        let stop = Stop::default();
        let mut doors = JoinSet::new();
        doors.spawn(async {});
        let mut lasts = std::pin::pin!(last(&stop, doors));
        assert!(timeout(Duration::from_secs(3600), &mut lasts).await.is_err());
        drop(End(stop.clone()));
        lasts.await;
    }
}
