//! A token that an instance left behind, for those that come after it.

use core::time::Duration;

use super::{Doubt, Fingerprint, Lifetime, Policy};

/// What is known of a token that was left behind.
///
/// Between two instances there is no clock but the wall clock, and theirs may differ: a token that
/// seems younger than it is may be refused at a login, which costs a mint. One that comes from the
/// future by more than a minute is not trusted at all.
///
/// ```
/// use core::time::Duration;
/// use lakegate_core::{secret::Secret, token::{Fingerprint, Left, Policy}};
/// let fingerprint = Fingerprint::of(&Secret::new("a token"));
/// let left = Left { fingerprint, sent: 0, valid: Duration::from_secs(3_600), doubt: None };
/// let lifetime = left.taken_up(&Policy::default(), 600_000, None).unwrap();
/// assert_eq!(lifetime.age, Some(Duration::from_secs(600)));
/// // Whoever had it already has a reason not to go on with it.
/// assert_eq!(left.taken_up(&Policy::default(), 600_000, Some(fingerprint)), None);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Left {
    /// To know the token again.
    pub fingerprint: Fingerprint,
    /// When its request was sent: milliseconds since 1970 by the clock of who sent it.
    pub sent: u64,
    /// How long it lives from then on.
    pub valid: Duration,
    /// Why that is an assumption.
    pub doubt: Option<Doubt>,
}

/// How far in the future the past of another instance may lie.
const SKEW: u64 = 60_000;

impl Left {
    /// Its lifetime, if an instance takes it up at `wall` (milliseconds since 1970) whose last
    /// token was `last`.
    ///
    /// Any token that lives serves an instance that has had none. One that looks for a successor
    /// takes a token that is due for its own refresh from nobody, or two of them would pass the
    /// same old tokens to and fro.
    pub fn taken_up(
        &self,
        policy: &Policy,
        wall: u64,
        last: Option<Fingerprint>,
    ) -> Option<Lifetime> {
        let end = match last {
            None => policy.dead_after(self.valid),
            Some(last) if last == self.fingerprint => return None,
            Some(_) => policy.earliest_refresh(self.valid),
        };
        let age = self.age(wall).filter(|age| *age < end)?;
        Some(Lifetime { valid: self.valid, doubt: self.doubt, age: Some(age) })
    }

    fn age(&self, wall: u64) -> Option<Duration> {
        let known = self.sent <= wall.saturating_add(SKEW);
        known.then(|| Duration::from_millis(wall.saturating_sub(self.sent)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// Of an hour, asked for at second 10,000; what is taken up at another second, by its age.
    #[track_caller]
    fn check(second: u64, last: Option<&str>, expected: Option<u64>) {
        let print = |token: &str| Fingerprint::of(&Secret::new(token));
        let valid = Duration::from_secs(3_600);
        let left = Left { fingerprint: print("a"), sent: 10_000_000, valid, doubt: None };
        let lifetime = left.taken_up(&Policy::default(), second * 1_000, last.map(print));
        let age = expected.map(|age| Some(Duration::from_secs(age)));
        assert_eq!(lifetime.map(|lifetime| lifetime.age), age);
    }

    #[test]
    fn the_first_token_may_be_any_that_lives() {
        check(10_000, None, Some(0));
        check(13_000, None, Some(3_000));
        check(13_559, None, Some(3_559));
        check(13_560, None, None); // Dead for us 40 s before its end.
        check(20_000, None, None);
    }

    #[test]
    fn a_successor_is_another_token_whose_refresh_is_not_due() {
        check(10_100, Some("a"), None);
        check(10_100, Some("b"), Some(100));
        check(12_940, Some("b"), Some(2_940)); // Nobody refreshes before 49 minutes.
        check(12_941, Some("b"), None);
    }

    #[test]
    fn a_minute_from_the_future_is_now() {
        check(9_999, None, Some(0));
        check(9_940, Some("b"), Some(0));
        check(9_939, None, None);
        check(0, None, None);
    }
}
