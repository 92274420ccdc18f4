//! Somebody who knocked and was not let in yet: what it sends is little, and comes in time.

use std::io;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

use super::refusal::Refusal;
use super::{Peer, tls};
use crate::stream::Stream;
use crate::wire::answer::{self, Severity};
use crate::wire::startup::{self, First};

/// From the first moment to the last byte of the login, as Postgres' `authentication_timeout`.
const TIME: Duration = Duration::from_secs(60);
/// What is read at once: more than any usual first packet.
const CHUNK: usize = 1024;
/// How long we wait for somebody to take what ends the connection.
const FAREWELL: Duration = Duration::from_secs(1);

/// Somebody who was not let in yet.
pub(super) struct Guest {
    /// `None` once a handshake has failed: there is nobody to talk to.
    stream: Option<Stream>,
    /// Read and not yet understood.
    pub(super) inbox: BytesMut,
    /// Where it comes from.
    pub(super) peer: Peer,
    /// What its password exchange can be bound to.
    pub(super) end_point: Option<Vec<u8>>,
    deadline: Instant,
}

impl Guest {
    /// Somebody who has just connected.
    pub(super) fn new(stream: Stream, peer: Peer) -> Self {
        let (inbox, deadline) = (BytesMut::with_capacity(CHUNK), Instant::now() + TIME);
        Self { stream: Some(stream), inbox, peer, end_point: None, deadline }
    }

    /// Whether it begins with TLS itself, without asking.
    pub(super) async fn begins_with_tls(&mut self, offered: bool) -> Result<bool, Refusal> {
        /// The first byte of a TLS handshake; as a length it would be far too long.
        const HANDSHAKE: u8 = 0x16;
        let deadline = self.deadline;
        let Stream::Tcp(tcp) = self.stream() else { return Ok(false) };
        if offered {
            // The handshake is read by somebody else, from its beginning.
            let mut first = [0];
            let seen = in_time(deadline, tcp.peek(&mut first)).await?;
            return Ok(seen == 1 && first == [HANDSHAKE]);
        }
        self.fill().await?;
        Ok(self.inbox.first() == Some(&HANDSHAKE))
    }

    /// The next packet without a tag.
    pub(super) async fn packet(&mut self) -> Result<First, Refusal> {
        loop {
            if let Some(first) = startup::take(&mut self.inbox)? {
                return Ok(first);
            }
            self.fill().await?;
        }
    }

    /// The body of the next message, which must have this tag and is at most so long.
    pub(super) async fn message(&mut self, tag: u8, longest: usize) -> Result<BytesMut, Refusal> {
        /// A tag and a length.
        const HEAD: usize = 5;
        while self.inbox.len() < HEAD {
            self.fill().await?;
        }
        let [found, length @ ..]: [u8; HEAD] =
            *self.inbox.first_chunk().expect("so much was just read");
        if found != tag {
            return Err(Refusal::violation("expected an answer to the password request"));
        }
        let body = (u32::from_be_bytes(length) as usize)
            .checked_sub(HEAD - 1)
            .filter(|body| *body <= longest)
            .ok_or_else(|| Refusal::violation("invalid message length"))?;
        while self.inbox.len() < HEAD + body {
            self.fill().await?;
        }
        self.inbox.advance(HEAD);
        Ok(self.inbox.split_to(body))
    }

    /// Sends what we have to say.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let deadline = self.deadline;
        let stream = self.stream();
        in_time(deadline, async {
            stream.write_all(bytes).await?;
            stream.flush().await
        })
        .await
    }

    /// Makes the TLS handshake.
    pub(super) async fn secure(&mut self, config: &rustls::ServerConfig) -> Result<(), Refusal> {
        let Some(Stream::Tcp(tcp)) = self.stream.take() else {
            unreachable!("TLS is agreed upon over TCP, and once");
        };
        let secured = in_time(self.deadline, tls::accept(tcp, config)).await?;
        self.end_point = secured.end_point;
        self.stream = Some(Stream::FromClient(Box::new(secured.stream)));
        Ok(())
    }

    /// What it runs over.
    pub(super) fn stream(&mut self) -> &mut Stream {
        self.stream.as_mut().expect("after a failed handshake nothing is said")
    }

    /// Tells it why it is not let in, and closes.
    pub(super) async fn turn_away(mut self, refusal: &Refusal) {
        let mut out = BytesMut::new();
        match refusal {
            Refusal::Gone(_) => return,
            Refusal::Told(failure) => answer::error(&mut out, Severity::Fatal, failure),
            Refusal::ToldOld(failure) => answer::error_of_old(&mut out, failure),
        }
        if self.stream.is_some() {
            self.deadline = Instant::now() + FAREWELL;
            // Who does not listen is not told.
            drop(self.send(&out).await);
            self.close().await;
        }
    }

    /// Closes in order: over TLS its end is announced, for drivers take anything else for an
    /// attack; and what was sent arrives, where bytes that nobody read would make it a reset.
    pub(super) async fn close(mut self) {
        let deadline = self.deadline.min(Instant::now() + FAREWELL);
        let stream = self.stream();
        let rest = async {
            stream.shutdown().await?;
            let mut unread = [0; CHUNK];
            while stream.read(&mut unread).await? != 0 {}
            Ok(())
        };
        drop(in_time(deadline, rest).await);
    }

    /// Gives up everything that a client consists of.
    pub(super) fn into_parts(self) -> (Stream, BytesMut) {
        (self.stream.expect("after a failed handshake nobody is let in"), self.inbox)
    }

    async fn fill(&mut self) -> Result<(), Refusal> {
        self.inbox.reserve(CHUNK);
        let deadline = self.deadline;
        let Self { stream, inbox, .. } = self;
        let stream = stream.as_mut().expect("after a failed handshake nothing is read");
        match in_time(deadline, stream.read_buf(inbox)).await? {
            0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
            _ => Ok(()),
        }
    }
}

async fn in_time<T>(
    deadline: Instant,
    what: impl Future<Output = io::Result<T>>,
) -> Result<T, Refusal> {
    match timeout_at(deadline, what).await {
        Ok(done) => Ok(done?),
        // Postgres' own words and code for it.
        Err(_) => Err(Refusal::told("57014", "canceling authentication due to timeout", None)),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn guest() -> (TcpStream, Guest) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (application, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (stream, peer) = accepted.unwrap();
        (application.unwrap(), Guest::new(Stream::Tcp(stream), Peer::Tcp(peer)))
    }

    #[tokio::test(start_paused = true)]
    async fn who_says_too_little_has_a_minute() {
        for said in [&b""[..], b"\0", b"\0\0\x01\0\0\x03\0\0user\0"] {
            let (mut application, mut guest) = guest().await;
            let begun = Instant::now();
            application.write_all(said).await.unwrap();
            let refusal = guest.packet().await.unwrap_err();
            assert!(matches!(&refusal, Refusal::Told(failure) if failure.code == "57014"));
            assert_eq!(begun.elapsed().as_secs(), TIME.as_secs());
            guest.turn_away(&refusal).await;
            let mut told = Vec::new();
            application.read_to_end(&mut told).await.unwrap();
            assert_eq!(told.first(), Some(&b'E'));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_minute_is_for_all_of_it() {
        let (mut application, mut guest) = guest().await;
        let slow = async {
            application.write_all(b"p\0\0\x03\xe8").await.unwrap();
            for byte in [0; 100] {
                application.write_all(&[byte]).await.unwrap();
                tokio::time::advance(TIME / 50).await;
            }
        };
        let heard = guest.message(b'p', 1000);
        let (_, refusal) = tokio::join!(slow, heard);
        assert!(matches!(refusal, Err(Refusal::Told(failure)) if failure.code == "57014"));
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_listen_holds_nobody_up() {
        let (application, guest) = guest().await;
        let begun = Instant::now();
        guest.turn_away(&Refusal::violation("no")).await;
        assert_eq!(begun.elapsed().as_secs(), FAREWELL.as_secs());
        drop(application);
    }
}
