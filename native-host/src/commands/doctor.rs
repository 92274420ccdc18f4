//! `lakegate doctor`.

use std::fmt::Write;
use std::process::ExitCode;

use serde_json::json;

use super::Session;
use crate::cli::DoctorArgs;
use crate::component::{Check, Outcome, Source};
use crate::failure::Failure;
use crate::output;

pub(super) async fn run(session: &Session, args: DoctorArgs) -> Result<ExitCode, Failure> {
    let mut sources = session.gate.sources().await?;
    sources.extend_from_slice(&session.proxy_sources);
    let checks = session.gate.examine().await?;
    if args.json {
        output::print_json(&as_json(&sources, &checks))?;
    } else {
        output::print(&as_text(&sources, &checks))?;
    }
    let failed = checks.iter().any(|check| matches!(check.outcome, Outcome::Failed));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn as_text(sources: &[Source], checks: &[Check]) -> String {
    let mut text = String::from("settings\n");
    let width = sources.iter().map(|source| source.name.len()).max().unwrap_or(0);
    for Source { name, value, origin, .. } in sources.iter().filter(|s| !s.value.is_empty()) {
        let _ = writeln!(text, "  {name:width$}  {value}  ({origin})");
    }
    text.push_str("checks\n");
    for check in checks {
        let _ = writeln!(text, "  {:7}  {}: {}", word(&check.outcome), check.name, check.found);
        for line in check.advice.lines() {
            let _ = writeln!(text, "           → {line}");
        }
    }
    text
}

fn as_json(sources: &[Source], checks: &[Check]) -> serde_json::Value {
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
                "found": c.found,
                "advice": c.advice,
            })
        })
        .collect();
    json!({ "settings": settings, "checks": checks })
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
