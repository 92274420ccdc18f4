//! The programs of the demo: `lakegate`, `psql`, and the clock they share.

use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, bail, ensure};
use serde_json::{Value, json};

use super::text;
use crate::postgres;
use crate::serve::Server;
use crate::workspace::Workspace;

/// The emulator around us, and what runs against it.
pub(crate) struct House {
    lakegate: PathBuf,
    psql: PathBuf,
    migrations: PathBuf,
}

impl House {
    /// Looks around: the emulator has set this process' environment.
    pub(crate) fn open(workspace: &Workspace) -> anyhow::Result<Self> {
        let psql = postgres::folder().map(|bin| bin.join("psql")).filter(|p| p.is_file());
        Ok(Self {
            lakegate: workspace.target("debug/lakegate"),
            psql: psql
                .context("there is no psql beside the Postgres server; install its client")?,
            migrations: workspace.path(super::MIGRATIONS),
        })
    }

    pub(crate) fn migrations(&self) -> &Path {
        &self.migrations
    }

    /// A variable that the emulator has set.
    pub(crate) fn env(&self, name: &str) -> anyhow::Result<String> {
        env::var(name).with_context(|| format!("the emulator has set no {name}"))
    }

    /// `lakegate` as the application runs it.
    pub(crate) fn app(&self) -> Lakegate {
        let mut command = Command::new(&self.lakegate);
        command.arg("--quiet");
        Lakegate(command)
    }

    /// `lakegate` as the admin runs it: with a person's token, not with the application's secret.
    pub(crate) fn admin(&self) -> Lakegate {
        let Lakegate(mut command) = self.app();
        command.env_remove("DATABRICKS_CLIENT_ID").env_remove("DATABRICKS_CLIENT_SECRET");
        command.env("DATABRICKS_TOKEN", env::var_os("EMULATOR_ADMIN_TOKEN").unwrap_or_default());
        Lakegate(command)
    }

    /// The function with its key-value store in this folder, sealed with a key that is no secret
    /// here: nobody keeps the folder.
    pub(crate) fn serve(&self, store: &str) -> anyhow::Result<Server> {
        let Lakegate(mut command) = self.app();
        command.env("LAKEGATE_CACHE_KEY", "bm8gc2VjcmV0OiBvbmx5IGZvciB0aGlzIGRlbW8hISE=");
        Server::start(&mut command, &["--store", store])
    }

    /// The credential, as a program reads it.
    pub(crate) fn credential(&self) -> anyhow::Result<Value> {
        let lines = self.app().args(["token", "--json"]).lines()?;
        parse(lines.first().map_or("", String::as_str))
    }

    /// An application that logs in with this credential.
    pub(crate) fn psql(&self, credential: &Value) -> anyhow::Result<Login> {
        let mut command = Command::new(&self.psql);
        command.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align"]);
        command.args(["--set", "ON_ERROR_STOP=1"]);
        for (name, field) in [
            ("PGHOST", "host"),
            ("PGUSER", "user"),
            ("PGDATABASE", "database"),
            ("PGPASSWORD", "token"),
        ] {
            command.env(name, text(credential, field)?);
        }
        command.env("PGPORT", credential["port"].to_string()).env("PGSSLMODE", "verify-full");
        Ok(Login(command))
    }

    /// Lets time pass for all who read the clock file.
    pub(crate) fn pass_minutes(&self, minutes: u64) -> anyhow::Result<()> {
        let path = self.env("LAKEGATE_CLOCK_FILE")?;
        let clock = std::fs::read_to_string(&path).context("reading the clock file")?;
        let clock: Value = serde_json::from_str(&clock).context("the clock file is no JSON")?;
        let shift = clock["shift_ms"].as_u64().unwrap_or(0) + minutes * 60_000;
        // As a whole: nobody may read half a number.
        let next = format!("{path}.next");
        std::fs::write(&next, json!({ "shift_ms": shift }).to_string())
            .and_then(|()| std::fs::rename(&next, &path))
            .context("writing the clock file")
    }
}

/// A run of `lakegate`.
pub(crate) struct Lakegate(Command);

impl Lakegate {
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.0.args(args);
        self
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.0.arg(arg);
        self
    }

    /// What it prints; it must succeed.
    pub(crate) fn lines(mut self) -> anyhow::Result<Vec<String>> {
        self.0.stderr(Stdio::inherit());
        let output = self.0.output().context("starting lakegate")?;
        ensure!(output.status.success(), "{:?} ended with {}", self.0.get_args(), output.status);
        Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
    }

    /// Its reason; it must be refused.
    pub(crate) fn refused(mut self) -> anyhow::Result<String> {
        let output = self.0.output().context("starting lakegate")?;
        ensure!(!output.status.success(), "{:?} was expected to fail", self.0.get_args());
        let words = String::from_utf8(output.stderr)?;
        Ok(words.lines().next().unwrap_or_default().trim_start_matches("lakegate: ").to_owned())
    }
}

/// `lakegate token --follow`: a process that stays, and prints each credential as it comes.
pub(crate) struct Follower {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Follower {
    pub(crate) fn start(house: &House) -> anyhow::Result<Self> {
        let Lakegate(mut command) = house.app().args(["token", "--follow", "--json"]);
        let mut process = command.stdout(Stdio::piped()).spawn().context("starting lakegate")?;
        let stdout = process.stdout.take().context("lakegate has no standard output")?;
        Ok(Self { process, lines: BufReader::new(stdout).lines() })
    }

    /// The next credential, as soon as it is there.
    pub(crate) fn next(&mut self) -> anyhow::Result<Value> {
        match self.lines.next() {
            Some(line) => parse(&line?),
            None => bail!("lakegate ended: {}", self.process.wait()?),
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        // It may have ended already; there is nothing to do about either failure.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A login of `psql`, not yet begun.
pub(crate) struct Login(Command);

impl Login {
    /// Logs in, asks one thing, leaves.
    pub(crate) fn query(mut self, sql: &str) -> anyhow::Result<String> {
        let output = self.0.args(["--command", sql]).output().context("starting psql")?;
        ensure!(
            output.status.success(),
            "psql: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// The server's reason; it must refuse the login.
    pub(crate) fn refused(mut self) -> anyhow::Result<String> {
        let output = self.0.args(["--command", "SELECT 1"]).output().context("starting psql")?;
        ensure!(!output.status.success(), "the login was expected to be refused");
        let words = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(words.rsplit("FATAL:").next().unwrap_or(&words).trim().to_owned())
    }

    /// Logs in and stays.
    pub(crate) fn stay(mut self) -> anyhow::Result<Session> {
        let command = self.0.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().context("starting psql")?;
        let stdin = process.stdin.take().context("psql has no standard input")?;
        let stdout = process.stdout.take().context("psql has no standard output")?;
        Ok(Session { process, stdin, lines: BufReader::new(stdout).lines() })
    }
}

/// An open connection.
pub(crate) struct Session {
    process: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Session {
    /// Asks for one line.
    pub(crate) fn query(&mut self, sql: &str) -> anyhow::Result<String> {
        writeln!(self.stdin, "{sql};").context("the connection is closed")?;
        self.lines.next().context("the connection is closed")?.context("reading from psql")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // It may have ended already; there is nothing to do about either failure.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn parse(line: &str) -> anyhow::Result<Value> {
    serde_json::from_str(line).with_context(|| format!("not JSON: {line}"))
}
