//! `lakegate bootstrap`.

use std::fmt::Write;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Session;
use crate::cli::{Bootstrap, BootstrapArgs};
use crate::component::{Access, Changes, Desired, Finding, Grant, Migration, Report, Step};
use crate::failure::{DRIFT, Failure};
use crate::output;

/// Where migrations are looked for when no folder is named.
pub(super) const DEFAULT_FOLDER: &str = "migrations";
/// More than the component takes is not even read.
const SIZE_LIMIT: u64 = 32 << 20;

pub(super) async fn run(session: &Session, command: &Bootstrap) -> Result<ExitCode, Failure> {
    match command {
        Bootstrap::Plan(args) => plan(session, args).await,
        Bootstrap::Apply(args) => apply(session, args).await,
        Bootstrap::Verify(args) => verify(session, args).await,
    }
}

async fn plan(session: &Session, args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let changes = session.gate.plan(desired(args)?).await?;
    if args.json {
        output::print_json(&changes_json(&changes))?;
    } else {
        output::print(&plan_text(&changes))?;
    }
    Ok(drift_if(!changes.steps.is_empty()))
}

async fn apply(session: &Session, args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let report = session.gate.apply(desired(args)?).await?;
    if args.json {
        output::print_json(&report_json(&report))?;
    } else {
        output::print(&report_text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(session: &Session, args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let findings = session.gate.verify(desired(args)?).await?;
    if args.json {
        let list: Vec<_> =
            findings.iter().map(|f| json!({ "drift": f.drift, "text": f.text })).collect();
        output::print_json(&json!({ "findings": list }))?;
    } else {
        output::print(&findings_text(&findings))?;
    }
    Ok(drift_if(findings.iter().any(|finding| finding.drift)))
}

/// Makes the database ready for a program. What was done is told on standard error: standard output
/// is the program's.
pub(super) async fn prepare(
    session: &Session,
    migrations: Option<PathBuf>,
    progress: bool,
) -> Result<(), Failure> {
    let args = BootstrapArgs { migrations, ..BootstrapArgs::default() };
    let report = session.gate.apply(desired(&args)?).await?;
    if progress {
        eprint!("{}", report_text(&report));
    }
    Ok(())
}

fn drift_if(drift: bool) -> ExitCode {
    if drift { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS }
}

fn plan_text(changes: &Changes) -> String {
    if changes.steps.is_empty() {
        return up_to_date(&changes.database, &changes.schema) + &notes_text(&changes.notes);
    }
    let mut text = format!(
        "-- {} in database {}, as role {}\n",
        count(changes.steps.len(), "step"),
        changes.database,
        changes.role
    );
    for (number, step) in (1..).zip(&changes.steps) {
        let _ = writeln!(text, "--  {number}. {}", step.title);
    }
    for note in &changes.notes {
        let _ = writeln!(text, "-- note: {note}");
    }
    for statement in &changes.statements {
        let _ = writeln!(text, "\n{statement};");
    }
    text
}

fn report_text(report: &Report) -> String {
    let mut text = String::new();
    if report.done.is_empty() {
        text = up_to_date(&report.database, &report.schema);
    }
    for step in &report.done {
        let _ = writeln!(text, "done: {step}");
    }
    text.push_str(&notes_text(&report.notes));
    let _ = writeln!(text, "service principal: {}", report.role);
    if report.public_may_create {
        let _ = writeln!(text, "an admin may now run: {}", report.tighten_command);
    }
    text
}

fn up_to_date(database: &str, schema: &str) -> String {
    format!("nothing to do: database {database}, schema {schema} are as they should be\n")
}

fn notes_text(notes: &[String]) -> String {
    notes.iter().map(|note| format!("note: {note}\n")).collect()
}

fn findings_text(findings: &[Finding]) -> String {
    let mut text = String::new();
    if !findings.iter().any(|finding| finding.drift) {
        text.push_str("everything is as it should be\n");
    }
    for finding in findings {
        let word = if finding.drift { "differs" } else { "note" };
        let _ = writeln!(text, "{word}: {}", finding.text);
    }
    text
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

fn changes_json(changes: &Changes) -> Value {
    json!({
        "role": changes.role,
        "database": changes.database,
        "schema": changes.schema,
        "steps": steps_json(&changes.steps),
        "statements": changes.statements,
        "notes": changes.notes,
    })
}

fn report_json(report: &Report) -> Value {
    json!({
        "role": report.role,
        "database": report.database,
        "schema": report.schema,
        "done": report.done,
        "notes": report.notes,
        "public_may_create": report.public_may_create,
        "tighten_command": report.tighten_command,
        "tighten_sql": report.tighten_sql,
    })
}

pub(super) fn steps_json(steps: &[Step]) -> Vec<Value> {
    steps.iter().map(|step| json!({ "title": step.title, "sql": step.sql })).collect()
}

fn desired(args: &BootstrapArgs) -> Result<Desired, Failure> {
    let grants = |roles: &[String], access: Access| {
        roles.iter().map(|role| Grant { role: role.clone(), access }).collect::<Vec<_>>()
    };
    Ok(Desired {
        migrations: migrations(args.migrations.as_deref())?,
        grants: [grants(&args.reader, Access::Read), grants(&args.writer, Access::Write)].concat(),
        out_of_order: args.out_of_order,
    })
}

/// Reads every `.sql` file of the folder. What their names mean is not decided here.
fn migrations(folder: Option<&Path>) -> Result<Vec<Migration>, Failure> {
    let path = folder.unwrap_or(Path::new(DEFAULT_FOLDER));
    match std::fs::metadata(path) {
        Err(error) if folder.is_none() && error.kind() == ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(unreadable(path, &error)),
        Ok(found) if found.is_file() => return Ok(vec![read(path)?]),
        Ok(_) => {}
    }
    let mut files = std::fs::read_dir(path)
        .and_then(|entries| entries.map(|e| e.map(|e| e.path())).collect::<Result<Vec<_>, _>>())
        .map_err(|error| unreadable(path, &error))?;
    files.retain(|file| file.extension().is_some_and(|e| e == "sql"));
    files.sort();
    let size: u64 = files.iter().filter_map(|f| std::fs::metadata(f).ok()).map(|m| m.len()).sum();
    if SIZE_LIMIT < size {
        return Err(Failure::usage(format!(
            "the migrations in {} are {size} bytes; at most {SIZE_LIMIT} are taken",
            path.display()
        )));
    }
    files.iter().map(|file| read(file)).collect()
}

fn read(file: &Path) -> Result<Migration, Failure> {
    let bytes = std::fs::read(file).map_err(|error| unreadable(file, &error))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
            .iter()
            .filter(|b| **b == b'\n')
            .count();
        Failure::usage(format!("{}:{line}: not UTF-8 text", file.display()))
    })?;
    let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Migration { name, text })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{} cannot be read: {error}", path.display()))
}
