//! What the simulation drives: the real machine, or one that is broken on purpose.

use lakegate_core::time::{Clocks, Timeline, Timestamp};
use lakegate_core::token::{Action, Failure, Fingerprint, Left, Lifetime, Policy, TokenLifecycle};

/// A machine with its clocks. They are the edge's, raw: to make one timeline of them is part of
/// what is tested.
pub(crate) trait Machine {
    fn poll(&mut self, clocks: Clocks) -> Action;
    fn minted(&mut self, clocks: Clocks, minted: Minted, draw: u64) -> Action;
    fn failed(&mut self, clocks: Clocks, generation: u64, failure: Failure, draw: u64) -> Action;
    fn refused(&mut self, clocks: Clocks, fingerprint: Fingerprint) -> Action;
    /// Whether it takes up what another instance left.
    fn take_up(&mut self, clocks: Clocks, left: Left) -> Option<Lifetime>;
}

#[derive(Clone, Copy)]
pub(crate) struct Minted {
    pub(crate) generation: u64,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) lifetime: Lifetime,
}

/// How a machine is made.
pub(crate) type Make = fn(Policy, Clocks) -> Box<dyn Machine>;

/// The machine as it is shipped.
pub(crate) struct Real {
    timeline: Timeline,
    life: TokenLifecycle,
    /// The last token that it was given.
    last: Option<Fingerprint>,
}

impl Real {
    pub(crate) fn new(policy: Policy, clocks: Clocks) -> Self {
        let (timeline, life) = (Timeline::start(clocks), TokenLifecycle::new(policy));
        Self { timeline, life, last: None }
    }

    pub(crate) fn boxed(policy: Policy, clocks: Clocks) -> Box<dyn Machine> {
        Box::new(Self::new(policy, clocks))
    }

    fn now(&mut self, clocks: Clocks) -> Timestamp {
        self.timeline.at(clocks)
    }
}

impl Machine for Real {
    fn poll(&mut self, clocks: Clocks) -> Action {
        let now = self.now(clocks);
        self.life.poll(now)
    }

    fn minted(&mut self, clocks: Clocks, minted: Minted, draw: u64) -> Action {
        let now = self.now(clocks);
        let Minted { generation, fingerprint, lifetime } = minted;
        self.last = Some(fingerprint);
        self.life.minted(now, generation, fingerprint, &lifetime, draw)
    }

    fn failed(&mut self, clocks: Clocks, generation: u64, failure: Failure, draw: u64) -> Action {
        let now = self.now(clocks);
        self.life.failed(now, generation, failure, draw)
    }

    fn refused(&mut self, clocks: Clocks, fingerprint: Fingerprint) -> Action {
        let now = self.now(clocks);
        self.life.refused(now, fingerprint)
    }

    fn take_up(&mut self, clocks: Clocks, left: Left) -> Option<Lifetime> {
        left.taken_up(self.life.policy(), clocks.wall, self.last)
    }
}
