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
