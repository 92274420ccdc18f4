//! Connections to the database, at rest and on loan.
//!
//! [`books`] decides who gets which; here is what carries its decisions out. Connections are opened
//! in tasks of their own, so an application that goes away takes nothing with it.

mod absent;
mod books;
mod lease;
mod opening;
mod orders;
mod origin;
mod progress;
mod waiting;

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use self::absent::Absent;
use self::books::{Books, Limits};
pub(crate) use self::lease::Lease;
use self::orders::Orders;
pub(crate) use self::origin::Origin;
use self::waiting::{Reply, Waiting};
use crate::logins::{Failure, Logins};
use crate::metrics::Metrics;
use crate::options::{Options, Tuning};
use crate::server::{Dialer, Server};

/// Logins at a time: a server that starts has more to do than to prove who is who.
const LOGINS_AT_ONCE: usize = 8;

/// Ten years. What a setting says beyond it no clock could tell.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How often connections that are kept warm and are missing are looked for.
const WARM_AGAIN: Duration = Duration::from_secs(60);

/// A connection that is being opened.
pub(crate) type Opened<'a> = Pin<Box<dyn Future<Output = Result<Server, Failure>> + Send + 'a>>;

/// Opens connections.
pub(crate) trait Opener: Send + Sync + 'static {
    /// Opens one; `retire_at` is the pool's business.
    fn open<'a>(&'a self, origin: &'a Arc<Origin>) -> Opened<'a>;
}

/// Connections to the database, at rest and on loan.
pub(crate) struct Pool {
    books: Mutex<Books<Box<Server>, Reply>>,
    terms: Mutex<Terms>,
    absent: Mutex<Absent>,
    opener: Box<dyn Opener>,
    logins: Semaphore,
    /// Something is due earlier than [`maintain`](Self::maintain) knows.
    look: Notify,
    metrics: Metrics,
    /// Where connections are opened, whoever asks for them.
    runtime: Handle,
}

#[derive(Clone, Copy)]
struct Terms {
    wait: Duration,
    max_lifetime: Duration,
}

impl Pool {
    /// A pool that opens nothing before somebody asks, or [`maintain`](Self::maintain) runs. To be
    /// called within the runtime that connections shall live in.
    pub(crate) fn new(options: &Options, logins: Arc<dyn Logins>, metrics: Metrics) -> Arc<Self> {
        let dialer = Dialer::new(options, logins, metrics.clone());
        Self::with_opener(&options.tuning, Box::new(dialer), metrics)
    }

    fn with_opener(tuning: &Tuning, opener: Box<dyn Opener>, metrics: Metrics) -> Arc<Self> {
        Arc::new(Self {
            books: Mutex::new(Books::new(limits(tuning))),
            terms: Mutex::new(terms(tuning)),
            absent: Mutex::default(),
            opener,
            logins: Semaphore::new(LOGINS_AT_ONCE),
            look: Notify::new(),
            metrics,
            runtime: Handle::current(),
        })
    }

    /// A connection that was opened with `origin`: one that rests, or the first that comes free or
    /// is opened.
    ///
    /// # Errors
    ///
    /// None can be opened, or none came within [`Tuning::wait`].
    pub(crate) async fn take(self: &Arc<Self>, origin: &Arc<Origin>) -> Result<Lease, Failure> {
        while let Some(mut lease) = self.rested(origin) {
            if lease.is_sound() {
                return Ok(lease);
            }
            tracing::debug!(server = lease.id, "a connection at rest was ended by the server");
        }
        if let Some(failure) = lock(&self.absent).recall(origin, Instant::now()) {
            return Err(failure);
        }
        Waiting::enter(self, origin).outcome(self.terms().wait).await
    }

    /// Other limits hold from now on. Connections on loan stay where they are.
    pub(crate) fn retune(self: &Arc<Self>, tuning: &Tuning) {
        *lock(&self.terms) = terms(tuning);
        self.change(|books| ((), books.limit(limits(tuning))));
    }

    /// Closes what rests, and from now on what is given back and nobody waits for.
    pub(crate) fn drain(self: &Arc<Self>) {
        self.change(|books| ((), books.drain()));
    }

    /// Somebody created or renamed a database: those that were not there may be there now.
    pub(crate) fn forget_absent(&self) {
        lock(&self.absent).forget();
    }

    /// Closes what has rested or lived long enough, and keeps warm what shall be: to be run once
    /// beside everything else. It sleeps until something is due, and forever while nothing rests.
    pub(crate) async fn maintain(self: Arc<Self>) {
        let unnamed = Arc::new(Origin::new(None, Vec::new()));
        loop {
            self.change(|books| ((), books.warm(&unnamed)));
            let now = Instant::now();
            let due = self.change(|books| books.age(now));
            let warm = lock(&self.books).keeps_warm().then(|| now + WARM_AGAIN);
            let next = [due, warm].into_iter().flatten().min();
            let rest = async {
                match next {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = rest => {}
                () = self.look.notified() => {}
            }
        }
    }

    fn rested(self: &Arc<Self>, origin: &Arc<Origin>) -> Option<Lease> {
        let mut books = lock(&self.books);
        let server = books.take(origin)?;
        self.count(&books);
        drop(books);
        Some(Lease::new(server, self))
    }

    /// Somebody is done with a connection.
    fn put(self: &Arc<Self>, server: Box<Server>) {
        let (origin, retire_at) = (Arc::clone(&server.origin), server.retire_at);
        self.change(|books| ((), books.put(&origin, server, Instant::now(), retire_at)));
    }

    /// Carries out what a change of the books asks for, once they are closed again.
    fn change<T>(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Books<Box<Server>, Reply>) -> (T, Orders<Box<Server>, Reply>),
    ) -> T {
        let mut books = lock(&self.books);
        let (outcome, orders) = change(&mut books);
        self.count(&books);
        drop(books);
        self.carry_out(orders);
        outcome
    }

    fn carry_out(self: &Arc<Self>, orders: Orders<Box<Server>, Reply>) {
        let Orders { give, close, open, look } = orders;
        if let Some((reply, server)) = give
            && let Err(Ok(unwanted)) = reply.send(Ok(Lease::new(server, self)))
        {
            unwanted.give_back();
        }
        for server in close {
            tracing::debug!(server = server.id, "a connection to the database is closed");
            server.part();
        }
        for origin in open {
            self.runtime.spawn(Arc::clone(self).open(origin));
        }
        if look {
            self.look.notify_one();
        }
    }

    fn count(&self, books: &Books<Box<Server>, Reply>) {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.metrics.servers.set(number(books.open()));
        self.metrics.servers_idle.set(number(books.idle()));
        self.metrics.waiting.set(number(books.waiting()));
    }

    fn terms(&self) -> Terms {
        *lock(&self.terms)
    }

    /// When a connection that is born now has lived long enough. Those that were born together do
    /// not end together.
    fn retire_at(&self, born: Instant) -> Instant {
        let mut drawn = [0; 2];
        rand::fill(&mut drawn).expect("the system has random numbers");
        let lifetime = self.terms().max_lifetime;
        born + lifetime - lifetime * u32::from(u16::from_be_bytes(drawn)) / (10 << 16)
    }
}

fn limits(tuning: &Tuning) -> Limits {
    let Tuning { pool_size, idle_timeout, keep_warm, .. } = *tuning;
    Limits { size: pool_size, idle_timeout: idle_timeout.min(FOREVER), keep_warm }
}

fn terms(tuning: &Tuning) -> Terms {
    Terms { wait: tuning.wait, max_lifetime: tuning.max_lifetime.min(FOREVER) }
}

/// What is behind these locks is whole at any moment, so a panic elsewhere spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
