//! The guests: crates that become WebAssembly, and the files that hosts load.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::command;
use crate::component;
use crate::toolchain::{CONNECTOR, FUNCTION, Wasm};
use crate::workspace::Workspace;

/// Builds the connector, makes a component of it and compiles that for the native host.
pub(crate) fn connector(workspace: &Workspace) -> anyhow::Result<()> {
    let module = compile(workspace, "lakegate-component", CONNECTOR)?;
    put(|extension| workspace.connector(extension), &component::encode(&module)?)
}

/// Builds the serverless function and compiles it for the native host.
pub(crate) fn function(workspace: &Workspace) -> anyhow::Result<()> {
    let component = compile(workspace, "lakegate-spin", FUNCTION)?;
    put(|extension| workspace.function(&format!("function.{extension}")), &component)
}

/// Builds the example application, alone and with the function composed into it.
pub(crate) fn orders(workspace: &Workspace) -> anyhow::Result<()> {
    let orders = compile(workspace, "lakegate-orders", FUNCTION)?;
    write(&workspace.function("orders.wasm"), &orders)?;
    let function = read(&workspace.function("function.wasm"))?;
    write(&workspace.function("orders-composed.wasm"), &component::compose(&orders, &function)?)?;
    Ok(())
}

/// Builds the least component that answers HTTP, and returns its place.
pub(crate) fn hello(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let place = workspace.function("hello.wasm");
    write(&place, &compile(workspace, "lakegate-hello", FUNCTION)?)?;
    Ok(place)
}

/// Compiles a crate, and returns what its linker made: for [`CONNECTOR`] a core module, for
/// [`FUNCTION`] a component.
fn compile(workspace: &Workspace, package: &str, target: &str) -> anyhow::Result<Vec<u8>> {
    let profile = if target == FUNCTION { "wasm-fast" } else { "wasm" };
    let mut cargo = Wasm::ensure(workspace)?.cargo(workspace, "rustc", target);
    cargo.args(["--package", package, "--profile", profile, "--crate-type", "cdylib"]);
    command::run(&mut cargo)?;
    let file = format!("{target}/{profile}/{}.wasm", package.replace('-', "_"));
    read(&workspace.target(&file))
}

/// Writes a component, and beside it machine code of it.
fn put(place: impl Fn(&str) -> PathBuf, bytes: &[u8]) -> anyhow::Result<()> {
    let changed = write(&place("wasm"), bytes)?;
    let recompiled = write(&place("cwasm"), &component::precompile(bytes)?)?;
    if !changed && !recompiled {
        eprintln!("it is as it was");
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<bool> {
    component::write_if_changed(path, content)
        .with_context(|| format!("writing {}", path.display()))
}
