//! Who is here: counted, so that there are never too many, and so that an end can be waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::Notify;

/// Connections from applications, before and after they were let in, and where they come in.
pub(crate) struct Crowd {
    /// Where applications knock.
    pub(crate) doors: Room,
    /// Who is still proving that they may enter.
    pub(crate) guests: Room,
    /// Who was let in.
    pub(crate) clients: Room,
}

impl Crowd {
    /// Nobody is here yet. `clients` follows how many are let in.
    pub(crate) fn new(clients: Gauge) -> Self {
        let uncounted = || Room::new(Gauge::default());
        Self { doors: uncounted(), guests: uncounted(), clients: Room::new(clients) }
    }
}

/// A room that knows how many are in it; a clone is the same room.
#[derive(Clone)]
pub(crate) struct Room(Arc<Count>);

struct Count {
    present: AtomicUsize,
    gauge: Gauge,
    left: Notify,
}

/// One who is in a room; dropped, it has left.
pub(crate) struct Present(Room);

impl Room {
    fn new(gauge: Gauge) -> Self {
        Self(Arc::new(Count { present: AtomicUsize::new(0), gauge, left: Notify::new() }))
    }

    /// One more, if there are fewer than `limit`.
    pub(crate) fn enter(&self, limit: usize) -> Option<Present> {
        let more = |present| (present < limit).then_some(present + 1);
        self.0.present.fetch_update(Ordering::AcqRel, Ordering::Acquire, more).ok()?;
        self.0.gauge.inc();
        Some(Present(self.clone()))
    }

    /// How many are in it.
    pub(crate) fn present(&self) -> usize {
        self.0.present.load(Ordering::Acquire)
    }

    /// Waits until nobody is in it.
    pub(crate) async fn empty(&self) {
        loop {
            let mut left = std::pin::pin!(self.0.left.notified());
            left.as_mut().enable();
            if self.present() == 0 {
                return;
            }
            left.await;
        }
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        let count = &self.0.0;
        count.gauge.dec();
        if count.present.fetch_sub(1, Ordering::AcqRel) == 1 {
            count.left.notify_waiters();
        }
    }
}
