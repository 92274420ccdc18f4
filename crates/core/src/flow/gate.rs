//! One token, shared by all who need it.
//!
//! A [`Gate`] is a [`TokenLifecycle`] with an edge around it: it carries out what the machine says,
//! keeps the token, and lets callers wait. A token that is bought with another one has a [`Source`]
//! that holds the gate of the other.

mod signal;

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::cell::RefCell;
use core::fmt;
use core::future::Future;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use self::signal::Signal;
use crate::edge::{Edge, Level, Notice};
use crate::problem::{Kind, Problem};
use crate::time::{Timeline, Timestamp, millis};
use crate::token::{
    Action, Cause, Doubt, Failure, Fingerprint, Lifetime, Policy, Reason, Status, TokenLifecycle,
};

/// Where the tokens of a [`Gate`] come from.
pub trait Source: 'static {
    /// The token, with whatever belongs to it.
    type Token: 'static;

    /// Fetches one token; with `resume`, one that an earlier instance left will do. It makes one
    /// try: trying again is the gate's business. It is dropped only with the task that runs it,
    /// and its end is of no interest after [`Policy::mint_limit`].
    fn mint(&self, resume: bool) -> impl Future<Output = Result<Minted<Self::Token>, MintFailure>>;
}

/// A token as it comes from its [`Source`].
#[derive(Debug)]
pub struct Minted<T> {
    /// The token.
    pub token: T,
    /// To know it again.
    pub fingerprint: Fingerprint,
    /// How long it lives.
    pub lifetime: Lifetime,
}

/// Why a [`Source`] brought no token.
#[derive(Clone, Debug)]
pub struct MintFailure {
    /// What the machine must know.
    pub failure: Failure,
    /// What people are told.
    pub problem: Problem,
}

/// A token that is served. Its `Debug` does not show it.
pub struct Held<T> {
    /// The token.
    pub token: T,
    /// Counts from 1 in each gate. A greater one is newer.
    pub generation: u64,
    /// To know it again.
    pub fingerprint: Fingerprint,
    /// When it is dead for us, on the gate's timeline.
    dead_at: Timestamp,
    /// The same in milliseconds since 1970 by the local clock, as that clock stood when the token
    /// came. For people and other hosts; nothing here is decided by it.
    pub valid_until: u64,
    /// Why its expiry is an assumption.
    pub doubt: Option<Doubt>,
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("generation", &self.generation)
            .field("valid_until", &self.valid_until)
            .finish_non_exhaustive()
    }
}

/// How a [`Gate`] stands.
#[derive(Clone, Debug)]
pub struct GateStatus {
    /// The machine's view.
    pub life: Status,
    /// What people are told of the last failed mint, unless one went well since.
    pub problem: Option<Problem>,
}

/// One token, shared by all who need it.
///
/// Cloning it is cheap and gives the same gate. Every future it returns can be dropped at any time:
/// a mint runs as a task of its own.
pub struct Gate<E: Edge, S: Source>(Rc<Inner<E, S>>);

struct Inner<E: Edge, S: Source> {
    edge: Rc<E>,
    source: S,
    state: RefCell<State<S::Token>>,
    /// A mint ended, or a token was refused.
    changed: Signal,
}

struct State<T> {
    life: TokenLifecycle,
    timeline: Timeline,
    held: Option<Rc<Held<T>>>,
    /// Of the mint with this generation.
    problem: Option<(u64, Problem)>,
}

/// What there is for a caller, once all due mints have begun.
enum Step<T> {
    Serve { held: Rc<Held<T>>, poll_at: Timestamp },
    Wait(Timestamp),
    Fail { retry_at: Timestamp },
}

impl<E: Edge, S: Source> Clone for Gate<E, S> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<E: Edge, S: Source> fmt::Debug for Gate<E, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("life", &self.0.state.borrow().life).finish_non_exhaustive()
    }
}

impl<E: Edge, S: Source> Gate<E, S> {
    /// A gate without a token: the first caller starts the first mint.
    pub fn new(edge: Rc<E>, source: S, policy: Policy) -> Self {
        let timeline = Timeline::start(edge.clocks());
        let life = TokenLifecycle::new(policy);
        let state = RefCell::new(State { life, timeline, held: None, problem: None });
        Self(Rc::new(Inner { edge, source, state, changed: Signal::default() }))
    }

    /// The token: at once if one lives, though its refresh be due or failing; that goes on in the
    /// background.
    ///
    /// Without one the caller waits for the mint that all callers share.
    ///
    /// # Errors
    ///
    /// At once when the mint was refused for good; after [`Policy::patience`] otherwise, with the
    /// last failure.
    pub async fn current(&self) -> Result<Rc<Held<S::Token>>, Problem> {
        // A token that is there is served without a look at patience: no clock is read for it.
        let mut give_up = None;
        loop {
            let seen = self.0.changed.count();
            let until = match self.step() {
                Step::Serve { held, .. } => return Ok(held),
                Step::Fail { .. } => return Err(self.problem()),
                Step::Wait(until) => until,
            };
            let now = self.now();
            let give_up = *give_up.get_or_insert_with(|| now + self.patience());
            if give_up <= now {
                return Err(self.problem());
            }
            self.change_or(seen, until.min(give_up)).await;
        }
    }

    /// The next token after this generation: it drives refreshes and waits until one went well.
    /// Called in a loop it is all that a host needs to keep a token alive; 0 asks for any token.
    ///
    /// It sleeps until the refresh is due. A sleep by a monotonic clock ends late after a suspend:
    /// a host that notices a resume drops the call and calls again, and the clocks are looked at
    /// anew.
    ///
    /// # Errors
    ///
    /// When a mint failed while it waited. The old token may live on. The next call keeps the
    /// pause before the next try.
    pub async fn renewed(&self, after: u64) -> Result<Rc<Held<S::Token>>, Problem> {
        let failures = self.failures();
        loop {
            let seen = self.0.changed.count();
            let step = self.step();
            if let Step::Serve { held, .. } = &step
                && held.generation > after
            {
                return Ok(Rc::clone(held));
            }
            if self.failures() > failures {
                return Err(self.problem());
            }
            let (Step::Serve { poll_at: until, .. }
            | Step::Wait(until)
            | Step::Fail { retry_at: until }) = step;
            self.change_or(seen, until).await;
        }
    }

    /// The token to log in with once more, after the login with this one was refused.
    ///
    /// `None` when that was a fresh token: another one would be refused, too. Tell the caller what
    /// the refusal looks like. However many logins were refused with one token, one mint follows.
    ///
    /// # Errors
    ///
    /// As [`current`](Self::current): there is no new token.
    pub async fn refused(
        &self,
        fingerprint: Fingerprint,
    ) -> Result<Option<Rc<Held<S::Token>>>, Problem> {
        let action = self.at_now(|life, now| life.refused(now, fingerprint));
        if let Action::Fail { reason: Reason::FreshTokenRefused, .. } = action {
            return Ok(None);
        }
        self.settle(action);
        self.0.changed.notify();
        self.current().await.map(Some)
    }

    /// For how long a token may still be used. It looks at no clock: the last call of this gate,
    /// which handed the token out, just did.
    pub fn left(&self, held: &Held<S::Token>) -> Duration {
        held.dead_at.since(self.0.state.borrow().timeline.last())
    }

    /// How it stands. Looking starts nothing.
    pub fn status(&self) -> GateStatus {
        let now = self.now();
        let life = self.0.state.borrow().life.status(now);
        let problem = life.last_failure.is_some().then(|| self.problem());
        GateStatus { life, problem }
    }

    /// Asks the machine what to do, and begins what is to begin.
    fn step(&self) -> Step<S::Token> {
        let action = self.at_now(TokenLifecycle::poll);
        self.settle(action)
    }

    fn settle(&self, mut action: Action) -> Step<S::Token> {
        loop {
            let state = self.0.state.borrow();
            action = match (action, &state.held) {
                (Action::Serve { poll_at, .. }, Some(held)) => {
                    return Step::Serve { held: Rc::clone(held), poll_at };
                }
                // The machine serves nothing that was not given to it.
                (Action::Serve { poll_at, .. }, None) | (Action::Wait(poll_at), _) => {
                    return Step::Wait(poll_at);
                }
                (Action::Fail { retry_at, .. }, _) => return Step::Fail { retry_at },
                (Action::Mint { generation, resume }, _) => {
                    drop(state); // A spawned task may run at once.
                    self.begin(generation, resume);
                    self.at_now(TokenLifecycle::poll)
                }
            };
        }
    }

    fn begin(&self, generation: u64, resume: bool) {
        let gate = self.clone();
        self.0.edge.spawn(Box::pin(async move {
            let outcome = gate.0.source.mint(resume).await;
            gate.finish(generation, outcome);
        }));
    }

    fn finish(&self, generation: u64, outcome: Result<Minted<S::Token>, MintFailure>) {
        let draw = self.0.edge.random();
        let action = match outcome {
            Ok(minted) => self.take(generation, minted, draw),
            Err(MintFailure { failure, problem }) => {
                let action = self.at_now(|life, now| life.failed(now, generation, failure, draw));
                let mut state = self.0.state.borrow_mut();
                // The failure of a mint that was given up is not what happened last.
                if state.problem.as_ref().is_none_or(|(last, _)| *last < generation) {
                    state.problem = Some((generation, problem));
                }
                action
            }
        };
        self.settle(action);
        self.0.changed.notify();
    }

    fn take(&self, generation: u64, minted: Minted<S::Token>, draw: u64) -> Action {
        let Minted { token, fingerprint, lifetime } = minted;
        let action =
            self.at_now(|life, now| life.minted(now, generation, fingerprint, &lifetime, draw));
        let wall = self.0.edge.clocks().wall;
        let mut state = self.0.state.borrow_mut();
        if state.life.generation() != Some(generation) {
            return action;
        }
        let serves = state.life.status(Timestamp::default()).serves_for.unwrap_or_default();
        state.held = Some(Rc::new(Held {
            token,
            generation,
            fingerprint,
            dead_at: state.timeline.last() + serves,
            valid_until: wall.saturating_add(millis(serves)),
            doubt: lifetime.doubt,
        }));
        drop(state);
        // Of a token that was left it was told when that was new.
        if let (Some(doubt), None) = (lifetime.doubt, lifetime.age) {
            self.0.edge.notice(&Notice { level: Level::Warning, text: doubt.to_string() });
        }
        action
    }

    /// Tells the machine something that happens now. A token it serves no more is let go.
    fn at_now<R>(&self, tell: impl FnOnce(&mut TokenLifecycle, Timestamp) -> R) -> R {
        let now = self.now();
        let mut state = self.0.state.borrow_mut();
        let answer = tell(&mut state.life, now);
        let generation = state.life.generation();
        state.held.take_if(|held| Some(held.generation) != generation);
        answer
    }

    fn now(&self) -> Timestamp {
        let clocks = self.0.edge.clocks();
        self.0.state.borrow_mut().timeline.at(clocks)
    }

    fn patience(&self) -> Duration {
        self.0.state.borrow().life.policy().patience
    }

    fn failures(&self) -> u64 {
        self.0.state.borrow().life.status(Timestamp::default()).counts.failures
    }

    /// What to tell people of the last failure.
    fn problem(&self) -> Problem {
        let state = self.0.state.borrow();
        let last = state.life.status(Timestamp::default()).last_failure;
        match (last, &state.problem) {
            (Some(last), Some((generation, problem))) if last.generation == *generation => {
                problem.clone()
            }
            (Some(last), _) if last.cause == Cause::DeadOnArrival => unobtained(
                Kind::Unavailable,
                "the token was expired when it arrived",
                "The answer was long on its way, or this machine was suspended. Try again.",
            ),
            _ => unobtained(
                Kind::Timeout,
                "no token came in time",
                "Databricks did not answer. Check the network between here and DATABRICKS_HOST, \
                 and try again.",
            ),
        }
    }

    /// Waits until something changed since `seen`, or a point in time.
    async fn change_or(&self, seen: u64, until: Timestamp) {
        let mut sleep = pin!(self.0.edge.sleep(until.since(self.now())));
        let mut change = pin!(self.0.changed.after(seen));
        core::future::poll_fn(|context| match change.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => sleep.as_mut().poll(context),
        })
        .await;
    }
}

fn unobtained(kind: Kind, message: &str, advice: &str) -> Problem {
    Problem { kind, message: String::from(message), advice: String::from(advice), sqlstate: None }
}
