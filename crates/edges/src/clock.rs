//! Both clocks of this machine, or those of a rehearsal.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How often the clocks are looked at while something waits: how late it may be after a suspend.
const TICK: Duration = Duration::from_secs(30);

/// How often a rehearsal's file is.
const REHEARSAL_TICK: Duration = Duration::from_millis(20);

/// How soon after a reading a wait begins that was computed by it.
const AT_ONCE: Duration = Duration::from_secs(1);

/// The clocks. Clones show the same.
#[derive(Clone, Debug)]
pub struct Clock {
    start: Instant,
    rehearsal: Option<Arc<PathBuf>>,
    /// The last reading, and when it was taken.
    last: Arc<Mutex<Option<(Instant, Reading)>>>,
}

/// What the clocks show, in milliseconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reading {
    /// Since 1970-01-01T00:00:00Z.
    pub wall: u64,
    /// Since the clocks were made.
    pub monotonic: u64,
}

impl Reading {
    /// How many milliseconds have passed since an earlier reading: the larger of the two clocks'
    /// opinions, for the monotonic one may have slept and the other may have been set back.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        let monotonic = self.monotonic.saturating_sub(earlier.monotonic);
        monotonic.max(self.wall.saturating_sub(earlier.wall))
    }
}

impl Clock {
    /// The clocks of this machine. With `rehearsal`, both run ahead of them by what that file says:
    /// `{"shift_ms": 3000000}`, as the emulator writes it, so that an hour can pass at once.
    #[must_use]
    pub fn new(rehearsal: Option<PathBuf>) -> Self {
        Self { start: Instant::now(), rehearsal: rehearsal.map(Arc::new), last: Arc::default() }
    }

    /// Reads both.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where everybody else is to ask")]
    pub fn now(&self) -> Reading {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let shift = self.shift();
        let reading = Reading {
            wall: millis(wall).saturating_add_signed(shift.wall),
            monotonic: millis(self.start.elapsed()).saturating_add(shift.monotonic),
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), reading));
        reading
    }

    /// What the clocks show, as far as whoever waits now can know. Who read them a moment ago has
    /// computed the wait by that: when they have jumped since, the wait is shorter for it.
    fn known(&self) -> Reading {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        match last.map(|(taken, reading)| (taken.elapsed(), reading)) {
            Some((since, Reading { wall, monotonic })) if since < AT_ONCE => {
                let since = millis(since);
                Reading {
                    wall: wall.saturating_add(since),
                    monotonic: monotonic.saturating_add(since),
                }
            }
            _ => self.now(),
        }
    }

    /// Waits until either clock has gone on by so many milliseconds.
    ///
    /// A timer counts with the monotonic clock, which stands still in a suspend: a wait of fifty
    /// minutes would end that much later, and a token would be long dead by then. So it looks up
    /// now and then.
    pub async fn sleep(&self, milliseconds: u64) {
        let tick = if self.rehearsal.is_some() { REHEARSAL_TICK } else { TICK };
        let begin = self.known();
        loop {
            let left = milliseconds.saturating_sub(self.now().since(begin));
            if left == 0 {
                return;
            }
            tokio::time::sleep(tick.min(Duration::from_millis(left))).await;
        }
    }

    fn shift(&self) -> Shift {
        let Some(path) = &self.rehearsal else { return Shift::default() };
        let text = std::fs::read_to_string(path.as_ref()).unwrap_or_default();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let shift = value["shift_ms"].as_u64().unwrap_or(0);
        let wall_only = value["wall_ms"].as_i64().unwrap_or(0);
        Shift { wall: wall_only.saturating_add_unsigned(shift), monotonic: shift }
    }
}

/// How far a rehearsal's clocks are ahead, in milliseconds.
#[derive(Default)]
struct Shift {
    wall: i64,
    monotonic: u64,
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use super::*;

    #[test]
    fn as_much_has_passed_as_the_further_clock_says() {
        let at = |wall, monotonic| Reading { wall, monotonic };
        for (earlier, now, expected) in [
            (at(1_000, 0), at(1_500, 500), 500),
            (at(1_000, 0), at(3_601_000, 5), 3_600_000), // A suspend.
            (at(1_000, 0), at(0, 700), 700),             // The wall clock was set back.
            (at(1_000, 9), at(0, 9), 0),
        ] {
            assert_eq!(now.since(earlier), expected);
        }
    }

    fn file(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("lakegate-clock-{name}-{}", std::process::id()))
    }

    /// Whether a wait of an hour is over at the first look.
    async fn hour_is_over(clock: &Clock) -> bool {
        tokio::select! {
            biased;
            () = clock.sleep(3_600_000) => true,
            () = std::future::ready(()) => false,
        }
    }

    #[tokio::test]
    async fn a_wait_counts_from_the_reading_that_it_was_computed_by() {
        let path = file("known");
        let clock = Clock::new(Some(path.clone()));
        for hours in 1.. {
            let (since, before) = (Instant::now(), clock.now());
            std::fs::write(&path, format!(r#"{{"shift_ms": {}}}"#, hours * 3_600_000)).unwrap();
            if hour_is_over(&clock).await {
                assert!(3_600_000 <= clock.now().since(before));
                break;
            }
            // A machine that was busy in between: what was read is a moment ago no more.
            assert!(AT_ONCE <= since.elapsed());
        }
        std::fs::remove_file(path).unwrap();
    }

    #[tokio::test]
    async fn a_wait_ends_when_the_wall_clock_says_so() {
        let path = file("wall");
        let clock = Clock::new(Some(path.clone()));
        let mut wait = pin!(clock.sleep(3_600_000));
        tokio::select! {
            biased;
            () = &mut wait => panic!("an hour has not passed"),
            () = std::future::ready(()) => {}
        }
        std::fs::write(&path, r#"{"wall_ms": 3600000}"#).unwrap();
        tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap();
        std::fs::remove_file(path).unwrap();
    }
}
