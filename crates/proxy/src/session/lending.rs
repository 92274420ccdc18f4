//! Takes a server connection from the pool, makes it fit its client, and gives it back.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::farewell::{self, End, lost, put_error, stopping};
use super::socket::poll_fill;
use super::{Session, relay};
use crate::options::Mode;
use crate::pool::Lease;
use crate::wire::answer::{self, Severity};

/// How much a client may send while it waits for a server connection, in bytes.
pub(super) const WAITING: usize = 64 * 1024;

impl Session<'_> {
    /// Waits for a server connection. A client that leaves meanwhile waits no more.
    pub(super) async fn lend(&mut self) -> Result<(), End> {
        self.since.get_or_insert_with(Instant::now);
        let (pool, origin) = (&self.shared.pool, Arc::clone(&self.origin));
        let mut take = pin!(pool.take(&origin));
        let lease = poll_fn(|cx| {
            if let Poll::Ready(taken) = take.as_mut().poll(cx) {
                return Poll::Ready(taken.map_err(End::Ours));
            }
            while self.up.inbox.len() < WAITING {
                match poll_fill(cx, &mut self.client, &mut self.up) {
                    Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Err(End::Left)),
                    Poll::Ready(Ok(read)) => drop(self.shared.metrics.bytes_up.inc_by(read as u64)),
                    Poll::Pending => break,
                }
            }
            while self.alarm.poll(cx).is_ready() {}
            match self.alarm.is_ended() {
                true => Poll::Ready(Err(stopping())),
                false => Poll::Pending,
            }
        })
        .await?;
        self.begin(lease);
        if self.shared.mode == Mode::Transaction {
            self.fit();
        }
        Ok(())
    }

    /// The server connection is the client's from now on.
    pub(super) fn begin(&mut self, mut lease: Lease) {
        self.seat.holds(&lease);
        std::mem::swap(&mut self.down.inbox, &mut lease.inbox);
        self.lease = Some(lease);
    }

    /// Sets in the server what the client saw elsewhere, without waiting for the answer: it comes
    /// before all others.
    fn fit(&mut self) {
        let lease = self.lease.as_mut().expect("it was lent a moment ago");
        if lease.parameters == self.talk.seen {
            // From now on it takes one look to see that they are equal.
            lease.parameters.share(&self.talk.seen);
            if lease.carried == self.talk.carried {
                return;
            }
        }
        let mut told = self.talk.seen.clone();
        for (name, value) in lease.parameters.to_tell(&self.talk.seen) {
            answer::parameter_status(self.down.insert(), name, value);
            told.set(name, value);
        }
        self.talk.seen = told;
        self.talk.fit(&mut self.up, &mut relay::facts(lease));
    }

    /// The server connection goes back to the pool.
    pub(super) fn release(&mut self) {
        if let Some(lease) = self.take_back() {
            lease.give_back();
        }
    }

    /// The server connection is the client's no more.
    pub(super) fn take_back(&mut self) -> Option<Lease> {
        let mut lease = self.lease.take()?;
        self.seat.lets_go();
        self.down.settle();
        std::mem::swap(&mut self.down.inbox, &mut lease.inbox);
        self.set_pinned(false);
        self.waiting = false;
        Some(lease)
    }

    /// Counts whether the client keeps its server connection for what it left in it.
    pub(super) fn set_pinned(&mut self, pinned: bool) {
        if pinned == self.pinned {
            return;
        }
        self.pinned = pinned;
        match pinned {
            true => self.shared.metrics.servers_pinned.inc(),
            false => self.shared.metrics.servers_pinned.dec(),
        };
        if pinned && !self.pin_logged {
            self.pin_logged = true;
            tracing::info!(
                connection = self.id,
                reason = self.talk.state().reason(),
                "an application keeps its server connection"
            );
        }
    }

    /// The server connection is gone; with `fields`, the server said why. The client lives on if
    /// all that it must hear is one error.
    pub(super) fn lost(&mut self, fields: Option<Box<[u8]>>) -> Result<(), End> {
        let talk = &self.talk;
        let sent = !talk.owed.is_settled();
        let plain = self.shared.mode == Mode::Transaction
            && talk.state().is_none()
            && talk.owed.status() == b'I'
            && self.up.at_boundary()
            && self.down.at_boundary();
        let goes_on = plain && (!sent || talk.owed.ends_with_one_ready());
        let lease = self.take_back();
        let server = lease.as_ref().map(|lease| lease.id);
        tracing::warn!(connection = self.id, server, "the connection to the database was lost");
        drop(lease);
        if !goes_on {
            return Err(fields.map_or_else(|| End::Ours(lost(sent)), End::Servers));
        }
        self.up.discard();
        self.since = None;
        if sent {
            let out = self.down.insert();
            match fields {
                Some(fields) => put_error(out, Severity::Error, &fields),
                None => answer::error(out, Severity::Error, &farewell::lost(sent)),
            }
            answer::ready_for_query(out, b'I');
        }
        self.talk.forget_server();
        Ok(())
    }
}
