//! Whether a connection still lives: one rule for all that a slow client can do.
//!
//! HTTP/1 and 2 can be slow in many ways: no first byte, half a head, nothing after an answer, an
//! answer that nobody takes. All of them look alike from here: no request begins or ends, and no
//! piece of an answer goes out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::limits::Limits;

/// What happened on one connection, and when last.
#[derive(Debug)]
pub(crate) struct Pulse(Mutex<State>);

#[derive(Debug)]
struct State {
    begun: bool,
    under_way: usize,
    last: Instant,
}

impl Pulse {
    pub(crate) fn start() -> Arc<Self> {
        let state = State { begun: false, under_way: 0, last: Instant::now() };
        Arc::new(Self(Mutex::new(state)))
    }

    /// Says that a request begins; it is under way until the beat is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Beat {
        let mut state = self.state();
        state.begun = true;
        state.under_way += 1;
        state.last = Instant::now();
        Beat(Arc::clone(self))
    }

    /// When to give the connection up if nothing happens until then.
    pub(crate) fn end(&self, limits: &Limits) -> Instant {
        let state = self.state();
        let patience = match (state.begun, state.under_way) {
            (false, _) => limits.opening,
            (true, 0) => limits.idle,
            // The function may take its whole time before the first piece of an answer.
            (true, _) => limits.deadline + limits.idle,
        };
        state.last + patience
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Beat(Arc<Pulse>);

impl Beat {
    /// Says that a piece of the answer goes out.
    pub(crate) fn mark(&self) {
        self.0.state().last = Instant::now();
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.under_way -= 1;
        state.last = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn patience_depends_on_what_is_waited_for() {
        let mut limits = Limits::new(1, Duration::from_secs(100));
        limits.opening = Duration::from_secs(10);
        limits.idle = Duration::from_secs(1);
        let pulse = Pulse::start();
        let check = |seconds| {
            let last = pulse.state().last;
            assert_eq!(pulse.end(&limits), last + Duration::from_secs(seconds));
        };
        check(10);
        let first = pulse.begin();
        check(101);
        let second = pulse.begin();
        drop(first);
        check(101);
        drop(second);
        check(1);
    }
}
