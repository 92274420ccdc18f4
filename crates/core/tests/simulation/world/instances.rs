//! Instances that come after each other or live side by side, and what they leave for each other.

use std::time::Duration;

use lakegate_core::secret::Secret;
use lakegate_core::time::Timeline;
use lakegate_core::token::{Fingerprint, Left, Lifetime};

use super::{Event, World};
use crate::rules::{Rules, Violation};

/// A token, and what this world knows of it.
#[derive(Clone, Copy)]
pub(super) struct Token {
    pub(super) left: Left,
    /// When its request was sent, and when the server ceases to take it.
    sent: u64,
    pub(super) expiry: u64,
}

impl World {
    /// A new token that the machine, or a neighbour, is told to live so long.
    pub(super) fn token(&mut self, told: Lifetime, wall: u64, sent: u64, expiry: u64) -> Token {
        self.token_count += 1;
        let fingerprint = fingerprint(self.token_count);
        let left = Left { fingerprint, sent: wall, valid: told.valid, doubt: told.doubt };
        Token { left, sent, expiry }
    }

    /// Leaves a token, in a world where that is done.
    pub(super) fn keep(&mut self, token: Token) {
        self.store = Some(token).filter(|_| self.keeps);
    }

    /// A neighbour leaves a token that it asked for some time ago.
    pub(super) fn leave(&mut self, ahead: i64, age: u64) {
        let sent = self.truth.saturating_sub(age);
        let wall = self.clocks().wall.saturating_add_signed(ahead) - (self.truth - sent);
        let told = Lifetime::known(Duration::from_millis(self.life));
        let token = self.token(told, wall, sent, sent + self.life);
        self.keep(token);
    }

    /// The instance dies, and with it whatever was on its way.
    pub(super) fn succeed(&mut self, ahead: i64) {
        use Event::{Failed, Look, Minted};
        self.events
            .retain(|_, event| !matches!(event, Failed { .. } | Look { .. } | Minted { .. }));
        self.wall_offset += ahead;
        let clocks = self.clocks();
        self.machine = (self.make)(self.policy.clone(), clocks);
        self.reference = Timeline::start(clocks);
        self.tally.outages += self.rules.outages;
        self.rules = Rules::new(self.policy.spread, self.rules.punctual);
        (self.timer, self.served, self.last) = (None, None, None);
        self.given.clear();
    }

    /// What was left is taken up, or a token is asked for.
    pub(super) fn look(&mut self, generation: u64) -> Result<(), Violation> {
        self.now()?;
        let clocks = self.clocks();
        let Some(token) = self.store else {
            self.send(generation);
            return Ok(());
        };
        let lifetime = self.machine.take_up(clocks, token.left);
        let age = clocks.wall as i64 - token.left.sent as i64;
        let last_is_this = self.last.map(|last| last == token.left.fingerprint);
        let life = token.left.valid.as_millis() as u64;
        Rules::looked(age, life, last_is_this, lifetime.is_some())?;
        let Some(lifetime) = lifetime else {
            self.send(generation);
            return Ok(());
        };
        self.note(format_args!("what is left is {age} ms old"));
        self.tally.resumed += 1;
        // By as much as the wall clocks differ it is thought younger: that, nobody can know.
        let unknown = (self.truth - token.sent) as i64 - age.max(0);
        let expiry = token.expiry.saturating_add_signed(unknown.max(0));
        self.minted(generation, &Token { expiry, ..token }, lifetime)
    }
}

pub(super) fn fingerprint(number: u64) -> Fingerprint {
    Fingerprint::of(&Secret::new(number.to_string()))
}
