//! Bytes both ways between a client and its backend, counted on the way in.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

/// As much as one TLS record carries.
const CHUNK: usize = 16 << 10;

/// Passes bytes until the server is done, and shows what the client sends to `observe`.
///
/// Each direction reads only after it has written, so a slow reader slows the writer. A client
/// that stops sending still gets its answers. While `stall` holds, nothing moves.
///
/// # Errors
/// When either side breaks off.
pub(crate) async fn splice(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    stall: watch::Receiver<bool>,
    observe: impl FnMut(&[u8]),
) -> io::Result<()> {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    let up = async {
        pump(from_client, to_server, stall.clone(), observe).await?;
        std::future::pending().await
    };
    let down = pump(from_server, to_client, stall.clone(), |_| {});
    tokio::select! { end = up => end, end = down => end }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut stall: watch::Receiver<bool>,
    mut observe: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let len = from.read(&mut buffer).await?;
        if *stall.borrow() {
            // The sender lives as long as the emulator; without it nothing stalls.
            let _ = stall.wait_for(|stalled| !stalled).await;
        }
        if len == 0 {
            return to.shutdown().await;
        }
        observe(&buffer[..len]);
        to.write_all(&buffer[..len]).await?;
        to.flush().await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_client_that_stops_sending_still_gets_its_answer() {
        let (mut client, gate) = tokio::io::duplex(8);
        let (backend_gate, mut backend) = tokio::io::duplex(8);
        let (_stall, stalled) = watch::channel(false);
        let mut seen = Vec::new();
        let spliced = splice(gate, backend_gate, stalled, |bytes| seen.extend_from_slice(bytes));
        let ends = async {
            client.write_all(b"question").await.unwrap();
            client.shutdown().await.unwrap();
            let mut question = String::new();
            backend.read_to_string(&mut question).await.unwrap();
            backend.write_all(b"answer").await.unwrap();
            backend.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            (question, answer)
        };
        let (end, said) = tokio::join!(spliced, ends);
        end.unwrap();
        assert_eq!(said, ("question".to_owned(), "answer".to_owned()));
        assert_eq!(seen, b"question");
    }
}
