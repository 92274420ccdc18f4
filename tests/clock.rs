//! Time, which passes when a test says so.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{DEADLINE, House, Run, Running};

impl House {
    /// Lets time pass, for Lakebase and for every `lakegate` of this house.
    pub fn pass(&self, time: Duration) {
        self.turn("shift_ms", i64::try_from(time.as_millis()).unwrap());
    }

    /// Lets time pass as long as a program has not ended: what it waits for comes at once.
    ///
    /// None passes while somebody here has work to do: on a busy machine that would use up a time
    /// limit.
    pub async fn hurry(&self, running: Running) -> Run {
        self.hurry_by(Duration::from_secs(1), running).await
    }

    /// The same in steps of another size, for what waits long and often.
    pub async fn hurry_by(&self, step: Duration, mut running: Running) -> Run {
        let start = Instant::now();
        while !running.has_ended(Duration::from_millis(50)).await && start.elapsed() < DEADLINE {
            self.pass_if_all_rest(step);
        }
        running.end().await
    }

    /// Lets time pass as long as something is not done, as [`hurry`](Self::hurry) does.
    pub async fn rush<T>(&self, work: impl Future<Output = T>) -> T {
        let start = Instant::now();
        let mut work = std::pin::pin!(work);
        loop {
            match timeout(Duration::from_millis(50), &mut work).await {
                Ok(done) => return done,
                Err(_) => self.pass_if_all_rest(Duration::from_secs(1)),
            }
            assert!(start.elapsed() < DEADLINE, "it is never done, however much time passes");
        }
    }

    fn pass_if_all_rest(&self, time: Duration) {
        if self.programs.rest() {
            self.pass(time);
        }
    }

    /// Puts the wall clock of this machine wrong, as Lakegate reads it; time itself goes on.
    pub fn wall_clock_off_by_seconds(&self, seconds: i64) {
        self.turn("wall_ms", seconds * 1_000);
    }

    fn turn(&self, hand: &str, milliseconds: i64) {
        let file = Path::new(self.env("LAKEGATE_CLOCK_FILE"));
        let mut clock: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        clock[hand] = json!(clock[hand].as_i64().unwrap_or(0) + milliseconds);
        // As a whole: nobody may read half a number.
        let next = file.with_extension("turned");
        std::fs::write(&next, clock.to_string()).unwrap();
        std::fs::rename(&next, file).unwrap();
    }
}
