//! The one clock of the emulator: real time plus a shift, so that a test makes an hour pass at once.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Real time plus a shift. Every `iat`, `exp`, expiry check and `Date` header follows it.
///
/// ```
/// let clock = lakebase_emulator::clock::Clock::default();
/// let before = clock.now();
/// clock.advance(3_600);
/// assert!(clock.now().as_second() - before.as_second() >= 3_600);
/// ```
#[derive(Debug, Default)]
pub struct Clock {
    shift_s: AtomicI64,
}

impl Clock {
    /// What time the emulator believes it is.
    pub fn now(&self) -> Timestamp {
        let real = Timestamp::now();
        // A shift beyond the calendar leaves real time standing rather than panicking.
        real.checked_add(SignedDuration::from_secs(self.shift_s())).unwrap_or(real)
    }

    /// Moves the clock by `seconds`, back if negative, and returns the whole shift in seconds.
    pub fn advance(&self, seconds: i64) -> i64 {
        self.shift_s.fetch_add(seconds, Ordering::Relaxed).wrapping_add(seconds)
    }

    /// How far the clock is ahead of real time, in seconds.
    pub fn shift_s(&self) -> i64 {
        self.shift_s.load(Ordering::Relaxed)
    }
}

/// `time` as the `Date` header carries it.
pub(crate) fn http_date(time: Timestamp) -> String {
    // Only years that RFC 9110 cannot write fail, and the calendar of `jiff` ends in 9999.
    jiff::fmt::rfc2822::DateTimePrinter::new()
        .timestamp_to_rfc9110_string(&time)
        .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 GMT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_http_writes_them() {
        let time = "2026-02-06T17:07:00Z".parse().unwrap();
        assert_eq!(http_date(time), "Fri, 06 Feb 2026 17:07:00 GMT");
    }

    #[test]
    fn an_absurd_shift_does_not_stop_the_clock() {
        let clock = Clock::default();
        clock.advance(i64::MAX);
        assert!(clock.now() <= Timestamp::now());
    }
}
