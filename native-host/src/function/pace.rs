//! Keeps new requests from starving those that an instance has begun.
//!
//! What a guest puts off for a moment wasmtime carries on when nothing else is to do, and a new
//! request is something else. Under a load without a pause, requests that were answered would never
//! come to their end, and their memory and handles add up until a trap ends the instance. So only a
//! number of requests is begun before all that was put off has had its turn.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Wake, Waker, ready};

use futures_util::task::AtomicWaker;
use tokio::sync::mpsc::UnboundedReceiver;

/// How many requests are begun between two pauses: enough that pauses cost nothing, and few enough
/// that nobody waits long for the rest of an answer.
const BATCH: usize = 64;

/// How many polls without a pause let one more request begin: a guest that computes for long, and
/// puts itself off again and again, must not keep all others out.
const PATIENCE: usize = 16;

/// How many more requests may begin before the next pause.
pub(super) struct Pace {
    left: AtomicUsize,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self { left: AtomicUsize::new(BATCH) }
    }

    /// The next of the queue, once one more may begin; none when the queue is closed and empty. To
    /// be called below [`Self::drive`] alone.
    pub(super) async fn next<T>(&self, queue: &mut UnboundedReceiver<T>) -> Option<T> {
        poll_fn(|context| {
            if self.left.load(Relaxed) == 0 {
                // `drive` polls again after the pause.
                return Poll::Pending;
            }
            let next = ready!(queue.poll_recv(context));
            self.left.fetch_sub(1, Relaxed);
            Poll::Ready(next)
        })
        .await
    }

    /// Carries out the work of an instance. It pauses when a poll ends and has not asked for the
    /// next one already.
    pub(super) async fn drive<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        let bell = Arc::new(Bell::default());
        let waker = Waker::from(Arc::clone(&bell));
        let mut busy = 0;
        poll_fn(|context| {
            bell.sleeper.register(context.waker());
            loop {
                bell.rung.store(false, Relaxed);
                let polled = work.as_mut().poll(&mut Context::from_waker(&waker));
                if polled.is_ready() {
                    return polled;
                }
                if bell.rung.load(Relaxed) {
                    busy += 1;
                    if busy % PATIENCE == 0 {
                        self.left.fetch_max(1, Relaxed);
                    }
                    return Poll::Pending;
                }
                if self.left.swap(BATCH, Relaxed) != 0 {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// Wakes the instance's task, and remembers it.
#[derive(Default)]
struct Bell {
    rung: AtomicBool,
    sleeper: AtomicWaker,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Relaxed);
        self.sleeper.wake();
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;

    /// How many of 1,000 requests are begun in so many polls of an instance that does nothing but
    /// begin them, and is `busy` with something put off or pauses.
    #[track_caller]
    fn check(busy: bool, polls: usize, expected: usize) {
        let (sender, mut queue) = unbounded_channel();
        (0..1_000).for_each(|number| sender.send(number).unwrap());
        let (pace, begun) = (Pace::new(), AtomicUsize::new(0));
        let mut work = pin!(pace.drive(poll_fn(|context| {
            while pin!(pace.next(&mut queue)).poll(context).is_ready() {
                begun.fetch_add(1, Relaxed);
            }
            if busy {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })));
        for _ in 0..polls {
            assert!(work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        assert_eq!(begun.load(Relaxed), expected);
    }

    #[test]
    fn who_pauses_takes_all() {
        check(false, 1, 1_000);
    }

    #[test]
    fn who_is_busy_takes_few() {
        check(true, 1, BATCH);
        check(true, PATIENCE, BATCH);
        check(true, PATIENCE + 1, BATCH + 1);
        check(true, 10 * PATIENCE + 1, BATCH + 10);
    }
}
