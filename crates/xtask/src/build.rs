//! `cargo xtask build`: the components first, then the binaries; the native one embeds them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::command;
use crate::guests;
use crate::step::step;
use crate::workspace::Workspace;

/// How the binaries are built; the components are always built for users.
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

const ADVICE: &str = "the compiler's words are above";

/// Builds all, and prints the sizes of what users get.
pub(crate) fn run(workspace: &Workspace, profile: Profile) -> anyhow::Result<()> {
    step("build the connector", ADVICE, || guests::connector(workspace))?;
    step("build the function", ADVICE, || guests::function(workspace))?;
    step("build the example application", ADVICE, || guests::orders(workspace))?;
    step("build the binaries", ADVICE, || {
        command::run(workspace.cargo().args(arguments(profile)))
    })?;
    print_sizes(&[
        workspace.connector("wasm"),
        workspace.connector("cwasm"),
        workspace.function("function.wasm"),
        workspace.function("function.cwasm"),
        workspace.function("orders.wasm"),
        workspace.function("orders-composed.wasm"),
        workspace.target(profile.folder()).join("lakegate"),
        workspace.target(profile.folder()).join("lakebase-emulator"),
    ])
}

/// Builds the serverless function alone: what `spin build` asks for.
pub(crate) fn function(workspace: &Workspace) -> anyhow::Result<()> {
    step("build the function", ADVICE, || guests::function(workspace))?;
    print_sizes(&[workspace.function("function.wasm")])
}

/// What cargo is asked for.
fn arguments(profile: Profile) -> Vec<&'static str> {
    let mut arguments = vec!["build", "--package", "lakegate", "--package", "lakebase-emulator"];
    match profile {
        // Features are those of all the packages named: without what the tests ask for, wasmtime
        // would be compiled a second time for them.
        Profile::Dev => {
            let others = ["lakegate-spin", "lakegate-tests", "xtask"];
            arguments.extend(others.iter().flat_map(|package| ["--package", *package]));
        }
        // Users do not need what builds this project.
        Profile::Release => arguments.push("--release"),
    }
    arguments
}

fn print_sizes(paths: &[PathBuf]) -> anyhow::Result<()> {
    for path in paths {
        println!("{:>12} bytes  {}", size(path)?, path.display());
    }
    Ok(())
}

fn size(path: &Path) -> anyhow::Result<u64> {
    let metadata = fs::metadata(path).with_context(|| format!("looking at {}", path.display()))?;
    Ok(metadata.len())
}
