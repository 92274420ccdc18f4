//! What the server answers.

use bytes::{BufMut, BytesMut};

use super::{Facts, Talk};
use crate::options::Mode;
use crate::wire::answer;
use crate::wire::carried::Carried;
use crate::wire::frame::{BadLength, Frame};
use crate::wire::outstanding::{Ask, Verdict};
use crate::wire::pipe::Pipe;
use crate::wire::statements::Id;
use crate::wire::text::State;

/// The longest message that is held whole because of what it says.
const HELD: usize = 64 * 1024;

/// How far the server came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Heard {
    /// All that it sent was judged, as far as that is possible without more.
    All,
    /// It says that it ends the connection: the fields of its `ErrorResponse`.
    Ending(Box<[u8]>),
    /// It refused what was set for the client: the fields of its `ErrorResponse`.
    Refused(Box<[u8]>),
}

impl Talk {
    /// Judges what the server sent.
    pub(crate) fn downward(
        &mut self,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Heard, BadLength> {
        self.hurried = false;
        pipe.carry_on();
        self.give_known(pipe);
        while let Some(frame) = pipe.next()? {
            if is_read(frame) && pipe.unjudged().len() < frame.len {
                break;
            }
            let heard = self.server_message(frame, pipe, facts);
            if heard != Heard::All {
                return Ok(heard);
            }
            self.give_known(pipe);
        }
        Ok(Heard::All)
    }

    /// Gives the answers that are ours to give, if it is their turn and no message is cut in two.
    pub(crate) fn give_known(&mut self, pipe: &mut Pipe) {
        while pipe.at_boundary() {
            let Some(entry) = self.owed.known() else { return };
            match entry.ask {
                Ask::Parse => answer::parse_complete(pipe.insert()),
                _ => answer::close_complete(pipe.insert()),
            }
        }
    }

    fn server_message(&mut self, frame: Frame, pipe: &mut Pipe, facts: &mut Facts<'_>) -> Heard {
        let body = &pipe.unjudged()[Frame::HEAD..];
        let body = &body[..body.len().min(frame.len - Frame::HEAD)];
        if frame.tag == b'E' && is_last(body) {
            return Heard::Ending(body.into());
        }
        let verdict = self.owed.answer(frame.tag, &mut self.failed);
        if verdict == Verdict::Broken {
            return Heard::Refused(body.into());
        }
        match frame.tag {
            b'S' => {
                facts.parameters.note(body);
                if self.hides(body) {
                    pipe.leave_out(frame.len);
                    return Heard::All;
                }
                self.seen.note(body);
            }
            b'E' => {
                let renamed = self.in_the_clients_words(body);
                self.afterwards = None;
                self.take_back(facts);
                self.settings_failed();
                if let Some(renamed) = renamed.filter(|_| verdict == Verdict::Pass) {
                    pipe.leave_out(frame.len);
                    put_error(pipe.insert(), &renamed);
                    return Heard::All;
                }
            }
            b'Z' => {
                self.ready(body);
                self.settle_settings(pipe, facts);
            }
            b'C' => self.complete(body, facts),
            _ => {}
        }
        match verdict {
            Verdict::Pass => drop(pipe.pass(frame.len)),
            _ => pipe.leave_out(frame.len),
        }
        Heard::All
    }

    /// The fields of an error that speaks of a statement by our name for it, with the name that
    /// the client used in what failed.
    fn in_the_clients_words(&self, fields: &[u8]) -> Option<Vec<u8>> {
        let name = self.failed.last()?.name()?;
        let at = Id::find(fields)?;
        Some([&fields[..at], name, &fields[at + Id::NAME..]].concat())
    }

    fn ready(&mut self, body: &[u8]) {
        self.owed.set_status(body.first().copied().unwrap_or(0));
        if let Some(state) = self.afterwards.take_if(|_| self.owed.is_idle()) {
            self.state = state;
        }
    }

    fn complete(&mut self, tag: &[u8], facts: &mut Facts<'_>) {
        self.databases_changed |= matches!(tag, b"CREATE DATABASE\0" | b"ALTER DATABASE\0");
        if self.mode == Mode::Session {
            return;
        }
        self.note_done(tag);
        match tag {
            b"DISCARD ALL\0" => {
                // What was asked for since may have left something new.
                if self.owed.is_last_but_syncs() {
                    self.state = State::NONE;
                }
                self.statements_are_gone(facts);
                self.unnamed.now.token = None;
                self.carried = Carried::default();
                *facts.carried = Carried::default();
            }
            b"DEALLOCATE ALL\0" => self.statements_are_gone(facts),
            _ => {}
        }
    }
}

/// Appends an `ErrorResponse` with these fields.
fn put_error(out: &mut BytesMut, fields: &[u8]) {
    out.put_u8(b'E');
    out.put_u32(4 + fields.len() as u32);
    out.put_slice(fields);
}

/// Whether it matters what the message says.
fn is_read(frame: Frame) -> bool {
    match frame.tag {
        b'Z' | b'S' | b'E' => frame.len <= HELD,
        b'C' => frame.len <= 64,
        _ => false,
    }
}

/// Whether these fields of an `ErrorResponse` say that the connection ends.
fn is_last(fields: &[u8]) -> bool {
    fields.split(|byte| *byte == 0).any(|field| matches!(field, b"VFATAL" | b"VPANIC"))
}
