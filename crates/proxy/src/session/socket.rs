//! One step of reading or writing, without waiting.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncReadExt, AsyncWrite};

use crate::stream::Stream;
use crate::wire::pipe::Pipe;

/// What is read at once in an ordinary conversation, and where a lot comes, in bytes.
const FEW: usize = 8 * 1024;
const MANY: usize = 64 * 1024;

/// Reads into the pipe what is there. 0: nothing will come any more.
pub(super) fn poll_fill(
    cx: &mut Context<'_>,
    stream: &mut Stream,
    pipe: &mut Pipe,
) -> Poll<io::Result<usize>> {
    pipe.inbox.reserve(if pipe.fills { MANY } else { FEW });
    let room = pipe.inbox.capacity() - pipe.inbox.len();
    let read = ready!(pin!(stream.read_buf(&mut pipe.inbox)).poll(cx))?;
    pipe.fills = read == room;
    Poll::Ready(Ok(read))
}

/// Writes out of the pipe what goes on. Ready when all of it is gone.
pub(super) fn poll_drain(
    cx: &mut Context<'_>,
    pipe: &mut Pipe,
    stream: &mut Stream,
) -> Poll<io::Result<()>> {
    if !pipe.is_written() {
        while !pipe.is_written() {
            let written = ready!(Pin::new(&mut *stream).poll_write(cx, pipe.outgoing()))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            pipe.written(written);
        }
        pipe.to_flush = true;
    }
    if pipe.to_flush {
        ready!(Pin::new(stream).poll_flush(cx))?;
        pipe.to_flush = false;
    }
    Poll::Ready(Ok(()))
}
