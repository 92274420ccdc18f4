//! The front through real sockets, before functions that are slow, broken or endless.

mod drains;
mod limits;
mod serves;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::front::{Front, Handler};
use super::limits::Limits;
use super::listener::Server;
use super::tls::Tls;
use crate::function::{Body, HandleError};
use crate::service::ending::Ended;
use crate::service::signals::Signal;

/// Longer than anything here takes, and shorter than anybody waits.
const HOUR: Duration = Duration::from_secs(3600);
/// After this a test hangs.
const TEST_LIMIT: Duration = Duration::from_secs(60);

/// Limits that nothing comes near to.
const GENEROUS: Limits =
    Limits { requests: 16, connections: 64, deadline: HOUR, opening: HOUR, idle: HOUR };

/// A function that does what the path says.
#[derive(Default)]
struct Actor {
    /// A request for `/wait` is here.
    entered: Notify,
    /// Lets it go on.
    leave: Notify,
    /// It is told to stop.
    stopped: AtomicBool,
}

impl Handler for Arc<Actor> {
    async fn handle(&self, request: Request<Body>) -> Result<Response<Body>, HandleError> {
        match request.uri().path() {
            "/headers" => return Ok(text(&format!("{:?}", request.headers()))),
            "/body" => {
                let body = request.into_body().collect().await;
                let body = body.map_err(|error| HandleError::Stopped(error.to_string()))?;
                return Ok(text(&format!("{} bytes", body.to_bytes().len())));
            }
            "/wait" => {
                self.entered.notify_one();
                self.leave.notified().await;
            }
            "/never" => std::future::pending().await,
            "/busy" => return Err(HandleError::Busy(HOUR)),
            "/late" => return Err(HandleError::Timeout(HOUR)),
            "/trap" => return Err(HandleError::Stopped("wasm trap: inner words".into())),
            "/endless" => return Ok(Response::new(endless())),
            _ => {}
        }
        Ok(text("done"))
    }

    async fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }
}

fn text(text: &str) -> Response<Body> {
    let body = Full::new(Bytes::from(text.to_owned()));
    Response::new(body.map_err(|never| match never {}).boxed_unsync())
}

fn endless() -> Body {
    let piece = Bytes::from_static(&[b'x'; 1 << 16]);
    let pieces = futures_util::stream::repeat_with(move || Ok(Frame::data(piece.clone())));
    StreamBody::new(pieces).boxed_unsync()
}

/// A server on a port of its own.
struct Stage {
    address: SocketAddr,
    actor: Arc<Actor>,
    signals: mpsc::Sender<Signal>,
    ended: JoinHandle<Ended>,
}

impl Stage {
    async fn set(limits: Limits) -> Self {
        Self::with(limits, None, HOUR).await
    }

    async fn with(limits: Limits, tls: Option<Tls>, drain: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let actor = Arc::new(Actor::default());
        let (signals, receiver) = mpsc::channel(4);
        let front = Front::new(Arc::clone(&actor), limits);
        let ended = tokio::spawn(Server { listener, tls, front, drain }.run(receiver));
        Self { address, actor, signals, ended }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Opens a connection and sends a request for `path` on it.
    async fn ask(&self, path: &str) -> TcpStream {
        let mut stream = self.connect().await;
        send(&mut stream, path, "").await;
        stream
    }

    /// Sends a request for `/wait`, and gives its connection when the function has it.
    async fn ask_to_wait(&self) -> TcpStream {
        let stream = self.ask("/wait").await;
        within(self.actor.entered.notified()).await;
        stream
    }

    /// The whole answer to a request that is the last one on its connection.
    async fn get(&self, path: &str) -> String {
        let mut stream = self.connect().await;
        send(&mut stream, path, "Connection: close\r\n").await;
        rest(stream).await
    }

    async fn stop(&self, code: u8) {
        self.signals.send(Signal::Stop { code }).await.unwrap();
    }

    /// How serving ended.
    async fn ended(self) -> Ended {
        within(self.ended).await.unwrap()
    }
}

/// What comes of something that must not take for ever.
async fn within<T>(something: impl Future<Output = T>) -> T {
    timeout(TEST_LIMIT, something).await.expect("it takes for ever")
}

async fn send(stream: &mut TcpStream, path: &str, headers: &str) {
    let request = format!("GET {path}?q=1 HTTP/1.1\r\nHost: h\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// All that comes until the server closes the connection.
async fn rest(mut stream: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    // A reset is an end as well: it comes when the server closes before it has read everything.
    let _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The head of the next answer, read byte by byte so that nothing after it is taken.
async fn head(stream: &mut TcpStream) -> String {
    next_head(stream).await.unwrap()
}

/// The same, if there is a next answer.
async fn next_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    within(async {
        while !bytes.ends_with(b"\r\n\r\n") {
            bytes.push(stream.read_u8().await?);
        }
        Ok(String::from_utf8(bytes).unwrap())
    })
    .await
}
