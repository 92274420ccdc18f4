//! `lakegate proxy` under `pgbench -S`, beside PgBouncer, and beside no pool at all.
//!
//! All three reach one Postgres by the same way: TLS with the certificate verified, and a password.
//! PgBouncer cannot have tokens; Lakegate has a password in LOCAL mode, and goes without TLS there
//! only to `localhost`, so the server goes by this machine's own name and takes no plaintext. No
//! emulator stands between: its gate would decrypt and encrypt each query once more, on the same
//! processors, and hide in its own cost what lies between the two pools.
//!
//! Both pools have 20 server connections and lend them for a transaction. A PgBouncer before 1.21
//! cannot do that with prepared statements: there it gets a server connection for each client.

mod authority;
mod database;
mod lakegate;
mod pgbench;
mod pgbouncer;
mod process;

use self::authority::Authority;
use self::database::Database;
use self::lakegate::Lakegate;
use self::pgbench::{Case, Load, Pgbench, Protocol};
use self::pgbouncer::PgBouncer;
use super::measured::{Measured, turns};
use super::table::{Aim, Row, Table, Unit};
use crate::workspace::Workspace;

/// At once; each sends its next query when the last one is answered.
const CLIENTS: [u32; 5] = [1, 10, 50, 200, 1_000];
/// At once, each with a new connection for each query. More would only wait for a processor.
const CONNECTING: [u32; 3] = [1, 10, 50];
/// Of each pool.
const SERVER_CONNECTIONS: u32 = 20;
/// Clients that are also measured without a pool. More server processes are what a pool is there to
/// prevent, and take minutes to start.
const MOST_SERVERS: u32 = 200;
/// Of each of the three, in turns.
const ROUNDS: usize = 3;

/// Measures the rows whose name has `only` in it.
pub(crate) fn run(workspace: &Workspace, only: &str) -> anyhow::Result<Table> {
    let pgbench = Pgbench::find(workspace)?;
    let authority = Authority::new()?;
    let database = Database::start(&authority)?;
    pgbench.fill(&database)?;
    let pools = |tls| {
        let pgbouncer = PgBouncer::start(&database, tls)?;
        anyhow::Ok((Lakegate::start(workspace, &database, tls)?, pgbouncer))
    };
    let (plain, tls) = (pools(false)?, pools(true)?);
    let mut rows = Vec::new();
    for case in cases().into_iter().filter(|case| case.to_string().contains(only)) {
        eprintln!("measuring: {case}"); // All of them take twenty minutes.
        let (lakegate, pgbouncer) = if case.tls { &tls } else { &plain };
        let doors = [lakegate.door(), pgbouncer.door(&case), database.door()];
        let [mut ours, mut beside, mut direct] =
            doors.each_ref().map(|door| || pgbench.load(door, &case));
        if case.clients <= MOST_SERVERS {
            let [ours, beside, direct] = turns(ROUNDS, [&mut ours, &mut beside, &mut direct])?;
            rows.extend(compare(&case, &ours, &beside));
            rows.extend(compare_directly(&ours, &direct));
        } else {
            let [ours, beside] = turns(ROUNDS, [&mut ours, &mut beside])?;
            rows.extend(compare(&case, &ours, &beside));
        }
    }
    Ok(Table { beside: "PgBouncer", rows })
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for protocol in [Protocol::Simple, Protocol::Prepared] {
        for tls in [false, true] {
            let case = |connect| move |clients| Case { protocol, tls, connect, clients };
            cases.extend(CLIENTS.map(case(false)));
            // To prepare what is used once is no gain: nobody does that.
            if protocol == Protocol::Simple {
                cases.extend(CONNECTING.map(case(true)));
            }
        }
    }
    cases
}

/// The rows of one case: our figures beside PgBouncer's.
fn compare(case: &Case, ours: &[Load], beside: &[Load]) -> [Row; 4] {
    let row = |what: &str, unit, figure: fn(&Load) -> f64, aims| Row {
        what: what.to_owned(),
        unit,
        ours: measured(ours, figure),
        beside: Some(measured(beside, figure)),
        aims,
    };
    let (rate, time) = (Unit::PerSecond, Unit::Nanoseconds);
    [
        row(&case.to_string(), rate, |load| load.a_second, &[Aim::AtLeastTimes(1.0)]),
        row("  p50", time, |load| load.p50, &[]),
        row("  p99", time, |load| load.p99, &[Aim::Times(1.0)]),
        row("  processor time a query", time, |load| load.processor, &[]),
    ]
}

/// The rows of the same case beside no pool.
fn compare_directly(ours: &[Load], direct: &[Load]) -> [Row; 2] {
    let row = |what: &str, unit, figure: fn(&Load) -> f64| Row {
        what: what.to_owned(),
        unit,
        ours: measured(ours, figure),
        beside: Some(measured(direct, figure)),
        aims: &[],
    };
    [
        row("  beside no pool", Unit::PerSecond, |load| load.a_second),
        row("  beside no pool, p99", Unit::Nanoseconds, |load| load.p99),
    ]
}

fn measured(loads: &[Load], figure: fn(&Load) -> f64) -> Measured {
    Measured::new(loads.iter().map(figure).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_promise_is_measured() {
        let names: Vec<_> = cases().iter().map(Case::to_string).collect();
        assert_eq!(names.len(), 2 * 2 * CLIENTS.len() + 2 * CONNECTING.len());
        assert_eq!(names[0], "simple, 1 client");
        assert!(names.contains(&"simple over TLS, 50 clients that connect".to_owned()));
        assert_eq!(names[names.len() - 1], "prepared over TLS, 1000 clients");
    }
}
