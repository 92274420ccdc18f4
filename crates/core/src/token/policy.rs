//! The numbers that a token's life goes by.

use core::time::Duration;

use crate::time::millis;

/// The numbers that a [`TokenLifecycle`](super::TokenLifecycle) goes by.
///
/// Not here, because they are proportions of a lifetime and nobody has a reason to change them:
/// a refresh is due after 5/6 of it (50 of 60 minutes), up to 1/50 earlier by chance.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Policy {
    /// Draw the first refresh of a process from the second half of its interval, so that replicas
    /// started together do not mint together ever after. Off by default: it costs a mint.
    pub spread: bool,
    /// How long before its expiry a token is dead for us. 40 s: the Databricks SDK for Python
    /// counts the same, and Azure refuses a token in its last 30 s. A token of less than 8 minutes
    /// loses a twelfth of its life instead, or it would be dead before its refresh is due.
    pub dead_before: Duration,
    /// The least time between the starts of two mints, whatever the answers are. 1 s.
    pub floor: Duration,
    /// The pause after a first transient failure; it doubles with each further one. 1 s.
    pub first_pause: Duration,
    /// The longest such pause. 60 s. Shorter while an old token lives, for [`tries`](Self::tries).
    pub longest_pause: Duration,
    /// How many tries there are at least between the refresh time and the death of a token, as
    /// long as failures are quick and name no `Retry-After`. 10.
    pub tries: u32,
    /// The most of a `Retry-After` that is honoured. 5 min: half of a token's last ten minutes.
    pub longest_retry_after: Duration,
    /// The pause after a permanent refusal. 60 s: secrets get rotated, so it is asked again.
    pub denied_pause: Duration,
    /// How long a mint may take in all, before it counts as failed. 60 s: the Databricks SDK for
    /// Go gives as much.
    pub mint_limit: Duration,
    /// How long after its arrival a token is fresh: if it is refused at a login then, another one
    /// would be refused too. 30 s: a connect (10 s) and a slow handshake.
    pub fresh: Duration,
    /// How long refusals of a token that was refused while fresh are not answered by a new mint.
    /// 5 min: a login that is refused for ever costs at most 12 mints an hour.
    pub distrust: Duration,
    /// How long a caller waits for a first token while tries fail. 60 s.
    pub patience: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            spread: false,
            dead_before: Duration::from_secs(40),
            floor: Duration::from_secs(1),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            tries: 10,
            longest_retry_after: Duration::from_secs(300),
            denied_pause: Duration::from_secs(60),
            mint_limit: Duration::from_secs(60),
            fresh: Duration::from_secs(30),
            distrust: Duration::from_secs(300),
            patience: Duration::from_secs(60),
        }
    }
}

impl Policy {
    /// How old a token gets before its refresh is due.
    pub(super) fn refresh_after(&self, life: Duration, first: bool, draw: u64) -> Duration {
        let interval = life / 6 * 5;
        let scatter = if first && self.spread { interval / 2 } else { interval / 50 };
        interval - portion(scatter, draw)
    }

    /// The age at which chance lets the first of many refresh a token that they share.
    pub(super) fn earliest_refresh(&self, life: Duration) -> Duration {
        self.refresh_after(life, false, u64::MAX)
    }

    /// How old a token gets before it is dead for us.
    pub(crate) fn dead_after(&self, life: Duration) -> Duration {
        life - self.dead_before.min(life / 12)
    }

    /// The pause after this many transient failures in a row; `window` is the time from the
    /// refresh time to the death of the token that still lives.
    pub(super) fn pause(&self, failures: u32, window: Option<Duration>, draw: u64) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1));
        let mut pause = self.first_pause.saturating_mul(doubled).min(self.longest_pause);
        if let Some(window) = window {
            // Chance adds up to a quarter: a tenth of the window at most, after that.
            pause = pause.min(window / self.tries.max(1) / 5 * 4).max(self.first_pause);
        }
        pause / 4 * 3 + portion(pause / 2, draw)
    }

    /// The pause that a `Retry-After` asks for. A little longer by chance, so that not all who
    /// were sent away come back in the same second.
    pub(super) fn asked_pause(&self, retry_after: Duration, draw: u64) -> Duration {
        let asked = retry_after.min(self.longest_retry_after);
        asked + portion(asked / 10, draw)
    }

    /// The pause after a permanent refusal.
    pub(super) fn denied_pause(&self, draw: u64) -> Duration {
        self.denied_pause + portion(self.denied_pause / 10, draw)
    }
}

/// A part of `whole`, from none to nearly all of it, as the random number says.
fn portion(whole: Duration, draw: u64) -> Duration {
    let part = (u128::from(millis(whole)) * u128::from(draw)) >> u64::BITS;
    Duration::from_millis(part as u64) // Less than the whole.
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn refreshes_after_five_sixths_less_a_fiftieth_at_most() {
        let policy = Policy::default();
        assert_eq!(policy.refresh_after(HOUR, false, 0).as_millis(), 3_000_000);
        assert_eq!(policy.refresh_after(HOUR, false, u64::MAX).as_millis(), 2_940_001);
        assert_eq!(policy.refresh_after(HOUR, true, u64::MAX).as_millis(), 2_940_001);
    }

    #[test]
    fn spreads_the_first_refresh_over_half_an_interval() {
        let policy = Policy { spread: true, ..Policy::default() };
        assert_eq!(policy.refresh_after(HOUR, true, 0).as_millis(), 3_000_000);
        assert_eq!(policy.refresh_after(HOUR, true, u64::MAX).as_millis(), 1_500_001);
        assert_eq!(policy.refresh_after(HOUR, false, u64::MAX).as_millis(), 2_940_001);
    }

    #[test]
    fn is_dead_40_s_early_or_a_twelfth_of_a_short_life() {
        let dead_after = |seconds| Policy::default().dead_after(Duration::from_secs(seconds));
        assert_eq!(dead_after(3_600).as_secs(), 3_560);
        assert_eq!(dead_after(480).as_secs(), 440);
        assert_eq!(dead_after(60).as_secs(), 55);
        assert_eq!(dead_after(0).as_secs(), 0);
    }

    #[test]
    fn pauses_double_up_to_a_minute() {
        let policy = Policy::default();
        let middle = u64::MAX / 2 + 1;
        let seconds = [1, 2, 3, 4, 5, 6, 7, 8, 100, u32::MAX]
            .map(|failures| policy.pause(failures, None, middle).as_secs());
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        assert_eq!(policy.pause(2, None, 0).as_millis(), 1_500);
        assert_eq!(policy.pause(2, None, u64::MAX).as_millis(), 2_499);
    }

    #[test]
    fn there_is_room_for_ten_tries_while_a_token_lives() {
        let policy = Policy::default();
        for life in [3_600, 1_800, 600, 480, 240] {
            let life = Duration::from_secs(life);
            let window = policy.dead_after(life) - policy.refresh_after(life, false, 0);
            let pauses: Duration = (1..10).map(|n| policy.pause(n, Some(window), u64::MAX)).sum();
            assert!(pauses < window, "{pauses:?} of {window:?}");
        }
    }

    #[test]
    fn honours_a_retry_after_up_to_five_minutes() {
        let asked = |seconds| Policy::default().asked_pause(Duration::from_secs(seconds), 0);
        assert_eq!(asked(7).as_secs(), 7);
        assert_eq!(asked(86_400).as_secs(), 300);
    }
}
