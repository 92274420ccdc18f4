//! `lakegate doctor`.

mod network;
mod pseudonyms;
mod report;

use std::fmt::Write;
use std::process::ExitCode;

use lakegate_edges::tls;
use serde_json::{Value, json};

use super::Session;
use crate::cli::DoctorArgs;
use crate::component::{Check, Outcome, Source};
use crate::failure::{Failure, USAGE};
use crate::output;

pub(super) async fn run(session: &Session, args: DoctorArgs) -> Result<ExitCode, Failure> {
    let report = args.report.map(|path| report::Place::new(path, args.force)).transpose()?;
    let mut sources = session.gate.sources().await?;
    sources.extend_from_slice(&session.proxy_sources);
    let checks = network::look(session.gate.examine().await?, &tls::client_config()?).await;
    if args.json {
        output::print_json(&as_json(&sources, &checks))?;
    } else {
        output::print(&as_text(&sources, &checks))?;
    }
    if let Some(place) = report {
        place.write(&report::of(&sources, &checks, session.clock.now().wall))?;
    }
    Ok(code(&checks))
}

/// 2 when the settings cannot be used, 1 when anything else failed.
fn code(checks: &[Check]) -> ExitCode {
    let mut failed = checks.iter().filter(|check| matches!(check.outcome, Outcome::Failed));
    match failed.next() {
        None => ExitCode::SUCCESS,
        Some(first) if first.name == "configuration" => ExitCode::from(USAGE),
        Some(_) => ExitCode::FAILURE,
    }
}

fn as_text(sources: &[Source], checks: &[Check]) -> String {
    let mut text = String::from("settings\n");
    let width = sources.iter().map(|source| source.name.len()).max().unwrap_or(0);
    for Source { name, value, origin, .. } in sources.iter().filter(|s| !s.value.is_empty()) {
        let _ = writeln!(text, "  {name:width$}  {value}  ({origin})");
    }
    text.push_str("checks\n");
    for Check { name, outcome, cause, found, advice, .. } in checks {
        let cause = cause.as_ref().map(|cause| format!(" ({cause})")).unwrap_or_default();
        let _ = writeln!(text, "  {:7}  {name}{cause}: {found}", word(outcome));
        for line in advice.lines() {
            let _ = writeln!(text, "           → {line}");
        }
    }
    text
}

fn as_json(sources: &[Source], checks: &[Check]) -> Value {
    let settings: Vec<_> = sources
        .iter()
        .map(|s| json!({ "name": s.name, "value": s.value, "origin": s.origin }))
        .collect();
    let checks: Vec<_> = checks
        .iter()
        .map(|c| {
            json!({
                "name": c.name,
                "outcome": word(&c.outcome),
                "cause": c.cause,
                "found": c.found,
                "advice": c.advice,
                "milliseconds": c.milliseconds,
            })
        })
        .collect();
    json!({ "version": env!("CARGO_PKG_VERSION"), "settings": settings, "checks": checks })
}

fn word(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Passed => "ok",
        Outcome::Warning => "warning",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Other(name) => name,
    }
}
