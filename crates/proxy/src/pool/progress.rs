//! Tells the log that a connection takes long to open, and why.

use std::time::Duration;

use tokio::time::Instant;

use crate::logins::Failure;

/// A login that takes no longer is not worth a word.
const FIRST_WORD: Duration = Duration::from_secs(3);

/// Between two words.
const PAUSE: Duration = Duration::from_secs(5);

/// What it says while it starts; a gateway in front of it says nothing.
const ASLEEP: &str = "57P03";

/// How the opening of a connection goes.
pub(super) struct Progress {
    since: Instant,
    next_word: Instant,
    said: bool,
    latest: Option<Failure>,
}

impl Progress {
    pub(super) fn new() -> Self {
        let since = Instant::now();
        Self { since, next_word: since + FIRST_WORD, said: false, latest: None }
    }

    /// Waits for something, and says from time to time that it does.
    pub(super) async fn watch<F: Future>(&mut self, waited_for: F) -> F::Output {
        let mut waited_for = std::pin::pin!(waited_for);
        loop {
            tokio::select! {
                biased;
                output = &mut waited_for => return output,
                () = tokio::time::sleep_until(self.next_word) => self.say(),
            }
        }
    }

    /// Why the latest try failed.
    pub(super) fn note(&mut self, failure: &Failure) {
        if self.latest.is_none() {
            tracing::warn!(sqlstate = failure.code, "no connection to the database yet: {failure}");
        }
        self.latest = Some(failure.clone());
    }

    /// There is a connection now.
    pub(super) fn done(&self) {
        if self.said {
            tracing::info!("connected to the database after {} s", self.since.elapsed().as_secs());
        }
    }

    fn say(&mut self) {
        self.said = true;
        self.next_word = Instant::now() + PAUSE;
        let seconds = self.since.elapsed().as_secs();
        match &self.latest {
            Some(failure) if failure.code != ASLEEP => {
                tracing::info!("no connection to the database yet, {seconds} s: {failure}");
            }
            _ => tracing::info!("the database is waking up, {seconds} s"),
        }
    }
}
