//! From the start of the process to its first credential, with nothing known beforehand.

use super::lakebase::{Lakebase, bought_by_hand, output};
use super::measured::{Measured, in_turns, nanoseconds};
use super::table::{Aim, Row, Table, Unit};
use crate::workspace::Workspace;

/// Of each of the two, in turns.
const ROUNDS: usize = 50;

/// Measures beside a local Lakebase.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Table> {
    let lakebase = Lakebase::open(workspace)?;
    let (whole, by_hand) = in_turns(
        ROUNDS,
        || nanoseconds(1, || output(lakebase.lakegate().arg("token"))),
        || nanoseconds(1, bought_by_hand),
    )?;
    let mut own = Vec::new();
    for _ in 0..ROUNDS {
        own.push(nanoseconds(1, || without_exchanges(&lakebase))?);
    }
    Ok(Table {
        beside: "curl",
        rows: vec![
            Row {
                what: "first credential".into(),
                unit: Unit::Nanoseconds,
                ours: whole,
                beside: Some(by_hand),
                aims: &[Aim::Times(1.5)],
            },
            Row {
                what: "of it our own".into(),
                unit: Unit::Nanoseconds,
                ours: Measured::new(own),
                beside: None,
                aims: &[Aim::AtMost(100e6)],
            },
        ],
    })
}

/// The same command where a password takes the place of the token: all is done but the exchanges.
fn without_exchanges(lakebase: &Lakebase) -> anyhow::Result<String> {
    let mut command = lakebase.lakegate();
    command.env("ENV", "LOCAL").env("POSTGRES_USER", "app").env("POSTGRES_PASSWORD", "app");
    output(command.arg("token"))
}
