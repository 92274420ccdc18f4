//! HTTP by hand, for what no client would send.

use lakegate_tests::{DEADLINE, Serving};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Sends these bytes on a connection of their own, and returns all that comes back until the server
/// closes it.
///
/// # Panics
/// When the server never does.
pub(crate) async fn exchange(function: &Serving<'_>, bytes: &[u8]) -> String {
    let stream = TcpStream::connect(function.authority()).await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let mut answer = Vec::new();
    let both = async {
        // A server that has heard enough may close before all is written, and then it has answered.
        tokio::join!(writer.write_all(bytes), reader.read_to_end(&mut answer))
    };
    let ended = timeout(DEADLINE, both).await;
    assert!(ended.is_ok(), "a hang: {}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]));
    String::from_utf8_lossy(&answer).into_owned()
}

/// A request that the function has begun to read: its body is waited for.
pub(crate) struct Begun(TcpStream);

/// Begins a request with a body of so many bytes.
///
/// # Panics
/// When it is refused for its head.
pub(crate) async fn begin(function: &Serving<'_>, key: &str, route: &str, length: usize) -> Begun {
    let mut stream = TcpStream::connect(function.authority()).await.unwrap();
    let head = head(function, key, route);
    let head = format!("{head}Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    let reading = async {
        while !told.ends_with(b"\r\n\r\n") {
            told.push(stream.read_u8().await.unwrap());
        }
    };
    timeout(DEADLINE, reading).await.unwrap();
    assert_eq!(String::from_utf8_lossy(&told), "HTTP/1.1 100 Continue\r\n\r\n");
    Begun(stream)
}

impl Begun {
    /// Sends the body, and returns the whole answer.
    pub(crate) async fn finish(mut self, body: &str) -> String {
        self.0.write_all(body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        timeout(DEADLINE, self.0.read_to_string(&mut answer)).await.unwrap().unwrap();
        answer
    }
}

/// The head of a request with a key, up to the headers of its body.
pub(crate) fn head(function: &Serving<'_>, key: &str, route: &str) -> String {
    let authority = function.authority();
    format!(
        "{route} HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nConnection: close\r\n"
    )
}

/// The status of the last answer in what came back; none if that is no answer.
pub(crate) fn status(answer: &str) -> Option<u16> {
    let last = answer.rsplit("HTTP/1.").next().filter(|last| last.len() < answer.len())?;
    last.split(' ').nth(1)?.parse().ok()
}
