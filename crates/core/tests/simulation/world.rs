//! A world of wrong clocks, slow answers and refusals, in which a machine lives through some lives
//! of a token. It may die, and the next one take up what it left. The seed of the world alone
//! decides what happens.

mod instances;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::fmt::rfc2822::DateTimePrinter;
use lakegate_core::time::{Clocks, Timeline};
use lakegate_core::token::{Action, Expiry, Failure, Fingerprint, Left, Lifetime, Policy, Reason};

use crate::machine::{Machine, Make, Minted};
use crate::random::Random;
use crate::rules::{Rules, Violation};
use instances::Token;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// 2026-11-22T12:00:00Z: when each world begins.
const START: u64 = 1_795_348_800_000;

/// What happened in a world, or in many.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) events: u64,
    pub(crate) mints: u64,
    pub(crate) served: u64,
    pub(crate) denied: u64,
    pub(crate) refused: u64,
    pub(crate) outages: u64,
    pub(crate) resumed: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.events += other.events;
        self.mints += other.mints;
        self.served += other.served;
        self.denied += other.denied;
        self.refused += other.refused;
        self.outages += other.outages;
        self.resumed += other.resumed;
    }
}

enum Event {
    Minted {
        generation: u64,
        token: Token,
    },
    Failed {
        generation: u64,
        failure: Failure,
    },
    /// Time to look at what was left.
    Look {
        generation: u64,
    },
    /// This many callers want the token at once.
    Callers(u64),
    /// A login is refused, with the token served or with an older one.
    Refused {
        old: bool,
    },
    /// The wall clock is set, by so many milliseconds.
    Jump(i64),
    /// The machine sleeps, and so does its monotonic clock.
    Suspend(u64),
    /// The instance dies; its successor's wall clock is ahead of its own by so many milliseconds.
    Successor(i64),
    /// Another instance, whose clock is ahead by so many milliseconds, leaves a token that it asked
    /// for so long ago.
    Neighbour {
        ahead: i64,
        age: u64,
    },
}

/// What the control plane does in a span of time.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Fair,
    /// Each request fails at once.
    Errors,
    Throttled,
    Denied,
    /// Answers take a second to five minutes, in any order.
    Slow,
    /// No answer at all.
    Hung,
}

pub(crate) struct World {
    random: Random,
    /// The time of the world.
    truth: u64,
    slept: u64,
    wall_offset: i64,
    /// How wrong the clock of the server is.
    skew: i64,
    /// Of the tokens of this world.
    life: u64,
    weather: Vec<(u64, Weather)>,
    events: BTreeMap<(u64, u64), Event>,
    event_count: u64,
    /// When the machine wants to be polled.
    timer: Option<u64>,
    make: Make,
    policy: Policy,
    machine: Box<dyn Machine>,
    /// Whether instances leave tokens for each other, and the last one that was left.
    keeps: bool,
    store: Option<Token>,
    token_count: u64,
    /// What the machine was given, by generation.
    given: BTreeMap<u64, Fingerprint>,
    last: Option<Fingerprint>,
    reference: Timeline,
    rules: Rules,
    served: Option<u64>,
    trace: bool,
    tally: Tally,
}

impl World {
    pub(crate) fn new(seed: u64, make: Make, trace: bool) -> Self {
        let mut random = Random::new(seed);
        let clocks = Clocks { wall: START, monotonic: 0 };
        let policy = Policy { spread: random.percent(30), ..Policy::default() };
        let life = random.pick(&[HOUR, HOUR, HOUR, HOUR, 30 * MINUTE, 10 * MINUTE, MINUTE]);
        let punctual = random.percent(80);
        let keeps = random.percent(70);
        let mut world = Self {
            truth: 0,
            slept: 0,
            wall_offset: 0,
            skew: random.between(0, 4 * HOUR) as i64 - 2 * HOUR as i64,
            life,
            weather: Vec::new(),
            events: BTreeMap::new(),
            event_count: 0,
            timer: None,
            rules: Rules::new(policy.spread, punctual),
            machine: make(policy.clone(), clocks),
            make,
            policy,
            keeps,
            store: None,
            token_count: 0,
            given: BTreeMap::new(),
            last: None,
            reference: Timeline::start(clocks),
            served: None,
            trace,
            tally: Tally::default(),
            random,
        };
        world.foresee();
        world
    }

    /// Decides all that does not depend on the machine.
    fn foresee(&mut self) {
        use Weather::{Denied, Errors, Fair, Hung, Slow, Throttled};
        let end = 3 * self.life;
        let mut time = 0;
        if self.random.percent(20) {
            // From before the first refresh until after the first death.
            let (from, until) = (self.life * 2 / 5, self.life * 5 / 4);
            self.weather = vec![(0, Fair), (from, Errors), (until, Fair)];
            time = end;
        }
        while time < end {
            let weather = self.random.pick(&[Fair, Errors, Throttled, Denied, Slow, Hung]);
            self.weather.push((time, weather));
            time += self.random.between(SECOND, self.life / 2);
            self.weather.push((time, Fair));
            time += self.random.between(SECOND, self.life);
        }
        for _ in 0..self.random.between(5, 30) {
            let callers = self.random.between(1, 4);
            self.sometime(end, Event::Callers(callers));
        }
        for _ in 0..self.random.pick(&[0, 0, 1, 3, 12]) {
            let old = self.random.percent(20);
            self.sometime(end, Event::Refused { old });
        }
        for _ in 0..self.random.pick(&[0, 0, 1, 2]) {
            let jump = self.random.pick(&[-1, 1]) * self.random.between(SECOND, HOUR + 1) as i64;
            self.sometime(end, Event::Jump(jump));
        }
        for _ in 0..self.random.pick(&[0, 0, 0, 1, 2]) {
            let sleep = self.random.between(SECOND, 2 * self.life);
            self.sometime(end, Event::Suspend(sleep));
        }
        for _ in 0..self.random.pick(&[0, 0, 1, 3, 8]) {
            let ahead = self.ahead();
            self.sometime(end, Event::Successor(ahead));
        }
        for _ in 0..self.random.pick(&[0, 0, 1, 5]) {
            let (ahead, age) = (self.ahead(), self.random.between(0, self.life));
            let age = self.random.pick(&[0, age]);
            self.sometime(end, Event::Neighbour { ahead, age });
        }
    }

    /// By how much one clock is ahead of another: not at all, or two minutes at most.
    fn ahead(&mut self) -> i64 {
        let ahead = self.random.between(0, 4 * MINUTE) as i64 - 2 * MINUTE as i64;
        self.random.pick(&[0, ahead])
    }

    fn sometime(&mut self, end: u64, event: Event) {
        let time = self.random.between(0, end);
        self.at(time, event);
    }

    fn at(&mut self, time: u64, event: Event) {
        self.event_count += 1;
        self.events.insert((time, self.event_count), event);
    }

    /// Runs until everything that was foreseen has happened.
    pub(crate) fn run(mut self) -> Result<Tally, Violation> {
        self.poll()?;
        let end = 3 * self.life;
        loop {
            let next = self.events.first_key_value().map(|(&(time, _), _)| time);
            let time = match (next, self.timer) {
                (Some(event), Some(timer)) => event.min(timer),
                (Some(time), None) | (None, Some(time)) => time,
                (None, None) => break,
            };
            if time > end && self.truth > end {
                break;
            }
            self.truth = self.truth.max(time);
            self.tally.events += 1;
            if self.timer.is_some_and(|timer| timer <= self.truth) {
                self.timer = None;
                self.poll()?;
            } else if let Some((_, event)) = self.events.pop_first() {
                self.happen(event)?;
            }
        }
        self.tally.outages += self.rules.outages;
        Ok(self.tally)
    }

    fn happen(&mut self, event: Event) -> Result<(), Violation> {
        match event {
            Event::Callers(callers) => (0..callers).try_for_each(|_| self.poll()),
            Event::Minted { generation, token } => {
                // Late as it may be, it is left for others.
                self.keep(token);
                let Left { valid, doubt, .. } = token.left;
                self.minted(generation, &token, Lifetime { doubt, ..Lifetime::known(valid) })
            }
            Event::Look { generation } => self.look(generation),
            Event::Failed { generation, failure } => self.failed(generation, failure),
            Event::Refused { old } => self.refuse(old),
            // Nobody looks at the clocks just before. After, someone must: of a clock set back and
            // a sleep between two looks, no machine could know.
            Event::Jump(millis) => {
                self.note(format_args!("the wall clock jumps by {millis} ms"));
                self.wall_offset += millis;
                self.rules.clocks_moved();
                self.poll()
            }
            Event::Suspend(millis) => {
                self.note(format_args!("suspended for {millis} ms"));
                self.truth += millis;
                self.slept += millis;
                self.timer = self.timer.map(|timer| timer + millis);
                self.rules.clocks_moved();
                self.poll()
            }
            Event::Successor(ahead) => {
                self.note(format_args!("a new instance, {ahead} ms ahead"));
                self.succeed(ahead);
                self.poll()
            }
            Event::Neighbour { ahead, age } => {
                self.note(format_args!("a neighbour leaves a token of {age} ms"));
                self.leave(ahead, age);
                Ok(())
            }
        }
    }

    fn minted(
        &mut self,
        generation: u64,
        token: &Token,
        lifetime: Lifetime,
    ) -> Result<(), Violation> {
        self.note(format_args!("minted {generation}"));
        let now = self.now()?;
        let (life, age) = (lifetime.valid.as_millis(), lifetime.age.map(|age| age.as_millis()));
        let age = age.map(|age| age as u64);
        self.rules.minted(now, generation, life as u64, age, token.expiry);
        let fingerprint = token.left.fingerprint;
        self.given.insert(generation, fingerprint);
        self.last = Some(fingerprint);
        let draw = self.random.draw();
        let minted = Minted { generation, fingerprint, lifetime };
        let action = self.machine.minted(self.clocks(), minted, draw);
        self.obey(action)
    }

    fn failed(&mut self, generation: u64, failure: Failure) -> Result<(), Violation> {
        self.note(format_args!("failed {generation}: {failure:?}"));
        let now = self.now()?;
        self.rules.failed(now, generation, failure);
        let draw = self.random.draw();
        let action = self.machine.failed(self.clocks(), generation, failure, draw);
        self.obey(action)
    }

    fn refuse(&mut self, old: bool) -> Result<(), Violation> {
        let Some(served) = self.served else { return self.poll() };
        let generation = if old { served.saturating_sub(1) } else { served };
        self.note(format_args!("a login with {generation} is refused"));
        self.tally.refused += 1;
        self.rules.disturb();
        let now = self.now()?;
        // Of a mint that failed there was none to log in with.
        let fingerprint = self.given.get(&generation).copied().unwrap_or(instances::fingerprint(0));
        let action = self.machine.refused(self.clocks(), fingerprint);
        self.rules.refused(now, generation, action)?;
        // Whose login was refused logs in with the next token, and may be refused again.
        if self.random.percent(50) {
            let soon = self.truth + self.random.between(0, 40 * SECOND);
            self.at(soon, Event::Refused { old: false });
        }
        self.obey(action)
    }

    fn poll(&mut self) -> Result<(), Violation> {
        self.now()?;
        let action = self.machine.poll(self.clocks());
        self.obey(action)
    }

    fn obey(&mut self, mut action: Action) -> Result<(), Violation> {
        loop {
            let now = self.now()?;
            self.note(format_args!("{action:?}"));
            self.rules.action(now, self.truth, action)?;
            let until = match action {
                Action::Mint { generation, resume } => {
                    if resume {
                        let soon = self.truth + self.random.between(0, SECOND);
                        self.at(soon, Event::Look { generation });
                    } else {
                        self.send(generation);
                    }
                    action = self.machine.poll(self.clocks());
                    continue;
                }
                Action::Fail { reason: Reason::FreshTokenRefused, .. } => {
                    action = self.machine.poll(self.clocks());
                    continue;
                }
                Action::Fail { retry_at, .. } => {
                    self.tally.denied += 1;
                    retry_at
                }
                Action::Wait(until) => until,
                Action::Serve { generation, poll_at } => {
                    self.tally.served += 1;
                    self.served = Some(generation);
                    poll_at
                }
            };
            if self.rules.punctual {
                self.timer = Some(self.truth + until.as_millis().saturating_sub(now));
            }
            return Ok(());
        }
    }

    fn send(&mut self, generation: u64) {
        self.tally.mints += 1;
        let weather = self.weather.iter().rev().find(|(since, _)| *since <= self.truth);
        let quick = self.random.between(0, 2 * SECOND);
        let transient = |retry_after| Failure::Transient { retry_after };
        let (delay, failure) = match weather.map_or(Weather::Fair, |&(_, weather)| weather) {
            Weather::Fair => (quick, None),
            Weather::Errors => (quick * self.random.between(0, 2), Some(transient(None))),
            Weather::Throttled => {
                let asked = Duration::from_secs(self.random.between(0, 900));
                (quick, Some(transient(Some(asked))))
            }
            Weather::Denied => (quick, Some(Failure::Permanent)),
            Weather::Slow => {
                let failure = self.random.percent(30).then(|| transient(None));
                (self.random.between(SECOND, 5 * MINUTE), failure)
            }
            Weather::Hung => return,
        };
        let arrival = self.truth + delay;
        match failure {
            Some(failure) => self.at(arrival, Event::Failed { generation, failure }),
            None => self.deliver(generation, self.truth + delay / 2, arrival),
        }
        if delay > 2 * SECOND {
            self.rules.disturb();
        }
    }

    /// A token is made at `issued` and arrives at `arrival`.
    fn deliver(&mut self, generation: u64, issued: u64, arrival: u64) {
        let expiry = issued + self.life;
        let seconds = (self.life / SECOND).to_string();
        let moment = self.server_time(expiry).to_string();
        // An answer that says nothing is believed to speak of 55 minutes.
        let forms = if self.life == HOUR { 6 } else { 2 };
        let expires = match self.random.between(0, forms) {
            0 => Expiry::In(&seconds),
            1 => Expiry::At(&moment),
            2 => Expiry::Missing,
            3 => Expiry::In("NaN"),
            4 => Expiry::At("2001-01-01T00:00:00Z"),
            _ => Expiry::In("3600000"),
        };
        let date = DateTimePrinter::new()
            .timestamp_to_rfc9110_string(&self.server_time(issued))
            .expect("the year has four digits");
        let lifetime = Lifetime::measure(expires, Some(&date), self.clocks().wall);
        let token = self.token(lifetime, self.clocks().wall, self.truth, expiry);
        self.at(arrival, Event::Minted { generation, token });
    }

    fn server_time(&self, truth: u64) -> jiff::Timestamp {
        let millis = (START + truth) as i64 + self.skew;
        jiff::Timestamp::from_millisecond(millis).expect("it is the year 2026")
    }

    fn clocks(&self) -> Clocks {
        Clocks {
            wall: (START + self.truth).saturating_add_signed(self.wall_offset),
            monotonic: self.truth - self.slept,
        }
    }

    fn now(&mut self) -> Result<u64, Violation> {
        let now = self.reference.at(self.clocks()).as_millis();
        self.rules.time(now)?;
        Ok(now)
    }

    fn note(&self, what: std::fmt::Arguments<'_>) {
        if self.trace {
            println!("{:>9}.{:03} s  {what}", self.truth / SECOND, self.truth % SECOND);
        }
    }
}
