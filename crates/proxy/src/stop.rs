//! How everybody learns that the proxy stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

/// How far the end has come; it never goes back. Before, applications come and go.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub(crate) enum Phase {
    /// Nobody is let in; who is in no transaction is sent away.
    Draining = 1,
    /// Everybody is sent away.
    Ended,
    /// Nothing runs any more.
    Gone,
}

/// Tells that the proxy stops; a clone tells the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    moved: Notify,
}

impl Stop {
    /// Whether who is in no transaction is to go. Costs one look at the memory.
    pub(crate) fn is_draining(&self) -> bool {
        self.has_reached(Phase::Draining)
    }

    /// Whether everybody is to go, transaction or not.
    pub(crate) fn is_ended(&self) -> bool {
        self.has_reached(Phase::Ended)
    }

    /// Waits until who is in no transaction is to go.
    pub(crate) async fn draining(&self) {
        self.reached(Phase::Draining).await;
    }

    /// Waits until everybody is to go.
    pub(crate) async fn ended(&self) {
        self.reached(Phase::Ended).await;
    }

    /// Waits for a phase, or a later one.
    pub(crate) async fn reached(&self, phase: Phase) {
        loop {
            let mut moved = std::pin::pin!(self.0.moved.notified());
            moved.as_mut().enable();
            if self.has_reached(phase) {
                return;
            }
            moved.await;
        }
    }

    /// Goes on to a phase.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.phase.fetch_max(phase as u8, Ordering::AcqRel);
        self.0.moved.notify_waiters();
    }

    fn has_reached(&self, phase: Phase) -> bool {
        phase as u8 <= self.0.phase.load(Ordering::Acquire)
    }
}
