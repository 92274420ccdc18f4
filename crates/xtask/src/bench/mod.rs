//! `cargo xtask bench`: each figure stands beside what it is compared with, measured in turns in
//! one run, for machines are noisy and differ.

mod bootstrap;
mod component;
mod function;
mod guest;
mod lakebase;
mod measured;
mod proxy;
mod start;
mod table;
mod token;
mod wrk;

use anyhow::{Context as _, bail};

use self::table::Table;
use crate::build::{self, Profile};
use crate::command;
use crate::workspace::Workspace;

struct Bench {
    name: &'static str,
    what: &'static str,
    place: Place,
    run: Run,
}

/// How it is measured.
#[derive(Clone, Copy)]
enum Run {
    /// All of it.
    Whole(fn(&Workspace) -> anyhow::Result<Table>),
    /// The rows whose name has a text in it, for all take long.
    Rows(fn(&Workspace, &str) -> anyhow::Result<Table>),
}

/// Where something is measured.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// In this process, which must be optimized for that.
    Here,
    /// In programs of users, which are optimized.
    Programs,
    /// In those, beside a local Lakebase.
    Lakebase,
}

const BENCHES: &[Bench] = &[
    Bench {
        name: "bootstrap",
        what: "first and later starts of an application, beside psql with the same SQL",
        place: Place::Lakebase,
        run: Run::Whole(bootstrap::run),
    },
    Bench {
        name: "component",
        what: "size, memory and start of the component, beside the least that could be one",
        place: Place::Here,
        run: Run::Whole(component::run),
    },
    Bench {
        name: "function",
        what: "requests a second and latencies of the function, beside a hello world",
        place: Place::Lakebase,
        run: Run::Whole(function::run),
    },
    Bench {
        name: "proxy",
        what: "queries a second and latencies through the pool, beside PgBouncer",
        place: Place::Programs,
        run: Run::Rows(proxy::run),
    },
    Bench {
        name: "start",
        what: "from nothing to a first credential, beside curl",
        place: Place::Lakebase,
        run: Run::Whole(start::run),
    },
    Bench {
        name: "token",
        what: "reading a live token, beside the least that such a call can cost",
        place: Place::Here,
        run: Run::Whole(token::run),
    },
];

/// Runs one benchmark, prints its table and writes it to `target/bench/NAME.json`. `inside` says
/// that this process runs beside a local Lakebase already; `only` is in the names of the rows.
pub(crate) fn run(
    workspace: &Workspace,
    name: &str,
    inside: bool,
    only: Option<&str>,
) -> anyhow::Result<()> {
    let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
        bail!("there is no benchmark `{name}`; there are:\n{}", text());
    };
    match bench.place {
        Place::Here if cfg!(debug_assertions) => return optimized(workspace, name),
        Place::Lakebase if !inside => return beside_lakebase(workspace, name),
        Place::Programs => build::run(workspace, Profile::Release)?,
        Place::Here | Place::Lakebase => {}
    }
    let table = match (bench.run, only) {
        (Run::Whole(run), None) => run(workspace)?,
        (Run::Whole(_), Some(_)) => bail!("`{name}` is measured as a whole, without --only"),
        (Run::Rows(run), only) => run(workspace, only.unwrap_or_default())?,
    };
    print!("{table}");
    let path = workspace.target("bench").join(bench.name).with_extension("json");
    table.write_json(&path).with_context(|| format!("writing {}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}

/// Prints what can be measured.
pub(crate) fn list() -> anyhow::Result<()> {
    print!("{}", text());
    Ok(())
}

fn text() -> String {
    BENCHES.iter().map(|bench| format!("{:<12}{}\n", bench.name, bench.what)).collect()
}

/// Builds this program as users' programs are built, and measures there.
fn optimized(workspace: &Workspace, name: &str) -> anyhow::Result<()> {
    let mut cargo = workspace.cargo();
    command::run(cargo.args(["run", "--quiet", "--release", "--bin", "xtask", "bench", name]))
}

/// Builds the programs of users, starts a local Lakebase, and measures inside of it: it stops with
/// the last line.
fn beside_lakebase(workspace: &Workspace, name: &str) -> anyhow::Result<()> {
    build::run(workspace, Profile::Release)?;
    let xtask = workspace.program();
    let mut emulator = workspace.command(workspace.target("release/lakebase-emulator"));
    command::run(emulator.arg("--").arg(xtask).args(["bench", name, "--inside"]))
}
