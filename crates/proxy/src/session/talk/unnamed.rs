//! The client's unnamed statement, for the case that it is used in a later transaction.

use crate::wire::statements::Token;
use crate::wire::text::Effect;

/// How many are remembered that may not have been replaced after all.
const MOST: usize = 64;

/// The client's unnamed statement.
#[derive(Default)]
pub(super) struct Unnamed {
    /// What the client means by it now.
    pub(super) now: Version,
    /// What it meant before, if the server may turn out to have skipped what replaced it.
    before: Vec<(Token, Version)>,
    /// How many there have been.
    count: u64,
}

/// One unnamed statement.
#[derive(Default)]
pub(super) struct Version {
    /// `None` when there is none.
    pub(super) token: Option<Token>,
    /// The `Parse` without its name; empty when it was too long to remember.
    pub(super) body: Vec<u8>,
    pub(super) effect: Effect,
}

impl Unnamed {
    /// Something takes the place of the statement; `risky`: it may be skipped by the server.
    pub(super) fn replace(&mut self, client: i32, risky: bool) -> Token {
        self.count += 1;
        let token = Token { client, number: self.count };
        if !risky {
            self.before.clear();
        } else if self.before.len() < MOST {
            self.before.push((token, std::mem::take(&mut self.now)));
        }
        self.now.token = None;
        token
    }

    /// Whether there is one, or may turn out to be one.
    pub(super) fn is_at_stake(&self) -> bool {
        self.now.token.is_some() || !self.before.is_empty()
    }

    /// The server skipped what took the place of the one before: that is there still.
    pub(super) fn skipped(&mut self, token: Token) {
        let Some(at) = self.replaced_by(token) else { return self.failed(token) };
        let (_, version) = self.before.remove(at);
        match self.before.get_mut(at) {
            Some((_, replaced_next)) => *replaced_next = version,
            None => self.now = version,
        }
    }

    /// What took the place of the one before failed: there is none.
    pub(super) fn failed(&mut self, token: Token) {
        if let Some(at) = self.replaced_by(token) {
            self.before.remove(at);
        }
        let before = self.before.iter_mut().map(|(_, version)| version);
        before.chain([&mut self.now]).for_each(|version| {
            version.token.take_if(|known| *known == token);
        });
    }

    /// Where the one is that this took the place of.
    fn replaced_by(&self, token: Token) -> Option<usize> {
        self.before.iter().position(|(by, _)| *by == token)
    }

    /// Whether this is the latest change.
    pub(super) fn is_latest(&self, token: Token) -> bool {
        token.number == self.count
    }
}
