//! The components inside this binary: machine code, made by the build.

use anyhow::Context;
use wasmtime::component::Component;
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::engine;

/// What all commands decide with.
static CONNECTOR: &[u8] = include_bytes!(env!("LAKEGATE_CONNECTOR"));

/// What `lakegate serve` serves.
static FUNCTION: &[u8] = include_bytes!(env!("LAKEGATE_FUNCTION"));

/// Starts WebAssembly with room for as many instances at a time as `pool` says.
///
/// # Errors
///
/// It cannot be started here: no memory map that is large enough, for one.
pub(crate) fn engine(pool: PoolingAllocationConfig) -> anyhow::Result<Engine> {
    let mut config = engine::config()?;
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(anyhow::Error::from).context("starting WebAssembly")
}

/// The component of `wit/`.
pub(crate) fn connector(engine: &Engine) -> anyhow::Result<Component> {
    load(engine, CONNECTOR).context("loading the embedded component")
}

/// The serverless function.
pub(crate) fn function(engine: &Engine) -> anyhow::Result<Component> {
    load(engine, FUNCTION).context("loading the embedded function")
}

/// Refuses code of any other configuration, version or machine before it runs.
fn load(engine: &Engine, code: &'static [u8]) -> anyhow::Result<Component> {
    #[allow(unsafe_code, reason = "the bytes are our own build's, embedded in this binary")]
    // SAFETY: both callers pass the output of `Engine::precompile_component`, made by the build and
    // part of this executable: whoever could change it could change the executable.
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(anyhow::Error::from)
}
