//! An edge without a world: tasks of one thread, in a time that passes only when all of them wait.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use lakegate_core::edge::{
    Connection, DatabaseError, Edge, Login, Notice, Origin, ReadError, Request, Response,
    SendError, Server,
};
use lakegate_core::secret::Secret;
use lakegate_core::time::Clocks;

use crate::random::Random;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// The edge, and what runs its tasks.
pub(crate) struct Bench {
    now: Cell<u64>,
    /// Sleeps since time last passed.
    restless: Cell<u32>,
    random: RefCell<Random>,
    tasks: RefCell<BTreeMap<usize, Task>>,
    next_id: Cell<usize>,
    ready: Arc<Mutex<Vec<usize>>>,
    timers: RefCell<BTreeMap<(u64, usize), Waker>>,
}

struct Awake {
    task: usize,
    ready: Arc<Mutex<Vec<usize>>>,
}

impl Wake for Awake {
    fn wake(self: Arc<Self>) {
        self.ready.lock().expect("one thread").push(self.task);
    }
}

impl Bench {
    pub(crate) fn new(seed: u64) -> Rc<Self> {
        Rc::new(Self {
            now: Cell::new(0),
            restless: Cell::new(0),
            random: RefCell::new(Random::new(seed)),
            tasks: RefCell::default(),
            next_id: Cell::new(0),
            ready: Arc::default(),
            timers: RefCell::default(),
        })
    }

    /// Milliseconds since the bench began.
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    pub(crate) fn between(&self, low: u64, high: u64) -> u64 {
        self.random.borrow_mut().between(low, high)
    }

    fn id(&self) -> usize {
        self.next_id.replace(self.next_id.get() + 1)
    }

    /// Starts a task; with the answer it can be dropped.
    pub(crate) fn start(&self, task: impl Future<Output = ()> + 'static) -> usize {
        let id = self.id();
        self.tasks.borrow_mut().insert(id, Box::pin(task));
        self.ready.lock().expect("one thread").push(id);
        id
    }

    /// Drops a task, if it still runs.
    pub(crate) fn cancel(&self, id: usize) {
        let task = self.tasks.borrow_mut().remove(&id);
        drop(task); // Outside the borrow: a task may drop others.
    }

    /// Runs until nobody has anything to do.
    pub(crate) fn run(&self) {
        loop {
            let ready = std::mem::take(&mut *self.ready.lock().expect("one thread"));
            for id in ready {
                self.poll(id);
            }
            if !self.ready.lock().expect("one thread").is_empty() {
                continue;
            }
            let Some(((time, _), waker)) = self.timers.borrow_mut().pop_first() else { return };
            if self.now() < time {
                self.now.set(time);
                self.restless.set(0);
            }
            waker.wake();
        }
    }

    fn poll(&self, id: usize) {
        let Some(mut task) = self.tasks.borrow_mut().remove(&id) else { return };
        let waker = Waker::from(Arc::new(Awake { task: id, ready: Arc::clone(&self.ready) }));
        if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
            self.tasks.borrow_mut().insert(id, task);
        }
    }
}

struct Sleep<'a> {
    bench: &'a Bench,
    key: (u64, usize),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.key.0 <= self.bench.now() {
            return Poll::Ready(());
        }
        self.bench.timers.borrow_mut().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.bench.timers.borrow_mut().remove(&self.key);
    }
}

impl Edge for Bench {
    type Connection = NoDatabase;

    fn clocks(&self) -> Clocks {
        Clocks { wall: 1_795_348_800_000 + self.now(), monotonic: self.now() }
    }

    fn random(&self) -> u64 {
        self.random.borrow_mut().draw()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        // Tasks that never let time pass are a bug to be told, not a test that hangs.
        self.restless.set(self.restless.get() + 1);
        assert!(self.restless.get() < 100_000, "the tasks spin at {}", self.now());
        Sleep { bench: self, key: (self.now() + duration.as_millis() as u64, self.id()) }
    }

    fn spawn(&self, task: Task) {
        self.start(task);
    }

    fn notice(&self, _: &Notice) {}

    fn setting(&self, _: Origin, name: &str) -> Option<String> {
        panic!("a gate asks for no setting: {name}")
    }

    fn has_secret(&self, name: &str) -> bool {
        panic!("a gate asks for no secret: {name}")
    }

    async fn secret(&self, name: &str) -> Option<Secret> {
        panic!("a gate asks for no secret: {name}")
    }

    fn read(&self, path: &str) -> Result<Secret, ReadError> {
        panic!("a gate reads no file: {path}")
    }

    async fn send(&self, request: Request) -> Result<Response, SendError> {
        panic!("a gate sends nothing: {request:?}")
    }

    async fn connect(&self, _: &Server, login: &Login) -> Result<NoDatabase, DatabaseError> {
        panic!("a gate connects nowhere: {login:?}")
    }
}

/// There is none here.
pub(crate) enum NoDatabase {}

impl Connection for NoDatabase {
    async fn run(&self, _: &str, _: &[Option<&str>]) -> Result<Option<String>, DatabaseError> {
        match *self {}
    }
}
