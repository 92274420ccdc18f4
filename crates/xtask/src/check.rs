//! `cargo xtask test`: all that must hold before a change goes in, cheapest first.

use crate::build::{self, Profile};
use crate::command::run as run_command;
use crate::step::step;
use crate::workspace::Workspace;
use crate::{demo, setup};

/// What to leave out, and what to hand on.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Only the tests: no formatting, no lints, no documentation, no demo.
    #[arg(long)]
    fast: bool,
    /// Handed to `cargo test`, as in `cargo xtask test -- some_name -- --nocapture`.
    #[arg(last = true)]
    cargo_test: Vec<String>,
}

/// A cargo command and what to do when it fails.
struct Check {
    heading: &'static str,
    cargo: &'static [&'static str],
    advice: &'static str,
}

const CHECKS: &[Check] = &[
    Check {
        heading: "formatting",
        cargo: &["fmt", "--all", "--check"],
        advice: "`cargo fmt --all` corrects it",
    },
    Check {
        heading: "lints",
        cargo: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        advice: "correct what clippy names above",
    },
    Check {
        heading: "documentation",
        cargo: &["doc", "--workspace", "--no-deps"],
        advice: "correct what rustdoc names above",
    },
];

/// The versions of Postgres that Lakebase runs. All tests run on the one that is installed; what is
/// promised is also tried on these.
const POSTGRES: &[&str] = &["16", "17"];

/// Runs the checks in order and stops at the first failure.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    prepare(workspace)?;
    for check in CHECKS.iter().filter(|_| !options.fast) {
        let mut cargo = workspace.cargo();
        cargo.args(check.cargo).env("RUSTDOCFLAGS", "-Dwarnings");
        step(check.heading, check.advice, || run_command(&mut cargo))?;
    }
    let mut tests = workspace.cargo();
    tests.args(["test", "--workspace"]).args(&options.cargo_test);
    step("tests", "the failed ones are named above", || run_command(&mut tests))?;
    if !options.fast {
        for version in POSTGRES {
            promises_on(workspace, version)?;
        }
        step("demo", "`cargo xtask demo` runs it alone", || demo::run(workspace))?;
    }
    Ok(())
}

/// The promises on a packaged Postgres. That it cannot be fetched is a failure, not a reason to
/// leave them out.
fn promises_on(workspace: &Workspace, version: &str) -> anyhow::Result<()> {
    let mut emulator = workspace.command(workspace.target("debug/lakebase-emulator"));
    emulator
        .args(["--postgres-version", version, "--", "true"])
        .env_remove("EMULATOR_POSTGRES_BIN");
    let heading = format!("PostgreSQL {version}");
    step(&heading, "npm must reach a registry once", || run_command(&mut emulator))?;
    let mut tests = workspace.cargo();
    tests.args(["test", "--workspace", "--test", "promises", "--test", "accepted"]);
    tests.env("EMULATOR_POSTGRES_VERSION", version).env_remove("EMULATOR_POSTGRES_BIN");
    let heading = format!("promises on PostgreSQL {version}");
    step(&heading, "the failed ones are named above", || run_command(&mut tests))
}

/// What tests and demo need, so that one command is enough on a fresh clone.
pub(crate) fn prepare(workspace: &Workspace) -> anyhow::Result<()> {
    step("setup", "each missing thing is named above with its fix", || setup::run(workspace))?;
    build::run(workspace, Profile::Dev)
}
