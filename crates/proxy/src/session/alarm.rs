//! Wakes a session when the proxy stops.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::stop::Stop;

/// Waits for the next phase of the end, for as long as a session lives: it is polled for each
/// query, and must not be made anew each time.
pub(super) struct Alarm {
    stop: Stop,
    next: Pin<Box<dyn Future<Output = ()> + Send>>,
    drained: bool,
}

impl Alarm {
    pub(super) fn new(stop: Stop) -> Self {
        let waiting = stop.clone();
        let next = Box::pin(async move { waiting.draining().await });
        Self { stop, next, drained: false }
    }

    /// Whether who is in no transaction is to go.
    pub(super) fn is_draining(&self) -> bool {
        self.stop.is_draining()
    }

    /// Whether everybody is to go.
    pub(super) fn is_ended(&self) -> bool {
        self.stop.is_ended()
    }

    /// Ready once for each phase.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.drained && self.stop.is_ended() {
            return Poll::Pending;
        }
        let ready = self.next.as_mut().poll(cx);
        if ready.is_ready() {
            self.drained = true;
            let waiting = self.stop.clone();
            self.next = Box::pin(async move { waiting.ended().await });
        }
        ready
    }
}
