//! Settings that follow their client from server to server.
//!
//! What servers report is known by their reports. The rest is known by the client's words: a plain
//! `SET` that ran alone, outside a transaction, is said again to the next server; any other keeps
//! the client where it is. A `RESET` goes back to what the client's startup said, which the server
//! does not know: it is told before the client's next message.

use super::{Facts, Talk};
use crate::session::errand::put_query;
use crate::session::welcome::put_settings;
use crate::wire::answer;
use crate::wire::frame::split_nul;
use crate::wire::outstanding::{Ask, Belief, Who};
use crate::wire::pipe::Pipe;
use crate::wire::statements::Statement;
use crate::wire::text::{Change, Effect, Names, State};

/// What the statements that run now do to settings, if they succeed.
#[derive(Default)]
pub(super) struct Running {
    /// What runs next is all that runs.
    alone: bool,
    /// What it says about one setting.
    plain: Option<Change>,
    /// What changes for servers to come, and what the client keeps its server for if it does.
    change: Option<(Change, State)>,
    /// What goes back to what the startup said.
    resets: Names,
    /// The server said that something was set or reset.
    done: bool,
}

impl Talk {
    /// The server is told what was set for the client elsewhere, or at its startup, without waiting
    /// for the answer: it comes before all others.
    pub(crate) fn fit(&mut self, pipe: &mut Pipe, facts: &mut Facts<'_>) {
        self.unfit = false;
        let mut sql = String::new();
        put_settings(&mut sql, facts.parameters.to_set(&self.seen));
        if *facts.carried != self.carried {
            facts.carried.put_changes(&self.carried, &mut sql);
            facts.carried.clone_from(&self.carried);
        }
        if !sql.is_empty() {
            put_query(pipe.insert(), &sql);
            facts.statements.unnamed = None;
            self.owed.ask(Ask::Query, Who::Proxy, Belief::Nothing);
        }
    }

    /// Whether what is asked next must wait, because what is set before it depends on an answer.
    pub(super) fn must_wait_for_settings(&self) -> bool {
        let running = &self.running;
        (running.change.is_some() || !running.resets.is_empty())
            && !self.owed.is_open()
            && !self.owed.is_settled()
    }

    /// A simple query will run.
    pub(super) fn runs_query(&mut self, alone: bool, plain: Option<Change>) {
        self.keep_change();
        self.running.alone = alone;
        self.running.plain = plain;
    }

    /// A prepared statement will run; `None` is the unnamed one.
    pub(super) fn runs(&mut self, statement: Option<&Statement>) {
        self.keep_change();
        let (effect, body) = match statement {
            Some(statement) => (statement.effect, &statement.body[..]),
            None => (self.unnamed.now.effect, &self.unnamed.now.body[..]),
        };
        if concerns_unreported(effect) {
            self.running.alone = self.owed.is_alone();
            self.running.plain = split_nul(body).and_then(|(text, _)| Change::of(text));
        }
        self.has_effect(effect);
    }

    /// More runs in the transaction of what was to be carried: the server is kept for it.
    fn keep_change(&mut self) {
        if self.running.change.take().is_some() {
            self.state = self.state.with(State::SETTING);
        }
    }

    /// What of the effect cannot be carried; the rest is noted.
    pub(super) fn note_settings(&mut self, mut effect: Effect) -> Effect {
        let running = &mut self.running;
        let (alone, plain) = (std::mem::take(&mut running.alone), running.plain.take());
        running.resets = running.resets.without(effect.sets);
        running.resets = running.resets.with(effect.resets.without(Names::OTHER));
        if !concerns_unreported(effect) {
            return effect;
        }
        let only_sets = effect.leaves.without(State::SETTING).is_none();
        running.change = if !alone {
            None
        } else if effect.ends.has(State::SETTING) {
            Some((Change::ResetAll, self.state.without(effect.ends).with(effect.leaves)))
        } else {
            let plain = plain.filter(|plain| only_sets && self.carried.takes(plain));
            plain.map(|plain| (plain, self.state))
        };
        let resets = effect.resets.has(Names::OTHER);
        if resets && running.change.is_none() && !self.carried.is_empty() {
            effect.leaves = effect.leaves.with(State::SETTING);
        }
        effect
    }

    /// Whether this report is left out, because the client hears of its own value instead.
    pub(super) fn hides(&self, report: &[u8]) -> bool {
        let running = &self.running;
        running.done
            && !running.resets.is_empty()
            && split_nul(report).is_some_and(|(name, _)| {
                running.resets.iter().any(|reset| reset.as_bytes() == name)
            })
    }

    /// A statement is over, and this is what it was.
    pub(super) fn note_done(&mut self, tag: &[u8]) {
        let is_one = matches!(tag, b"SET\0" | b"RESET\0" | b"DISCARD ALL\0");
        self.running.done |= is_one && self.owed.is_last_batch();
    }

    /// Something failed: with it all that ran in its batch.
    pub(super) fn settings_failed(&mut self) {
        if !self.owed.is_last_batch() {
            return;
        }
        if let Some((change, state)) = std::mem::take(&mut self.running).change
            && change != Change::ResetAll
        {
            self.state = state;
        }
    }

    /// The server is ready: what it did is sure, and the client is told of it first.
    pub(super) fn settle_settings(&mut self, pipe: &mut Pipe, facts: &mut Facts<'_>) {
        if !self.owed.is_settled() {
            return;
        }
        let Running { change, resets, done, .. } = std::mem::take(&mut self.running);
        if !done {
            return;
        }
        if let Some((change, state)) = change.filter(|_| self.owed.status() == b'I') {
            self.carried.apply(change);
            facts.carried.clone_from(&self.carried);
            self.state = state;
        }
        for name in resets.iter() {
            let value = self.first.get(name);
            if let Some(value) = value.filter(|value| self.seen.get(name) != Some(value)) {
                answer::parameter_status(pipe.insert(), name, value);
                self.seen.set(name, value);
            }
        }
        self.unfit = !resets.is_empty();
    }
}

/// Whether something is set or reset that servers do not report.
fn concerns_unreported(effect: Effect) -> bool {
    effect.leaves.has(State::SETTING) || effect.resets.has(Names::OTHER)
}
