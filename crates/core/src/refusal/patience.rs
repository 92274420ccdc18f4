//! For how long a server that may only be waking up is tried again.

use alloc::format;
use core::time::Duration;

use super::{LoginRefusal, classify_failure};
use crate::edge::{DatabaseError, Level, Notice};
use crate::time::{Clocks, Timeline, Timestamp};

/// How long an endpoint that scaled to zero is waited for. Its own proxy gives up earlier; with a
/// restart of the instance below it, two minutes have been seen.
pub const WAKE_UP: Duration = Duration::from_secs(120);

/// The pause after the first try; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause: nobody waits much longer than the server takes.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Counts the tries of one login. The time limit is for silence, never for a refusal.
#[derive(Debug)]
pub struct Patience {
    timeline: Timeline,
    limit: Duration,
    pause: Duration,
}

/// That a login is to be tried again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Retry {
    /// Not before so long.
    pub pause: Duration,
    /// What the person who watches is told of it.
    pub notice: Notice,
}

impl Patience {
    /// Starts with the first try. With a limit of zero it is the only one.
    pub const fn new(now: Clocks, limit: Duration) -> Self {
        Self { timeline: Timeline::start(now), limit, pause: FIRST_PAUSE }
    }

    /// What follows a try at `host` that failed like this; `None`: nothing, it is final.
    pub fn after(&mut self, now: Clocks, host: &str, error: &DatabaseError) -> Option<Retry> {
        let waited = self.timeline.at(now).since(Timestamp::default());
        let left = self.limit.saturating_sub(waited);
        if left.is_zero() || !asleep(error) {
            return None;
        }
        let seconds = left.as_secs();
        let text = format!("{host} lets nobody in yet ({error}); trying again for {seconds} s");
        let retry =
            Retry { pause: self.pause.min(left), notice: Notice { level: Level::Info, text } };
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        Some(retry)
    }
}

/// Whether the server may only be waking up. Words that we know say it best, whoever passes them on.
fn asleep(error: &DatabaseError) -> bool {
    match classify_failure(error) {
        LoginRefusal::Other => {
            matches!(error, DatabaseError::Unreachable { .. } | DatabaseError::Lost { .. })
        }
        refusal => refusal.transient(),
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn at(second: u64) -> Clocks {
        Clocks { wall: second * 1_000, monotonic: second * 1_000 }
    }

    fn silence() -> DatabaseError {
        DatabaseError::Unreachable { detail: "connection refused".into() }
    }

    #[test]
    fn the_pauses_grow_and_end_with_the_limit() {
        let mut patience = Patience::new(at(0), Duration::from_secs(30));
        let mut now = 0;
        let mut pauses = Vec::new();
        while let Some(retry) = patience.after(at(now), "h.example", &silence()) {
            pauses.push(retry.pause.as_secs());
            now += retry.pause.as_secs();
        }
        assert_eq!(pauses, [1, 2, 4, 8, 10, 5]);
    }

    #[test]
    fn it_says_what_it_waits_for() {
        let mut patience = Patience::new(at(0), WAKE_UP);
        let retry = patience.after(at(20), "h.example", &silence()).unwrap();
        assert_eq!(
            retry.notice.text,
            "h.example lets nobody in yet (no connection: connection refused); trying again for 100 s"
        );
    }

    #[test]
    fn a_refusal_is_final() {
        let mut patience = Patience::new(at(0), WAKE_UP);
        let tls = DatabaseError::Tls { detail: "unknown issuer".into() };
        assert_eq!(patience.after(at(0), "h.example", &tls), None);
        let other = DatabaseError::Other { detail: "OAuth: User is not authorized".into() };
        assert_eq!(patience.after(at(0), "h.example", &other), None);
    }
}
