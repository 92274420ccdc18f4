//! What an application is told when it cannot go on.

use std::io;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::Session;
use super::socket::poll_drain;
use super::talk::Violation;
use super::welcome::Refusal;
use crate::logins::Failure;
use crate::proxy;
use crate::stream::Stream;
use crate::wire::answer::{self, Severity};

/// How long an application may take to hear why it must go.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Why a conversation is over.
#[derive(Debug)]
pub(super) enum End {
    /// The application went.
    Left,
    /// It is to be told this, and then goes.
    Ours(Failure),
    /// The server told it that: the fields of its `ErrorResponse`.
    Servers(Box<[u8]>),
}

impl From<io::Error> for End {
    /// Of the client's connection: there is nobody to be told.
    fn from(_: io::Error) -> Self {
        Self::Left
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        let code = match violation {
            Violation::TooLong(_) => "54000",
            _ => "08P01",
        };
        Self::Ours(failure(code, violation.to_string(), "Check the application's driver."))
    }
}

/// The proxy stops.
pub(super) fn stopping() -> End {
    End::Ours(proxy::stopping())
}

/// The server connection is gone. `sent`: a statement was on its way.
pub(super) fn lost(sent: bool) -> Failure {
    let mut message = "the connection to the database was lost".to_owned();
    if sent {
        message.push_str("; the statement may or may not have been executed");
    }
    failure("08006", message, "Find out what was done before you try again.")
}

/// What came from the database is no answer of Postgres.
pub(super) fn strange(what: impl std::fmt::Display) -> End {
    let message = format!("the database sent what is not understood: {what}");
    End::Ours(failure("08P01", message, "Check what stands between here and the database."))
}

fn failure(code: &str, message: String, hint: &str) -> Failure {
    Failure { code: code.into(), message, hint: Some(hint.into()), passes: true }
}

/// Tells an application that was not let in why.
pub(super) async fn refuse(client: &mut Stream, refusal: Refusal) {
    let mut out = BytesMut::new();
    match refusal {
        Refusal::Ours(failure) => answer::error(&mut out, Severity::Fatal, &failure),
        Refusal::Servers(fields) => put_error(&mut out, Severity::Fatal, &fields),
    }
    let telling = async {
        client.write_all(&out).await?;
        client.shutdown().await
    };
    // Who does not listen is not told.
    let _ = timeout(LAST_WORDS, telling).await;
}

/// Appends a server's error with another severity.
pub(super) fn put_error(out: &mut BytesMut, severity: Severity, fields: &[u8]) {
    let severity = match severity {
        Severity::Error => "ERROR",
        Severity::Fatal => "FATAL",
    };
    let start = out.len();
    out.put_slice(&[b'E', 0, 0, 0, 0]);
    for field in fields.split(|byte| *byte == 0).filter(|field| !field.is_empty()) {
        match field[0] {
            code @ (b'S' | b'V') => {
                out.put_u8(code);
                out.put_slice(severity.as_bytes());
            }
            _ => out.put_slice(field),
        }
        out.put_u8(0);
    }
    out.put_u8(0);
    let len = (out.len() - start - 1) as u32;
    out[start + 1..start + 5].copy_from_slice(&len.to_be_bytes());
}

impl Session<'_> {
    /// Tells the client why it must go.
    pub(super) async fn tell(&mut self, end: End) {
        // Within a message nothing can be said.
        if !self.down.at_boundary() {
            return;
        }
        let mut out = std::mem::take(self.down.insert());
        match end {
            End::Left => return,
            End::Ours(failure) => answer::error(&mut out, Severity::Fatal, &failure),
            End::Servers(fields) => put_error(&mut out, Severity::Fatal, &fields),
        }
        *self.down.insert() = out;
        let Self { client, down, .. } = self;
        let telling = async {
            std::future::poll_fn(|cx| poll_drain(cx, down, client)).await?;
            client.shutdown().await
        };
        // Who does not listen is not told.
        let _ = timeout(LAST_WORDS, telling).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_severity_of_an_error_changes() {
        let mut out = BytesMut::new();
        put_error(&mut out, Severity::Error, b"SFATAL\0VFATAL\0C57P01\0Mgone\0\0");
        assert_eq!(&out[..], b"E\0\0\0\x20SERROR\0VERROR\0C57P01\0Mgone\0\0");
    }
}
