//! `cargo xtask demo`: the whole life of a token and of a database, on this machine.
//!
//! Nothing here is made up: `lakebase-emulator` runs a real Postgres behind TLS and signed tokens,
//! `lakegate` is the binary that users get, and `psql` is any application. Time is the one thing
//! that is not real: both read the same clock file, and an hour passes when it says so.

mod function;
mod house;

use std::path::Path;

use anyhow::{Context, ensure};
use serde_json::Value;

use self::house::{Follower, House};
use crate::command;
use crate::workspace::Workspace;

/// The migrations that the demo applies.
const MIGRATIONS: &str = "crates/xtask/demo";

/// Starts a local Lakebase, and the story inside of it: it stops with the last line.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let xtask = workspace.program();
    let mut emulator = workspace.command(workspace.target("debug/lakebase-emulator"));
    command::run(emulator.arg("--").arg(xtask).args(["demo", "--inside"]))
}

/// Tells the story; every line is printed after what it says has happened.
pub(crate) fn inside(workspace: &Workspace) -> anyhow::Result<()> {
    let house = House::open(workspace)?;
    let migrations = workspace.path(MIGRATIONS);
    println!();
    arrive(&house)?;
    prepare(&house, &migrations)?;
    live_on(&house)?;
    function::serve(&house)?;
    tighten(&house)?;
    println!(
        "\nThat was the whole life: nobody typed a password, and no token was kept in the clear."
    );
    Ok(())
}

/// Who we are, and the first credential.
fn arrive(house: &House) -> anyhow::Result<()> {
    tell(
        "a local Lakebase is up",
        &format!(
            "control plane at {}, Postgres at {}:{} behind TLS and tokens",
            house.env("DATABRICKS_HOST")?,
            house.env("POSTGRES_HOST")?,
            house.env("POSTGRES_PORT")?,
        ),
    );
    let credential = house.credential()?;
    tell("who am I", &format!("service principal {}", text(&credential, "user")?));
    tell(
        "credential bought",
        &format!(
            "{} characters, good until {}",
            text(&credential, "token")?.len(),
            text(&credential, "expires_at")?,
        ),
    );
    Ok(())
}

/// The admin's setup, then the application's first start.
fn prepare(house: &House, migrations: &Path) -> anyhow::Result<()> {
    let before =
        house.app().args(["bootstrap", "apply", "--migrations"]).arg(migrations).refused()?;
    tell("first start, too early", &before);
    for line in house.admin().args(["setup", "--grant-public"]).lines()? {
        tell("admin: setup", &line);
    }
    for line in house.app().args(["bootstrap", "apply", "--migrations"]).arg(migrations).lines()? {
        tell("app: bootstrap", &line);
    }
    for line in house
        .app()
        .args(["bootstrap", "apply", "--migrations"])
        .arg(migrations)
        .lines()?
        .iter()
        .take(1)
    {
        tell("app: bootstrap again", line);
    }
    Ok(())
}

/// Fifty minutes, then sixty: a refresh in time, and the end of the first token.
fn live_on(house: &House) -> anyhow::Result<()> {
    let mut follower = Follower::start(house)?;
    let first = follower.next()?;
    let owner = house.psql(&first)?.query(
        "SELECT string_agg(tablename, ', ' ORDER BY tablename) || ', owned by ' || min(tableowner) \
         FROM pg_tables WHERE schemaname = 'app_ontos'",
    )?;
    tell("logged in over TLS", &format!("tables {owner}"));
    let mut session = house.psql(&first)?.stay()?;
    session.query("SELECT 1")?;

    house.pass_minutes(50)?;
    let second = follower.next()?;
    ensure!(
        text(&first, "token")? != text(&second, "token")?,
        "the refresh brought the same token"
    );
    tell(
        "50 minutes later",
        &format!(
            "token {} replaced token {}; the new one is good until {}",
            second["generation"],
            first["generation"],
            text(&second, "expires_at")?,
        ),
    );
    house
        .psql(&first)?
        .query("SELECT 1")
        .context("the first token should live for 10 minutes more")?;
    tell("", "the first one still logs in: nobody was cut off");

    house.pass_minutes(11)?;
    let refusal = house.psql(&first)?.refused()?;
    tell("60 minutes later", &format!("Lakebase refuses the first token: {refusal}"));
    session.query("SELECT 1").context("an open connection should outlive its token")?;
    tell("", "the connection opened with it lives on");
    house.psql(&second)?.query("SELECT 1").context("the second token should log in")?;
    tell("", "the token that Lakegate holds logs in");
    Ok(())
}

/// The admin's last step, looked at from the catalog.
fn tighten(house: &House) -> anyhow::Result<()> {
    let role = house.env("DATABRICKS_CLIENT_ID")?.to_owned();
    for line in house.admin().args(["tighten", "--grant-to", &role]).lines()? {
        tell("admin: tighten", &line);
    }
    let migrations = house.migrations();
    for line in house.app().args(["bootstrap", "verify", "--migrations"]).arg(migrations).lines()? {
        tell("app: verify", &line);
    }
    Ok(())
}

/// Prints one step; a step of several lines has its name at the first only.
fn tell(step: &str, line: &str) {
    println!("{step:>22}  {line}");
}

fn text<'a>(value: &'a Value, field: &str) -> anyhow::Result<&'a str> {
    value[field].as_str().with_context(|| format!("`lakegate token --json` gave no {field}"))
}
