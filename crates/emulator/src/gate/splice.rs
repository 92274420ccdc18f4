//! Bytes both ways between a client and its backend, counted on the way in.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::watch;

use super::faults::Hold;

/// As much as one TLS record carries.
const CHUNK: usize = 16 << 10;

/// What keeps bytes back.
#[derive(Clone)]
pub(crate) struct Brakes {
    /// While it holds, nothing moves.
    pub(crate) stall: watch::Receiver<bool>,
    /// When it is over, what was kept back goes on.
    pub(crate) hold: watch::Receiver<Option<Hold>>,
}

/// Passes bytes until the server is done, and shows each side's to its observer, which says
/// whether to keep them back.
///
/// Each direction reads only after it has written, so a slow reader slows the writer. A client
/// that stops sending still gets its answers.
///
/// # Errors
/// When either side breaks off.
pub(crate) async fn splice(
    client: impl AsyncRead + AsyncWrite,
    server: impl AsyncRead + AsyncWrite,
    brakes: Brakes,
    asked: impl FnMut(&[u8]) -> bool,
    answered: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let (from_client, to_client) = tokio::io::split(client);
    let (from_server, to_server) = tokio::io::split(server);
    let up = async {
        pump(from_client, to_server, brakes.clone(), asked).await?;
        std::future::pending().await
    };
    let down = pump(from_server, to_client, brakes.clone(), answered);
    tokio::select! { end = up => end, end = down => end }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut brakes: Brakes,
    mut keep_back: impl FnMut(&[u8]) -> bool,
) -> io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    loop {
        let len = from.read(&mut buffer).await?;
        if *brakes.stall.borrow() {
            // The sender lives as long as the emulator; without it nothing stalls.
            let _ = brakes.stall.wait_for(|stalled| !stalled).await;
        }
        if len == 0 {
            return to.shutdown().await;
        }
        if keep_back(&buffer[..len]) {
            let Some(kept) = keep(&mut from, &buffer[..len], &mut brakes.hold).await? else {
                return to.shutdown().await;
            };
            to.write_all(&kept).await?;
        } else {
            to.write_all(&buffer[..len]).await?;
        }
        to.flush().await?;
    }
}

/// Keeps `chunk` back, and what follows it, until the hold is over. None: the sender is gone, and
/// what it sent goes with it.
async fn keep(
    from: &mut (impl AsyncRead + Unpin),
    chunk: &[u8],
    hold: &mut watch::Receiver<Option<Hold>>,
) -> io::Result<Option<Vec<u8>>> {
    let mut kept = chunk.to_vec();
    let mut buffer = [0; 512];
    loop {
        let len = tokio::select! {
            _ = hold.wait_for(Option::is_none) => return Ok(Some(kept)),
            len = from.read(&mut buffer) => len?,
        };
        if len == 0 {
            return Ok(None);
        }
        kept.extend_from_slice(&buffer[..len]);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::DuplexStream;

    use super::*;

    /// A client and a backend, and what lies between them: it keeps back whatever contains `held`.
    fn spliced(
        held: &'static [u8],
    ) -> (
        DuplexStream,
        DuplexStream,
        watch::Sender<Option<Hold>>,
        impl Future<Output = io::Result<()>>,
    ) {
        let (client, gate) = tokio::io::duplex(64);
        let (backend_gate, backend) = tokio::io::duplex(64);
        let (_, stall) = watch::channel(false);
        let (holder, hold) = watch::channel(Some(Hold { round_trip: 1, answered: false }));
        let keep_back = move |bytes: &[u8]| bytes == held;
        let brakes = Brakes { stall, hold };
        (client, backend, holder, splice(gate, backend_gate, brakes, keep_back, keep_back))
    }

    async fn read(stream: &mut DuplexStream, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test]
    async fn a_client_that_stops_sending_still_gets_its_answer() {
        let (mut client, mut backend, _holder, spliced) = spliced(b"nothing");
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
    }

    #[tokio::test]
    async fn what_is_held_goes_on_when_the_hold_is_over() {
        let (mut client, mut backend, holder, spliced) = spliced(b"held");
        let ends = async {
            client.write_all(b"first").await.unwrap();
            assert_eq!(read(&mut backend, 5).await, b"first");
            client.write_all(b"held").await.unwrap();
            backend.write_all(b"other way").await.unwrap();
            assert_eq!(read(&mut client, 9).await, b"other way");
            holder.send_replace(None);
            assert_eq!(read(&mut backend, 4).await, b"held");
            drop(backend);
        };
        let (end, ()) = tokio::join!(spliced, ends);
        end.unwrap();
    }

    #[tokio::test]
    async fn what_is_held_never_arrives_when_its_sender_is_gone() {
        let (mut client, mut backend, _holder, spliced) = spliced(b"held");
        let ends = async {
            client.write_all(b"held").await.unwrap();
            drop(client);
            let mut rest = Vec::new();
            backend.read_to_end(&mut rest).await.unwrap();
            assert_eq!(rest, b"");
            drop(backend);
        };
        let (end, ()) = tokio::join!(spliced, ends);
        end.unwrap();
    }
}
