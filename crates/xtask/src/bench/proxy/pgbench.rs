//! `pgbench`, which comes with Postgres: many clients that read one row at a time.

use std::cell::Cell;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::database::{DATABASE, Database, ROLE};
use super::process::{many_files, processor_time};
use crate::bench::lakebase::output;
use crate::bench::measured::Measured;
use crate::postgres;
use crate::workspace::Workspace;

/// Of one round.
const SECONDS: f64 = 3.0;
/// For a client to connect, as long as nobody has measured it: pgbench's clock begins before.
const CONNECTING: f64 = 0.02;

/// The program, and the folder of its logs.
pub(super) struct Pgbench {
    program: PathBuf,
    logs: PathBuf,
}

/// How queries are sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Protocol {
    /// As text.
    Simple,
    /// By the name of a statement that was prepared once in a connection.
    Prepared,
}

/// What clients do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Case {
    pub(super) protocol: Protocol,
    /// Whether applications reach the pool over TLS.
    pub(super) tls: bool,
    /// Whether each query has a connection of its own.
    pub(super) connect: bool,
    /// At once.
    pub(super) clients: u32,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.protocol.name())?;
        f.write_str(if self.tls { " over TLS" } else { "" })?;
        write!(f, ", {} client{}", self.clients, if self.clients == 1 { "" } else { "s" })?;
        match (self.connect, self.clients) {
            (false, _) => Ok(()),
            (true, 1) => f.write_str(" that connects"),
            (true, _) => f.write_str(" that connect"),
        }
    }
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Prepared => "prepared",
        }
    }
}

/// Where clients connect.
pub(super) struct Door {
    /// A name that the certificate has, if there is one.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: &'static str,
    /// Empty where none is asked for.
    pub(super) password: String,
    /// The authority to verify the certificate with; without it there is no TLS.
    pub(super) root: Option<PathBuf>,
    /// The pool whose processor time counts.
    pub(super) process: Option<u32>,
    /// The seconds until all clients were connected, last time.
    pub(super) connecting: Cell<Option<f64>>,
}

/// What one round told.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Load {
    /// Queries answered in a second.
    pub(super) a_second: f64,
    /// Nanoseconds that half of the queries did not exceed.
    pub(super) p50: f64,
    /// Nanoseconds that 99 of 100 queries did not exceed.
    pub(super) p99: f64,
    /// Nanoseconds that the pool spent on processors for each query.
    pub(super) processor: f64,
}

impl Pgbench {
    /// Looks beside the server.
    pub(super) fn find(workspace: &Workspace) -> anyhow::Result<Self> {
        let program = postgres::folder().map(|bin| bin.join("pgbench")).filter(|p| p.is_file());
        let program = program.context("there is no pgbench beside the Postgres server")?;
        Ok(Self { program, logs: workspace.target("bench/pgbench") })
    }

    /// Makes the table that is read: 100,000 accounts.
    pub(super) fn fill(&self, database: &Database) -> anyhow::Result<()> {
        output(self.at(&database.door()).args(["--initialize", "--quiet"]))?;
        Ok(())
    }

    /// Lets the clients work for some seconds.
    ///
    /// # Errors
    ///
    /// If a single query fails: the others would be counted for what they are not.
    pub(super) fn load(&self, door: &Door, case: &Case) -> anyhow::Result<Load> {
        let logs = Logs::new(&self.logs)?;
        let mut pgbench = self.at(door);
        pgbench.args(["--select-only", "--no-vacuum", "--protocol", case.protocol.name()]);
        let connecting = door.connecting.get().unwrap_or(f64::from(case.clients) * CONNECTING);
        // It may take longer this time.
        let seconds = (SECONDS + connecting * 1.5).ceil();
        pgbench.args(["--client", &case.clients.to_string(), "--time", &seconds.to_string()]);
        // More than two threads would take the pool's processors from it.
        pgbench.args(["--jobs", &case.clients.min(2).to_string(), "--log", "--log-prefix"]);
        pgbench.arg(self.logs.join("round"));
        if case.connect {
            pgbench.arg("--connect");
        }
        let used = || door.process.map_or(Ok(0.0), processor_time);
        let before = used()?;
        let said = output(&mut pgbench).with_context(|| case.to_string())?;
        let processor = used()? - before;
        door.connecting.set(connecting_seconds(&said));
        let latencies = logs.latencies()?;
        Ok(Load {
            a_second: a_second(&said)?,
            p50: latencies.percentile(50),
            p99: latencies.percentile(99),
            processor: processor / latencies.len() as f64,
        })
    }

    fn at(&self, door: &Door) -> Command {
        let mut command = many_files(&self.program);
        let mode = if door.root.is_some() { "verify-full" } else { "disable" };
        command
            .env("PGHOST", &door.host)
            .env("PGPORT", door.port.to_string())
            .env("PGUSER", ROLE)
            .env("PGDATABASE", door.database)
            .env("PGPASSWORD", &door.password)
            .env("PGSSLMODE", mode)
            // It would ask for Kerberos first, and wait for the answer.
            .env("PGGSSENCMODE", "disable")
            .envs(door.root.as_ref().map(|root| ("PGSSLROOTCERT", root)));
        command
    }
}

impl Door {
    /// The way into a pool on this machine that asks for no password.
    pub(super) fn of_pool(port: u16, root: Option<PathBuf>, process: u32) -> Self {
        let host = if root.is_some() { "localhost" } else { "127.0.0.1" };
        let (host, process) = (host.to_owned(), Some(process));
        let (password, connecting) = (String::new(), Cell::default());
        Self { host, port, database: DATABASE, password, root, process, connecting }
    }
}

/// The rate at the end of the report.
fn a_second(said: &str) -> anyhow::Result<f64> {
    let failed = said.lines().find_map(|line| line.strip_prefix("number of failed transactions: "));
    let failed = failed.context("pgbench told no failures")?;
    ensure!(failed.starts_with("0 "), "queries failed: {failed}");
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split(' ').next()).context("pgbench told no tps")?;
    rate.parse().with_context(|| format!("pgbench told {rate} tps"))
}

/// None with `--connect`, where clients connect all the time.
fn connecting_seconds(said: &str) -> Option<f64> {
    let time = said.lines().find_map(|line| line.strip_prefix("initial connection time = "))?;
    time.strip_suffix(" ms")?.parse().ok().map(|milliseconds: f64| milliseconds / 1e3)
}

/// A folder with one file for each thread of one round, one line for each query.
struct Logs<'a>(&'a Path);

impl<'a> Logs<'a> {
    /// Makes it, or empties it.
    fn new(folder: &'a Path) -> anyhow::Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).context("removing the last logs")?;
        }
        fs::create_dir_all(folder).context("making a folder for logs")?;
        Ok(Self(folder))
    }

    fn latencies(&self) -> anyhow::Result<Measured> {
        let mut all = Vec::new();
        for entry in fs::read_dir(self.0).context("reading the logs")? {
            let text = fs::read_to_string(entry?.path()).context("reading a log")?;
            for line in text.lines() {
                all.push(latency(line).with_context(|| format!("pgbench logged: {line}"))?);
            }
        }
        ensure!(!all.is_empty(), "no query was answered");
        Ok(Measured::new(all))
    }
}

/// The nanoseconds of one query: the third number of a line, in microseconds.
fn latency(line: &str) -> Option<f64> {
    line.split(' ').nth(2)?.parse().ok().map(|microseconds: f64| microseconds * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_is_read() {
        let end = "latency average = 1 ms\ntps = 123.5 (without initial connection time)\n";
        let failed = "number of failed transactions: ";
        check(&format!("{failed}0 (0.000%)\n{end}"), Ok(123.5));
        check(&format!("{failed}3 (0.100%)\n{end}"), Err("queries failed: 3 (0.100%)"));
        check(end, Err("pgbench told no failures"));
        check(&format!("{failed}0 (0.000%)\n"), Err("pgbench told no tps"));
    }

    #[track_caller]
    fn check(said: &str, expected: Result<f64, &str>) {
        let read = a_second(said).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned));
    }

    #[test]
    fn the_time_to_connect_is_read() {
        let said = "latency average = 1 ms\ninitial connection time = 1250.5 ms\ntps = 1 (x)\n";
        assert_eq!(connecting_seconds(said), Some(1.2505));
        assert_eq!(connecting_seconds("average connection time = 0.1 ms\n"), None);
    }

    #[test]
    fn a_line_of_the_log_is_read() {
        assert_eq!(latency("0 199 2241 0 1175850568 995598"), Some(2_241_000.0));
        assert_eq!(latency("0 199"), None);
        assert_eq!(latency("0 199 failed 0 1175850569 608"), None);
    }
}
