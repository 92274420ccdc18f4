//! What the function writes to standard error, in the log of this host, line by line.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// A longer line is broken: its writer has lost its way.
const LINE_LIMIT: usize = 8 << 10;

/// How much may be written at once.
const CHUNK: usize = 64 << 10;

/// Where the lines go.
#[derive(Clone, Copy)]
pub(super) struct Log;

/// One writer's bytes that do not make a line yet.
#[derive(Default)]
struct Lines {
    begun: Vec<u8>,
}

impl Lines {
    fn take(&mut self, bytes: &[u8], mut tell: impl FnMut(&str)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            if self.begun.ends_with(b"\n") || LINE_LIMIT <= self.begun.len() {
                tell(String::from_utf8_lossy(&self.begun).trim_end());
                self.begun.clear();
            }
        }
    }
}

/// Tells a line. The function says whose it is, and so does the log.
fn tell(line: &str) {
    let line = line.strip_prefix("lakegate: ").unwrap_or(line);
    match line.strip_prefix("warning: ") {
        Some(line) => tracing::warn!(target: "lakegate::function", "{line}"),
        None => tracing::info!(target: "lakegate::function", "{line}"),
    }
}

impl IsTerminal for Log {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Log {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(Lines::default())
    }

    // The usual one hands each line to a task of its own and stops the instance until it is done.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(Lines::default())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.take(bytes, tell);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

#[wasmtime_wasi::async_trait]
impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes, tell);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(writes: &[&str], expected: &[&str]) {
        let (mut lines, mut told) = (Lines::default(), Vec::new());
        for bytes in writes {
            lines.take(bytes.as_bytes(), |line| told.push(line.to_owned()));
        }
        assert_eq!(told, expected);
    }

    #[test]
    fn a_line_is_told_when_it_ends() {
        check(&["one\ntwo", "\n"], &["one", "two"]);
        check(&["one\r\n\n"], &["one", ""]);
        check(&["not yet"], &[]);
    }

    #[test]
    fn a_line_without_end_is_broken() {
        let long = "x".repeat(LINE_LIMIT);
        check(&[&long, "y\n"], &[&long, "y"]);
    }
}
