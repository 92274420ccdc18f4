//! `lakegate app-yaml`.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use lakegate_edges::settings::{Origin, Settings};
use serde_json::{Value, json};

use crate::app_yaml::{App, Expected, Finding, Kind, Level, check, name_fault, port_fault, write};
use crate::cli::AppYamlArgs;
use crate::failure::{DRIFT, Failure};
use crate::output;

pub(super) fn run(settings: &Settings, args: &AppYamlArgs) -> Result<ExitCode, Failure> {
    let kind = kind(settings, args);
    match &args.check {
        Some(file) => {
            let expected = Expected { kind, key: args.resource.as_deref() };
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::usage(format!("{}: {error}", file.display())))?;
            report(file, &check(&text, &expected), args.json)
        }
        None => make(settings, args, kind),
    }
}

fn kind(settings: &Settings, args: &AppYamlArgs) -> Option<Kind> {
    match (args.provisioned, args.autoscaling) {
        (true, _) => Some(Kind::Provisioned),
        (_, true) => Some(Kind::Autoscaling),
        _ => Kind::told(|names| setting(settings, names)),
    }
}

/// The value of the first of these names that is set; a stronger layer beats an earlier name.
fn setting(settings: &Settings, names: &[&str]) -> Option<String> {
    let in_layer = |origin| {
        let mut values = names.iter().filter_map(move |name| settings.get(origin, name));
        values.find(|value| !value.trim().is_empty()).map(|value| value.trim().to_owned())
    };
    [Origin::Flag, Origin::Environment, Origin::File].into_iter().find_map(in_layer)
}

fn make(settings: &Settings, args: &AppYamlArgs, kind: Option<Kind>) -> Result<ExitCode, Failure> {
    let database = setting(settings, &["POSTGRES_DB", "PGDATABASE"]).ok_or_else(|| {
        Failure::usage("the database (POSTGRES_DB or PGDATABASE) is not set")
            .advise("Give its name with --database, such as app_ontos.")
    })?;
    let schema = setting(settings, &["POSTGRES_DB_SCHEMA", "PGSCHEMA"]);
    let schema = schema.unwrap_or_else(|| database.clone());
    let port = setting(settings, &["POSTGRES_PORT", "PGPORT"]).unwrap_or_else(|| "5432".to_owned());
    for (what, fault) in [
        ("the database's name", name_fault(&database)),
        ("the schema's name", name_fault(&schema)),
        ("the port", port_fault(&port)),
    ] {
        if let Some(fault) = fault {
            return Err(Failure::usage(format!("{what} {fault}")));
        }
    }
    let text = write(&App {
        kind: kind.unwrap_or(Kind::Provisioned),
        key: args.resource.as_deref().unwrap_or(kind.unwrap_or(Kind::Provisioned).usual_key()),
        port: &port,
        database: &database,
        schema: &schema,
        bootstrap: args.bootstrap,
        command: &args.command,
    });
    match &args.output {
        None => output::print(&text)?,
        Some(file) => save(file, args.force, &text)?,
    }
    if kind.is_none() {
        eprintln!(
            "lakegate: note: this is for a Provisioned instance; --autoscaling writes one for an \
             Autoscaling project"
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn save(file: &Path, force: bool, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true)
    } else {
        options.create_new(true)
    };
    match options.open(file) {
        Ok(mut file) => Ok(file.write_all(text.as_bytes()).context("writing the file")?),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Err(Failure::usage(format!("{} is there already", file.display()))
                .advise("Replace it with --force, or check it with --check."))
        }
        Err(error) => Err(Failure::usage(format!("{}: {error}", file.display()))),
    }
}

fn report(file: &Path, findings: &[Finding], json: bool) -> Result<ExitCode, Failure> {
    let file = file.display().to_string();
    if json {
        output::print_json(&as_json(&file, findings))?;
    } else {
        output::print(&as_text(&file, findings))?;
    }
    let is_wrong = findings.iter().any(|finding| finding.level == Level::Error);
    Ok(if is_wrong { ExitCode::from(DRIFT) } else { ExitCode::SUCCESS })
}

fn as_text(file: &str, findings: &[Finding]) -> String {
    if findings.is_empty() {
        return format!("{file}: nothing is wrong\n");
    }
    let mut text = String::new();
    for Finding { line, level, message, fix, .. } in findings {
        let _ = writeln!(text, "{file}:{line}: {}: {message}\n  {fix}", level.word());
    }
    text
}

fn as_json(file: &str, findings: &[Finding]) -> Value {
    let findings = findings.iter().map(|Finding { line, level, rule, message, fix }| {
        json!({ "line": line, "level": level.word(), "rule": rule, "message": message, "fix": fix })
    });
    json!({ "file": file, "findings": findings.collect::<Vec<_>>() })
}
