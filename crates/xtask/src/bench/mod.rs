//! `cargo xtask bench`: each figure stands beside what it is compared with, measured in turns in
//! one run, for machines are noisy and differ.

mod component;
mod measured;
mod table;

use anyhow::{Context as _, bail};

use self::table::Table;
use crate::workspace::Workspace;

struct Bench {
    name: &'static str,
    what: &'static str,
    run: fn(&Workspace) -> anyhow::Result<Table>,
}

const BENCHES: &[Bench] = &[Bench {
    name: "component",
    what: "size, memory and start of the component, beside the least that could be one",
    run: component::run,
}];

/// Runs one benchmark, prints its table and writes it to `target/bench/NAME.json`; without a name
/// it lists them.
pub(crate) fn run(workspace: &Workspace, name: Option<&str>) -> anyhow::Result<()> {
    let Some(name) = name else {
        print!("{}", list());
        return Ok(());
    };
    let Some(bench) = BENCHES.iter().find(|bench| bench.name == name) else {
        bail!("there is no benchmark `{name}`; there are:\n{}", list());
    };
    let table = (bench.run)(workspace)?;
    print!("{table}");
    let path = workspace.target("bench").join(bench.name).with_extension("json");
    table.write_json(&path).with_context(|| format!("writing {}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}

fn list() -> String {
    BENCHES.iter().map(|bench| format!("{:<12}{}\n", bench.name, bench.what)).collect()
}
