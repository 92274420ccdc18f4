//! Waking those who wait for a change.

use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

/// A count of changes that can be waited on, by any number of tasks of one thread.
#[derive(Debug, Default)]
pub(super) struct Signal {
    count: Cell<u64>,
    next_id: Cell<u64>,
    waiting: RefCell<Vec<(u64, Waker)>>,
}

impl Signal {
    /// How many changes there were.
    pub(super) fn count(&self) -> u64 {
        self.count.get()
    }

    /// Counts a change and wakes all who wait.
    pub(super) fn notify(&self) {
        self.count.set(self.count.get() + 1);
        // Taken out first: a waker may run its task here and now, which may wait again.
        let waiting = self.waiting.take();
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    /// Waits until there were more changes than these. Dropping it forgets its waker.
    pub(super) fn after(&self, seen: u64) -> After<'_> {
        let id = self.next_id.get();
        self.next_id.set(id + 1);
        After { signal: self, seen, id }
    }
}

/// See [`Signal::after`].
#[derive(Debug)]
pub(super) struct After<'a> {
    signal: &'a Signal,
    seen: u64,
    id: u64,
}

impl Future for After<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.signal.count() > self.seen {
            return Poll::Ready(());
        }
        let mut waiting = self.signal.waiting.borrow_mut();
        match waiting.iter_mut().find(|(id, _)| *id == self.id) {
            Some((_, waker)) => waker.clone_from(context.waker()),
            None => waiting.push((self.id, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for After<'_> {
    fn drop(&mut self) {
        self.signal.waiting.borrow_mut().retain(|(id, _)| *id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use core::pin::pin;

    use super::*;

    #[test]
    fn wakes_all_who_wait_and_forgets_those_who_left() {
        let signal = Signal::default();
        let mut context = Context::from_waker(Waker::noop());
        let mut stays = pin!(signal.after(0));
        assert_eq!(stays.as_mut().poll(&mut context), Poll::Pending);
        assert_eq!(stays.as_mut().poll(&mut context), Poll::Pending);
        {
            let mut leaves = pin!(signal.after(0));
            assert_eq!(leaves.as_mut().poll(&mut context), Poll::Pending);
            assert_eq!(signal.waiting.borrow().len(), 2);
        }
        assert_eq!(signal.waiting.borrow().len(), 1);
        signal.notify();
        assert_eq!(stays.as_mut().poll(&mut context), Poll::Ready(()));
        assert!(signal.waiting.borrow().is_empty());
    }

    #[test]
    fn a_change_before_the_wait_is_not_missed() {
        let signal = Signal::default();
        let seen = signal.count();
        signal.notify();
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(pin!(signal.after(seen)).poll(&mut context), Poll::Ready(()));
        assert_eq!(pin!(signal.after(signal.count())).poll(&mut context), Poll::Pending);
    }
}
