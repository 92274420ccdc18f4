//! `lakegate setup` and `lakegate tighten`: what an admin does, once.

use std::fmt::Write;
use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use serde_json::json;

use super::Session;
use super::bootstrap::steps_json;
use crate::cli::{AdminArgs, SetupArgs, TightenArgs};
use crate::component::{Admin, AdminReport, Grantees};
use crate::failure::{DRIFT, Failure};
use crate::output;

/// No token is longer; what comes after is not one.
const TOKEN_LIMIT: u64 = 64 << 10;

pub(super) async fn setup(session: &Session, args: SetupArgs) -> Result<ExitCode, Failure> {
    let grantees = match args.grant_public {
        true => Vec::new(),
        false => named(session, args.grant_to).await?,
    };
    let grantees = match grantees.is_empty() {
        true => Grantees::Everybody,
        false => Grantees::Roles(grantees),
    };
    let admin = pasted(&args.admin)?;
    let report = session.gate.setup(grantees, admin, args.admin.plan).await?;
    show(&report, &args.admin)
}

pub(super) async fn tighten(session: &Session, args: TightenArgs) -> Result<ExitCode, Failure> {
    let roles = named(session, args.grant_to).await?;
    if roles.is_empty() {
        return Err(Failure::usage(
            "who keeps the right to create schemas? name the service principal with --grant-to \
             (`lakegate bootstrap apply` prints it)",
        ));
    }
    let admin = pasted(&args.admin)?;
    let report = session.gate.tighten(roles, admin, args.admin.plan).await?;
    show(&report, &args.admin)
}

/// The roles that were named; else the service principal of the application, where the settings
/// tell it.
async fn named(session: &Session, roles: Vec<String>) -> Result<Vec<String>, Failure> {
    if !roles.is_empty() {
        return Ok(roles);
    }
    let sources = session.gate.sources().await?;
    let client = sources.into_iter().find(|source| source.name == "DATABRICKS_CLIENT_ID");
    Ok(client.map(|source| source.value).filter(|id| !id.is_empty()).into_iter().collect())
}

/// The token that a person pastes, as on the workspace's own page.
fn pasted(args: &AdminArgs) -> Result<Option<Admin>, Failure> {
    let Some(user) = args.user.clone() else { return Ok(None) };
    if std::io::stdin().is_terminal() {
        eprintln!("Paste the database token of {user}, then press Enter and Ctrl-D:");
    }
    let mut token = String::new();
    std::io::stdin()
        .take(TOKEN_LIMIT)
        .read_to_string(&mut token)
        .map_err(|e| Failure::usage(format!("no token could be read from standard input: {e}")))?;
    match token.trim() {
        "" => Err(Failure::usage("there is no token on standard input, and --user needs one")),
        token => Ok(Some(Admin { user, token: token.to_owned() })),
    }
}

fn show(report: &AdminReport, args: &AdminArgs) -> Result<ExitCode, Failure> {
    let left = args.plan || !report.obstacles.is_empty();
    if args.json {
        output::print_json(&json!({
            "steps": steps_json(&report.steps),
            "remarks": report.remarks,
            "obstacles": report.obstacles,
            "applied": !left,
        }))?;
    } else {
        output::print(&text(report, left))?;
    }
    if !report.obstacles.is_empty() {
        return Err(refusal(report));
    }
    let pending = args.plan && !report.steps.is_empty();
    Ok(if pending { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS })
}

/// The statements themselves are on standard output: there no line of them is indented.
fn refusal(report: &AdminReport) -> Failure {
    Failure::from(anyhow::anyhow!("{}", report.obstacles.join("; "))).advise(
        "Nothing of what is on standard output was done. It is left for somebody who may: in psql, \
         on any database of the server.",
    )
}

/// What was done, or what is `left` to do as a script for psql.
fn text(report: &AdminReport, left: bool) -> String {
    let mut text = String::new();
    if report.steps.is_empty() {
        text.push_str("nothing to do\n");
    }
    for step in &report.steps {
        let _ = match left {
            true => writeln!(text, "{}{};", output::comment(&step.title), step.sql),
            false => writeln!(text, "done: {}", step.title),
        };
    }
    for remark in &report.remarks {
        match left {
            true => text.push_str(&output::comment(remark)),
            false => {
                let _ = writeln!(text, "note: {remark}");
            }
        }
    }
    text
}
