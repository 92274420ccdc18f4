//! Accepts connections, and stops in order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::Receiver;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;

use super::connection;
use super::front::{Front, Handler};
use super::tls::Tls;
use crate::service::ending::Ended;
use crate::service::signals::{Signal, next_stop};

/// After an accept that failed: out of file descriptors, most likely, and some will be free soon.
const PAUSE: Duration = Duration::from_millis(50);

/// A server that listens already.
pub(crate) struct Server<H> {
    pub(crate) listener: TcpListener,
    /// `None` is plaintext.
    pub(crate) tls: Option<Tls>,
    pub(crate) front: Front<H>,
    /// How long what is under way may go on after the signal to stop.
    pub(crate) drain: Duration,
}

impl<H: Handler> Server<H> {
    /// Serves until a signal says to stop, finishes what is under way, and closes.
    pub(crate) async fn run(self, mut signals: Receiver<Signal>) -> Ended {
        let Self { listener, tls, front, drain } = self;
        let (front, connections) = (Arc::new(front), GracefulShutdown::new());
        let code = accept_all(listener, tls, &front, &connections, &mut signals).await;
        tracing::info!("stopping: {} connections are open", connections.count());
        let finish = async {
            connections.shutdown().await;
            front.stop().await;
        };
        tokio::select! {
            biased;
            () = finish => Ended::Drained,
            code = next_stop(&mut signals) => Ended::Cut { code },
            () = sleep(drain) => Ended::Cut { code },
        }
    }
}

/// Accepts until there is a signal to stop, and gives its code. The listener is closed then.
async fn accept_all<H: Handler>(
    listener: TcpListener,
    mut tls: Option<Tls>,
    front: &Arc<Front<H>>,
    connections: &GracefulShutdown,
    signals: &mut Receiver<Signal>,
) -> u8 {
    let places = Arc::new(Semaphore::new(front.limits.connections));
    loop {
        tokio::select! {
            accepted = accept(&listener, &places) => {
                let Some((stream, client, place)) = accepted else { continue };
                let (tls, front) = (tls.as_mut().map(Tls::acceptor), Arc::clone(front));
                let serve = connection::serve(stream, client, tls, front, connections.watcher());
                tokio::spawn(async move {
                    serve.await;
                    drop(place);
                });
            }
            Some(signal) = signals.recv() => match (signal, &mut tls) {
                (Signal::Stop { code }, _) => return code,
                (Signal::Reload, Some(tls)) => tls.reload(),
                (Signal::Reload, None) => {}
            }
        }
    }
}

/// The next connection, as soon as there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.expect("nobody closes the semaphore");
    match listener.accept().await {
        Ok((stream, client)) => Some((stream, client, place)),
        Err(error) => {
            tracing::warn!("a connection could not be accepted: {error}");
            sleep(PAUSE).await;
            None
        }
    }
}
