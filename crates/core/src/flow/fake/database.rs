//! A database that answers what a test says.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use core::cell::RefCell;

use crate::edge::{Connection, DatabaseError, ServerError};

/// What the next statement has to begin with, and what it is answered.
pub(in crate::flow) type Exchange = (&'static str, Result<Option<String>, DatabaseError>);

/// Gives prepared answers, in order. One that nobody asked for fails the test.
pub(in crate::flow) struct FakeDatabase(RefCell<VecDeque<Exchange>>);

impl FakeDatabase {
    pub(in crate::flow) fn new(exchanges: impl IntoIterator<Item = Exchange>) -> Self {
        Self(RefCell::new(exchanges.into_iter().collect()))
    }
}

impl Connection for FakeDatabase {
    async fn run(
        &self,
        statement: &str,
        _parameters: &[Option<&str>],
    ) -> Result<Option<String>, DatabaseError> {
        let (start, answer) = self.0.borrow_mut().pop_front().expect("one statement too many");
        assert!(statement.starts_with(start), "expected {start}, got {statement}");
        answer
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
pub(in crate::flow) fn refusal<T>(code: &str) -> Result<T, DatabaseError> {
    let error = ServerError { code: code.into(), message: "no".into(), ..Default::default() };
    Err(DatabaseError::Server(Box::new(error)))
}
