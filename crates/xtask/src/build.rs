//! `cargo xtask build`: the component first, then the binaries; the native one embeds it.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::command;
use crate::component;
use crate::step::step;
use crate::toolchain::{COMPONENT, Wasm};
use crate::workspace::Workspace;

/// How the binaries are built; the component is always built for users.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Profile {
    /// For daily work and tests.
    Dev,
    /// For users.
    Release,
}

impl Profile {
    /// The profile that `--release` or its absence asks for.
    pub(crate) fn of(release: bool) -> Self {
        if release { Self::Release } else { Self::Dev }
    }

    /// The folder of the binaries below cargo's target folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Release => "release",
        }
    }
}

/// Builds all, and prints the sizes of what users get.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> anyhow::Result<()> {
    step("build the component", "the compiler's words are above", || build_component(workspace))?;
    step("build the binaries", "the compiler's words are above", || {
        command::run(workspace.cargo().args(arguments(profile)))
    })?;
    for path in [
        workspace.connector("wasm"),
        workspace.connector("cwasm"),
        workspace.target(profile.folder()).join("lakegate"),
        workspace.target(profile.folder()).join("lakebase-emulator"),
    ] {
        println!("{:>12} bytes  {}", size(&path)?, path.display());
    }
    Ok(())
}

/// Builds the guest, makes a component of it and compiles that for the native host.
pub(crate) fn build_component(workspace: &Workspace) -> anyhow::Result<()> {
    let wasm = Wasm::ensure(workspace, COMPONENT)?;
    let mut cargo = wasm.cargo(workspace, "build");
    command::run(cargo.args(["--package", "lakegate-component", "--profile", "wasm"]))?;

    let module = workspace.target(COMPONENT).join("wasm/lakegate_component.wasm");
    let module = fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    let connector = component::encode(&module)?;
    let changed = write(&workspace.connector("wasm"), &connector)?;
    let code = component::precompile(&connector)?;
    let recompiled = write(&workspace.connector("cwasm"), &code)?;
    if !changed && !recompiled {
        eprintln!("the component is as it was");
    }
    Ok(())
}

fn write(path: &Path, content: &[u8]) -> anyhow::Result<bool> {
    component::write_if_changed(path, content)
        .with_context(|| format!("writing {}", path.display()))
}

/// What cargo is asked for.
fn arguments(profile: Profile) -> Vec<&'static str> {
    let mut arguments = vec!["build", "--package", "lakegate", "--package", "lakebase-emulator"];
    match profile {
        // The default members, all of them: features are those of all the packages named, and any
        // other set would compile wasmtime a second time.
        Profile::Dev => arguments.extend(["--package", "lakegate-spin", "--package", "xtask"]),
        // Users get the host without a compiler in it.
        Profile::Release => arguments.push("--release"),
    }
    arguments
}

fn size(path: &Path) -> anyhow::Result<u64> {
    let metadata = fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    Ok(metadata.len())
}
