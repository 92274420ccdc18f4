//! What is good for a while, at hand without a lock: a credential, renewed by a task of its own.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;

use crate::clock::{Clock, Reading};

/// A value that is good for a while.
pub struct Held<T> {
    value: T,
    /// When it was handed out, by both clocks; either may say that it is over.
    taken: Reading,
    /// For so many milliseconds from then on.
    valid_for: u64,
}

impl<T> Held<T> {
    /// A value that was handed out at `taken` and is good for `valid_for` milliseconds from then on.
    pub const fn new(value: T, taken: Reading, valid_for: u64) -> Self {
        Self { value, taken, valid_for }
    }

    /// Whether it is still good.
    fn lives(&self, now: Reading) -> bool {
        now.since(self.taken) < self.valid_for
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// The readers' side. Clones show the same.
pub struct Live<T> {
    cell: Arc<ArcSwapOption<Held<T>>>,
    clock: Clock,
    changes: watch::Receiver<()>,
}

/// The side of the one who renews.
pub struct Keeper<T> {
    cell: Arc<ArcSwapOption<Held<T>>>,
    changed: watch::Sender<()>,
}

/// A place for a value, without one.
#[must_use]
pub fn live<T>(clock: Clock) -> (Keeper<T>, Live<T>) {
    let cell = Arc::new(ArcSwapOption::empty());
    let (changed, changes) = watch::channel(());
    (Keeper { cell: Arc::clone(&cell), changed }, Live { cell, clock, changes })
}

impl<T> Keeper<T> {
    /// Puts a value in the place of the last one, and tells those who wait for a change.
    pub fn put(&self, held: Held<T>) {
        self.cell.store(Some(Arc::new(held)));
        self.changed.send_replace(());
    }

    /// The last value, be it good or not any more.
    #[must_use]
    pub fn last(&self) -> Option<Arc<Held<T>>> {
        self.cell.load_full()
    }

    /// Whether there is still a reader.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        !self.changed.is_closed()
    }
}

impl<T> Live<T> {
    /// The value, if it is good. Takes no lock and asks nobody.
    #[must_use]
    pub fn get(&self) -> Option<Arc<Held<T>>> {
        let held = self.cell.load();
        held.as_ref().filter(|held| held.lives(self.clock.now())).map(Arc::clone)
    }

    /// Waits for the next change; `false`: there will be none, for the keeper has gone.
    pub async fn changed(&mut self) -> bool {
        self.changes.changed().await.is_ok()
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        Self {
            cell: Arc::clone(&self.cell),
            clock: self.clock.clone(),
            changes: self.changes.clone(),
        }
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("good", &self.get().is_some()).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Keeper<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keeper").field("wanted", &self.is_wanted()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_value_is_shown_as_long_as_it_is_good() {
        let clock = Clock::new(None);
        let (keeper, mut live) = live(clock.clone());
        assert!(live.get().is_none());
        keeper.put(Held::new("first", clock.now(), u64::MAX));
        assert!(live.changed().await);
        assert_eq!(live.get().map(|held| **held), Some("first"));

        keeper.put(Held::new("over", clock.now(), 0));
        assert!(live.get().is_none());
        assert_eq!(keeper.last().map(|held| **held), Some("over"));
    }

    #[tokio::test]
    async fn each_side_knows_when_the_other_has_gone() {
        let (keeper, live) = live::<()>(Clock::new(None));
        let mut other = live.clone();
        drop(live);
        assert!(keeper.is_wanted());
        drop(keeper);
        assert!(!other.changed().await);

        let (keeper, live) = super::live::<()>(Clock::new(None));
        drop(live);
        assert!(!keeper.is_wanted());
    }
}
