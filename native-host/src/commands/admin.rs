//! `lakegate setup` and `lakegate tighten`: what an admin does, once.

use std::fmt::Write;
use std::io::{IsTerminal, Read};
use std::process::ExitCode;

use serde_json::json;

use super::Session;
use super::bootstrap::steps_json;
use crate::cli::{AdminArgs, SetupArgs, TightenArgs};
use crate::component::{Admin, AdminReport, Grantee};
use crate::failure::{DRIFT, Failure};
use crate::output;

/// No token is longer; what comes after is not one.
const TOKEN_LIMIT: u64 = 64 << 10;

pub(super) async fn setup(session: &Session, args: SetupArgs) -> Result<ExitCode, Failure> {
    let grantee = match args.grant_to.or_else(client_id) {
        _ if args.grant_public => Grantee::Everybody,
        Some(role) => Grantee::Role(role),
        None => Grantee::Everybody,
    };
    let admin = pasted(&args.admin)?;
    let report = session.gate.setup(grantee, admin, args.admin.plan).await?;
    show(&report, &args.admin)
}

pub(super) async fn tighten(session: &Session, args: TightenArgs) -> Result<ExitCode, Failure> {
    let role = args.grant_to.or_else(client_id).ok_or_else(|| {
        Failure::usage(
            "who keeps the right to create schemas? name the service principal with --grant-to \
             (`lakegate bootstrap apply` prints it)",
        )
    })?;
    let admin = pasted(&args.admin)?;
    let report = session.gate.tighten(role, admin, args.admin.plan).await?;
    show(&report, &args.admin)
}

/// The service principal of the application, where the platform tells it.
fn client_id() -> Option<String> {
    std::env::var("DATABRICKS_CLIENT_ID").ok().filter(|id| !id.is_empty())
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
    if args.json {
        output::print_json(&json!({
            "steps": steps_json(&report.steps),
            "remarks": report.remarks,
            "applied": !args.plan,
        }))?;
    } else {
        output::print(&text(report, args.plan))?;
    }
    let pending = args.plan && !report.steps.is_empty();
    Ok(if pending { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS })
}

fn text(report: &AdminReport, plan: bool) -> String {
    let mut text = String::new();
    if report.steps.is_empty() {
        text.push_str("nothing to do\n");
    }
    for step in &report.steps {
        let _ = match plan {
            true => writeln!(text, "-- {}\n{};", step.title, step.sql),
            false => writeln!(text, "done: {}", step.title),
        };
    }
    for remark in &report.remarks {
        let _ = writeln!(text, "{}{remark}", if plan { "-- " } else { "note: " });
    }
    text
}
