//! Time as an argument: two clocks in, one timeline out.

use core::fmt;
use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on a [`Timeline`], in milliseconds from an arbitrary start.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// A point this many milliseconds after the start.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the start.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long it is from `earlier` until `self`; zero if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    /// Saturates at the end of time.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    /// Saturates at the start.
    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis(duration)))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1000, self.0 % 1000)
    }
}

/// A duration in whole milliseconds; what is too long for that is `u64::MAX`.
///
/// [`Duration::as_millis`] counts in 128 bits, which WebAssembly has no instructions for.
pub const fn millis(duration: Duration) -> u64 {
    const MOST: u64 = u64::MAX / 1000;
    match duration.as_secs() {
        MOST.. => u64::MAX,
        seconds => seconds * 1000 + duration.subsec_millis() as u64,
    }
}

/// What the two clocks of a machine say at one moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clocks {
    /// Milliseconds since 1970-01-01T00:00:00Z. May be wrong, and may jump either way.
    pub wall: u64,
    /// Milliseconds since some moment. Never goes back, but may stand still while the machine
    /// is suspended.
    pub monotonic: u64,
}

/// One timeline out of two clocks that are each wrong in a way of their own.
///
/// The monotonic clock may have slept through a suspend, the wall clock may have been set back. As
/// much time has passed as the *larger* of the two says: a token is then thought dead too early at
/// worst (one mint too many), never alive too long. Readings never go back.
///
/// ```
/// use lakegate_core::time::{Clocks, Timeline, Timestamp};
/// let mut timeline = Timeline::start(Clocks { wall: 1_000_000, monotonic: 0 });
/// // An hour of suspend: only the wall clock noticed.
/// let now = timeline.at(Clocks { wall: 4_600_000, monotonic: 5 });
/// assert_eq!(now, Timestamp::from_millis(3_600_000));
/// // The wall clock is set back a day: the monotonic one still counts from where we are.
/// assert_eq!(timeline.at(Clocks { wall: 0, monotonic: 1_005 }).as_millis(), 3_601_000);
/// ```
#[derive(Debug)]
pub struct Timeline {
    seen: Clocks,
    now: Timestamp,
}

impl Timeline {
    /// Starts a timeline at zero.
    pub const fn start(clocks: Clocks) -> Self {
        Self { seen: clocks, now: Timestamp(0) }
    }

    /// The point of the last reading.
    pub const fn last(&self) -> Timestamp {
        self.now
    }

    /// The point at which the clocks show this. Readings are to be given in the order they were
    /// taken.
    pub fn at(&mut self, clocks: Clocks) -> Timestamp {
        let monotonic = clocks.monotonic.saturating_sub(self.seen.monotonic);
        let wall = clocks.wall.saturating_sub(self.seen.wall);
        self.seen = clocks;
        self.now = self.now + Duration::from_millis(monotonic.max(wall));
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_milliseconds_as_far_as_they_go() {
        for (duration, expected) in [
            (Duration::ZERO, 0),
            (Duration::from_micros(1_999), 1),
            (Duration::new(3_600, 999_999_999), 3_600_999),
            (Duration::new(u64::MAX / 1000 - 1, 999_999_999), (u64::MAX / 1000) * 1000 - 1),
            (Duration::from_millis(u64::MAX), u64::MAX),
            (Duration::MAX, u64::MAX),
        ] {
            assert_eq!(millis(duration), expected, "{duration:?}");
        }
    }
}
