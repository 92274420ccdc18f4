//! A world in which everything happens as a test says, and nothing else.
//!
//! Requests and logins come in the order of a script; time passes only while everybody waits for
//! it. Whatever was expected and never came, and every notice that nobody looked at, fails the
//! test in [`FakeEdge::end`].

pub(super) mod chain;
mod database;
mod executor;

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::mem;
use core::pin::Pin;
use core::time::Duration;

pub(super) use self::database::{Exchange, FakeDatabase, refusal};
use self::executor::Executor;
use crate::edge::{
    Claim, DatabaseError, Edge, Login, Method, Notice, Origin, ReadError, Request, Response,
    SendError, Server,
};
use crate::secret::Secret;
use crate::time::Clocks;

/// How long each request and each login takes.
const EXCHANGE: Duration = Duration::from_millis(10);

/// After how many milliseconds a claim lapses.
const LAPSE: u64 = 3_000;

/// One expected request, and its answer.
pub(super) struct Turn {
    /// Method, URL, authorization and body, as [`line`] writes them.
    pub(super) request: String,
    pub(super) answer: Result<Response, SendError>,
}

/// A request that is answered, half a century ago by the server's clock.
pub(super) fn turn(request: impl Into<String>, status: u16, body: &str) -> Turn {
    let headers = [("date".to_owned(), "Sun, 06 Nov 1994 08:49:37 GMT".to_owned())].to_vec();
    let answer = Ok(Response { status, headers, body: body.as_bytes().to_vec() });
    Turn { request: request.into(), answer }
}

/// One expected login as `user:password@host:port/database`, and what it leads to.
pub(super) type Knock = (&'static str, Result<Vec<Exchange>, DatabaseError>);

/// The world. Its clones are the same one.
#[derive(Clone, Default)]
pub(super) struct FakeEdge(Rc<State>);

#[derive(Default)]
struct State {
    settings: RefCell<Vec<(&'static str, &'static str)>>,
    files: Vec<(&'static str, &'static str)>,
    turns: RefCell<VecDeque<Turn>>,
    knocks: RefCell<VecDeque<Knock>>,
    notices: RefCell<Vec<String>>,
    /// What was remembered, by its owner; none in a world without a store.
    store: RefCell<Option<BTreeMap<String, String>>>,
    /// When somebody last claimed to buy for this owner, in milliseconds, or was refused for good.
    claims: RefCell<BTreeMap<String, (u64, Claim)>>,
    /// How far the wall clock is ahead of the time, in milliseconds.
    ahead: Cell<i64>,
    executor: Executor,
}

impl State {
    fn value(&self, name: &str) -> Option<&'static str> {
        let settings = self.settings.borrow();
        settings.iter().find(|(own, _)| *own == name).map(|(_, value)| *value)
    }
}

impl FakeEdge {
    /// A world with these environment variables, each a secret as well, and these files.
    pub(super) fn new(
        settings: &[(&'static str, &'static str)],
        files: &[(&'static str, &'static str)],
    ) -> Self {
        let settings = RefCell::new(settings.to_vec());
        Self(Rc::new(State { settings, files: files.to_vec(), ..State::default() }))
    }

    /// Changes a setting.
    pub(super) fn set(&self, name: &'static str, value: &'static str) {
        self.unset(name);
        self.0.settings.borrow_mut().push((name, value));
    }

    /// Takes a setting away.
    pub(super) fn unset(&self, name: &str) {
        self.0.settings.borrow_mut().retain(|(own, _)| *own != name);
    }

    /// These requests come next.
    pub(super) fn expect(&self, turns: impl IntoIterator<Item = Turn>) {
        self.0.turns.borrow_mut().extend(turns);
    }

    /// These logins come next.
    pub(super) fn expect_logins(&self, knocks: impl IntoIterator<Item = Knock>) {
        self.0.knocks.borrow_mut().extend(knocks);
    }

    /// From here on there is a store, with these entries.
    pub(super) fn keep<const N: usize>(&self, entries: [(String, String); N]) {
        self.0.store.replace(Some(BTreeMap::from(entries)));
    }

    /// The owners and their entries.
    pub(super) fn kept(&self) -> Vec<(String, String)> {
        self.0.store.borrow().clone().into_iter().flatten().collect()
    }

    /// The owners for whom somebody is about to buy.
    pub(super) fn claimed(&self) -> Vec<String> {
        let claims = self.0.claims.borrow();
        let owners = claims.iter().filter(|(_, (_, claim))| *claim == Claim::Theirs);
        owners.map(|(owner, _)| owner.clone()).collect()
    }

    /// Sets the wall clock so many seconds ahead of the time, or behind.
    pub(super) fn set_clock(&self, ahead: i64) {
        self.0.ahead.set(ahead * 1_000);
    }

    /// The notices since the last look.
    pub(super) fn notices(&self) -> Vec<String> {
        self.0.notices.take()
    }

    /// Runs a future to its end, with all tasks beside it.
    #[track_caller]
    pub(super) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.0.executor.run(future)
    }

    /// Lets time pass for the tasks that are under way.
    #[track_caller]
    pub(super) fn pass(&self, seconds: u64) {
        self.run(self.sleep(Duration::from_secs(seconds)));
    }

    /// Seconds since the start.
    pub(super) fn seconds(&self) -> u64 {
        self.0.executor.now() / 1_000
    }

    /// All that was expected has happened, and every notice was looked at.
    #[track_caller]
    pub(super) fn end(&self) {
        let turns = mem::take(&mut *self.0.turns.borrow_mut());
        let requests: Vec<_> = turns.iter().map(|turn| &turn.request).collect();
        assert!(requests.is_empty(), "never asked: {requests:?}");
        let knocks = mem::take(&mut *self.0.knocks.borrow_mut());
        let logins: Vec<_> = knocks.iter().map(|(login, _)| login).collect();
        assert!(logins.is_empty(), "never logged in: {logins:?}");
        assert_eq!(self.notices(), [""; 0]);
    }
}

/// A request in one line, without the headers that all of them carry.
pub(super) fn line(request: &Request) -> String {
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
    };
    assert_eq!(request.headers[0].1, concat!("lakegate/", env!("CARGO_PKG_VERSION")));
    assert_eq!(request.headers[1], ("accept", "application/json".to_owned()));
    let secrets = [&request.authorization, &request.body];
    let secrets: Vec<&str> = secrets.into_iter().flatten().map(Secret::expose).collect();
    format!("{method} {} {}", request.url, secrets.join(" ")).trim_end().to_owned()
}

impl Edge for FakeEdge {
    type Connection = FakeDatabase;

    /// The server's clock is not ours: a wall clock of its own shows who looks at it.
    fn clocks(&self) -> Clocks {
        let now = self.0.executor.now();
        Clocks { wall: now.saturating_add_signed(self.0.ahead.get()), monotonic: now }
    }

    /// Chance has no part: no pause is longer by it, no refresh earlier.
    fn random(&self) -> u64 {
        0
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.0.executor.sleep(duration)
    }

    fn spawn(&self, task: Pin<Box<dyn Future<Output = ()>>>) {
        self.0.executor.spawn(task);
    }

    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        self.0.value(name).filter(|_| origin == Origin::Environment).map(str::to_owned)
    }

    fn has_secret(&self, name: &str) -> bool {
        self.0.value(name).is_some_and(|value| !value.trim().is_empty())
    }

    async fn secret(&self, name: &str) -> Option<Secret> {
        self.0.value(name).map(Secret::new)
    }

    fn read(&self, path: &str) -> Result<Secret, ReadError> {
        let file = self.0.files.iter().find(|(own, _)| *own == path);
        file.map(|(_, text)| Secret::new(*text)).ok_or(ReadError::Missing)
    }

    async fn recall(&self, owner: &str) -> Option<Secret> {
        self.0.store.borrow().as_ref()?.get(owner).map(Secret::new)
    }

    async fn remember(&self, owner: &str, entry: &Secret) {
        if let Some(store) = &mut *self.0.store.borrow_mut() {
            store.insert(owner.to_owned(), entry.expose().to_owned());
        }
    }

    async fn claim(&self, owner: &str) -> Claim {
        if self.0.store.borrow().is_none() {
            return Claim::Needless;
        }
        let now = self.0.executor.now();
        let claimed = self.0.claims.borrow().get(owner).copied();
        if let Some((_, claim)) = claimed.filter(|(when, _)| now < when + LAPSE) {
            return claim;
        }
        self.0.claims.borrow_mut().insert(owner.to_owned(), (now, Claim::Theirs));
        self.0.executor.turn().await; // Others act before it is answered.
        Claim::Ours
    }

    async fn disclaim(&self, owner: &str, refused: bool) {
        let mut claims = self.0.claims.borrow_mut();
        match refused {
            true => claims.insert(owner.to_owned(), (self.0.executor.now(), Claim::Needless)),
            false => claims.remove(owner),
        };
    }

    fn notice(&self, notice: &Notice) {
        self.0.notices.borrow_mut().push(notice.text.clone());
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        let turn = self.0.turns.borrow_mut().pop_front();
        let turn = turn.unwrap_or_else(|| panic!("unexpected: {}", line(&request)));
        assert_eq!(line(&request), turn.request);
        self.sleep(EXCHANGE).await;
        turn.answer
    }

    async fn connect(&self, server: &Server, login: &Login) -> Result<FakeDatabase, DatabaseError> {
        let Server { host, port, plaintext } = server;
        let (user, password, database) = (&login.user, login.password.expose(), &login.database);
        let plainly = if *plaintext { " plainly" } else { "" };
        let line = format!("{user}:{password}@{host}:{port}/{database}{plainly}");
        let knock = self.0.knocks.borrow_mut().pop_front();
        let (expected, answer) = knock.unwrap_or_else(|| panic!("unexpected login: {line}"));
        assert_eq!(line, expected);
        self.sleep(EXCHANGE).await;
        answer.map(FakeDatabase::new)
    }
}
