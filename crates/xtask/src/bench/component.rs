//! The connector's size, its memory at the start, and the time an instance takes; and the size of
//! the function.

use std::fs;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use anyhow::{Context as _, bail};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, InstanceAllocationStrategy, Store};

use super::measured::{Measured, in_turns, nanoseconds};
use super::table::{Aim, Row, Table, Unit};
use crate::engine;
use crate::guests;
use crate::workspace::Workspace;

/// The least component with what every guest has, one core instance with one memory: of 17
/// pages, as rustc's linker gives a guest without data (1 MiB of stack, and one page).
const LEAST: &[u8] = b"\0asm\x0d\0\x01\0\
    \x01\x0d\0asm\x01\0\0\0\x05\x03\x01\0\x11\
    \x02\x04\x01\0\0\0";

/// Bytes in a page of WebAssembly's memory.
const PAGE: usize = 64 * 1024;

/// Of each of the two, in turns.
const ROUNDS: usize = 200;
/// In a row, for one sample.
const CALLS: u32 = 20;

/// Measures with the host's own settings, and the pooling allocator that a host of many instances
/// would choose.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Table> {
    guests::connector(workspace)?;
    guests::function(workspace)?;
    let ours = read(&workspace.connector("wasm"))?;
    let function = read(&workspace.function("function.wasm"))?;

    let mut config = engine::config()?;
    config.allocation_strategy(InstanceAllocationStrategy::pooling());
    let engine = Engine::new(&config).map_err(because("starting wasmtime"))?;
    let start_ours = Start::new(&engine, &ours)?;
    let start_least = Start::new(&engine, LEAST)?;
    let (instance, least_instance) = in_turns(
        ROUNDS,
        || nanoseconds(CALLS, || start_ours.once()),
        || nanoseconds(CALLS, || start_least.once()),
    )?;
    Ok(Table {
        beside: "least",
        rows: vec![
            Row {
                what: "instance".into(),
                unit: Unit::Nanoseconds,
                ours: instance,
                beside: Some(least_instance),
                aims: &[Aim::Times(1.5), Aim::AtMost(30_000.0)],
            },
            Row {
                what: "memory at start".into(),
                unit: Unit::Bytes,
                ours: start_ours.memory()?,
                beside: Some(start_least.memory()?),
                aims: &[Aim::Times(1.5)],
            },
            Row {
                what: "size".into(),
                unit: Unit::Bytes,
                ours: once(ours.len()),
                beside: None,
                aims: &[Aim::AtMost(300.0 * 1024.0)],
            },
            Row {
                what: "size of the function".into(),
                unit: Unit::Bytes,
                ours: once(function.len()),
                beside: None,
                aims: &[Aim::AtMost(1.5 * 1024.0 * 1024.0)],
            },
        ],
    })
}

/// All that can be done before an instance is wanted.
struct Start {
    component: Component,
    linked: InstancePre<()>,
}

impl Start {
    /// Its imports only trap: what a host does in them is not what is measured.
    fn new(engine: &Engine, bytes: &[u8]) -> anyhow::Result<Self> {
        let component = Component::new(engine, bytes).map_err(because("compiling"))?;
        let mut linker = Linker::new(engine);
        linker.define_unknown_imports_as_traps(&component).map_err(because("linking"))?;
        let linked = linker.instantiate_pre(&component).map_err(because("linking"))?;
        Ok(Self { component, linked })
    }

    /// A store and an instance in it, made and dropped.
    fn once(&self) -> anyhow::Result<()> {
        let mut store = Store::new(self.component.engine(), ());
        // The host's settings count epochs; here nothing advances them.
        store.set_epoch_deadline(1);
        // A component with asynchronous functions must be started this way; its start waits for
        // nothing, so that the first poll ends it and no runtime is measured with it.
        let mut instance = pin!(self.linked.instantiate_async(&mut store));
        match instance.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(instance) => instance.map_err(because("instantiating"))?,
            Poll::Pending => bail!("the component waits for something when it starts"),
        };
        Ok(())
    }

    fn memory(&self) -> anyhow::Result<Measured> {
        let needs = self.component.resources_required().context("the component imports modules")?;
        let pages = needs.max_initial_memory_size.context("the component has no memory")?;
        Ok(once(usize::try_from(pages)? * PAGE))
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

/// What needs no repeating.
fn once(count: usize) -> Measured {
    Measured::new(vec![count as f64])
}

fn because(doing: &'static str) -> impl Fn(wasmtime::Error) -> anyhow::Error {
    move |error| anyhow::anyhow!("{doing}: {error:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_component_starts_and_has_one_memory() {
        let engine = Engine::new(&engine::config().unwrap()).unwrap();
        let start = Start::new(&engine, LEAST).unwrap();
        start.once().unwrap();
        assert_eq!(start.memory().unwrap(), once(17 * PAGE));
    }
}
