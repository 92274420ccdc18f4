//! Reads a live credential, in turns with a plain load of an `ArcSwap`: a line for each round with
//! the nanoseconds that each took. The environment names a password, which is kept and read as a
//! token is; `cargo xtask bench token` sets it and shows the figures.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Instant;

use anyhow::Context;
use arc_swap::ArcSwap;
use lakegate::component::Gate;
use lakegate::credential::keep;
use lakegate::edges::Edges;
use lakegate_edges::clock::Clock;
use lakegate_edges::settings::Settings;

/// Of each of the two, in turns.
const ROUNDS: usize = 200;
/// In a row, for one figure.
const CALLS: u32 = 10_000;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::load(BTreeMap::<&str, _>::new(), None)?;
    let clock = Clock::new(None);
    let gate = Gate::start(Edges::new(settings, clock.clone(), false)?)?;
    let mut live = keep(gate, clock, |error, _| eprintln!("{error}"));
    live.changed().await;
    live.get().context("there is no live credential")?;
    let plain = ArcSwap::from_pointee(0_u64);

    for round in 0..=ROUNDS {
        let ours = || nanoseconds(|| live.get().is_some());
        let load = || nanoseconds(|| **plain.load());
        // Each may find the caches as the other left them.
        let (ours, load) = if round % 2 == 0 {
            let ours = ours();
            (ours, load())
        } else {
            let load = load();
            (ours(), load)
        };
        // The first round fills the caches.
        if round != 0 {
            println!("{ours} {load}");
        }
    }
    Ok(())
}

/// What one call takes, as the mean of many.
fn nanoseconds<T>(call: impl Fn() -> T) -> f64 {
    let started = Instant::now();
    for _ in 0..CALLS {
        black_box(call());
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
}
