//! Looks at a connection that rested, and says goodbye to one that is not needed.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use postgres_protocol::message::backend::{Header, NOTICE_RESPONSE_TAG, PARAMETER_STATUS_TAG};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Parameters, Server};

/// More than that a server does not say unasked.
const LONGEST: usize = 64 * 1024;

impl Server {
    /// Whether it can be used, as far as this side knows: no end and nothing odd has arrived. Costs
    /// no system call while nothing arrived.
    pub(crate) fn is_sound(&mut self) -> bool {
        if !matches!(arrived(&mut self.stream, &mut self.inbox), Ok(true)) {
            return false;
        }
        self.inbox.is_empty() || heard(&mut self.inbox, &mut self.parameters)
    }

    /// Tells the server that this is the end, if that can be done at once; it would find out anyway.
    pub(crate) fn part(mut self) {
        let mut goodbye = BytesMut::new();
        frontend::terminate(&mut goodbye);
        let mut cx = Context::from_waker(Waker::noop());
        let mut stream = Pin::new(&mut self.stream);
        if let Poll::Ready(Ok(_)) = stream.as_mut().poll_write(&mut cx, &goodbye) {
            let _unimportant = stream.poll_shutdown(&mut cx);
        }
    }
}

/// Reads what is there; `false` at the end of the stream.
fn arrived(mut stream: impl AsyncRead + Unpin, inbox: &mut BytesMut) -> io::Result<bool> {
    let mut cx = Context::from_waker(Waker::noop());
    let mut bytes = [0; 512];
    while inbox.len() < LONGEST {
        let mut buffer = ReadBuf::new(&mut bytes);
        match Pin::new(&mut stream).poll_read(&mut cx, &mut buffer) {
            Poll::Pending => return Ok(true),
            Poll::Ready(result) => result?,
        }
        if buffer.filled().is_empty() {
            return Ok(false);
        }
        inbox.extend_from_slice(buffer.filled());
    }
    Ok(false)
}

/// Takes in what a server may say unasked: a notice, and that a setting changed when its
/// configuration was read again. `false`: it said something else, or is not done.
fn heard(inbox: &mut BytesMut, parameters: &mut Parameters) -> bool {
    while !inbox.is_empty() {
        let Ok(Some(header)) = Header::parse(inbox) else { return false };
        let Ok(length) = usize::try_from(header.len()) else { return false };
        let Some(body) = inbox.get(5..1 + length) else { return false };
        let fine = match header.tag() {
            NOTICE_RESPONSE_TAG => true,
            PARAMETER_STATUS_TAG => parameters.note(body),
            _ => false,
        };
        if !fine {
            return false;
        }
        inbox.advance(1 + length);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(arrived: &[u8], fine: bool, zone: Option<&[u8]>) {
        let mut inbox = BytesMut::from(arrived);
        let mut parameters = Parameters::default();
        assert_eq!(heard(&mut inbox, &mut parameters), fine);
        assert_eq!(parameters.get("TimeZone"), zone);
        assert!(!fine || inbox.is_empty());
    }

    #[test]
    fn notices_and_settings_are_taken_in() {
        check(b"", true, None);
        check(b"N\0\0\0\x05\0", true, None);
        check(b"N\0\0\0\x05\0S\0\0\0\x11TimeZone\0UTC\0", true, Some(b"UTC"));
    }

    #[test]
    fn whatever_else_arrives_is_the_end() {
        check(b"E\0\0\0\x05\0", false, None);
        check(b"Z\0\0\0\x05I", false, None);
        check(b"N\0\0\0\x05\0E", false, None);
        check(b"N\0\0\0\x06\0", false, None);
        check(b"N\0\0\0\0\0", false, None);
        check(b"N\xff\xff\xff\xff\0", false, None);
    }

    #[tokio::test]
    async fn an_end_is_seen_without_waiting() {
        let (mut near, far) = tokio::net::UnixStream::pair().unwrap();
        let mut inbox = BytesMut::new();
        assert!(arrived(&mut near, &mut inbox).unwrap());
        drop(far);
        near.readable().await.unwrap();
        assert!(!arrived(&mut near, &mut inbox).unwrap());
    }
}
