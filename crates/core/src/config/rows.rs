//! Every setting: its names, its default, and whether it is a secret.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use crate::config::lookup::{Lookup, find};
use crate::edge::Origin;

/// One setting.
#[derive(Debug)]
pub struct Row {
    /// What it is, in a word or two.
    pub what: &'static str,
    /// The names it can be set by; within one layer, the first match wins.
    pub names: &'static [&'static str],
    /// The value when it is set nowhere.
    pub default: Option<&'static str>,
    /// Whether its value must not be seen.
    pub secret: bool,
}

const fn plain(what: &'static str, names: &'static [&'static str]) -> Row {
    Row { what, names, default: None, secret: false }
}

const fn with_default(
    what: &'static str,
    names: &'static [&'static str],
    default: &'static str,
) -> Row {
    Row { what, names, default: Some(default), secret: false }
}

const fn secret(what: &'static str, names: &'static [&'static str]) -> Row {
    Row { what, names, default: None, secret: true }
}

pub(crate) static MODE: Row = with_default("mode", &["ENV"], "PROD");
pub(crate) static HOST: Row = plain("host", &["POSTGRES_HOST", "PGHOST"]);
pub(crate) static PORT: Row = with_default("port", &["POSTGRES_PORT", "PGPORT"], "5432");
pub(crate) static DATABASE: Row = plain("database", &["POSTGRES_DB", "PGDATABASE"]);
pub(crate) static SCHEMA: Row =
    with_default("schema", &["POSTGRES_DB_SCHEMA", "PGSCHEMA"], "public");
pub(crate) static USER: Row = plain("user", &["POSTGRES_USER", "PGUSER"]);
pub(crate) static PASSWORD: Row = secret("password", &["POSTGRES_PASSWORD", "PGPASSWORD"]);
pub(crate) static INSTANCE: Row = plain("instance", &["LAKEBASE_INSTANCE_NAME"]);
pub(crate) static ENDPOINT: Row = plain("endpoint", &["LAKEBASE_ENDPOINT"]);
pub(crate) static APP: Row = plain("app", &["DATABRICKS_APP_NAME"]);
pub(crate) static WORKSPACE: Row = plain("workspace", &["DATABRICKS_HOST"]);
pub(crate) static AUTH_TYPE: Row = plain("kind of identity", &["DATABRICKS_AUTH_TYPE"]);
pub(crate) static CLIENT_ID: Row = plain("client", &["DATABRICKS_CLIENT_ID"]);
pub(crate) static CLIENT_SECRET: Row = secret("client secret", &["DATABRICKS_CLIENT_SECRET"]);
pub(crate) static CLIENT_SECRET_FILE: Row =
    plain("client secret file", &["DATABRICKS_CLIENT_SECRET_FILE"]);
pub(crate) static TOKEN: Row = secret("access token", &["DATABRICKS_TOKEN"]);
pub(crate) static OIDC_TOKEN: Row = secret("identity token", &["DATABRICKS_OIDC_TOKEN"]);
pub(crate) static OIDC_TOKEN_ENV: Row =
    plain("name of the identity token", &["DATABRICKS_OIDC_TOKEN_ENV"]);
pub(crate) static OIDC_TOKEN_FILE: Row =
    plain("identity token file", &["DATABRICKS_OIDC_TOKEN_FILEPATH", "DATABRICKS_OIDC_TOKEN_FILE"]);
pub(crate) static AUDIENCE: Row =
    plain("audience of the identity token", &["DATABRICKS_TOKEN_AUDIENCE"]);
pub(crate) static GITHUB_URL: Row =
    plain("GitHub identity token URL", &["ACTIONS_ID_TOKEN_REQUEST_URL"]);
pub(crate) static GITHUB_TOKEN: Row =
    secret("GitHub identity token key", &["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]);
pub(crate) static PROFILE: Row = plain("profile", &["DATABRICKS_CONFIG_PROFILE"]);
pub(crate) static PROFILE_FILE: Row =
    with_default("profile file", &["DATABRICKS_CONFIG_FILE"], "~/.databrickscfg");
pub(crate) static LOCK_TIMEOUT: Row =
    with_default("time limit for locks", &["LAKEGATE_LOCK_TIMEOUT"], "30");
pub(crate) static STATEMENT_TIMEOUT: Row =
    with_default("time limit for statements", &["LAKEGATE_STATEMENT_TIMEOUT"], "600");
pub(crate) static READERS: Row = plain("roles that may read", &["LAKEGATE_READERS"]);
pub(crate) static WRITERS: Row = plain("roles that may write", &["LAKEGATE_WRITERS"]);
pub(crate) static SPREAD: Row = with_default("spread", &["LAKEGATE_SPREAD"], "false");

/// Every setting, in the order in which a person reads them.
pub static ROWS: [&Row; 29] = [
    &MODE,
    &HOST,
    &PORT,
    &DATABASE,
    &SCHEMA,
    &USER,
    &PASSWORD,
    &INSTANCE,
    &ENDPOINT,
    &APP,
    &WORKSPACE,
    &AUTH_TYPE,
    &CLIENT_ID,
    &CLIENT_SECRET,
    &CLIENT_SECRET_FILE,
    &TOKEN,
    &OIDC_TOKEN,
    &OIDC_TOKEN_ENV,
    &OIDC_TOKEN_FILE,
    &AUDIENCE,
    &GITHUB_URL,
    &GITHUB_TOKEN,
    &PROFILE,
    &PROFILE_FILE,
    &LOCK_TIMEOUT,
    &STATEMENT_TIMEOUT,
    &READERS,
    &WRITERS,
    &SPREAD,
];

/// Where one setting's value came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// What the setting is.
    pub what: &'static str,
    /// The name that won; the first of its names when it is not set.
    pub name: &'static str,
    /// All its names, the strongest first.
    pub names: &'static [&'static str],
    /// Its value.
    pub value: Shown,
    /// The layer; `None` for a default, for what is not set, and for secrets: an edge does not
    /// tell where they are from.
    pub origin: Option<Origin>,
}

/// A value as it may be shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Shown {
    /// The value.
    Text(String),
    /// A secret that is set, or a value that seems to hold one.
    Set,
    /// Nothing is set, and there is no default.
    NotSet,
}

/// Every setting with its source, whether or not the configuration as a whole can be used.
pub fn sources(lookup: &dyn Lookup) -> Vec<Source> {
    ROWS.iter().map(|row| source(lookup, row)).collect()
}

fn source(lookup: &dyn Lookup, row: &'static Row) -> Source {
    let (what, names) = (row.what, row.names);
    if row.secret {
        let set = row.names.iter().copied().find(|name| lookup.has_secret(name));
        let value = if set.is_some() { Shown::Set } else { Shown::NotSet };
        return Source { what, name: set.unwrap_or(names[0]), names, value, origin: None };
    }
    match find(lookup, row) {
        Some(found) => {
            let value = showable(&found.value).map_or(Shown::Set, Shown::Text);
            Source { what, name: found.name, names, value, origin: found.origin }
        }
        None => Source { what, name: names[0], names, value: Shown::NotSet, origin: None },
    }
}

/// The value, unless it looks like a URL with a password: people paste whole connection strings
/// where a host is asked for.
pub(crate) fn showable(value: &str) -> Option<String> {
    (!value.contains('@')).then(|| value.to_owned())
}
