//! The project's own chores: `cargo xtask help` lists them.

mod apt;
mod bench;
mod build;
mod check;
mod command;
mod component;
mod demo;
mod guests;
mod java;
mod node;
mod postgres;
mod python;
mod serve;
mod setup;
mod step;
mod toolchain;
mod workspace;

// The native host's own file, so that the component is compiled with the very settings it is
// loaded with. As a dependency it would not do: the host embeds what is made here.
#[path = "../../../native-host/src/engine.rs"]
mod engine;

use std::process::ExitCode;

use clap::Parser;

use crate::workspace::Workspace;

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Command {
    /// Find or install what is needed beside Rust, one line each.
    Setup,
    /// Make sure the WebAssembly targets are there.
    Toolchain,
    /// Build the components, then the binaries that embed them.
    Build {
        /// With full optimization, for users.
        #[arg(long)]
        release: bool,
        /// Only the serverless function, which is always built for users.
        #[arg(long, conflicts_with = "release")]
        function: bool,
    },
    /// Build, then show the life of a token and of a database on this machine.
    Demo {
        /// Tell the story to the emulator around this process.
        #[arg(long, hide = true)]
        inside: bool,
    },
    /// Build, check and test everything.
    Test(check::Options),
    /// What continuous integration runs: `test`.
    Ci,
    /// Measure, beside what it must be compared with; without a name, list what can be measured.
    Bench {
        /// One of the names in the list.
        name: Option<String>,
        /// Measure in the emulator around this process.
        #[arg(long, hide = true, requires = "name")]
        inside: bool,
        /// Only the rows that have this in their name; of `proxy`, which takes long.
        #[arg(long, value_name = "TEXT", requires = "name")]
        only: Option<String>,
    },
}

fn main() -> ExitCode {
    match run(Command::parse(), &Workspace::find()) {
        Ok(()) => ExitCode::SUCCESS,
        // One line, not `main`'s own form: this is read in logs, where a backtrace hides it.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, workspace: &Workspace) -> anyhow::Result<()> {
    match command {
        Command::Setup => setup::run(workspace),
        Command::Toolchain => toolchain::run(workspace),
        Command::Build { function: true, .. } => build::function(workspace),
        Command::Build { release, .. } => build::run(workspace, build::Profile::of(release)),
        Command::Demo { inside: true } => demo::inside(workspace),
        Command::Demo { inside: false } => {
            check::prepare(workspace)?;
            demo::run(workspace)
        }
        Command::Test(options) => check::run(workspace, &options),
        Command::Ci => check::run(workspace, &check::Options::default()),
        Command::Bench { name: None, .. } => bench::list(),
        Command::Bench { name: Some(name), inside, only } => {
            bench::run(workspace, &name, inside, only.as_deref())
        }
    }
}
