//! TLS with an application.

use std::io;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::Acceptor;
use rustls::sign::SingleCertAndKey;
use tokio::net::TcpStream;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::binding;

/// The protocol's name in ALPN.
pub(super) const ALPN: &[u8] = b"postgresql";

/// The same, but for the protocol of Postgres: who names another in ALPN is refused.
pub(super) fn of_postgres(config: &ServerConfig) -> Arc<ServerConfig> {
    let mut config = config.clone();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Arc::new(config)
}

/// A connection with TLS, and what a password exchange over it can be bound to.
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) end_point: Option<Vec<u8>>,
}

/// Makes the handshake.
pub(super) async fn accept(stream: TcpStream, config: &ServerConfig) -> io::Result<Secured> {
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    // Which certificate it is going to be cannot be asked afterwards, so it is chosen here.
    let Some(chosen) = config.cert_resolver.resolve(hello.client_hello()) else {
        return Err(io::Error::other("no certificate suits the application"));
    };
    let end_point = chosen.end_entity_cert().ok().and_then(|leaf| binding::server_end_point(leaf));
    let mut config = config.clone();
    config.cert_resolver = Arc::new(SingleCertAndKey::from(chosen));
    let stream = hello.into_stream(Arc::new(config)).await?;
    Ok(Secured { stream, end_point })
}
