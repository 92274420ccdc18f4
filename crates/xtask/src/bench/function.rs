//! The serverless function under load, beside the least component that answers; both are run by
//! `lakegate serve`.

use anyhow::Context as _;

use super::lakebase::Lakebase;
use super::measured::{Measured, in_turns};
use super::table::{Aim, Row, Table, Unit};
use super::wrk::{Load, Request, Wrk};
use crate::guests;
use crate::serve::{KEY, Server};
use crate::workspace::Workspace;

/// The first `POST /token` buys the token, in a round that is not measured.
const REQUESTS: [Request; 3] = [
    Request { method: "GET", path: "/healthz", key: None },
    Request { method: "GET", path: "/status", key: Some(KEY) },
    Request { method: "POST", path: "/token", key: Some(KEY) },
];
const HELLO: Request = Request { method: "GET", path: "/", key: None };

/// At once; each sends its next request when the last one is answered.
const CLIENTS: [u32; 3] = [1, 16, 128];
/// Of each of the two, in turns.
const ROUNDS: usize = 5;
/// Of one round.
const SECONDS: u32 = 2;

/// Measures beside a local Lakebase.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<Table> {
    let wrk = Wrk::find(workspace)?;
    let hello = guests::hello(workspace)?;
    let lakebase = Lakebase::open(workspace)?;
    let hello = hello.to_str().context("the path of the target folder is no UTF-8")?;
    let ours = Server::start(&mut lakebase.lakegate(), &[])?;
    let beside = Server::start(&mut lakebase.lakegate(), &["--component", hello])?;
    let mut rows = Vec::new();
    for request in &REQUESTS {
        for clients in CLIENTS {
            let ours = || wrk.load(&ours.origin, request, clients, SECONDS);
            let beside = || wrk.load(&beside.origin, &HELLO, clients, SECONDS);
            let what = format!("{} {}, {clients} at once", request.method, request.path);
            rows.extend(compare(what, ours, beside)?);
        }
    }
    Ok(Table { beside: "hello", rows })
}

/// The rows of one request by so many clients.
fn compare(
    what: String,
    ours: impl Fn() -> anyhow::Result<Load>,
    beside: impl Fn() -> anyhow::Result<Load>,
) -> anyhow::Result<[Row; 3]> {
    let (mut ours_seen, mut beside_seen) = (Latencies::default(), Latencies::default());
    let (ours, beside) = in_turns(
        ROUNDS,
        || ours().map(|load| ours_seen.note(&load)),
        || beside().map(|load| beside_seen.note(&load)),
    )?;
    let ([ours_p50, ours_p99], [beside_p50, beside_p99]) =
        (ours_seen.measured(), beside_seen.measured());
    let latency = |what: &str, ours, beside| Row {
        what: format!("  {what}"),
        unit: Unit::Nanoseconds,
        ours,
        beside: Some(beside),
        aims: &[],
    };
    Ok([
        Row {
            what,
            unit: Unit::PerSecond,
            ours,
            beside: Some(beside),
            aims: &[Aim::AtLeastTimes(0.8)],
        },
        latency("p50", ours_p50, beside_p50),
        latency("p99", ours_p99, beside_p99),
    ])
}

/// What each round told beside its requests a second.
#[derive(Default)]
struct Latencies {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Latencies {
    /// Keeps the latencies, and hands on the requests a second.
    fn note(&mut self, load: &Load) -> f64 {
        self.p50.push(load.p50);
        self.p99.push(load.p99);
        load.requests_a_second
    }

    /// Of all rounds but the first, which is not measured.
    fn measured(self) -> [Measured; 2] {
        [self.p50, self.p99].map(|seen| Measured::new(seen[1..].to_vec()))
    }
}
