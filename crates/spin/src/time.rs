//! Clocks and moments.

use std::time::Duration;

use futures_util::future::{Either, select};
use jiff::Timestamp;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::clocks::{monotonic_clock, system_clock};

/// Milliseconds since 1970 by the wall clock; a clock before that shows 0.
pub(crate) fn wall() -> u64 {
    let now = system_clock::now();
    u64::try_from(now.seconds).map_or(0, |s| s * 1000 + u64::from(now.nanoseconds / 1_000_000))
}

/// Milliseconds since some moment; never goes back.
pub(crate) fn monotonic() -> u64 {
    monotonic_clock::now() / 1_000_000
}

/// A moment in milliseconds since 1970 as RFC 3339, to the second. A password that never ends has
/// none that can be written.
pub(crate) fn rfc3339(milliseconds: u64) -> Option<String> {
    let second = i64::try_from(milliseconds / 1000).ok()?;
    Timestamp::from_second(second).ok().map(|moment| moment.to_string())
}

/// What a future gives, if it ends within the limit.
pub(crate) async fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let (future, limit) = (std::pin::pin!(future), std::pin::pin!(sleep(limit)));
    match select(future, limit).await {
        Either::Left((value, _)) => Some(value),
        Either::Right(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_to_the_second() {
        assert_eq!(rfc3339(1_795_349_839_999).as_deref(), Some("2026-11-22T12:17:19Z"));
        assert_eq!(rfc3339(u64::MAX), None, "a password never ends");
    }
}
