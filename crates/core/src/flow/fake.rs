//! A database and a place to run that do what a test says.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::{self, Future};
use core::pin::{Pin, pin};
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use crate::edge::{
    Connection, DatabaseError, Edge, Login, Notice, Origin, ReadError, Request, Response,
    SendError, Server, ServerError,
};
use crate::secret::Secret;
use crate::time::Clocks;

/// What the next statement has to begin with, and what it is answered.
pub(super) type Exchange = (&'static str, Result<Option<String>, DatabaseError>);

/// Gives prepared answers, in order.
pub(super) struct FakeDatabase(RefCell<VecDeque<Exchange>>);

impl FakeDatabase {
    pub(super) fn new(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        Self(RefCell::new(exchanges.into_iter().collect()))
    }
}

impl Connection for FakeDatabase {
    fn run(
        &self,
        statement: &str,
        _parameters: &[Option<&str>],
    ) -> impl Future<Output = Result<Option<String>, DatabaseError>> {
        let (start, answer) = self.0.borrow_mut().pop_front().expect("one statement too many");
        assert!(statement.starts_with(start), "expected {start}, got {statement}");
        future::ready(answer)
    }
}

impl Drop for FakeDatabase {
    fn drop(&mut self) {
        if !self.0.get_mut().is_empty() {
            panic!("{} statements never came", self.0.get_mut().len());
        }
    }
}

/// The server's refusal with this SQLSTATE.
pub(super) fn refusal(code: &str) -> Result<Option<String>, DatabaseError> {
    let error = ServerError { code: code.into(), message: "no".into(), ..Default::default() };
    Err(DatabaseError::Server(Box::new(error)))
}

/// Remembers notices, and never really waits.
#[derive(Default)]
pub(super) struct FakeEdge {
    pub(super) notices: RefCell<Vec<String>>,
}

impl Edge for FakeEdge {
    type Connection = FakeDatabase;

    fn clocks(&self) -> Clocks {
        unreachable!("no sequence here reads a clock")
    }

    fn random(&self) -> u64 {
        unreachable!("no sequence here draws a number")
    }

    fn sleep(&self, _duration: Duration) -> impl Future<Output = ()> {
        future::ready(())
    }

    fn spawn(&self, _task: Pin<Box<dyn Future<Output = ()>>>) {
        unreachable!("no sequence here spawns")
    }

    fn setting(&self, _origin: Origin, _name: &str) -> Option<String> {
        None
    }

    fn secret(&self, _name: &str) -> Option<Secret> {
        None
    }

    fn read(&self, _path: &str) -> Result<Secret, ReadError> {
        Err(ReadError::Missing)
    }

    fn notice(&self, notice: &Notice) {
        self.notices.borrow_mut().push(notice.text.clone());
    }

    fn send(&self, _request: Request) -> impl Future<Output = Result<Response, SendError>> {
        future::ready(Err(SendError::Timeout))
    }

    fn connect(
        &self,
        _server: &Server,
        _login: &Login,
    ) -> impl Future<Output = Result<FakeDatabase, DatabaseError>> {
        future::ready(Err(DatabaseError::Other { detail: "no connection is expected".into() }))
    }
}

/// Runs a future that never has to wait.
pub(super) fn run<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing here waits"),
    }
}
