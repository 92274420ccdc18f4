//! The rules of a token's life, checked from outside, by numbers of their own.
//!
//! `now` is the time that the two clocks of the machine make together, in milliseconds; `truth` is
//! the time of the world, which the machine cannot know.

use lakegate_core::token::{Action, Failure, Reason};

const SECOND: u64 = 1_000;
const MINT_LIMIT: u64 = 60 * SECOND;

/// A rule was broken.
#[derive(Debug)]
pub(crate) struct Violation {
    /// Its number among the rules of a token's life.
    pub(crate) rule: u8,
    pub(crate) text: String,
}

/// What is known of a token that was delivered in time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) generation: u64,
    /// As the machine was told, in milliseconds.
    pub(crate) life: u64,
    /// When the server ceases to take it, by the time of the world.
    pub(crate) expiry: u64,
    dead_at: u64,
    fresh_until: u64,
    blamed: bool,
    refresh_not_before: u64,
    refresh_latest: u64,
    /// Mints since then, while nothing but quick failures happened.
    tries: Option<u32>,
}

/// How the last mint ended, if not well.
#[derive(Clone, Copy, Debug)]
struct Ended {
    permanent: bool,
    /// When the next mint may begin, and when it must.
    earliest: u64,
    latest: u64,
}

/// The judge: it hears all that happens, and sees each action.
#[derive(Debug)]
pub(crate) struct Rules {
    spread: bool,
    /// Whether someone polls whenever the machine wants it.
    pub(crate) punctual: bool,
    pub(crate) live: Option<Token>,
    delivered: u64,
    /// At any time: a rule of time that is broken afterwards counts as the rule of clocks.
    clocks_moved: bool,
    flight: Option<(u64, u64)>,
    /// A login was refused with the last token.
    must_be_new: bool,
    last_mint: Option<u64>,
    ended: Option<Ended>,
    failures: u32,
    /// Lives that ended in quick failures only, and had their tries counted.
    pub(crate) outages: u64,
}

impl Rules {
    pub(crate) fn new(spread: bool, punctual: bool) -> Self {
        Self {
            spread,
            punctual,
            live: None,
            delivered: 0,
            clocks_moved: false,
            flight: None,
            must_be_new: false,
            last_mint: None,
            ended: None,
            failures: 0,
            outages: 0,
        }
    }

    /// To be called with each reading of the clocks, before the machine is told anything.
    pub(crate) fn time(&mut self, now: u64) -> Result<(), Violation> {
        if let Some((_, sent)) = self.flight
            && sent + MINT_LIMIT <= now
        {
            self.fail(now, false, 0);
            self.disturb();
        }
        if let Some(live) = self.live
            && live.dead_at <= now
        {
            self.live = None;
            if let Some(tries) = live.tries.filter(|_| self.punctual && live.life > 3_000 * SECOND)
            {
                self.outages += 1;
                rule(5, tries >= 10, || format!("{tries} tries before {live:?} died"))?;
            }
        }
        Ok(())
    }

    /// Something happened that tries cannot be counted with.
    pub(crate) fn disturb(&mut self) {
        if let Some(live) = &mut self.live {
            live.tries = None;
        }
    }

    /// A clock was set, or the machine slept.
    pub(crate) fn clocks_moved(&mut self) {
        self.clocks_moved = true;
        self.disturb();
    }

    /// A mint brought a token that the server takes until `expiry`; one that was left had this age
    /// when the mint began.
    pub(crate) fn minted(
        &mut self,
        now: u64,
        generation: u64,
        life: u64,
        age: Option<u64>,
        expiry: u64,
    ) {
        let Some((_, began)) = self.flight.filter(|&(awaited, _)| awaited == generation) else {
            return;
        };
        if self.must_be_new && age.is_some() {
            (self.flight, self.ended) = (None, None);
            return;
        }
        let at = |wanted: u64| began + wanted.saturating_sub(age.unwrap_or(0));
        let dead_at = at(dead_after(life));
        if dead_at <= now {
            return self.fail(now, false, 0);
        }
        let latest = life * 5 / 6;
        let first = self.delivered == 0 && age.is_none() && self.spread;
        let earliest = if first { latest / 2 } else { latest * 49 / 50 };
        if age.is_some() && self.delivered == 0 {
            self.last_mint = None; // Nobody was asked for anything.
        }
        self.flight = None;
        self.ended = None;
        self.must_be_new = false;
        self.failures = 0;
        self.delivered += 1;
        self.live = Some(Token {
            generation,
            life,
            expiry,
            dead_at,
            fresh_until: if age.is_some() { now } else { now + 30 * SECOND },
            blamed: false,
            refresh_not_before: at(earliest),
            refresh_latest: at(latest),
            // One that is taken up late has less time for tries.
            tries: (age.unwrap_or(0) < earliest).then_some(0),
        });
    }

    /// It looked at a token that was left: of such an age by its wall clock, the last one that it
    /// had or another, if it had any.
    pub(crate) fn looked(
        age: i64,
        life: u64,
        last_is_this: Option<bool>,
        took: bool,
    ) -> Result<(), Violation> {
        let end = if last_is_this.is_some() { life * 49 / 60 } else { dead_after(life) } as i64;
        let again = last_is_this == Some(true);
        rule(8, !(took && again), || "it takes up what it had before".into())?;
        rule(10, !took || -60_000 <= age, || format!("it takes up a token of {age} ms"))?;
        rule(3, !took || age <= end, || format!("it takes up a token of {age} ms, not {end}"))?;
        let good = !again && (-60_000..end).contains(&age);
        rule(4, took || !good, || format!("it mints though a token of {age} ms is left"))
    }

    pub(crate) fn failed(&mut self, now: u64, generation: u64, failure: Failure) {
        if self.flight.is_none_or(|(awaited, _)| awaited != generation) {
            return;
        }
        match failure {
            Failure::Transient { retry_after: None } => self.fail(now, false, 0),
            Failure::Transient { retry_after: Some(asked) } => {
                self.disturb();
                self.fail(now, false, asked.as_millis() as u64);
            }
            Failure::Permanent => {
                self.disturb();
                self.fail(now, true, 0);
            }
        }
    }

    /// A login was refused with the token of this generation; `action` was the answer.
    pub(crate) fn refused(
        &mut self,
        now: u64,
        generation: u64,
        action: Action,
    ) -> Result<(), Violation> {
        let is_fresh = matches!(action, Action::Fail { reason: Reason::FreshTokenRefused, .. });
        let Some(live) = self.live.as_mut().filter(|live| live.generation == generation) else {
            return rule(8, !is_fresh, || format!("{action:?} for an old token"));
        };
        let fresh = now < live.fresh_until;
        rule(8, is_fresh == fresh, || format!("{action:?} at {now} for {live:?}"))?;
        if !fresh {
            self.live = None;
            self.must_be_new = true;
        } else if !live.blamed {
            live.blamed = true;
            live.fresh_until = now + 300 * SECOND;
        }
        Ok(())
    }

    fn fail(&mut self, now: u64, permanent: bool, retry_after: u64) {
        self.flight = None;
        self.failures += 1;
        let asked = retry_after.min(300 * SECOND);
        let (least, most) = if permanent {
            (60 * SECOND, 66 * SECOND)
        } else {
            (self.least_pause().max(asked), (75 * SECOND).max(asked * 11 / 10))
        };
        self.ended = Some(Ended { permanent, earliest: now + least, latest: now + most });
    }

    pub(crate) fn action(&mut self, now: u64, truth: u64, action: Action) -> Result<(), Violation> {
        match action {
            Action::Mint { generation, resume } => {
                rule(8, resume != self.must_be_new, || format!("{action:?} at {now}"))?;
                self.mint(now, generation)
            }
            Action::Serve { generation, poll_at } => {
                self.serve(now, truth, generation, poll_at.as_millis())
            }
            Action::Wait(until) => self.wait(now, until.as_millis()),
            Action::Fail { reason: Reason::Denied, retry_at } => {
                self.denied(now, retry_at.as_millis())
            }
            Action::Fail { reason: Reason::FreshTokenRefused, .. } => Ok(()), // See `refused`.
        }
    }

    fn mint(&mut self, now: u64, generation: u64) -> Result<(), Violation> {
        let last = self.last_mint;
        rule(6, last.is_none_or(|last| last + SECOND <= now), || {
            format!("mints at {last:?} and {now}")
        })?;
        let flight = self.flight;
        rule(4, flight.is_none(), || format!("mint {generation} beside {flight:?}"))?;
        if let Some(ended) = self.ended {
            let number = if ended.permanent { 7 } else { 5 };
            rule(number, ended.earliest <= now, || format!("mint at {now} after {ended:?}"))?;
        } else if let Some(live) = self.live {
            rule(1, live.refresh_not_before <= now, || format!("mint at {now} in {live:?}"))?;
        }
        if let Some(live) = &mut self.live {
            live.tries = live.tries.map(|tries| tries + 1);
        }
        self.last_mint = Some(now);
        self.flight = Some((generation, now));
        Ok(())
    }

    fn serve(&self, now: u64, truth: u64, generation: u64, poll_at: u64) -> Result<(), Violation> {
        let Some(live) = self.live.filter(|live| live.generation == generation) else {
            let number = match self.live {
                _ if self.delivered_late(generation) => 9,
                Some(_) => 8,
                None => self.time_rule(3),
            };
            let live = self.live;
            return rule(number, false, || format!("{generation} is served, not {live:?}"));
        };
        // Azure refuses the last 30 s; a short life has a shorter margin.
        let guard = (30 * SECOND).min(live.life / 16);
        rule(10, truth + guard < live.expiry, || format!("{live:?} is served at {truth}"))?;
        rule(self.time_rule(5), now < poll_at, || format!("poll at {poll_at}, but it is {now}"))?;
        if self.flight.is_none() && self.ended.is_none() {
            let latest = live.refresh_latest.max(self.last_mint.unwrap_or(0) + SECOND);
            return rule(1, poll_at <= latest, || format!("{live:?} refreshed at {poll_at}"));
        }
        self.next_try_in_time(poll_at)
    }

    fn wait(&self, now: u64, until: u64) -> Result<(), Violation> {
        let (live, ended) = (self.live, self.ended);
        rule(3, live.is_none(), || format!("callers wait while there is {live:?}"))?;
        let denied = ended.is_some_and(|ended| ended.permanent) && self.flight.is_none();
        rule(7, !denied, || format!("callers wait after {ended:?}"))?;
        rule(self.time_rule(5), now < until, || format!("wait until {until}, but it is {now}"))?;
        self.next_try_in_time(until)
    }

    fn denied(&self, now: u64, retry_at: u64) -> Result<(), Violation> {
        let (live, ended) = (self.live, self.ended);
        rule(3, live.is_none(), || format!("callers fail while there is {live:?}"))?;
        let denied = ended.is_some_and(|ended| ended.permanent) && self.flight.is_none();
        rule(7, denied, || format!("callers fail after {ended:?}"))?;
        rule(self.time_rule(5), now < retry_at, || {
            format!("retry at {retry_at}, but it is {now}")
        })?;
        self.next_try_in_time(retry_at)
    }

    fn next_try_in_time(&self, at: u64) -> Result<(), Violation> {
        let (flight, ended) = (self.flight, self.ended);
        let (number, latest) = match (flight, ended) {
            (Some((_, sent)), _) => (4, sent + MINT_LIMIT),
            (None, Some(ended)) => (if ended.permanent { 7 } else { 5 }, ended.latest),
            (None, None) => (8, self.last_mint.unwrap_or(0) + SECOND),
        };
        rule(number, at <= latest, || {
            format!("next at {at}, not until {latest}, after {flight:?} {ended:?}")
        })
    }

    /// Three quarters of the pause that doubles; shorter while a token lives, for ten tries.
    fn least_pause(&self) -> u64 {
        let mut pause = (SECOND << (self.failures - 1).min(6)).min(60 * SECOND);
        if let Some(live) = self.live {
            let window = live.dead_at - live.refresh_latest;
            pause = pause.min((window * 2 / 25).max(SECOND));
        }
        pause * 3 / 4
    }

    fn time_rule(&self, number: u8) -> u8 {
        if self.clocks_moved { 10 } else { number }
    }

    fn delivered_late(&self, generation: u64) -> bool {
        self.flight.is_some_and(|(awaited, _)| awaited == generation)
    }
}

fn dead_after(life: u64) -> u64 {
    life - (40 * SECOND).min(life.div_ceil(12))
}

fn rule(number: u8, holds: bool, text: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { rule: number, text: text() }) }
}
