//! The one clock of the emulator: real time plus a shift, so that a test makes an hour pass at once.
//!
//! The shift stands in a file, `{"shift_ms": 3000000}`. Whoever writes that file moves the clock,
//! of the emulator and of every other program that reads it: Lakegate does, when
//! `LAKEGATE_CLOCK_FILE` names it. So an hour passes for both at the same moment.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;

/// How long it takes to notice that somebody else has moved the clock.
const NOTICE: Duration = Duration::from_millis(100);

/// Real time plus the shift in a file. Every `iat`, `exp`, expiry check and `Date` header follows
/// it.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// let clock = lakebase_emulator::clock::Clock::new(folder.path().join("clock.json"))?;
/// let before = clock.now();
/// clock.advance(3_600)?;
/// assert!(clock.now().as_second() - before.as_second() >= 3_600);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Clock {
    file: PathBuf,
    /// The shift when it was last looked at, for those who wait for it to change.
    shift: watch::Sender<i64>,
    /// Held by whoever moves the clock.
    turn: Mutex<()>,
}

impl Clock {
    /// A clock that shows real time until somebody writes its file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn new(file: PathBuf) -> io::Result<Self> {
        let clock = Self { file, shift: watch::Sender::new(0), turn: Mutex::default() };
        clock.write(&json!({ "shift_ms": 0 }))?;
        Ok(clock)
    }

    /// The file that the shift stands in.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What time the emulator believes it is.
    pub fn now(&self) -> Timestamp {
        let real = Timestamp::now();
        // A shift beyond the calendar leaves real time standing rather than panicking.
        real.checked_add(SignedDuration::from_millis(self.shift_ms())).unwrap_or(real)
    }

    /// Moves the clock by `seconds`, back if negative, and returns the whole shift in milliseconds.
    /// What else stands in the file stays.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn advance(&self, seconds: i64) -> io::Result<i64> {
        // Each goes on from where the one before has left it.
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let shift = self.shift_ms().saturating_add(seconds.saturating_mul(1_000));
        let mut content = self.read();
        content["shift_ms"] = json!(shift);
        self.write(&content)?;
        Ok(self.shift_ms())
    }

    /// How far the clock is ahead of real time, in milliseconds.
    pub fn shift_ms(&self) -> i64 {
        let mut now = 0;
        self.shift.send_if_modified(|seen| {
            // Read in here: whoever read earlier must not be the later one to tell.
            now = self.read()["shift_ms"].as_i64().unwrap_or(0);
            std::mem::replace(seen, now) != now
        });
        now
    }

    /// The same, as it was last seen, and whether it has changed since.
    pub(crate) fn shifts(&self) -> watch::Receiver<i64> {
        self.shift.subscribe()
    }

    /// Looks at the file for as long as it is waited for, because others write it too.
    pub(crate) async fn follow(&self) {
        let mut tick = tokio::time::interval(NOTICE);
        loop {
            tick.tick().await;
            self.shift_ms();
        }
    }

    fn read(&self) -> Value {
        let text = std::fs::read_to_string(&self.file).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|_| json!({}))
    }

    /// Replaces the file as a whole: nobody reads half a number.
    fn write(&self, content: &Value) -> io::Result<()> {
        let beside = self.file.with_extension("next");
        std::fs::write(&beside, content.to_string())?;
        std::fs::rename(&beside, &self.file)
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
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(folder.path().join("clock.json")).unwrap();
        assert_eq!(clock.advance(i64::MAX).unwrap(), i64::MAX);
        assert!(clock.now() <= Timestamp::now());
    }

    #[test]
    fn whoever_writes_the_file_moves_the_clock() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(folder.path().join("clock.json")).unwrap();
        std::fs::write(clock.file(), r#"{"shift_ms": 3600000, "wall_ms": 5}"#).unwrap();
        let now = Timestamp::now();
        assert!(now + SignedDuration::from_secs(3_600) <= clock.now());
        assert_eq!(clock.advance(-60).unwrap(), 3_540_000);
        let content = std::fs::read_to_string(clock.file()).unwrap();
        assert_eq!(content, r#"{"shift_ms":3540000,"wall_ms":5}"#);
    }

    #[test]
    fn nobody_moves_it_back_by_looking_nor_loses_what_another_moved() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::new(folder.path().join("clock.json")).unwrap();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..500 {
                        let moved = clock.advance(1).unwrap();
                        assert!(moved <= *clock.shifts().borrow());
                        clock.shift_ms();
                    }
                });
            }
        });
        assert_eq!(clock.shift_ms(), 2_000_000);
    }
}
