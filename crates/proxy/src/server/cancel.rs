//! Asks a server to cancel what one of its backends does.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::failure::OpenError;
use super::{BackendKey, tcp, tls};

/// From the first packet to the server's closing the connection.
const LIMIT: Duration = Duration::from_secs(10);

/// Says that this is no startup message.
const CANCEL_REQUEST: i32 = 1234 << 16 | 5678;

/// Where a request to cancel goes, and what it names.
#[derive(Clone, Debug)]
pub(crate) struct CancelTarget {
    /// The very server that the connection goes to: a name may stand for several.
    pub(super) address: SocketAddr,
    /// The name in its certificate.
    pub(super) host: String,
    /// TLS as for a login; none on this machine in LOCAL mode.
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    /// The backend; of one without a key nothing can be cancelled.
    pub(super) key: Option<BackendKey>,
}

impl CancelTarget {
    /// Asks the server to cancel, and waits until it has done so, 10 s at most: a request that is on
    /// its way still would hit whatever the backend does next.
    pub(crate) async fn cancel(&self) {
        let Some(key) = &self.key else { return };
        let outcome = match tokio::time::timeout(LIMIT, self.ask(key)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(OpenError::Late { at: self.host.clone(), seconds: LIMIT.as_secs() }),
        };
        if let Err(error) = outcome {
            tracing::warn!(%error, "a query could not be cancelled");
        }
    }

    async fn ask(&self, key: &BackendKey) -> Result<(), OpenError> {
        let at = || self.host.clone();
        let stream = tcp::connect(&[self.address])
            .await
            .map_err(|source| OpenError::Unreachable { at: at(), source })?;
        let sent = match &self.tls {
            Some(config) => send(tls::secure(stream, &self.host, config).await?, key).await,
            None => send(stream, key).await,
        };
        sent.map_err(|source| OpenError::Lost { at: at(), source })
    }
}

async fn send(mut stream: impl AsyncRead + AsyncWrite + Unpin, key: &BackendKey) -> io::Result<()> {
    stream.write_all(&request(key)).await?;
    stream.flush().await?;
    // The server says nothing. That it ends the connection, however rudely, means that it is done.
    let _ended = stream.read_u8().await;
    Ok(())
}

fn request(key: &BackendKey) -> Vec<u8> {
    let length = i32::try_from(12 + key.secret.len()).expect("a secret has 256 bytes at most");
    [&length.to_be_bytes()[..], &CANCEL_REQUEST.to_be_bytes(), &key.pid.to_be_bytes(), &key.secret]
        .concat()
}

#[cfg(test)]
impl CancelTarget {
    /// A backend of a server without TLS.
    pub(crate) fn plain(address: SocketAddr, key: BackendKey) -> Self {
        Self { address, host: "localhost".into(), tls: None, key: Some(key) }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio::net::TcpListener;

    use super::*;

    #[track_caller]
    fn check(secret: &'static [u8], expected: &[u8]) {
        assert_eq!(request(&BackendKey { pid: 7, secret: Bytes::from_static(secret) }), expected);
    }

    #[test]
    fn secrets_of_any_length_are_named() {
        check(b"abcd", b"\0\0\0\x10\x04\xd2\x16\x2e\0\0\0\x07abcd");
        check(b"abcdefgh", b"\0\0\0\x14\x04\xd2\x16\x2e\0\0\0\x07abcdefgh");
    }

    #[tokio::test]
    async fn it_waits_until_the_server_is_done() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let key = BackendKey { pid: 7, secret: Bytes::from_static(b"abcd") };
        let target = CancelTarget::plain(listener.local_addr().unwrap(), key.clone());
        let cancel = target.cancel();
        tokio::pin!(cancel);
        let mut asked = vec![0; 16];
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_exact(&mut asked).await.unwrap();
            stream
        };
        let stream = tokio::select! {
            () = &mut cancel => panic!("it did not wait"),
            stream = server => stream,
        };
        assert_eq!(asked, request(&key));
        drop(stream);
        cancel.await;
    }
}
