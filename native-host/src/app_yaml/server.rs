//! How the app finds the server: which resource yields what, for which kind of Lakebase.

use super::check::Expected;
use super::finding::Findings;
use super::kind::Kind;
use super::shape::{Source, Variable};
use super::values::{endpoint_fault, host_fault};

const BY_KIND: &str = "Say --provisioned or --autoscaling to have this line checked.";

/// Checks the variables that name the server or come from its resource.
pub(super) fn check(variable: &Variable<'_>, expected: &Expected<'_>, out: &mut Findings) {
    match (variable.name, &variable.source) {
        ("POSTGRES_HOST" | "PGHOST", Source::From(key)) => {
            host_from(&Line { variable, key, expected }, out);
        }
        ("LAKEBASE_ENDPOINT", Source::From(key)) => {
            endpoint_from(&Line { variable, key, expected }, out);
        }
        ("LAKEBASE_INSTANCE_NAME", Source::From(_)) => no_name(variable, out),
        ("POSTGRES_HOST" | "PGHOST", Source::Value(text)) => {
            value(variable, host_fault(text), "Give the name of the server alone.", out);
        }
        ("LAKEBASE_ENDPOINT", Source::Value(text)) => {
            value(variable, endpoint_fault(text), "The endpoint's page shows its path.", out);
        }
        (name @ ("POSTGRES_PORT" | "POSTGRES_DB" | "POSTGRES_DB_SCHEMA"), Source::From(key))
            if expected.is_lakebase(key) =>
        {
            let message =
                format!("{name} is taken from `{key}`, which yields a server and nothing else");
            out.error(variable.line, "value-from", message, "Give it with `value`.");
        }
        _ => {}
    }
}

/// A variable that takes what a resource yields.
struct Line<'a> {
    variable: &'a Variable<'a>,
    key: &'a str,
    expected: &'a Expected<'a>,
}

impl Line<'_> {
    /// Whether the key is another one than it must be; says so.
    fn has_wrong_key(&self, out: &mut Findings) -> bool {
        let Line { variable, key, expected } = self;
        let name = variable.name;
        let (message, right) = match (expected.key, expected.kind) {
            (Some(right), _) if right != *key => (
                format!("{name} is taken from `{key}`, but the resource's key is `{right}`"),
                right,
            ),
            (None, Some(kind)) if *key == kind.other().usual_key() => {
                let other = kind.other().named();
                (
                    format!("{name} is taken from `{key}`, the usual key of {other}"),
                    kind.usual_key(),
                )
            }
            _ => return false,
        };
        let fix =
            format!("Write `valueFrom: \"{right}\"`, or give the resource's key with --resource.");
        out.error(variable.line, "value-from", message, &fix);
        true
    }
}

fn host_from(line: &Line<'_>, out: &mut Findings) {
    if line.has_wrong_key(out) {
        return;
    }
    let Line { variable: Variable { name, line, .. }, key, expected } = line;
    match expected.kind {
        Some(Kind::Provisioned) => {}
        Some(Kind::Autoscaling) => {
            let message = format!(
                "{name} is taken from `{key}`, which yields the path of an endpoint: Lakegate knows \
                 what to do with it, other programs do not"
            );
            out.warning(*line, "path-as-host", message, "Call the variable LAKEBASE_ENDPOINT.");
        }
        None => {
            let message = format!(
                "{name} is taken from `{key}`, which yields the host of a Provisioned instance, but \
                 of an Autoscaling project the path of an endpoint"
            );
            out.warning(*line, "kind-unknown", message, BY_KIND);
        }
    }
}

fn endpoint_from(line: &Line<'_>, out: &mut Findings) {
    let Line { variable: Variable { name, line: number, .. }, key, expected } = line;
    if expected.kind == Some(Kind::Provisioned) {
        let message = format!("{name} is set, but a Provisioned instance has no endpoints");
        out.error(*number, "value-from", message, "Call the variable POSTGRES_HOST.");
    } else if !line.has_wrong_key(out)
        && expected.kind.is_none()
        && *key == Kind::Provisioned.usual_key()
    {
        let message = format!(
            "{name} is taken from `{key}`, which yields the path of an endpoint of an Autoscaling \
             project, but of a Provisioned instance the host"
        );
        out.warning(*number, "kind-unknown", message, BY_KIND);
    }
}

fn no_name(variable: &Variable<'_>, out: &mut Findings) {
    let message = format!(
        "{} is taken from a resource, which yields a host or a path and never the instance's name",
        variable.name
    );
    let fix = "Remove it if POSTGRES_HOST or LAKEBASE_ENDPOINT is there, or else call it so: Lakegate \
        finds the instance by it.";
    out.error(variable.line, "value-from", message, fix);
}

fn value(variable: &Variable<'_>, fault: Option<&str>, fix: &str, out: &mut Findings) {
    if let Some(fault) = fault {
        out.error(variable.line, "value", format!("the value of {} {fault}", variable.name), fix);
    }
}
