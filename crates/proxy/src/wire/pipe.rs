//! One direction of a conversation: bytes come in, are judged message by message, and go on.
//!
//! What goes on unchanged is never copied: it is written from where it was read. Only around
//! messages that are inserted, left out or rewritten a copy is made.

use bytes::{Buf, BytesMut};

use super::frame::{BadLength, Frame};

/// Bytes on their way, in three parts: `out` goes on first, then the `ready` first bytes of
/// `inbox`; what is behind those was not judged yet.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    /// What was read.
    pub(crate) inbox: BytesMut,
    out: BytesMut,
    ready: usize,
    /// How much of the last judged message is still to come.
    rest: usize,
    /// Whether that is left out.
    leaving_out: bool,
    /// The last read filled all the room there was.
    pub(crate) fills: bool,
    /// Something was written since the last flush.
    pub(crate) to_flush: bool,
}

/// What a pipe may hold while nothing is on its way, in bytes.
const RESTING: usize = 16 * 1024;

impl Pipe {
    /// A pipe into which something was read already.
    pub(crate) fn holding(inbox: BytesMut) -> Self {
        Self { inbox, ..Self::default() }
    }

    /// What was judged and not written is thrown away.
    pub(crate) fn discard(&mut self) {
        self.out.clear();
        self.inbox.advance(self.ready);
        self.ready = 0;
    }

    /// Gives back memory that a long message took.
    pub(crate) fn shrink(&mut self) {
        if self.inbox.is_empty() && self.inbox.capacity() > RESTING {
            self.inbox = BytesMut::new();
        }
        if self.out.is_empty() && self.out.capacity() > RESTING {
            self.out = BytesMut::new();
        }
    }

    /// What was read and not judged yet; it begins with a message when [`next`](Self::next) does.
    pub(crate) fn unjudged(&self) -> &[u8] {
        &self.inbox[self.ready..]
    }

    /// The next message, as soon as its head is there.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, BadLength> {
        match self.rest {
            0 => Frame::read(self.unjudged()),
            _ => Ok(None),
        }
    }

    /// Whether the last judged message was read to its end, so that another may follow it.
    pub(crate) fn at_boundary(&self) -> bool {
        self.rest == 0
    }

    /// Takes the part of the last judged message that came since, and returns it.
    pub(crate) fn carry_on(&mut self) -> &[u8] {
        let here = self.rest.min(self.inbox.len() - self.ready);
        self.rest -= here;
        if self.leaving_out {
            self.drop_unjudged(here);
            return &[];
        }
        self.ready += here;
        &self.inbox[self.ready - here..self.ready]
    }

    /// The next `len` bytes, which begin with a message, go on. Returns those that are here.
    pub(crate) fn pass(&mut self, len: usize) -> &[u8] {
        self.rest = len;
        self.leaving_out = false;
        self.carry_on()
    }

    /// The next `len` bytes, which begin with a message, are left out.
    pub(crate) fn leave_out(&mut self, len: usize) {
        self.rest = len;
        self.leaving_out = true;
        self.carry_on();
    }

    /// Other bytes go on in place of the next `len`, all of which are here; the `rest` of their
    /// message goes on behind them.
    pub(crate) fn replace(&mut self, len: usize, other: &[u8], rest: usize) {
        self.insert().extend_from_slice(other);
        self.drop_unjudged(len);
        self.pass(rest);
    }

    /// Where to put bytes that go on behind everything judged so far.
    pub(crate) fn insert(&mut self) -> &mut BytesMut {
        self.settle();
        &mut self.out
    }

    /// All that is to be written, in one piece.
    pub(crate) fn outgoing(&mut self) -> &[u8] {
        if self.out.is_empty() {
            return &self.inbox[..self.ready];
        }
        self.settle();
        &self.out
    }

    /// So many bytes of [`outgoing`](Self::outgoing) were written.
    pub(crate) fn written(&mut self, len: usize) {
        if self.out.is_empty() {
            self.inbox.advance(len);
            self.ready -= len;
        } else {
            self.out.advance(len);
        }
    }

    /// How many bytes are to be written.
    pub(crate) fn waiting(&self) -> usize {
        self.out.len() + self.ready
    }

    /// Whether all that was judged has been written.
    pub(crate) fn is_written(&self) -> bool {
        self.ready == 0 && self.out.is_empty()
    }

    /// Copies what is still to be written out of the inbox, which then has only unjudged bytes.
    pub(crate) fn settle(&mut self) {
        if self.ready > 0 {
            self.out.extend_from_slice(&self.inbox[..self.ready]);
            self.inbox.advance(self.ready);
            self.ready = 0;
        }
    }

    fn drop_unjudged(&mut self, len: usize) {
        if len > 0 {
            self.settle();
            self.inbox.advance(len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges a stream that comes in chunks: `D` passes, `X` is left out, `R` gets another head
    /// and its body, `I` passes with a `Z` inserted behind it.
    fn judged(stream: &[u8], chunk: usize) -> Vec<u8> {
        let (mut pipe, mut out) = (Pipe::default(), Vec::new());
        for chunk in stream.chunks(chunk) {
            pipe.inbox.extend_from_slice(chunk);
            pipe.carry_on();
            while let Some(frame) = pipe.next().unwrap() {
                match frame.tag {
                    b'D' => drop(pipe.pass(frame.len)),
                    b'X' => pipe.leave_out(frame.len),
                    b'R' => pipe.replace(Frame::HEAD, b"r\0\0\0\x06", frame.len - Frame::HEAD),
                    _ if pipe.unjudged().len() < frame.len => break,
                    _ => {
                        pipe.pass(frame.len);
                        pipe.insert().extend_from_slice(b"Z");
                    }
                }
            }
            // A writer that takes one byte at first, as a full socket does.
            let first = pipe.outgoing().len().min(1);
            out.extend_from_slice(&pipe.outgoing()[..first]);
            pipe.written(first);
            out.extend_from_slice(pipe.outgoing());
            let rest = pipe.outgoing().len();
            pipe.written(rest);
            assert!(pipe.is_written());
        }
        assert!(pipe.at_boundary());
        out
    }

    #[test]
    fn every_split_gives_the_same_bytes() {
        let stream =
            b"D\0\0\0\x06abX\0\0\0\x05xR\0\0\0\x06cdD\0\0\0\x04I\0\0\0\x05eX\0\0\0\x04D\0\0\0\x05f";
        let expected = b"D\0\0\0\x06abr\0\0\0\x06cdD\0\0\0\x04I\0\0\0\x05eZD\0\0\0\x05f";
        for chunk in 1..=stream.len() {
            assert_eq!(judged(stream, chunk), expected, "in chunks of {chunk}");
        }
    }
}
