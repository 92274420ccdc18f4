//! The local Lakebase around a benchmark, and the programs that are measured beside it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::postgres;
use crate::workspace::Workspace;

/// Programs and their environment.
pub(super) struct Lakebase {
    lakegate: PathBuf,
    psql: PathBuf,
}

impl Lakebase {
    /// Looks around: the emulator has set this process' environment.
    pub(super) fn open(workspace: &Workspace) -> anyhow::Result<Self> {
        let psql = postgres::folder().map(|bin| bin.join("psql")).filter(|p| p.is_file());
        Ok(Self {
            lakegate: workspace.target("release/lakegate"),
            psql: psql.context("there is no psql beside the Postgres server")?,
        })
    }

    /// `lakegate` as the application runs it, by the clocks of this machine.
    pub(super) fn lakegate(&self) -> Command {
        let mut command = Command::new(&self.lakegate);
        command.env_remove("LAKEGATE_CLOCK_FILE").arg("--quiet");
        command
    }

    /// Creates a database of this name, in which the application may create schemas.
    pub(super) fn create_database(&self, name: &str) -> anyhow::Result<()> {
        let mut command = self.lakegate();
        command.env_remove("DATABRICKS_CLIENT_ID").env_remove("DATABRICKS_CLIENT_SECRET");
        command.env("DATABRICKS_TOKEN", variable("EMULATOR_ADMIN_TOKEN")?);
        output(command.args(["--database", name, "setup", "--grant-public"]))?;
        Ok(())
    }

    /// `psql` as the application, logged in to this database with this token, over verified TLS.
    pub(super) fn psql(&self, database: &str, token: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(&self.psql);
        command
            .args(["--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1"])
            .env("PGHOST", variable("POSTGRES_HOST")?)
            .env("PGPORT", variable("POSTGRES_PORT")?)
            .env("PGUSER", variable("DATABRICKS_CLIENT_ID")?)
            .env("PGDATABASE", database)
            .env("PGPASSWORD", token)
            .env("PGSSLMODE", "verify-full");
        Ok(command)
    }

    /// Runs some work, and returns how often it waited for the database.
    pub(super) fn round_trips(
        &self,
        work: impl FnOnce() -> anyhow::Result<()>,
    ) -> anyhow::Result<f64> {
        let url = format!("{}/counts", variable("LAKEBASE_EMULATOR_ADMIN")?);
        output(curl().args(["--request", "DELETE", &url]))?;
        work()?;
        let counts: Value = serde_json::from_str(&output(curl().arg(&url))?)?;
        counts["round_trips"].as_f64().context("the emulator counts no round trips")
    }
}

/// A credential as one buys it by hand: two exchanges, each by a process of `curl`.
pub(super) fn bought_by_hand() -> anyhow::Result<String> {
    let workspace = variable("DATABRICKS_HOST")?;
    let client =
        format!("{}:{}", variable("DATABRICKS_CLIENT_ID")?, variable("DATABRICKS_CLIENT_SECRET")?);
    let mut login = curl();
    login.args(["--user", &client, "--data", "grant_type=client_credentials&scope=all-apis"]);
    let workspace_token =
        text(&output(login.arg(format!("{workspace}/oidc/v1/token")))?, "access_token")?;

    let instance = variable("LAKEBASE_INSTANCE_NAME")?;
    let body = serde_json::json!({ "request_id": "by-hand", "instance_names": [instance] });
    let mut purchase = curl();
    purchase.args(["--header", "Content-Type: application/json", "--data", &body.to_string()]);
    purchase.args(["--header", &format!("Authorization: Bearer {workspace_token}")]);
    text(&output(purchase.arg(format!("{workspace}/api/2.0/database/credentials")))?, "token")
}

/// Runs a program to its end and returns what it wrote. The arguments, which may hold a secret,
/// are not repeated when it fails.
pub(super) fn output(command: &mut Command) -> anyhow::Result<String> {
    let name = Path::new(command.get_program()).display().to_string();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} ended with {}: {}", output.status, said.trim_end());
    String::from_utf8(output.stdout).with_context(|| format!("{name} wrote what is not UTF-8"))
}

fn curl() -> Command {
    let mut command = Command::new("curl");
    command.args(["--silent", "--show-error", "--fail"]);
    command
}

fn variable(name: &str) -> anyhow::Result<String> {
    env::var(name).with_context(|| format!("the emulator has set no {name}"))
}

fn text(answer: &str, field: &str) -> anyhow::Result<String> {
    let answer: Value = serde_json::from_str(answer).context("the answer is not JSON")?;
    Ok(answer[field].as_str().with_context(|| format!("the answer has no {field}"))?.to_owned())
}
