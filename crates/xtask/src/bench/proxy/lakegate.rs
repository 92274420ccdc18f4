//! `lakegate proxy`, as it is measured.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::Context as _;

use super::SERVER_CONNECTIONS;
use super::database::{DATABASE, Database, ROLE};
use super::pgbench::Door;
use super::process::{Process, many_files};
use crate::workspace::Workspace;

/// A running proxy; dropping it ends it.
pub(super) struct Lakegate {
    process: Process,
    port: u16,
    root: Option<PathBuf>,
}

impl Lakegate {
    /// Starts it, and waits until it listens.
    pub(super) fn start(
        workspace: &Workspace,
        database: &Database,
        tls: bool,
    ) -> anyhow::Result<Self> {
        let mut command = many_files(workspace.target("release/lakegate"));
        command
            .args(["--quiet", "proxy", "--listen", "127.0.0.1:0", "--pool", "transaction"])
            .args(["--pool-size", &SERVER_CONNECTIONS.to_string(), "--max-clients", "2000"])
            .env("ENV", "LOCAL")
            .env("POSTGRES_HOST", &database.host)
            .env("POSTGRES_PORT", database.port.to_string())
            .env("POSTGRES_DB", DATABASE)
            .env("POSTGRES_USER", ROLE)
            .env("POSTGRES_PASSWORD", &database.password)
            .env("SSL_CERT_FILE", database.file("root.pem"))
            .stdout(Stdio::piped());
        if tls {
            command.arg("--tls-cert").arg(database.file("server.pem"));
            command.arg("--tls-key").arg(database.file("server.key"));
        }
        let mut process = Process::start(&mut command, "`lakegate proxy`")?;
        let stdout = process.stdout().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).context("reading `lakegate proxy`")?;
        let port = line.strip_prefix("listening on ").and_then(|place| place.rsplit_once(':'));
        let port = port.context("`lakegate proxy` did not start")?.1.trim_end();
        let port = port.parse().with_context(|| format!("it said: {line}"))?;
        Ok(Self { process, port, root: tls.then(|| database.file("root.pem")) })
    }

    /// The way in.
    pub(super) fn door(&self) -> Door {
        Door::of_pool(self.port, self.root.clone(), self.process.id())
    }
}
