//! `lakegate bootstrap`.

mod folder;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::Session;
use crate::cli::{BaselineArgs, Bootstrap, BootstrapArgs, FilesArgs, RepairArgs};
use crate::component::{Access, Changes, Desired, Finding, Grant, Report, Step, Verdict};
use crate::failure::{DRIFT, Failure};
use crate::output;

pub(super) use self::folder::DEFAULT as DEFAULT_FOLDER;

pub(super) async fn run(session: &Session, command: &Bootstrap) -> Result<ExitCode, Failure> {
    match command {
        Bootstrap::Plan(args) => plan(session, args).await,
        Bootstrap::Apply(args) => apply(session, args).await,
        Bootstrap::Verify(args) => verify(session, args).await,
        Bootstrap::Baseline(args) => baseline(session, args).await,
        Bootstrap::Repair(args) => repair(session, args).await,
    }
}

async fn plan(session: &Session, args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let changes = session.gate.plan(desired(args)?).await?;
    if args.files.json {
        output::print_json(&changes_json(&changes))?;
    } else {
        output::print(&plan_text(&changes))?;
    }
    Ok(drift_if(!changes.steps.is_empty()))
}

async fn apply(session: &Session, args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let report = session.gate.apply(desired(args)?).await?;
    if args.files.json {
        output::print_json(&report_json(&report))?;
    } else {
        output::print(&report_text(&report))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(session: &Session, args: &BootstrapArgs) -> Result<ExitCode, Failure> {
    let findings = session.gate.verify(desired(args)?).await?;
    if args.files.json {
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
    let args = BootstrapArgs {
        files: FilesArgs { migrations, ..FilesArgs::default() },
        ..BootstrapArgs::default()
    };
    let report = session.gate.apply(desired(&args)?).await?;
    if progress {
        eprint!("{}", report_text(&report));
    }
    Ok(())
}

async fn baseline(session: &Session, args: &BaselineArgs) -> Result<ExitCode, Failure> {
    let desired = files(&args.files)?;
    let changes = session.gate.baseline(desired, args.through, args.plan).await?;
    written_down(&changes, &args.files, args.plan)
}

async fn repair(session: &Session, args: &RepairArgs) -> Result<ExitCode, Failure> {
    let finished = args.finished.map(Verdict::Finished);
    let verdict = finished.or(args.again.map(Verdict::Undone));
    let changes = session.gate.repair(files(&args.files)?, verdict, args.plan).await?;
    written_down(&changes, &args.files, args.plan)
}

/// Shows what was written into the ledger, or would be.
fn written_down(changes: &Changes, args: &FilesArgs, plan: bool) -> Result<ExitCode, Failure> {
    if args.json {
        let mut shown = changes_json(changes);
        shown["applied"] = Value::Bool(!plan);
        output::print_json(&shown)?;
    } else if changes.steps.is_empty() {
        let Changes { database, schema, .. } = changes;
        let text = format!("nothing to do: the ledger of schema {schema} in {database} is right\n");
        output::print(&(text + &notes_text(&changes.notes)))?;
    } else if plan {
        output::print(&plan_text(changes))?;
    } else {
        let done: String = changes.steps.iter().map(|it| format!("done: {}\n", it.title)).collect();
        output::print(&(done + &notes_text(&changes.notes)))?;
    }
    Ok(drift_if(plan && !changes.steps.is_empty()))
}

fn drift_if(drift: bool) -> ExitCode {
    if drift { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS }
}

fn plan_text(changes: &Changes) -> String {
    if changes.steps.is_empty() {
        return up_to_date(&changes.database, &changes.schema) + &notes_text(&changes.notes);
    }
    let steps = count(changes.steps.len(), "step");
    let whose = format!("{steps} in database {}, as role {}", changes.database, changes.role);
    let mut text = output::comment(&whose);
    for (number, step) in (1..).zip(&changes.steps) {
        text.push_str(&output::comment(&format!(" {number}. {}", step.title)));
    }
    for note in &changes.notes {
        text.push_str(&output::comment(&format!("note: {note}")));
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
        grants: [grants(&args.reader, Access::Read), grants(&args.writer, Access::Write)].concat(),
        out_of_order: args.out_of_order,
        ..files(&args.files)?
    })
}

/// The migrations alone.
fn files(args: &FilesArgs) -> Result<Desired, Failure> {
    let migrations = folder::migrations(args.migrations.as_deref())?;
    Ok(Desired { migrations, grants: Vec::new(), out_of_order: false })
}
