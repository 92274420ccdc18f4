//! A client that says exactly what a test says, byte for byte, and hears exactly what comes back.

use std::fmt;
use std::sync::Arc;

use bytes::{Buf as _, Bytes, BytesMut};
use lakegate_tests::{Credential, DEADLINE, House};
use postgres_protocol::message::frontend;
use rustls::pki_types::ServerName;
use tokio::io::{
    AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadHalf, WriteHalf,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// Whatever a connection runs over.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One message of the server.
#[derive(Clone, Eq, PartialEq)]
pub(crate) struct Message {
    /// Its type.
    pub(crate) tag: u8,
    /// What follows the length.
    pub(crate) body: Bytes,
}

impl Message {
    /// The SQLSTATE of an `ErrorResponse`.
    pub(crate) fn code(&self) -> Option<&str> {
        let fields = self.body.split(|byte| *byte == 0);
        let mut texts = fields.filter_map(|field| std::str::from_utf8(field).ok());
        texts.find_map(|field| field.strip_prefix('C')).filter(|_| self.tag == b'E')
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Of long rows, the beginning tells enough.
        const SHOWN: usize = 200;
        let body = &self.body[..self.body.len().min(SHOWN)];
        write!(f, "{} {:>6} {}", char::from(self.tag), self.body.len(), body.escape_ascii())
    }
}

/// A connection.
pub(crate) struct Wire {
    reader: ReadHalf<Box<dyn Duplex>>,
    writer: WriteHalf<Box<dyn Duplex>>,
    inbox: BytesMut,
}

impl Wire {
    /// Without TLS.
    pub(crate) async fn plain(host: &str, port: u16) -> Self {
        let stream = TcpStream::connect((host, port)).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self::over(Box::new(stream))
    }

    /// To the house's Postgres itself, over TLS.
    pub(crate) async fn direct(house: &House) -> Self {
        let (host, port) = (house.env("POSTGRES_HOST"), house.env("POSTGRES_PORT"));
        let mut stream = TcpStream::connect((host, port.parse().unwrap())).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut ask = BytesMut::new();
        frontend::ssl_request(&mut ask);
        stream.write_all(&ask).await.unwrap();
        assert_eq!(stream.read_u8().await.unwrap(), b'S', "the emulator speaks TLS");
        let name = ServerName::try_from(host.to_owned()).unwrap();
        let tls = TlsConnector::from(Arc::new(house.tls()));
        Self::over(Box::new(tls.connect(name, stream).await.unwrap()))
    }

    fn over(stream: Box<dyn Duplex>) -> Self {
        let (reader, writer) = tokio::io::split(stream);
        Self { reader, writer, inbox: BytesMut::new() }
    }

    /// Logs in with these parameters, and hears all up to the first `ReadyForQuery`.
    pub(crate) async fn log_in(
        &mut self,
        parameters: &[(&str, &str)],
        credential: Option<&Credential>,
    ) -> Vec<Message> {
        let mut startup = BytesMut::new();
        frontend::startup_message(parameters.iter().copied(), &mut startup).unwrap();
        self.send(&startup).await;
        if let Some(credential) = credential {
            let asked = self.next().await.expect("a question for the password");
            assert_eq!(asked.body[..], [0, 0, 0, 3], "{asked:?}");
            let mut answer = BytesMut::new();
            frontend::password_message(credential.token().as_bytes(), &mut answer).unwrap();
            self.send(&answer).await;
        }
        self.until(|message| message.tag == b'Z').await
    }

    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).await.unwrap();
        self.writer.flush().await.unwrap();
    }

    /// Sends bytes in pieces of these lengths, the rest at last, while it hears answers up to the
    /// first for which `last` holds. The end of the connection ends it, too, and so does the
    /// deadline.
    pub(crate) async fn talk(
        &mut self,
        bytes: &[u8],
        pieces: &[usize],
        last: impl FnMut(&Message) -> bool,
    ) -> Vec<Message> {
        let Self { reader, writer, inbox } = self;
        let sending = async {
            let mut rest = bytes;
            for piece in pieces.iter().copied().chain([usize::MAX]) {
                let (now, later) = rest.split_at(piece.min(rest.len()));
                // Whoever breaks off says why; that is heard.
                let _ = writer.write_all(now).await;
                let _ = writer.flush().await;
                tokio::task::yield_now().await;
                rest = later;
            }
        };
        tokio::join!(sending, hear(reader, inbox, last)).1
    }

    /// All up to the first message for which `last` holds, or to the end of the connection, or to
    /// the deadline.
    pub(crate) async fn until(&mut self, last: impl FnMut(&Message) -> bool) -> Vec<Message> {
        hear(&mut self.reader, &mut self.inbox, last).await
    }

    /// The next message; none when the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        self.until(|_| true).await.pop()
    }

    /// Reads a result to its end, and tells how many rows it had.
    pub(crate) async fn count_rows(&mut self) -> usize {
        let mut rows = 0;
        loop {
            match self.next().await.expect("the rest of the result").tag {
                b'D' => rows += 1,
                b'Z' => return rows,
                _ => {}
            }
        }
    }

    /// Says goodbye, and hears what comes up to the end; none if it does not end.
    pub(crate) async fn end(mut self) -> Option<Vec<Message>> {
        let mut goodbye = BytesMut::new();
        frontend::terminate(&mut goodbye);
        // Whoever was told to go is gone already.
        let _ = self.writer.write_all(&goodbye).await;
        let _ = self.writer.flush().await;
        let mut heard = Vec::new();
        let hearing = async {
            while let Some(message) = message(&mut self.reader, &mut self.inbox).await {
                heard.push(message);
            }
        };
        timeout(DEADLINE, hearing).await.ok()?;
        Some(heard)
    }
}

async fn hear(
    reader: &mut ReadHalf<Box<dyn Duplex>>,
    inbox: &mut BytesMut,
    mut last: impl FnMut(&Message) -> bool,
) -> Vec<Message> {
    let mut heard = Vec::new();
    let hearing = async {
        while let Some(message) = message(reader, inbox).await {
            heard.push(message);
            if heard.last().is_some_and(&mut last) {
                break;
            }
        }
    };
    // Who waited in vain finds that the last message is missing.
    let _ = timeout(DEADLINE, hearing).await;
    heard
}

async fn message(reader: &mut ReadHalf<Box<dyn Duplex>>, inbox: &mut BytesMut) -> Option<Message> {
    loop {
        if let Some(header) = inbox.first_chunk::<5>() {
            let [tag, length @ ..] = *header;
            let end = 1 + u32::from_be_bytes(length) as usize;
            if end <= inbox.len() {
                let mut whole = inbox.split_to(end);
                whole.advance(5);
                return Some(Message { tag, body: whole.freeze() });
            }
        }
        // Also a connection that breaks has ended.
        if !matches!(reader.read_buf(inbox).await, Ok(1..)) {
            assert!(inbox.is_empty(), "it ended in the middle of a message");
            return None;
        }
    }
}
