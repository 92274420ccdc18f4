//! Queries of our own, while no application talks through the server connection.

use std::io;
use std::time::Duration;

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::pool::Lease;
use crate::server::Server;
use crate::wire::carried::Carried;
use crate::wire::frame::Frame;

/// How long a server may take to forget an application.
const RESET: Duration = Duration::from_secs(5);
/// The longest message that belongs to an answer here.
const LONGEST: usize = 64 * 1024;

/// Why an errand failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum ErrandError {
    /// The server said no: the fields of its `ErrorResponse`. The connection is ready again.
    #[error("the server refused it")]
    Refused(Box<[u8]>),
    /// The connection is of no use any more.
    #[error(transparent)]
    Lost(#[from] io::Error),
}

/// Runs a query whose rows do not matter, and waits until the server is ready again, in no
/// transaction.
pub(super) async fn run(server: &mut Server, sql: &str) -> Result<(), ErrandError> {
    let mut message = BytesMut::with_capacity(Frame::HEAD + sql.len() + 1);
    put_query(&mut message, sql);
    server.stream.write_all(&message).await?;
    server.stream.flush().await?;
    // It drops the unnamed statement.
    server.statements.unnamed = None;
    let mut refused = None;
    loop {
        let frame = whole(server).await?;
        let body = &server.inbox[Frame::HEAD..frame.len];
        match frame.tag {
            b'S' => drop(server.parameters.note(body)),
            b'E' => refused = Some(body.into()),
            b'Z' if body != b"I" => return Err(strange("a transaction is open").into()),
            _ => {}
        }
        server.inbox.advance(frame.len);
        if frame.tag == b'Z' {
            return refused.map_or(Ok(()), |fields| Err(ErrandError::Refused(fields)));
        }
    }
}

/// Makes the server forget what an application left in it, and gives it back; if that fails, it is
/// closed.
pub(super) async fn reset(mut lease: Lease) {
    match timeout(RESET, run(&mut lease, "DISCARD ALL")).await {
        Ok(Ok(())) => {
            lease.statements.clear();
            lease.carried = Carried::default();
            lease.give_back();
        }
        Ok(Err(error)) => tracing::debug!(server = lease.id, %error, "no reset: closed"),
        Err(_) => tracing::debug!(server = lease.id, "no reset in time: closed"),
    }
}

/// Appends a simple query.
pub(super) fn put_query(out: &mut BytesMut, sql: &str) {
    out.put_u8(b'Q');
    out.put_u32((4 + sql.len() + 1) as u32);
    out.put_slice(sql.as_bytes());
    out.put_u8(0);
}

/// Reads until the inbox begins with a whole message.
async fn whole(server: &mut Server) -> io::Result<Frame> {
    loop {
        let frame = Frame::read(&server.inbox).map_err(|error| strange(&error.to_string()))?;
        match frame {
            Some(frame) if frame.len > LONGEST => return Err(strange("a message is too long")),
            Some(frame) if frame.len <= server.inbox.len() => return Ok(frame),
            _ => {}
        }
        server.inbox.reserve(1024);
        if server.stream.read_buf(&mut server.inbox).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn strange(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
