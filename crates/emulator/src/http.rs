//! HTTP/1.1 over our own listener, so that a connection can also be cut.

use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// Cuts the connection that a request came on. Every request has one among its extensions.
#[derive(Clone)]
pub(crate) struct Scissors(Arc<Notify>);

impl Scissors {
    /// Cuts it; the request is never answered.
    pub(crate) async fn cut<T>(&self) -> T {
        self.0.notify_one();
        std::future::pending().await
    }
}

/// Serves `router` until it is dropped, with TLS if there is a configuration for it.
pub async fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>, router: Router) {
    let tls = tls.map(TlsAcceptor::from);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, tls.clone(), router.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: some will be free in a moment.
                tracing::warn!(%error, "the control plane could not accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, router: Router) {
    let _ = stream.set_nodelay(true); // Slower without it, but not wrong.
    match tls {
        None => exchange(stream, router).await,
        Some(tls) => match tls.accept(stream).await {
            Ok(stream) => exchange(stream, router).await,
            Err(error) => tracing::debug!(%error, "no TLS with a client of the control plane"),
        },
    }
}

async fn exchange(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router) {
    let cut = Arc::new(Notify::new());
    let service = TowerToHyperService::new(router.layer(Extension(Scissors(Arc::clone(&cut)))));
    let builder = Builder::new(TokioExecutor::new());
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = served => if let Err(error) = ended {
            tracing::debug!(%error, "an HTTP connection broke off");
        },
        () = cut.notified() => {}
    }
}
