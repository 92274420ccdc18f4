//! Prepared statements that follow their client: renamed, and prepared again where they are
//! missing.

use std::sync::Arc;

use bytes::{BufMut, BytesMut};

use super::upward::{Step, Violation, effect_of};
use super::{Facts, Talk};
use crate::wire::frame::{Frame, split_nul};
use crate::wire::outstanding::{Ask, Belief, Name, Who};
use crate::wire::pipe::Pipe;
use crate::wire::statements::{Id, Statement};

/// The longest names that a client may give to portal and statement, together.
const NAMES: usize = 64 * 1024;

impl Talk {
    /// Whether it is not known yet which statement the name stands for, because the client did not
    /// wait for what it asked before.
    fn must_wait(&mut self, name: &[u8], id: Option<Id>) -> bool {
        self.wiping &= !self.owed.is_answered();
        self.wiping
            || self.owed.is_open_about(name, id, |belief| match belief {
                Belief::Nothing | Belief::Spoken(_) | Belief::Closed(_) | Belief::Lost(_) => false,
                Belief::Prepared(statement) => Some(statement.id) == id,
                Belief::Named { name: other, statement, .. } => {
                    **other == *name || Some(statement.id) == id
                }
                Belief::Dropped(other, _) => **other == *name,
                Belief::Own(token) => name.is_empty() && self.unnamed.is_latest(*token),
                Belief::Again(token) => name.is_empty() && self.unnamed.now.token == Some(*token),
            })
    }

    /// The same for the use of a name.
    pub(super) fn must_wait_for(&mut self, name: &[u8]) -> bool {
        let id = self.names.get(name).map(|statement| statement.id);
        self.must_wait(name, id)
    }

    /// The client's statement of this name.
    fn known(&self, name: &[u8]) -> Option<(Name, Arc<Statement>)> {
        let (name, statement) = self.names.get_key_value(name)?;
        Some((Arc::clone(name), Arc::clone(statement)))
    }

    /// A `Parse` with a name, all of which is here.
    pub(super) fn named(
        &mut self,
        frame: Frame,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Step, Violation> {
        let message = &pipe.unjudged()[Frame::HEAD..frame.len];
        let (name, body) = split_nul(message).ok_or(Violation::Name)?;
        let statement = self.registry.statement(body, || effect_of(body, &self.seen));
        let name: Name = name.into();
        if self.must_wait(&name, Some(statement.id)) {
            return Ok(Step::Wait);
        }
        let mut known = facts.statements.uses(statement.id);
        if known && self.owed.owes_an_end() {
            // A batch before it may leave a failed transaction.
            return Ok(Step::Wait);
        }
        if known && self.owed.status() == b'E' {
            // In a failed transaction only the server can say what it thinks of the text.
            put_close(pipe.insert(), Some(statement.id));
            self.owed.ask(Ask::Close, Who::Proxy, Belief::Closed(statement.id));
            facts.statements.remove(statement.id);
            known = false;
        }
        if self.names.contains_key(&name) {
            // Sent to a server that has it, so that the server says what is wrong.
            self.need(&statement, pipe, facts);
            self.rename(&statement, Frame::HEAD + name.len() + 1, frame, pipe);
            self.ask(Ask::Parse, Belief::Spoken(name));
            return Ok(Step::Done);
        }
        self.names.insert(Arc::clone(&name), Arc::clone(&statement));
        if known {
            pipe.leave_out(frame.len);
            self.afterwards = None;
            let belief = Belief::Named { name, statement, prepared: false };
            self.owed.ask(Ask::Parse, Who::Known, belief);
            return Ok(Step::Done);
        }
        self.add(statement.id, pipe, facts);
        self.rename(&statement, Frame::HEAD + name.len() + 1, frame, pipe);
        self.ask(Ask::Parse, Belief::Named { name, statement, prepared: true });
        Ok(Step::Done)
    }

    pub(super) fn bind(
        &mut self,
        frame: Frame,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Step, Violation> {
        let here = &pipe.unjudged()[Frame::HEAD..];
        let here = &here[..here.len().min(frame.len - Frame::HEAD)];
        let names = split_nul(here).and_then(|(portal, rest)| Some((portal, split_nul(rest)?.0)));
        let Some((portal, name)) = names else {
            let hopeless = here.len() == frame.len - Frame::HEAD || here.len() > NAMES;
            return if hopeless { Err(Violation::Name) } else { Ok(Step::More) };
        };
        if self.must_wait_for(name) {
            return Ok(Step::Wait);
        }
        let mut belief = Belief::Nothing;
        if name.is_empty() {
            self.runs(None);
            self.deallocating = self.deallocates(&self.unnamed.now.body);
            self.need_unnamed(pipe, facts);
            pipe.pass(frame.len);
        } else if let Some((spoken, statement)) = self.known(name) {
            belief = Belief::Spoken(spoken);
            let replaced = Frame::HEAD + portal.len() + name.len() + 2;
            self.scratch.clear();
            self.scratch.put_slice(portal);
            self.runs(Some(&statement));
            self.deallocating = self.deallocates(&statement.body);
            self.need(&statement, pipe, facts);
            self.put_renamed(&statement, replaced, frame, pipe);
        } else {
            // Not ours: a statement of SQL's PREPARE, or none at all.
            self.deallocating = None;
            pipe.pass(frame.len);
        }
        self.ask(Ask::Bind, belief);
        Ok(Step::Done)
    }

    pub(super) fn describe(
        &mut self,
        frame: Frame,
        pipe: &mut Pipe,
        facts: &mut Facts<'_>,
    ) -> Result<Step, Violation> {
        if !Self::is_whole(frame, pipe)? {
            return Ok(Step::More);
        }
        let name = Self::statement_name(frame, pipe)?;
        if name.is_some_and(|name| self.must_wait_for(name)) {
            return Ok(Step::Wait);
        }
        let mut belief = Belief::Nothing;
        match name {
            None => drop(pipe.pass(frame.len)),
            Some([]) => {
                self.need_unnamed(pipe, facts);
                pipe.pass(frame.len);
            }
            Some(name) => match self.known(name) {
                None => drop(pipe.pass(frame.len)),
                Some((spoken, statement)) => {
                    belief = Belief::Spoken(spoken);
                    self.need(&statement, pipe, facts);
                    self.scratch.clear();
                    self.scratch.put_u8(b'S');
                    self.put_renamed_as(&statement, frame.len, frame, pipe);
                }
            },
        }
        self.ask(Ask::Describe, belief);
        Ok(Step::Done)
    }

    /// A statement is closed for its client only: the server keeps it for others.
    pub(super) fn close(&mut self, frame: Frame, pipe: &mut Pipe) -> Result<Step, Violation> {
        if !Self::is_whole(frame, pipe)? {
            return Ok(Step::More);
        }
        let name = Self::statement_name(frame, pipe)?;
        if name.is_some_and(|name| self.must_wait_for(name)) {
            return Ok(Step::Wait);
        }
        let belief = match name {
            None => {
                pipe.pass(frame.len);
                self.ask(Ask::Close, Belief::Nothing);
                return Ok(Step::Done);
            }
            Some([]) => {
                let risky = !self.owed.is_answered();
                Belief::Own(self.unnamed.replace(self.client, risky))
            }
            Some(name) => match self.names.remove_entry(name) {
                Some((name, statement)) => Belief::Dropped(name, statement),
                None if self.state.is_none() => Belief::Nothing,
                None => {
                    // It may be one of SQL's PREPARE.
                    pipe.pass(frame.len);
                    self.ask(Ask::Close, Belief::Nothing);
                    return Ok(Step::Done);
                }
            },
        };
        pipe.leave_out(frame.len);
        self.afterwards = None;
        self.owed.ask(Ask::Close, Who::Known, belief);
        Ok(Step::Done)
    }

    /// The name in a `Describe` or `Close` of a statement; `None` if it is about a portal.
    fn statement_name(frame: Frame, pipe: &Pipe) -> Result<Option<&[u8]>, Violation> {
        let message = &pipe.unjudged()[Frame::HEAD..frame.len];
        match message.split_first() {
            Some((b'S', name)) => Ok(Some(split_nul(name).ok_or(Violation::Name)?.0)),
            Some(_) => Ok(None),
            None => Err(Violation::Name),
        }
    }

    /// Prepares the statement if the server has it not.
    fn need(&mut self, statement: &Arc<Statement>, pipe: &mut Pipe, facts: &mut Facts<'_>) {
        if facts.statements.uses(statement.id) {
            return;
        }
        self.add(statement.id, pipe, facts);
        put_parse(pipe.insert(), Some(statement.id), &statement.body);
        self.owed.ask(Ask::Parse, Who::Proxy, Belief::Prepared(Arc::clone(statement)));
    }

    /// The server will have the statement; what makes room for it is closed.
    fn add(&mut self, id: Id, pipe: &mut Pipe, facts: &mut Facts<'_>) {
        if let Some(old) = facts.statements.add(id) {
            put_close(pipe.insert(), Some(old));
            self.owed.ask(Ask::Close, Who::Proxy, Belief::Closed(old));
        }
    }

    /// Makes the server's unnamed statement the client's own, or none.
    fn need_unnamed(&mut self, pipe: &mut Pipe, facts: &mut Facts<'_>) {
        match self.unnamed.now.token {
            Some(token) if facts.statements.unnamed == Some(token) => {}
            Some(token) if !self.unnamed.now.body.is_empty() => {
                put_parse(pipe.insert(), None, &self.unnamed.now.body);
                facts.statements.unnamed = Some(token);
                self.owed.ask(Ask::Parse, Who::Proxy, Belief::Again(token));
            }
            _ => {
                // What is there may be another client's.
                put_close(pipe.insert(), None);
                facts.statements.unnamed = None;
                self.owed.ask(Ask::Close, Who::Proxy, Belief::Nothing);
            }
        }
    }

    /// Sends the message with the statement's global name in place of its first bytes.
    fn rename(&mut self, statement: &Statement, replaced: usize, frame: Frame, pipe: &mut Pipe) {
        self.scratch.clear();
        self.put_renamed_as(statement, replaced, frame, pipe);
    }

    /// The same behind what is in `scratch`, a name that ends here.
    fn put_renamed(
        &mut self,
        statement: &Statement,
        replaced: usize,
        frame: Frame,
        pipe: &mut Pipe,
    ) {
        self.scratch.put_u8(0);
        self.put_renamed_as(statement, replaced, frame, pipe);
    }

    /// The same behind what is in `scratch`.
    fn put_renamed_as(
        &mut self,
        statement: &Statement,
        replaced: usize,
        frame: Frame,
        pipe: &mut Pipe,
    ) {
        let rest = frame.len - replaced;
        let len = 4 + self.scratch.len() + Id::NAME + 1 + rest;
        let mut head = [frame.tag, 0, 0, 0, 0];
        head[1..].copy_from_slice(&(len as u32).to_be_bytes());
        let out = pipe.insert();
        out.put_slice(&head);
        out.put_slice(&self.scratch);
        statement.id.put_name(out);
        out.put_u8(0);
        pipe.replace(replaced, &[], rest);
    }
}

/// A `Parse` of a statement of ours, or of the unnamed one.
fn put_parse(out: &mut BytesMut, id: Option<Id>, body: &[u8]) {
    out.put_u8(b'P');
    out.put_u32((4 + id.map_or(0, |_| Id::NAME) + 1 + body.len()) as u32);
    put_name(out, id);
    out.put_slice(body);
}

/// A `Close` of a statement of ours, or of the unnamed one.
fn put_close(out: &mut BytesMut, id: Option<Id>) {
    out.put_slice(b"C");
    out.put_u32((4 + 1 + id.map_or(0, |_| Id::NAME) + 1) as u32);
    out.put_u8(b'S');
    put_name(out, id);
}

fn put_name(out: &mut BytesMut, id: Option<Id>) {
    if let Some(id) = id {
        id.put_name(out);
    }
    out.put_u8(0);
}
