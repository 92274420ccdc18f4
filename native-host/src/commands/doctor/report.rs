//! `--report`: what helps somebody else to help, and nothing that tells whose it is.

use std::path::PathBuf;

use anyhow::Context;
use lakegate_edges::secrets;
use serde_json::{Map, Value, json};

use super::as_json;
use super::pseudonyms::Pseudonyms;
use crate::component::{Check, Source};
use crate::failure::Failure;
use crate::output;
use crate::private_file;

/// Variables that are no settings of Lakegate, and change what it or an application does.
const FURTHER: [&str; 17] = [
    "ALL_PROXY",
    "DATABRICKS_ACCOUNT_ID",
    "DATABRICKS_APP_PORT",
    "DATABRICKS_APP_URL",
    "DATABRICKS_WORKSPACE_ID",
    "HTTPS_PROXY",
    "KUBERNETES_SERVICE_HOST",
    "LAKEGATE_CLOCK_FILE",
    "LAKEGATE_CONFIG",
    "NO_PROXY",
    "PGAPPNAME",
    "PGPASSFILE",
    "PGSERVICE",
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
];

const LEFT_OUT: [&str; 4] = [
    "secrets and tokens: only whether they are set is told",
    "e-mail addresses, application ids and long numbers: person-1, id-1, number-1 stand for them",
    "hosts and addresses: host-1, address-1 stand for them; Databricks' own domains are kept",
    "the home folder: ~ stands for it",
];

const KEPT: [&str; 3] = [
    "names of databases, schemas, instances, projects, branches and endpoints",
    "names of Postgres roles that are neither addresses nor ids, of profiles and of files",
    "the servers' own words, with the above left out",
];

/// Where the report goes.
pub(super) struct Place {
    path: PathBuf,
    force: bool,
}

impl Place {
    /// Looks whether it can go there, before anybody waits for it.
    ///
    /// # Errors
    ///
    /// Something is there already, and may not be replaced.
    pub(super) fn new(path: PathBuf, force: bool) -> Result<Self, Failure> {
        if !force && path.symlink_metadata().is_ok() {
            let there = format!("{} is there already", path.display());
            return Err(Failure::usage(there).advise("Name another file, or add `--force`."));
        }
        Ok(Self { path, force })
    }

    /// Writes it, readable by its owner alone.
    pub(super) fn write(&self, report: &Value) -> anyhow::Result<()> {
        let text = format!("{report:#}\n");
        let write = if self.force { private_file::replace } else { private_file::create };
        let path = self.path.display();
        write(&self.path, &text).with_context(|| format!("writing {path}"))?;
        eprintln!("lakegate: {path} can be sent to somebody: it says itself what was left out");
        Ok(())
    }
}

/// The whole report, made at `wall` (milliseconds since 1970).
pub(super) fn of(sources: &[Source], checks: &[Check], wall: u64) -> Value {
    let mut names = pseudonyms(sources, checks);
    let mut report = json!({
        "report": "lakegate doctor",
        "left_out": LEFT_OUT,
        "kept": KEPT,
        "made_at": output::time(wall),
        "platform": {
            "os": std::env::consts::OS,
            "architecture": std::env::consts::ARCH,
        },
        "environment": environment(sources),
    });
    let Value::Object(findings) = as_json(sources, checks) else { return report };
    for (name, value) in findings {
        report[name] = hidden(value, &mut names);
    }
    report
}

/// What has to be hidden wherever it stands.
fn pseudonyms(sources: &[Source], checks: &[Check]) -> Pseudonyms {
    let mut names = Pseudonyms::default();
    for secret in secrets::NAMES.iter().filter_map(|name| std::env::var(name).ok()) {
        names.forget(secret);
    }
    for check in checks {
        if let Some(server) = &check.at {
            names.hide_host(&server.host);
        }
    }
    for host in sources.iter().filter_map(host_of) {
        names.hide_host(host);
    }
    if let Some(home) = std::env::home_dir() {
        names.shorten(&home.display().to_string(), "~");
    }
    names
}

/// The host that a setting names, as such or in a URL. The path of an endpoint names none.
fn host_of(source: &Source) -> Option<&str> {
    let is_host = ["POSTGRES_HOST", "PGHOST", "DATABRICKS_HOST"].contains(&source.name.as_str());
    let place = match source.value.split_once("://") {
        Some((_, place)) => place,
        None if is_host && !source.value.contains('/') => &source.value,
        None => return None,
    };
    place.split(['/', ':', '?']).next()
}

/// Which variables there are: a value would tell more than its name does.
fn environment(sources: &[Source]) -> Value {
    let settings = sources.iter().flat_map(|source| source.names.iter().map(String::as_str));
    let names: Map<String, Value> = settings
        .chain(FURTHER)
        .map(|name| {
            let state = match std::env::var_os(name) {
                None => "absent",
                Some(value) if value.is_empty() => "empty",
                Some(_) => "present",
            };
            (name.to_owned(), state.into())
        })
        .collect();
    names.into()
}

fn hidden(value: Value, names: &mut Pseudonyms) -> Value {
    match value {
        Value::String(text) => names.hide(&text).into(),
        Value::Array(items) => items.into_iter().map(|item| hidden(item, names)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| (name, hidden(value, names)));
            Value::Object(fields.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_name_a_host() {
        #[track_caller]
        fn check(name: &str, value: &str, expected: Option<&str>) {
            let (name, value) = (name.to_owned(), value.to_owned());
            let source = Source { names: vec![name.clone()], name, value, origin: String::new() };
            assert_eq!(host_of(&source), expected);
        }
        check("POSTGRES_HOST", "db.example", Some("db.example"));
        check("POSTGRES_HOST", "projects/p/branches/b/endpoints/e", None);
        check("DATABRICKS_HOST", "https://w.example:8443/?o=1", Some("w.example"));
        check("DATABRICKS_HOST", "w.example", Some("w.example"));
        check("DATABRICKS_TOKEN_AUDIENCE", "https://corp.example/oidc", Some("corp.example"));
        check("POSTGRES_DB", "app_ontos", None);
    }
}
