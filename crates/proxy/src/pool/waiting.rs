//! Somebody who waits for a connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::books::Ticket;
use super::orders::Orders;
use super::{Lease, Origin, Pool};
use crate::logins::Failure;

/// How those who wait are told.
pub(super) type Reply = oneshot::Sender<Result<Lease, Failure>>;

/// A place in the queue. Dropped, it is left, and nothing is lost with it.
pub(super) struct Waiting<'a> {
    pool: &'a Arc<Pool>,
    ticket: Ticket,
    since: Instant,
    told: oneshot::Receiver<Result<Lease, Failure>>,
}

impl<'a> Waiting<'a> {
    pub(super) fn enter(pool: &'a Arc<Pool>, origin: &Arc<Origin>) -> Self {
        let (reply, told) = oneshot::channel();
        let since = Instant::now();
        let ticket = pool.change(|books| books.wait(origin, reply, since));
        Self { pool, ticket, since, told }
    }

    /// A connection, or why there is none within `limit`.
    pub(super) async fn outcome(mut self, limit: Duration) -> Result<Lease, Failure> {
        let outcome = match tokio::time::timeout(limit, &mut self.told).await {
            Ok(Ok(outcome)) => outcome,
            _ => self.too_late(limit),
        };
        self.pool.metrics.wait.observe(self.since.elapsed().as_secs_f64());
        outcome
    }

    fn too_late(&mut self, limit: Duration) -> Result<Lease, Failure> {
        let (trouble, open, size) = self.leave();
        // It may have come in this very moment.
        if let Ok(outcome) = self.told.try_recv() {
            return outcome;
        }
        let seconds = limit.as_secs();
        Err(match trouble {
            Some(trouble) => Failure {
                message: format!("{} (tried for {seconds} s)", trouble.message),
                ..trouble
            },
            None if open < size => asleep(seconds),
            None => busy(size, seconds),
        })
    }

    /// Why nothing could be opened, how many connections are open, and how many there may be.
    fn leave(&self) -> (Option<Failure>, usize, usize) {
        self.pool.change(|books| {
            let trouble = books.leave(self.ticket);
            ((trouble, books.open(), books.size()), Orders::default())
        })
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.leave();
        self.told.close();
        if let Ok(Ok(lease)) = self.told.try_recv() {
            lease.give_back();
        }
    }
}

/// What would have been handed over is being opened still.
fn asleep(seconds: u64) -> Failure {
    Failure {
        code: "57P03".to_owned(),
        message: format!(
            "no connection to the database could be opened in {seconds} s: it has not answered the \
             login yet"
        ),
        hint: Some("It may be waking up: connect again in a moment, or raise --wait.".to_owned()),
        passes: true,
    }
}

fn busy(size: usize, seconds: u64) -> Failure {
    Failure {
        code: "53300".to_owned(),
        message: format!(
            "all {size} connections to the database are in use, and none came free in {seconds} s"
        ),
        hint: Some(
            "Raise --pool-size, end transactions sooner, or share connections with \
             --pool transaction."
                .to_owned(),
        ),
        passes: true,
    }
}
