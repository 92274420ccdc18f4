//! Reading a live token: in the native host, and through the component.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::Context as _;
use wasmtime::component::{Component, Linker, TypedFunc};
use wasmtime::{Engine, Store};

use super::guest::{self, Answer, NOTHING};
use super::measured::{Measured, in_turns, nanoseconds_of};
use super::table::{Aim, Row, Table, Unit};
use crate::command;
use crate::engine;
use crate::guests;
use crate::workspace::Workspace;

/// Of each of the two calls, in turns.
const ROUNDS: usize = 200;
/// In a row, for one sample.
const CALLS: u32 = 200;

/// Measures both ways to a token that is there already.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Table> {
    guests::connector(workspace)?;
    let [mut ours, mut least] = callers(workspace)?;
    let (through, no_op) = in_turns(ROUNDS, || ours.sample(), || least.sample())?;
    let (live, load) = live(workspace)?;
    Ok(Table {
        beside: "beside",
        rows: vec![
            Row {
                what: "live token in the native host, beside a load of an ArcSwap".into(),
                unit: Unit::Nanoseconds,
                ours: live,
                beside: Some(load),
                aims: &[Aim::AtMost(100.0)],
            },
            Row {
                what: "tokens.current, beside a component that answers the same".into(),
                unit: Unit::Nanoseconds,
                ours: through,
                beside: Some(no_op),
                aims: &[Aim::Times(2.0)],
            },
        ],
    })
}

/// The connector that was built last, and what is beside it, each with a first answer.
fn callers(workspace: &Workspace) -> anyhow::Result<[Caller; 2]> {
    let path = workspace.connector("wasm");
    let connector = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let nothing = wat::parse_str(NOTHING).context("reading the component that does nothing")?;
    let engine = Engine::new(&engine::config()?).map_err(because("starting wasmtime"))?;
    let ours = Caller::start(&engine, &connector, Some(guest::TOKENS))?;
    Ok([ours, Caller::start(&engine, &nothing, None)?])
}

/// What the native host's own benchmark measures; it needs the host as a library, which this
/// program cannot depend on: the host embeds what is built here.
fn live(workspace: &Workspace) -> anyhow::Result<(Measured, Measured)> {
    let mut cargo = workspace.cargo();
    cargo.args(["bench", "--quiet", "--bench", "live"]);
    // A password is kept and read as a token is, and needs nobody to issue it.
    for (name, value) in [
        ("ENV", "LOCAL"),
        ("POSTGRES_HOST", "localhost"),
        ("POSTGRES_DB", "app"),
        ("POSTGRES_USER", "app"),
        ("POSTGRES_PASSWORD", "app"),
    ] {
        cargo.env(name, value);
    }
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for line in command::output(&mut cargo)?.lines() {
        let (one, other) = line.split_once(' ').context("the benchmark wrote no pair")?;
        ours.push(one.parse()?);
        beside.push(other.parse()?);
    }
    Ok((Measured::new(ours), Measured::new(beside)))
}

/// An instance whose `current` is called again and again.
struct Caller {
    store: Store<()>,
    current: TypedFunc<(), Answer>,
}

impl Caller {
    /// Starts a component; `current` is exported by the instance of this name, or by itself.
    fn start(engine: &Engine, bytes: &[u8], exporter: Option<&str>) -> anyhow::Result<Self> {
        let component = Component::new(engine, bytes).map_err(because("compiling"))?;
        let mut linker = Linker::new(engine);
        guest::lend(&mut linker, &component).map_err(because("linking"))?;
        let mut store = Store::new(engine, ());
        // The host's settings count epochs; here nothing advances them.
        store.set_epoch_deadline(1);
        let instance = now(linker.instantiate_async(&mut store, &component))
            .map_err(because("instantiating"))?;
        let exporter = match exporter {
            Some(name) => {
                Some(instance.get_export_index(&mut store, None, name).context("no such export")?)
            }
            None => None,
        };
        let index = instance
            .get_export_index(&mut store, exporter.as_ref(), "current")
            .context("the component exports no `current`")?;
        let current =
            instance.get_typed_func(&mut store, index).map_err(because("looking at `current`"))?;
        let mut caller = Self { store, current };
        caller.calls(1).context("the first call")?;
        Ok(caller)
    }

    fn sample(&mut self) -> anyhow::Result<f64> {
        nanoseconds_of(CALLS, || self.calls(CALLS))
    }

    /// Calls that many times, each after the one before.
    fn calls(&mut self, calls: u32) -> anyhow::Result<()> {
        let current = self.current;
        let all = self.store.run_concurrent(async |accessor| {
            for _ in 0..calls {
                let (answer,) = black_box(current.call_concurrent(accessor, ()).await?);
                answer.map_err(|problem| wasmtime::format_err!("{}", problem.message))?;
            }
            wasmtime::error::Ok(())
        });
        now(all).and_then(|done| done).map_err(because("calling"))
    }
}

/// Runs a future that never waits for another thread.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return done;
        }
    }
}

fn because(doing: &'static str) -> impl Fn(wasmtime::Error) -> anyhow::Error {
    move |error| anyhow::anyhow!("{doing}: {error:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each is called with types of our own, which only its start compares with those of `wit/`.
    #[test]
    fn both_answer() {
        callers(&Workspace::find()).unwrap();
    }
}
