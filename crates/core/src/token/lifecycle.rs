//! The state machine of one token's life.

use core::time::Duration;

use super::status::{Cause, Counts, LastFailure, State, Status};
use super::{Fingerprint, Lifetime, Policy};
use crate::time::Timestamp;

/// Decides when a token is fetched, served and given up.
///
/// It performs no I/O, reads no clock, and never sees the token: it holds times, counts, a
/// generation and a fingerprint. Report what happened with [`minted`](Self::minted),
/// [`failed`](Self::failed) and [`refused`](Self::refused); call [`poll`](Self::poll) whenever
/// someone wants the token, and when the time of the last action has come. Each returns the one
/// [`Action`] to carry out. Where chance matters a random number is an argument.
///
/// A mint runs beside everything else: after [`Action::Mint`] poll again, and an old token that
/// still lives is served meanwhile.
///
/// A token that an earlier instance left ([`Left`](super::Left)) may be the outcome of a mint, too:
/// its [`Lifetime::age`] says so. It goes on where it was, and is never fresh.
///
/// ```
/// use core::time::Duration;
/// use lakegate_core::{secret::Secret, time::Timestamp};
/// use lakegate_core::token::{Action, Fingerprint, Lifetime, Policy, TokenLifecycle};
/// let mut life = TokenLifecycle::new(Policy::default());
/// let start = Timestamp::from_millis(0);
/// assert_eq!(life.poll(start), Action::Mint { generation: 1, resume: true });
/// let hour = Lifetime::known(Duration::from_secs(3_600));
/// let print = Fingerprint::of(&Secret::new("a token"));
/// let refresh = start + Duration::from_secs(3_000);
/// let serve = Action::Serve { generation: 1, poll_at: refresh };
/// assert_eq!(life.minted(start, 1, print, &hour, 0), serve);
/// assert_eq!(life.poll(refresh), Action::Mint { generation: 2, resume: true });
/// ```
#[derive(Debug)]
pub struct TokenLifecycle {
    policy: Policy,
    now: Timestamp,
    live: Option<Live>,
    stage: Stage,
    /// Of the last mint that began.
    generation: u64,
    mint_began: Option<Timestamp>,
    /// A login was refused with the last token: the next one is to be new.
    must_be_new: bool,
    /// In a row.
    failures: u32,
    last_failure: Option<Failed>,
    counts: Counts,
}

/// What to do. An action that nobody carries out stops the token's life.
#[must_use]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Action {
    /// Hand out the token of this generation, and poll again at `poll_at` if nobody did before.
    Serve {
        /// Whose token is served.
        generation: u64,
        /// When there is something to do next.
        poll_at: Timestamp,
    },
    /// Begin to fetch a token, then poll again at once; report its end with this generation.
    Mint {
        /// The generation of the token to come.
        generation: u64,
        /// Whether one that an earlier instance left will do. After a refused login it will not:
        /// only of a fresh token can be told why it is refused.
        resume: bool,
    },
    /// There is no token yet: poll again at this time, or when something was reported.
    Wait(Timestamp),
    /// There is no token, and waiting does not help: tell the callers.
    Fail {
        /// Why.
        reason: Reason,
        /// When polling does something again.
        retry_at: Timestamp,
    },
}

/// Why waiting does not help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// The last mint was refused for good.
    Denied,
    /// A login was refused with a fresh token: another token would be refused, too.
    FreshTokenRefused,
}

/// How a mint failed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// Trying again may help: 408, 429, 5xx, no connection, no answer in time.
    Transient {
        /// What the answer asked for.
        retry_after: Option<Duration>,
    },
    /// Trying again does not help until somebody changes something: 400, 401, 403, 404.
    Permanent,
}

/// The token that is served.
#[derive(Debug)]
struct Live {
    generation: u64,
    fingerprint: Fingerprint,
    began: Timestamp,
    /// How old it was then.
    age: Duration,
    refresh_at: Timestamp,
    dead_at: Timestamp,
    expires_at: Timestamp,
    /// Until then a refused login is not this token's fault.
    trusted_until: Timestamp,
    blamed: bool,
}

/// Where the next token is.
#[derive(Debug)]
enum Stage {
    /// Not asked for: it is due when the one that lives says so.
    Idle,
    Minting {
        deadline: Timestamp,
    },
    /// After a transient failure.
    Resting {
        due: Timestamp,
    },
    /// After a permanent one.
    Denied {
        due: Timestamp,
    },
}

#[derive(Debug)]
struct Failed {
    generation: u64,
    cause: Cause,
    at: Timestamp,
}

impl TokenLifecycle {
    /// A life that has not begun: the first poll asks for a mint.
    pub const fn new(policy: Policy) -> Self {
        Self {
            policy,
            now: Timestamp::from_millis(0),
            live: None,
            stage: Stage::Idle,
            generation: 0,
            mint_began: None,
            must_be_new: false,
            failures: 0,
            last_failure: None,
            counts: Counts {
                tries: 0,
                minted: 0,
                resumed: 0,
                failures: 0,
                refusals: 0,
                dropped: 0,
            },
        }
    }

    /// Returns what to do at `now`. While a mint is under way it never asks for a second one.
    pub fn poll(&mut self, now: Timestamp) -> Action {
        self.advance(now);
        match self.due() {
            Some(due) if due <= self.now => self.begin_mint(),
            _ => self.at_rest(),
        }
    }

    /// Records that a mint brought a token. An answer of any other mint than the one under way is
    /// dropped: [`generation`](Self::generation) tells whether this one is served now.
    pub fn minted(
        &mut self,
        now: Timestamp,
        generation: u64,
        fingerprint: Fingerprint,
        lifetime: &Lifetime,
        draw: u64,
    ) -> Action {
        self.advance(now);
        if !self.takes_answer_of(generation) {
            return self.poll(now);
        }
        if self.must_be_new && lifetime.age.is_some() {
            // It was found before the login was refused.
            self.counts.dropped += 1;
            self.stage = Stage::Idle;
            return self.poll(now);
        }
        let live = self.life_of(generation, fingerprint, lifetime, draw);
        if live.dead_at <= self.now {
            self.fail(Cause::DeadOnArrival, None, draw);
        } else {
            self.serve(live, lifetime.age.is_some());
        }
        self.poll(now)
    }

    /// Records that a mint brought no token. The end of any other mint than the one under way is
    /// of no interest.
    pub fn failed(
        &mut self,
        now: Timestamp,
        generation: u64,
        failure: Failure,
        draw: u64,
    ) -> Action {
        self.advance(now);
        if self.takes_answer_of(generation) {
            match failure {
                Failure::Transient { retry_after } => {
                    self.fail(Cause::Transient, retry_after, draw);
                }
                Failure::Permanent => self.fail(Cause::Permanent, None, draw),
            }
        }
        self.poll(now)
    }

    /// Records that a login was refused with the token of this fingerprint.
    ///
    /// A token that was in use is served no more, and exactly one mint follows, however many
    /// report it. A fresh one is left in service, with [`Reason::FreshTokenRefused`]: its refusal
    /// has another cause, and so have further ones for [`Policy::distrust`].
    pub fn refused(&mut self, now: Timestamp, fingerprint: Fingerprint) -> Action {
        self.advance(now);
        // Of an older token, the successor is live or on its way.
        let Some(live) = self.live.as_mut().filter(|live| live.fingerprint == fingerprint) else {
            return self.poll(now);
        };
        self.counts.refusals += 1;
        if self.now < live.trusted_until {
            if !live.blamed {
                live.blamed = true;
                live.trusted_until = self.now + self.policy.distrust;
            }
            let retry_at = live.trusted_until;
            return Action::Fail { reason: Reason::FreshTokenRefused, retry_at };
        }
        self.live = None;
        self.must_be_new = true;
        self.poll(now)
    }

    /// The generation of the token that is served, as of the last call.
    pub fn generation(&self) -> Option<u64> {
        self.live.as_ref().map(|live| live.generation)
    }

    /// The numbers it goes by.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What can be seen at `now`. Looking changes nothing.
    pub fn status(&self, now: Timestamp) -> Status {
        let now = now.max(self.now);
        let live = self.live.as_ref().filter(|live| now < live.dead_at);
        Status {
            state: self.state(live.is_some()),
            generation: live.map(|live| live.generation),
            age: live.map(|live| now.since(live.began) + live.age),
            expires_in: live.map(|live| live.expires_at.since(now)),
            serves_for: live.map(|live| live.dead_at.since(now)),
            next_mint_in: self.due().map(|due| due.since(now)),
            failures: self.failures,
            last_failure: self.last_failure.as_ref().map(|failed| LastFailure {
                generation: failed.generation,
                cause: failed.cause,
                ago: now.since(failed.at),
            }),
            counts: self.counts,
        }
    }

    fn state(&self, serves: bool) -> State {
        match (&self.stage, serves) {
            (Stage::Idle, true) => State::Live,
            (Stage::Idle, false) => State::Absent,
            (Stage::Minting { .. }, true) => State::Renewing,
            (Stage::Minting { .. }, false) => State::Minting,
            (Stage::Resting { .. } | Stage::Denied { .. }, true) => State::Struggling,
            (Stage::Resting { .. }, false) => State::Waiting,
            (Stage::Denied { .. }, false) => State::Denied,
        }
    }

    /// Lets time pass: what it ends, ends here. A clock that goes back stands still.
    fn advance(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        if self.live.as_ref().is_some_and(|live| live.dead_at <= self.now) {
            self.live = None;
        }
        if let Stage::Minting { deadline } = self.stage
            && deadline <= self.now
        {
            // A hung mint needs no chance added: its start had some.
            self.fail(Cause::Timeout, None, u64::MAX / 2);
        }
    }

    /// When the next mint may begin; none while one is under way.
    fn due(&self) -> Option<Timestamp> {
        let due = match self.stage {
            Stage::Minting { .. } => return None,
            Stage::Resting { due } | Stage::Denied { due } => due,
            Stage::Idle => self.live.as_ref().map_or(self.now, |live| live.refresh_at),
        };
        Some(self.mint_began.map_or(due, |began| due.max(began + self.policy.floor)))
    }

    fn begin_mint(&mut self) -> Action {
        self.generation += 1;
        self.counts.tries += 1;
        self.mint_began = Some(self.now);
        self.stage = Stage::Minting { deadline: self.now + self.policy.mint_limit };
        Action::Mint { generation: self.generation, resume: !self.must_be_new }
    }

    /// The times of a token that the mint under way brought.
    fn life_of(
        &self,
        generation: u64,
        fingerprint: Fingerprint,
        lifetime: &Lifetime,
        draw: u64,
    ) -> Live {
        // A token's age is counted from its request: the answer may have been long on its way.
        let began = self.mint_began.unwrap_or(self.now);
        let age = lifetime.age.unwrap_or_default();
        let at = |wanted: Duration| began + wanted.saturating_sub(age);
        // What others share is spread already: only a token of one's own is drawn apart.
        let (resumed, first) = (lifetime.age.is_some(), self.served_none());
        let refresh = self.policy.refresh_after(lifetime.valid, first && !resumed, draw);
        let fresh = if resumed { Duration::ZERO } else { self.policy.fresh };
        Live {
            generation,
            fingerprint,
            began,
            age,
            refresh_at: at(refresh),
            dead_at: at(self.policy.dead_after(lifetime.valid)),
            expires_at: at(lifetime.valid),
            trusted_until: self.now + fresh,
            blamed: false,
        }
    }

    /// Takes a token into service.
    fn serve(&mut self, live: Live, resumed: bool) {
        if resumed && self.served_none() {
            // Nobody was asked for it: its refresh, if due, need not keep a distance.
            self.mint_began = None;
        }
        let count = if resumed { &mut self.counts.resumed } else { &mut self.counts.minted };
        *count += 1;
        self.live = Some(live);
        self.stage = Stage::Idle;
        self.must_be_new = false;
        self.failures = 0;
        self.last_failure = None;
    }

    /// Whether no token has been served yet.
    fn served_none(&self) -> bool {
        self.counts.minted + self.counts.resumed == 0
    }

    /// What to do while nothing is due.
    fn at_rest(&self) -> Action {
        let next = match self.stage {
            Stage::Minting { deadline } => deadline,
            _ => self.due().unwrap_or(self.now),
        };
        match (&self.live, &self.stage) {
            // Its death needs a poll, too: who holds it must learn that it is served no more.
            (Some(live), _) => {
                Action::Serve { generation: live.generation, poll_at: next.min(live.dead_at) }
            }
            (None, Stage::Denied { .. }) => Action::Fail { reason: Reason::Denied, retry_at: next },
            (None, _) => Action::Wait(next),
        }
    }

    fn takes_answer_of(&mut self, generation: u64) -> bool {
        let awaited = matches!(self.stage, Stage::Minting { .. }) && generation == self.generation;
        if !awaited {
            self.counts.dropped += 1;
        }
        awaited
    }

    fn fail(&mut self, cause: Cause, retry_after: Option<Duration>, draw: u64) {
        self.failures = self.failures.saturating_add(1);
        self.counts.failures += 1;
        self.last_failure = Some(Failed { generation: self.generation, cause, at: self.now });
        self.stage = if cause == Cause::Permanent {
            Stage::Denied { due: self.now + self.policy.denied_pause(draw) }
        } else {
            let window = self.live.as_ref().map(|live| live.dead_at.since(live.refresh_at));
            let pause = self.policy.pause(self.failures, window, draw);
            let asked = retry_after.map(|asked| self.policy.asked_pause(asked, draw));
            Stage::Resting { due: self.now + pause.max(asked.unwrap_or_default()) }
        };
    }
}

#[cfg(test)]
mod tests;
