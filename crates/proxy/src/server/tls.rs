//! Verified TLS with a server.

use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use postgres_protocol::message::frontend;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::failure::OpenError;

/// Asks for TLS and shakes hands. `host` is the name that the certificate must carry.
pub(super) async fn secure(
    mut stream: TcpStream,
    host: &str,
    config: &Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, OpenError> {
    let at = || host.to_owned();
    match ask(&mut stream).await {
        Ok(b'S') => {}
        Ok(b'N') => return Err(OpenError::NoTls { at: at() }),
        Ok(_) => {
            let what = "it neither takes nor refuses TLS".to_owned();
            return Err(OpenError::Strange { at: at(), what });
        }
        Err(source) => return Err(OpenError::Lost { at: at(), source }),
    }
    let name = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let name = ServerName::try_from(name).map_err(|error| {
        let source = rustls::Error::General(format!("no certificate names it: {error}"));
        OpenError::Tls { at: at(), source }
    })?;
    let shaken = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
    shaken.map_err(|error| sorted(host, error))
}

/// Reads one byte and no more: what follows it before the handshake is not to be trusted, and makes
/// the handshake fail.
async fn ask(stream: &mut TcpStream) -> io::Result<u8> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await?;
    stream.read_u8().await
}

/// What rustls says stays; the rest is a connection that was lost.
fn sorted(host: &str, error: io::Error) -> OpenError {
    let at = host.to_owned();
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        Some(source) => OpenError::Tls { at, source: source.clone() },
        None => OpenError::Lost { at, source: error },
    }
}
