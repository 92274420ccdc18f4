//! Machines that are each broken in one way. The simulation is worth what it catches.

use std::time::Duration;

use lakegate_core::time::Clocks;
use lakegate_core::token::{Action, Failure, Fingerprint, Left, Lifetime, Policy, Reason};

use crate::machine::{Machine, Make, Minted, Real};

/// A broken machine, and the rule it breaks.
pub(crate) struct Mutant {
    pub(crate) name: &'static str,
    pub(crate) rule: u8,
    pub(crate) make: Make,
}

/// All of them.
pub(crate) const ALL: &[Mutant] = &[
    Mutant { name: "refreshes at half the time", rule: 1, make: |p, c| broken(p, c, Early) },
    Mutant { name: "looks for a refresh too late", rule: 1, make: |p, c| broken(p, c, Lazy) },
    Mutant { name: "fails callers with a refresh", rule: 3, make: |p, c| broken(p, c, Loud) },
    Mutant {
        name: "keeps callers from a live token while it mints",
        rule: 3,
        make: |p, c| broken(p, c, Selfish),
    },
    Mutant {
        name: "starts a second mint beside a slow one",
        rule: 4,
        make: |p, c| policy(Policy { mint_limit: Duration::from_secs(5), ..p }, c),
    },
    Mutant {
        name: "gives up after one failure",
        rule: 5,
        make: |p, c| {
            let never = Duration::from_secs(3_000);
            policy(Policy { first_pause: never, longest_pause: never, ..p }, c)
        },
    },
    Mutant {
        name: "does not double its pauses",
        rule: 5,
        make: |p, c| policy(Policy { longest_pause: p.first_pause, ..p }, c),
    },
    Mutant {
        name: "leaves room for nine tries at most",
        rule: 5,
        make: |p, c| policy(Policy { first_pause: p.longest_pause, ..p }, c),
    },
    Mutant { name: "ignores Retry-After", rule: 5, make: |p, c| broken(p, c, Deaf) },
    Mutant {
        name: "honours any Retry-After",
        rule: 5,
        make: |p, c| policy(Policy { longest_retry_after: Duration::MAX / 4, ..p }, c),
    },
    Mutant {
        name: "has no floor between mints",
        rule: 6,
        make: |p, c| policy(Policy { floor: Duration::ZERO, ..p }, c),
    },
    Mutant {
        name: "asks again each second after a permanent refusal",
        rule: 7,
        make: |p, c| policy(Policy { denied_pause: Duration::from_secs(1), ..p }, c),
    },
    Mutant {
        name: "lets callers wait after a permanent refusal",
        rule: 7,
        make: |p, c| broken(p, c, Stubborn),
    },
    Mutant { name: "ignores refused logins", rule: 8, make: |p, c| broken(p, c, Trusting) },
    Mutant {
        name: "mints for each refused login",
        rule: 8,
        make: |p, c| policy(Policy { fresh: Duration::ZERO, ..p }, c),
    },
    Mutant { name: "takes late answers", rule: 9, make: |p, c| broken(p, c, Patient) },
    Mutant {
        name: "serves to the last second",
        rule: 3,
        make: |p, c| policy(Policy { dead_before: Duration::ZERO, ..p }, c),
    },
    Mutant { name: "knows the wall clock only", rule: 10, make: |p, c| broken(p, c, WallOnly) },
    Mutant {
        name: "knows the monotonic clock only",
        rule: 10,
        make: |p, c| broken(p, c, MonotonicOnly),
    },
    Mutant { name: "never takes up what was left", rule: 4, make: |p, c| broken(p, c, Proud) },
    Mutant { name: "takes up a token of tomorrow", rule: 10, make: |p, c| broken(p, c, Gullible) },
    Mutant {
        name: "ignores the age of what was left",
        rule: 1,
        make: |p, c| broken(p, c, Ageless),
    },
    Mutant {
        name: "holds what was left for fresh",
        rule: 8,
        make: |p, c| broken(p, c, Rejuvenating),
    },
    Mutant {
        name: "takes up what was left after a refused login",
        rule: 8,
        make: |p, c| broken(p, c, Frugal),
    },
];

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Early,
    Lazy,
    Loud,
    Selfish,
    Deaf,
    Stubborn,
    Trusting,
    Patient,
    WallOnly,
    MonotonicOnly,
    Proud,
    Gullible,
    Ageless,
    Rejuvenating,
    Frugal,
}
use Fault::*;

fn policy(policy: Policy, clocks: Clocks) -> Box<dyn Machine> {
    Real::boxed(policy, clocks)
}

fn broken(policy: Policy, clocks: Clocks, fault: Fault) -> Box<dyn Machine> {
    let real = Real::new(policy, seen(clocks, fault));
    Box::new(Broken { fault, real, minting: 0, failing: false })
}

/// The real machine, with something between it and the world.
struct Broken {
    fault: Fault,
    real: Real,
    /// The generation of the last mint.
    minting: u64,
    /// Whether the last mint failed.
    failing: bool,
}

fn seen(clocks: Clocks, fault: Fault) -> Clocks {
    match fault {
        WallOnly => Clocks { monotonic: 0, ..clocks },
        MonotonicOnly => Clocks { wall: 0, ..clocks },
        _ => clocks,
    }
}

impl Broken {
    fn distort(&mut self, action: Action) -> Action {
        match action {
            Action::Mint { generation, resume } => {
                self.minting = generation;
                Action::Mint { generation, resume: resume || self.fault == Frugal }
            }
            Action::Serve { poll_at, .. } if self.fault == Loud && self.failing => {
                Action::Fail { reason: Reason::Denied, retry_at: poll_at }
            }
            Action::Serve { generation, poll_at }
                if self.fault == Selfish && generation != self.minting =>
            {
                Action::Wait(poll_at)
            }
            Action::Serve { generation, poll_at } if self.fault == Lazy => {
                let late = poll_at + Duration::from_secs(400);
                Action::Serve { generation, poll_at: late }
            }
            other => other,
        }
    }
}

impl Machine for Broken {
    fn poll(&mut self, clocks: Clocks) -> Action {
        let action = self.real.poll(seen(clocks, self.fault));
        self.distort(action)
    }

    fn minted(&mut self, clocks: Clocks, mut minted: Minted, draw: u64) -> Action {
        match self.fault {
            Early => minted.lifetime.valid /= 2,
            Patient => minted.generation = self.minting,
            Ageless => minted.lifetime.age = minted.lifetime.age.map(|_| Duration::ZERO),
            Rejuvenating => {
                minted.lifetime.valid -= minted.lifetime.age.take().unwrap_or_default();
            }
            _ => {}
        }
        self.failing = false;
        let action = self.real.minted(seen(clocks, self.fault), minted, draw);
        self.distort(action)
    }

    fn failed(
        &mut self,
        clocks: Clocks,
        generation: u64,
        mut failure: Failure,
        draw: u64,
    ) -> Action {
        match (self.fault, failure) {
            (Deaf, Failure::Transient { .. }) | (Stubborn, Failure::Permanent) => {
                failure = Failure::Transient { retry_after: None };
            }
            _ => {}
        }
        self.failing = true;
        let action = self.real.failed(seen(clocks, self.fault), generation, failure, draw);
        self.distort(action)
    }

    fn refused(&mut self, clocks: Clocks, fingerprint: Fingerprint) -> Action {
        if self.fault == Trusting {
            return self.poll(clocks);
        }
        let action = self.real.refused(seen(clocks, self.fault), fingerprint);
        self.distort(action)
    }

    fn take_up(&mut self, clocks: Clocks, mut left: Left) -> Option<Lifetime> {
        match self.fault {
            Proud => return None,
            Gullible => left.sent = left.sent.min(clocks.wall),
            _ => {}
        }
        self.real.take_up(seen(clocks, self.fault), left)
    }
}
