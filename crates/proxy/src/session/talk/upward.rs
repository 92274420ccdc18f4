//! What the client says.

use super::{Facts, Talk, Text};
use crate::options::Mode;
use crate::wire::frame::{BadLength, Frame, split_nul};
use crate::wire::outstanding::{Ask, Belief, Who};
use crate::wire::parameters::Parameters;
use crate::wire::pipe::Pipe;
use crate::wire::statements::Token;
use crate::wire::text::{Change, Effect, Reader, State};

/// The longest unnamed statement that is remembered for a later transaction, in bytes.
const REMEMBERED: usize = 64 * 1024;
/// The longest query that may be one of those that are carried from server to server, in bytes.
const SHORT: usize = 4 * 1024;
/// The longest message that is held whole, because it must be rewritten.
const HELD: usize = 64 * 1024 * 1024;

/// How far the client came.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Said {
    /// All that it sent was judged, as far as that is possible without more.
    All,
    /// What comes next cannot be judged before the server has answered.
    Waits,
    /// It says good-bye.
    Bye,
}

/// What no client may send.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("invalid frontend message type {}", char::from(*.0).escape_default())]
    Tag(u8),
    #[error(transparent)]
    Length(#[from] BadLength),
    #[error("a name in a message is not ended")]
    Name,
    #[error("a statement of {0} bytes is too long to be prepared by name in transaction mode")]
    TooLong(usize),
}

/// What became of one message.
pub(super) enum Step {
    Done,
    /// More of it must be here first.
    More,
    /// What the server owes must be here first.
    Wait,
}

impl Talk {
    /// Judges what the client sent.
    pub(crate) fn upward(
        &mut self,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Said, Violation> {
        let came = pipe.carry_on();
        self.read_text(came);
        self.end_text(pipe);
        while let Some(frame) = pipe.next()? {
            if frame.tag == b'X' {
                return Ok(Said::Bye);
            }
            let asks = !matches!(frame.tag, b'S' | b'H' | b'd' | b'c' | b'f');
            if asks && (self.owed.is_in_doubt() || self.must_wait_for_settings()) {
                return Ok(Said::Waits);
            }
            if self.unfit && self.owed.is_settled() {
                self.fit(pipe, facts);
            }
            match self.client_message(frame, pipe, facts)? {
                Step::Done => self.end_text(pipe),
                Step::More => break,
                Step::Wait => {
                    self.hurry(pipe);
                    return Ok(Said::Waits);
                }
            }
        }
        Ok(Said::All)
    }

    fn client_message(
        &mut self,
        frame: Frame,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Step, Violation> {
        let carried = self.mode == Mode::Transaction && !self.owed.is_skipping();
        let ask = match frame.tag {
            b'Q' if self.is_cut(frame, pipe) => return Ok(Step::More),
            b'Q' => return Ok(self.query(frame, pipe, facts)),
            b'P' if carried => return self.parse(frame, pipe, facts),
            b'B' if carried => return self.bind(frame, pipe, facts),
            b'D' if carried => return self.describe(frame, pipe, facts),
            b'C' if carried => return self.close(frame, pipe),
            b'E' if carried => return Ok(self.execute(frame, pipe)),
            b'P' => Some(Ask::Parse),
            b'B' => Some(Ask::Bind),
            b'D' => Some(Ask::Describe),
            b'C' => Some(Ask::Close),
            b'E' => Some(Ask::Execute),
            b'F' => Some(Ask::Function),
            b'S' => Some(Ask::Sync),
            b'H' | b'd' => None,
            b'c' | b'f' => {
                self.owed.copy_is_over();
                None
            }
            tag => return Err(Violation::Tag(tag)),
        };
        pipe.pass(frame.len);
        if let Some(ask) = ask {
            self.ask(ask, Belief::Nothing);
        }
        Ok(Step::Done)
    }

    /// Asks for the answers that the server keeps back until the end of the batch.
    fn hurry(&mut self, pipe: &mut Pipe) {
        if self.owed.is_open() && !std::mem::replace(&mut self.hurried, true) {
            pipe.insert().extend_from_slice(b"H\0\0\0\x04");
        }
    }

    /// Notes what the client asked of the server.
    pub(super) fn ask(&mut self, ask: Ask, belief: Belief) {
        self.afterwards = None;
        self.owed.ask(ask, Who::Client, belief);
    }

    /// Whether more of a short query is to come: those are looked at as a whole.
    fn is_cut(&self, frame: Frame, pipe: &Pipe) -> bool {
        let short = self.mode == Mode::Transaction && frame.len <= SHORT;
        short && pipe.unjudged().len() < frame.len
    }

    fn query(&mut self, frame: Frame, pipe: &mut Pipe, facts: &mut Facts<'_>) -> Step {
        // Only after a query that stands alone it is sure what succeeded.
        let alone = self.owed.is_alone() && !self.owed.is_open();
        let risky = !self.owed.is_answered() && self.unnamed.is_at_stake();
        let mut belief = match self.mode {
            Mode::Session => Belief::Nothing,
            Mode::Transaction => self.deallocate(frame, pipe),
        };
        if risky && !self.owed.is_skipping() {
            belief = Belief::Own(self.unnamed.replace(self.client, true));
        }
        if !self.owed.is_skipping() {
            self.unnamed.now.token = None;
        }
        let whole = pipe.unjudged().get(Frame::HEAD..frame.len - 1);
        let plain = whole.filter(|_| alone && frame.len <= SHORT).and_then(Change::of);
        let text = &pipe.pass(frame.len)[Frame::HEAD..];
        self.ask(Ask::Query, belief);
        if self.mode == Mode::Transaction {
            // Postgres drops the unnamed statement for every simple query.
            facts.statements.unnamed = None;
            self.afterwards = alone.then_some(State::NONE);
            self.runs_query(alone, plain);
            self.text = Some((Text::Query, Reader::new(&self.seen)));
            self.read_text(text);
        }
        Step::Done
    }

    /// A part of the text came.
    fn read_text(&mut self, part: &[u8]) {
        if let Some((_, reader)) = &mut self.text {
            reader.read(part, &self.seen);
        }
    }

    /// If the text is over, what it does to the session.
    fn end_text(&mut self, pipe: &Pipe) {
        let Some((whose, reader)) = self.text.take_if(|_| pipe.at_boundary()) else { return };
        let effect = reader.end(&self.seen);
        match whose {
            Text::Query => self.has_effect(effect),
            Text::Unnamed => self.unnamed.now.effect = effect,
        }
    }

    /// What has this effect will run.
    pub(super) fn has_effect(&mut self, effect: Effect) {
        let before = self.state;
        let effect = self.note_settings(effect);
        self.wiping |= effect.ends.has(State::PREPARED);
        self.state = before.with(effect.leaves);
        self.afterwards = self.afterwards.map(|_| before.without(effect.ends).with(effect.leaves));
    }

    /// Whether all of a message that must be rewritten is here.
    pub(super) fn is_whole(frame: Frame, pipe: &Pipe) -> Result<bool, Violation> {
        match pipe.unjudged().len() >= frame.len {
            true => Ok(true),
            false if frame.len > HELD => Err(Violation::TooLong(frame.len)),
            false => Ok(false),
        }
    }

    fn parse(
        &mut self,
        frame: Frame,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Step, Violation> {
        let here = &pipe.unjudged()[Frame::HEAD..];
        match here.first() {
            _ if frame.len == Frame::HEAD => Err(Violation::Name),
            None => Ok(Step::More),
            Some(0) if frame.len > REMEMBERED => {
                self.long_unnamed(frame, pipe, facts);
                Ok(Step::Done)
            }
            Some(_) if !Self::is_whole(frame, pipe)? => Ok(Step::More),
            Some(0) => {
                let token = self.new_unnamed(facts);
                let mut body = std::mem::take(&mut self.unnamed.now.body);
                body.clear();
                body.extend_from_slice(&pipe.pass(frame.len)[Frame::HEAD + 1..]);
                let now = &mut self.unnamed.now;
                now.effect = effect_of(&body, &self.seen);
                now.body = body;
                self.ask(Ask::Parse, Belief::Own(token));
                Ok(Step::Done)
            }
            Some(_) => self.named(frame, pipe, facts),
        }
    }

    /// An unnamed statement that goes by in pieces: good for this transaction only.
    fn long_unnamed(&mut self, frame: Frame, pipe: &mut Pipe, facts: &mut Facts<'_>) {
        let token = self.new_unnamed(facts);
        self.unnamed.now.body.clear();
        self.ask(Ask::Parse, Belief::Own(token));
        let text = &pipe.pass(frame.len)[Frame::HEAD + 1..];
        self.text = Some((Text::Unnamed, Reader::new(&self.seen)));
        self.read_text(text);
    }

    fn new_unnamed(&mut self, facts: &mut Facts<'_>) -> Token {
        let token = self.unnamed.replace(self.client, !self.owed.is_answered());
        self.unnamed.now.token = Some(token);
        facts.statements.unnamed = Some(token);
        token
    }
}

/// What the text of a `Parse` does, given without its name.
pub(super) fn effect_of(body: &[u8], seen: &Parameters) -> Effect {
    let text = split_nul(body).map_or(body, |(text, _)| text);
    Reader::whole(text, seen)
}
