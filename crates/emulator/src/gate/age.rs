//! How long a connection lasts: a day without a word, three days in all, by the emulator's clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

const HOUR_MS: i64 = 60 * 60 * 1_000;
/// Without a word from the client.
const IDLE_MS: i64 = 24 * HOUR_MS;
/// From the login on.
const LIFE_MS: i64 = 3 * 24 * HOUR_MS;

/// Why a connection is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(crate) enum Over {
    #[error("idle for 24 hours")]
    Idle,
    #[error("open for 3 days")]
    Old,
}

/// The age of one connection, in milliseconds of the emulator's clock since some moment.
#[derive(Debug)]
pub(crate) struct Age {
    start: Instant,
    shift: watch::Receiver<i64>,
    born: i64,
    last: AtomicI64,
}

impl Age {
    /// A connection that begins now; the clock is ahead of real time by as many milliseconds as
    /// `shift` says.
    pub(crate) fn new(shift: watch::Receiver<i64>) -> Self {
        let born = *shift.borrow();
        Self { start: Instant::now(), shift, born, last: AtomicI64::new(born) }
    }

    /// The client said something.
    pub(crate) fn touch(&self) {
        self.last.fetch_max(self.now(*self.shift.borrow()), Ordering::Relaxed);
    }

    /// Waits until it has lasted long enough.
    pub(crate) async fn over(&self) -> Over {
        let mut shift = self.shift.clone();
        loop {
            let now = self.now(*shift.borrow_and_update());
            let last = self.last.load(Ordering::Relaxed);
            let left = match judge(now, self.born, last) {
                Ok(left) => left,
                Err(over) => return over,
            };
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                moved = shift.changed() => if moved.is_err() {
                    // The clock is gone, and this connection with it.
                    std::future::pending::<()>().await;
                },
            }
        }
    }

    fn now(&self, shift: i64) -> i64 {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        passed.saturating_add(shift)
    }
}

/// How long it may still last if nobody says anything.
fn judge(now: i64, born: i64, last: i64) -> Result<Duration, Over> {
    let left = |since: i64, limit: i64| limit.saturating_sub(now.saturating_sub(since));
    let (idle, life) = (left(last, IDLE_MS), left(born, LIFE_MS));
    match u64::try_from(idle.min(life)) {
        Ok(left @ 1..) => Ok(Duration::from_millis(left)),
        _ if life <= 0 => Err(Over::Old),
        _ => Err(Over::Idle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_silence_or_three_days_in_all() {
        #[track_caller]
        fn check(now_h: i64, last_h: i64, expected: Result<i64, Over>) {
            let expected = expected.map(|hours| Duration::from_millis((hours * HOUR_MS) as u64));
            assert_eq!(judge(now_h * HOUR_MS, 0, last_h * HOUR_MS), expected);
        }
        check(0, 0, Ok(24));
        check(23, 0, Ok(1));
        check(24, 0, Err(Over::Idle));
        check(24, 23, Ok(23));
        check(70, 69, Ok(2));
        check(72, 71, Err(Over::Old));
        check(-9_000, 0, Ok(9_024)); // The clock went back.
    }

    #[tokio::test]
    async fn a_moved_clock_is_noticed() {
        let clock = watch::Sender::new(0);
        let age = Age::new(clock.subscribe());
        clock.send_replace(23 * HOUR_MS);
        age.touch();
        clock.send_replace(46 * HOUR_MS);
        age.touch();
        clock.send_replace(71 * HOUR_MS);
        assert_eq!(age.over().await, Over::Idle);
        clock.send_replace(72 * HOUR_MS);
        assert_eq!(age.over().await, Over::Old);
    }
}
