//! What is wrong in an `app.yaml`.

use std::collections::BTreeMap;

use super::finding::{Finding, Findings};
use super::kind::Kind;
use super::shape::{self, List, Source, Variable};
use super::values::{name_fault, port_fault, schema_fault};
use super::{leaks, server, tree};
use crate::function::VARIABLES;

#[cfg(test)]
mod tests;

/// What the file is for.
#[derive(Default)]
pub(crate) struct Expected<'a> {
    /// The kind of Lakebase, if it is known.
    pub(crate) kind: Option<Kind>,
    /// The key of the app's resource, if it is known not to be the usual one.
    pub(crate) key: Option<&'a str>,
}

impl Expected<'_> {
    /// Whether a key is likely that of the Lakebase resource.
    pub(super) fn is_lakebase(&self, key: &str) -> bool {
        let usual = [Kind::Provisioned, Kind::Autoscaling].map(Kind::usual_key);
        self.key.map_or(usual.contains(&key), |own| own == key)
    }
}

/// Finds what is wrong with the text of an `app.yaml`, from its first line to its last.
pub(crate) fn check(text: &str, expected: &Expected<'_>) -> Vec<Finding> {
    let mut out = Findings::default();
    match tree::read(text) {
        Ok(Some(root)) => variables(&shape::list(&root, &mut out), expected, &mut out),
        Ok(None) => {
            out.error(1, "shape", "the file is empty".into(), "`lakegate app-yaml` writes one.");
        }
        Err(tree::Mistake { line, message }) => {
            // Where something is missing at the end, the parser is a line further than the file.
            let line = line.clamp(1, text.lines().count().max(1));
            out.error(line, "yaml", format!("this is no YAML: {message}"), "Correct this line.");
        }
    }
    out.in_order()
}

fn variables(list: &List<'_>, expected: &Expected<'_>, out: &mut Findings) {
    let mut seen = BTreeMap::new();
    for variable in &list.variables {
        if let Some(first) = seen.insert(variable.name, variable.line) {
            let message = format!("{} is set again, after line {first}", variable.name);
            out.error(variable.line, "duplicate", message, "Keep the one that is meant.");
        }
        known(variable, out);
        user(variable, out);
        platform(variable, out);
        leaks::check(variable, out);
        server::check(variable, expected, out);
        if let Source::Value(text) = variable.source {
            value(variable, text, out);
        }
    }
    together(list, &seen, out);
    missing(list, &seen, expected, out);
}

/// A name that begins like a setting of Lakegate and is none is likely a slip of the pen.
fn known(variable: &Variable<'_>, out: &mut Findings) {
    let name = variable.name.to_ascii_lowercase();
    let Some(family) = ["postgres_", "lakebase_"].into_iter().find(|it| name.starts_with(it))
    else {
        return;
    };
    if VARIABLES.contains(&&*name) && name.to_ascii_uppercase() == variable.name {
        return;
    }
    let names = VARIABLES.iter().filter(|known| known.starts_with(family));
    // Those of LOCAL mode, which no app is in.
    let names = names.filter(|known| !["postgres_user", "postgres_password"].contains(known));
    let names: Vec<_> = names.map(|known| known.to_ascii_uppercase()).collect();
    let message = format!("{} is no setting of Lakegate", variable.name);
    let fix = format!("Those are {}. If it is your program's own, it may stay.", names.join(", "));
    out.warning(variable.line, "unknown-name", message, &fix);
}

fn user(variable: &Variable<'_>, out: &mut Findings) {
    let Variable { name, line, .. } = variable;
    match *name {
        "POSTGRES_USER" | "PGUSER" => {
            let message = format!(
                "{name} is set, but the user is the app's service principal, found at run time"
            );
            out.error(*line, "user-set", message, "Remove it.");
        }
        "POSTGRES_PASSWORD" | "PGPASSWORD" => {
            let message = format!(
                "{name} is set, but an app logs in with tokens that Lakegate gets and renews"
            );
            out.error(*line, "password-set", message, "Remove it.");
        }
        _ => {}
    }
}

/// What the platform gives every app; another value breaks the login or the app's own address.
fn platform(variable: &Variable<'_>, out: &mut Findings) {
    const GIVEN: [&str; 6] = [
        "DATABRICKS_APP_NAME",
        "DATABRICKS_APP_PORT",
        "DATABRICKS_APP_URL",
        "DATABRICKS_CLIENT_ID",
        "DATABRICKS_CLIENT_SECRET",
        "DATABRICKS_HOST",
    ];
    if GIVEN.contains(&variable.name) {
        let message = format!("{} is set, but Databricks gives it to every app", variable.name);
        out.warning(variable.line, "given-by-platform", message, "Remove it.");
    }
}

fn value(variable: &Variable<'_>, text: &str, out: &mut Findings) {
    let Variable { name, line, .. } = variable;
    let (fault, fix) = match *name {
        "POSTGRES_PORT" | "PGPORT" => (port_fault(text), "The port of Lakebase is \"5432\"."),
        "POSTGRES_DB" | "PGDATABASE" => (name_fault(text), "Give the name of the database."),
        "POSTGRES_DB_SCHEMA" | "PGSCHEMA" => (schema_fault(text), "Give the schema another name."),
        "ENV" if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("local")) => {
            (Some("means LOCAL mode, which logs in with a password"), "Write \"PROD\".")
        }
        _ => return,
    };
    if let Some(fault) = fault {
        out.error(*line, "value", format!("the value of {name} {fault}"), fix);
    }
}

fn together(list: &List<'_>, seen: &BTreeMap<&str, usize>, out: &mut Findings) {
    if let Some(line) = seen.get("LAKEBASE_INSTANCE_NAME")
        && seen.contains_key("LAKEBASE_ENDPOINT")
    {
        let message =
            "LAKEBASE_INSTANCE_NAME and LAKEBASE_ENDPOINT name two kinds of Lakebase".into();
        let fix =
            "Keep the first for a Provisioned instance, the second for an Autoscaling project.";
        out.error((*line).max(list.line), "conflict", message, fix);
    }
}

/// What an app needs that starts with nothing but this file.
fn missing(
    list: &List<'_>,
    seen: &BTreeMap<&str, usize>,
    expected: &Expected<'_>,
    out: &mut Findings,
) {
    let mut need = |names: &[&str], fix: &str| {
        if !names.iter().any(|name| seen.contains_key(name)) {
            out.error(list.line, "missing", format!("{} is not set", names[0]), fix);
        }
    };
    let kind = expected.kind.unwrap_or(Kind::Provisioned);
    let (server, key) = (kind.variable(), expected.key.unwrap_or(kind.usual_key()));
    let fix = format!("Add it with `valueFrom: \"{key}\"`, the key of the app's resource.");
    need(&[server, "POSTGRES_HOST", "PGHOST", "LAKEBASE_ENDPOINT", "LAKEBASE_INSTANCE_NAME"], &fix);
    need(&["POSTGRES_DB", "PGDATABASE"], "Add it with the name of the database as its `value`.");
    let fix =
        "Add it with the name of the app's own schema: in `public` an app cannot create tables.";
    need(&["POSTGRES_DB_SCHEMA", "PGSCHEMA"], fix);
}
