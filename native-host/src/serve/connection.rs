//! One client's connection: TLS, then HTTP/1 or 2, until either side has had enough.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::Watcher;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_rustls::TlsAcceptor;

use super::front::{Front, Handler};
use super::limits::Limits;
use super::pulse::Pulse;

/// The most bytes that the head of a request may have: a key, a few cookies of a proxy, a trace.
const HEAD_LIMIT: u32 = 32 << 10;

/// Serves a client to the end. `watcher` tells when to stop, and is told when this has ended.
pub(crate) async fn serve<H: Handler>(
    stream: TcpStream,
    client: SocketAddr,
    tls: Option<TlsAcceptor>,
    front: Arc<Front<H>>,
    watcher: Watcher,
) {
    let _ = stream.set_nodelay(true); // Slower without it, but not wrong.
    let Some(tls) = tls else { return speak(stream, client, front, watcher).await };
    match timeout(front.limits.opening, tls.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, client, front, watcher).await,
        Ok(Err(error)) => tracing::debug!(%client, "no TLS handshake: {error}"),
        Err(_) => tracing::debug!(%client, "no TLS handshake in time"),
    }
}

/// Speaks HTTP until the client goes, it is told to stop, or nothing happens for too long.
async fn speak<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    client: SocketAddr,
    front: Arc<Front<H>>,
    watcher: Watcher,
) {
    let (pulse, limits) = (Pulse::start(), front.limits);
    let service = {
        let pulse = Arc::clone(&pulse);
        service_fn(move |request| {
            let (front, pulse) = (Arc::clone(&front), Arc::clone(&pulse));
            async move { Ok::<_, Infallible>(front.answer(client, &pulse, request).await) }
        })
    };
    let builder = builder();
    let connection = watcher.watch(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%client, "the connection broke off: {error}");
        },
        () = silence(&pulse, &limits) => tracing::debug!(%client, "the connection was idle"),
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // No timer of hyper's: `silence` covers what they do, and what they leave out.
    builder.http1().max_buf_size(HEAD_LIMIT as usize);
    builder.http2().max_header_list_size(HEAD_LIMIT);
    builder
}

/// Ends when nothing has happened on a connection for too long.
async fn silence(pulse: &Pulse, limits: &Limits) {
    loop {
        let now = Instant::now();
        let end = pulse.end(limits);
        if end <= now {
            return;
        }
        // The end comes closer when a request ends: look again then at the latest.
        sleep_until(end.min(now + limits.idle)).await;
    }
}
