//! The operations port of the proxy: is it up, does it work, what does it count, and stop.
//!
//! It is for orchestrators and Prometheus, on an address of its own, and tells no secret. The HTTP
//! front is that of `lakegate serve`.

mod metrics;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use hyper::{Request, Response};
use lakegate_proxy::{Metrics, Proxy};
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use crate::function::{Body, HandleError};
use crate::logins::Tokens;
use crate::serve::front::{Front, Handler};
use crate::serve::limits::Limits;
use crate::serve::listener::Server;
use crate::service::ending::Ended;
use crate::service::signals::Signal;

/// How long a probe of the database may take; an orchestrator has given up by then.
const DEADLINE: Duration = Duration::from_secs(10);

/// Requests at a time: a few probes and a scrape.
const REQUESTS: usize = 16;

/// How long the last answers may take at the end.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What a proxy shows of itself.
pub(crate) struct Vitals {
    pub(crate) proxy: Proxy,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) metrics: Metrics,
    started: AtomicBool,
    draining: AtomicBool,
    quit: Notify,
}

impl Vitals {
    pub(crate) fn new(proxy: Proxy, tokens: Arc<Tokens>, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            proxy,
            tokens,
            metrics,
            started: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            quit: Notify::new(),
        })
    }

    /// Notes that the first token is there.
    pub(crate) fn note_start(&self) {
        self.started.store(true, Ordering::Relaxed);
    }

    /// Notes that nobody is let in any more.
    pub(crate) fn note_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Waits until somebody asks it to stop.
    pub(crate) async fn quit(&self) {
        self.quit.notified().await;
    }
}

/// The routes of the operations port.
struct Operations(Arc<Vitals>);

impl Handler for Operations {
    async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, HandleError> {
        Ok(routes::answer(&self.0, &request.into_parts().0).await)
    }

    async fn stop(&self) {}
}

/// The operations port while it is open.
pub(crate) struct Port {
    /// With the port that it really has.
    pub(crate) address: SocketAddr,
    stop: mpsc::Sender<Signal>,
    serving: JoinHandle<Ended>,
}

impl Port {
    /// Finishes the answers that are under way, and closes: who asked the proxy to end is told that
    /// it does.
    pub(crate) async fn close(self) {
        // It outlives the proxy, so that probes are answered to the end: no signal ends it but this.
        let _told = self.stop.send(Signal::Stop { code: 0 }).await;
        let _ended = self.serving.await;
    }
}

/// Answers on this address until it is closed.
///
/// # Errors
///
/// The address cannot be had.
pub(crate) async fn start(address: SocketAddr, vitals: Arc<Vitals>) -> anyhow::Result<Port> {
    let listening = || format!("listening for operations on {address}");
    let listener = TcpListener::bind(address).await.with_context(listening)?;
    let address = listener.local_addr().with_context(listening)?;
    let front = Front::new(Operations(vitals), Limits::new(REQUESTS, DEADLINE));
    let server = Server { listener, tls: None, front, drain: LAST_WORDS };
    let (stop, signals) = mpsc::channel(1);
    Ok(Port { address, stop, serving: tokio::spawn(server.run(signals)) })
}
