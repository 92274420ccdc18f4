//! The sequences, against an edge that replays a script and refuses anything else.

mod credential;
mod target;
mod token;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use super::*;
use crate::config::{Access, Config};
use crate::edge::{
    Connection, DatabaseError, Login as DatabaseLogin, Method, Notice, Origin, ReadError,
    SendError, Server,
};

/// One expected request, and its answer.
struct Turn {
    /// Method, URL, authorization and body, as [`line`] writes them.
    request: &'static str,
    answer: Result<Response, SendError>,
}

fn turn(request: &'static str, status: u16, body: &str) -> Turn {
    let headers = [("date".to_owned(), "Sun, 06 Nov 1994 08:49:37 GMT".to_owned())].to_vec();
    Turn { request, answer: Ok(Response { status, headers, body: body.as_bytes().to_vec() }) }
}

/// An edge with these environment variables and files. Any variable is a secret as well.
struct Script {
    settings: Vec<(&'static str, &'static str)>,
    files: Vec<(&'static str, &'static str)>,
    turns: RefCell<VecDeque<Turn>>,
    clock: Cell<u64>,
}

fn script<const N: usize>(
    settings: &[(&'static str, &'static str)],
    files: &[(&'static str, &'static str)],
    turns: [Turn; N],
) -> Script {
    let mut all = [("POSTGRES_DB", "app")].to_vec();
    all.extend(settings);
    let turns = RefCell::new(turns.into());
    Script { settings: all, files: files.to_vec(), turns, clock: Cell::new(0) }
}

impl Script {
    fn access(&self) -> OAuthAccess {
        match Config::load(self).unwrap().access {
            Access::OAuth(access) => *access,
            Access::Password(_) => panic!("LOCAL mode has nothing to mint"),
        }
    }

    /// Every expected request was made.
    #[track_caller]
    fn end(&self) {
        let left: Vec<_> = self.turns.borrow().iter().map(|turn| turn.request).collect();
        assert!(left.is_empty(), "never asked: {left:?}");
    }
}

fn line(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    assert_eq!(request.headers[0].1, concat!("lakegate/", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.headers[1], ("accept", "application/json".to_owned()));
    let secrets = [&request.authorization, &request.body];
    let secrets: Vec<&str> = secrets.into_iter().flatten().map(Secret::expose).collect();
    format!("{method} {} {}", request.url, secrets.join(" ")).trim_end().to_owned()
}

struct NoConnection;

impl Connection for NoConnection {
    async fn run(&self, _: &str, _: &[Option<&str>]) -> Result<Option<String>, DatabaseError> {
        unreachable!("minting opens no connection")
    }
}

impl Edge for Script {
    type Connection = NoConnection;

    fn clocks(&self) -> Clocks {
        self.clock.set(self.clock.get() + 1);
        Clocks { wall: self.clock.get(), monotonic: self.clock.get() }
    }

    fn random(&self) -> u64 {
        unreachable!("minting draws no number")
    }

    async fn sleep(&self, _: Duration) {
        unreachable!("minting does not wait")
    }

    fn spawn(&self, _: Pin<Box<dyn Future<Output = ()>>>) {
        unreachable!("minting starts no task")
    }

    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        self.secret(name).filter(|_| origin == Origin::Environment).map(|it| it.expose().to_owned())
    }

    fn secret(&self, name: &str) -> Option<Secret> {
        self.settings.iter().find(|(own, _)| *own == name).map(|(_, value)| Secret::new(*value))
    }

    fn read(&self, path: &str) -> Result<Secret, ReadError> {
        let file = self.files.iter().find(|(own, _)| *own == path);
        file.map(|(_, text)| Secret::new(*text)).ok_or(ReadError::Missing)
    }

    fn notice(&self, notice: &Notice) {
        panic!("unexpected notice: {}", notice.text)
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let turn = self.turns.borrow_mut().pop_front();
        let turn = turn.unwrap_or_else(|| panic!("unexpected: {}", line(&request)));
        assert_eq!(line(&request), turn.request);
        turn.answer
    }

    async fn connect(
        &self,
        _: &Server,
        _: &DatabaseLogin,
    ) -> Result<Self::Connection, DatabaseError> {
        unreachable!("minting opens no connection")
    }
}

/// Runs a future that never has to wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}

const W: (&str, &str) = ("DATABRICKS_HOST", "w.example");
const ID: (&str, &str) = ("DATABRICKS_CLIENT_ID", "me");
const SECRET: (&str, &str) = ("DATABRICKS_CLIENT_SECRET", "s3");
const PAT: (&str, &str) = ("DATABRICKS_TOKEN", "dapi1");
const HOST: (&str, &str) = ("POSTGRES_HOST", "h.example");
