//! Both clocks of this machine, or those of a rehearsal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use wasmtime::component::{Accessor, HasSelf};

use super::Host;
use crate::bindings::lakegate::connect::clock;

/// How often a rehearsal's file is looked at while something waits.
const REHEARSAL_TICK: Duration = Duration::from_millis(20);

/// The clocks.
#[derive(Clone)]
pub struct Clock {
    start: Instant,
    rehearsal: Option<Arc<PathBuf>>,
}

/// What the clocks show, in milliseconds.
#[derive(Clone, Copy)]
pub struct Reading {
    /// Since 1970-01-01T00:00:00Z.
    pub wall: u64,
    /// Since this process began.
    pub monotonic: u64,
}

impl Clock {
    /// The clocks of this machine. With `rehearsal`, both run ahead of them by what that file says:
    /// `{"shift_ms": 3000000}`, as the emulator writes it, so that an hour can pass at once.
    #[must_use]
    pub fn new(rehearsal: Option<PathBuf>) -> Self {
        Self { start: Instant::now(), rehearsal: rehearsal.map(Arc::new) }
    }

    /// Reads both.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where everybody else is to ask")]
    pub fn now(&self) -> Reading {
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let shift = self.shift();
        Reading {
            wall: millis(wall).saturating_add_signed(shift.wall),
            monotonic: millis(self.start.elapsed()).saturating_add(shift.monotonic),
        }
    }

    /// Waits, and in a rehearsal notices when the clock is shifted meanwhile.
    async fn sleep(&self, milliseconds: u64) {
        if self.rehearsal.is_none() {
            return tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        let due = self.now().monotonic.saturating_add(milliseconds);
        while self.now().monotonic < due {
            let left = due - self.now().monotonic.min(due);
            tokio::time::sleep(REHEARSAL_TICK.min(Duration::from_millis(left))).await;
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

impl clock::Host for Host {
    fn now(&mut self) -> clock::Clocks {
        let Reading { wall, monotonic } = self.edges.clock.now();
        clock::Clocks { wall, monotonic }
    }
}

impl<T> clock::HostWithStore<T> for HasSelf<Host> {
    async fn sleep(accessor: &Accessor<T, Self>, milliseconds: u64) {
        let clock = accessor.with(|mut access| access.get().edges.clock.clone());
        clock.sleep(milliseconds).await;
    }
}
