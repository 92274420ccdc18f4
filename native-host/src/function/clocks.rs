//! The function's clocks: those of this host, so that a rehearsal shifts them as well.

use std::time::Duration;

use lakegate_edges::clock::Clock;
use wasmtime::component::{Accessor, Linker};
use wasmtime_wasi::{HostMonotonicClock, HostWallClock};

use super::guest::Guest;

const NANOS_PER_MILLI: u64 = 1_000_000;

/// A clock of this host, as wasmtime asks one.
pub(super) struct Shown(pub(super) Clock);

impl HostWallClock for Shown {
    fn resolution(&self) -> Duration {
        Duration::from_millis(1)
    }

    fn now(&self) -> Duration {
        Duration::from_millis(self.0.now().wall)
    }
}

impl HostMonotonicClock for Shown {
    fn resolution(&self) -> u64 {
        NANOS_PER_MILLI
    }

    fn now(&self) -> u64 {
        monotonic(&self.0)
    }
}

/// Puts our waits in the place of wasmtime's, which count with a timer alone: it stands still in a
/// suspend, and knows nothing of a rehearsal.
pub(super) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance("wasi:clocks/monotonic-clock@0.3.0")?;
    interface.func_wrap_concurrent("wait-for", |guest: &Accessor<Guest>, (span,): (u64,)| {
        Box::pin(async move {
            wait(&clock(guest), span).await;
            Ok(())
        })
    })?;
    interface.func_wrap_concurrent(
        "wait-until",
        |guest: &Accessor<Guest>, (moment,): (u64,)| {
            Box::pin(async move {
                let clock = clock(guest);
                wait(&clock, moment.saturating_sub(monotonic(&clock))).await;
                Ok(())
            })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn clock(guest: &Accessor<Guest>) -> Clock {
    guest.with(|mut access| access.get().world.clock.clone())
}

/// What the monotonic clock shows, in nanoseconds.
fn monotonic(clock: &Clock) -> u64 {
    clock.now().monotonic.saturating_mul(NANOS_PER_MILLI)
}

/// Waits for so many nanoseconds, at least.
async fn wait(clock: &Clock, span: u64) {
    clock.sleep(span.div_ceil(NANOS_PER_MILLI)).await;
}
