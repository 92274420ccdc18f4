//! What was asked for, from which source, and what is wrong with it.
//!
//! A flag beats the environment, which beats `lakegate.toml`, which beats the default. Blank values
//! count as absent. One load tells everything that is wrong.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

pub(crate) mod address;
mod fault;
mod identity;
mod load;
mod lookup;
mod place;
pub mod profile;
mod rows;
mod target;
#[cfg(test)]
mod tests;

pub use address::{EndpointPath, Workspace};
pub use fault::{ConfigError, Fault};
pub use identity::{AuthType, IdToken, Identity, SecretSource};
pub use lookup::{Lookup, Sourced, origin_name};
pub use place::Place;
pub use rows::{ROWS, Row, Shown, Source, sources};

use address::{Reason, is_loopback, parse_host};
use load::Load;
use lookup::first;

/// Postgres cuts longer names silently: `NAMEDATALEN` is 64 with its NUL.
const MAX_NAME: usize = 63;

/// A configuration that can be used.
///
/// ```
/// use lakegate_core::config::{Config, Lookup};
/// use lakegate_core::edge::Origin;
///
/// struct Flags(&'static [(&'static str, &'static str)]);
///
/// impl Lookup for Flags {
///     fn setting(&self, origin: Origin, name: &str) -> Option<String> {
///         let flag = self.0.iter().find(|(own, _)| *own == name)?;
///         (origin == Origin::Flag).then(|| flag.1.to_owned())
///     }
///     fn has_secret(&self, name: &str) -> bool {
///         name == "DATABRICKS_TOKEN"
///     }
///     fn readable(&self, _: &str) -> bool {
///         false
///     }
/// }
///
/// let flags = Flags(&[("DATABRICKS_HOST", "w.example"), ("POSTGRES_HOST", "h.example")]);
/// let error = Config::load(&flags).unwrap_err();
/// assert_eq!(error.to_string(), "the database (POSTGRES_DB or PGDATABASE) is not set");
/// ```
#[derive(Clone, Debug)]
pub struct Config {
    /// How to log in, and where.
    pub access: Access,
    /// The server's TCP port.
    pub port: Sourced<u16>,
    /// The database: 1 to 63 bytes, no NUL, no blank at an end.
    pub database: Sourced<String>,
    /// The schema: 1 to 63 bytes, no NUL, no blank at an end.
    pub schema: Sourced<String>,
    /// How long a bootstrap waits for a lock, and for another replica: 1 s or longer.
    pub lock_limit: Sourced<Duration>,
    /// How long a statement of a bootstrap may take: 1 s or longer.
    pub statement_limit: Sourced<Duration>,
    /// Roles that may read what the application owns: each 1 to 63 bytes, no NUL.
    pub readers: Vec<String>,
    /// Roles that may change it, too.
    pub writers: Vec<String>,
    /// Whether the first refresh of a process is drawn from a wider interval, for large fleets.
    pub spread: Sourced<bool>,
    /// What a person should change though it works: whole sentences, no secret.
    pub warnings: Vec<String>,
}

/// How to log in to the database.
#[derive(Clone, Debug)]
pub enum Access {
    /// With a password: LOCAL mode.
    Password(PasswordAccess),
    /// With tokens of a Databricks workspace.
    OAuth(Box<OAuthAccess>),
}

/// LOCAL mode.
#[derive(Clone, Debug)]
pub struct PasswordAccess {
    /// The server.
    pub host: Sourced<String>,
    /// The role.
    pub user: Sourced<String>,
    /// The name of the secret setting that holds the password.
    pub password: &'static str,
}

impl PasswordAccess {
    /// Whether the connection may do without TLS: only to this machine.
    pub fn plaintext(&self) -> bool {
        is_loopback(&self.host.value)
    }
}

/// OAuth mode.
#[derive(Clone, Debug)]
pub struct OAuthAccess {
    /// The workspace; absent only when a profile names it.
    pub workspace: Option<Sourced<Workspace>>,
    /// Who we are.
    pub identity: Identity,
    /// The server; absent when the instance or the endpoint is to tell.
    pub host: Option<Sourced<String>>,
    /// The Provisioned instance, if it was named.
    pub instance: Option<Sourced<String>>,
    /// The Autoscaling endpoint, if it was named.
    pub endpoint: Option<Sourced<EndpointPath>>,
    /// The Databricks app whose resources name the database.
    pub app: Option<Sourced<String>>,
}

impl Config {
    /// Reads and checks all settings. Every [`Edge`](crate::edge::Edge) is a [`Lookup`].
    pub fn load(lookup: &dyn Lookup) -> Result<Self, ConfigError> {
        let mut load = Load { lookup, faults: Vec::new(), warnings: Vec::new() };
        let (port, database) = (place::port(&mut load), place::database(&mut load));
        let schema = load.required_name(
            &rows::SCHEMA,
            "Set POSTGRES_DB_SCHEMA to the name of the schema, such as app_ontos.",
        );
        let spread =
            load.required(&rows::SPREAD, parse_bool, "Set LAKEGATE_SPREAD to true or false.");
        let lock_limit = load.required(&rows::LOCK_TIMEOUT, parse_seconds, SECONDS_FIX);
        let statement_limit = load.required(&rows::STATEMENT_TIMEOUT, parse_seconds, SECONDS_FIX);
        let readers = load.parsed(&rows::READERS, parse_names, NAMES_FIX);
        let writers = load.parsed(&rows::WRITERS, parse_names, NAMES_FIX);
        let access = if is_local(&load.defaulted(&rows::MODE).value) {
            password_access(&mut load).map(Access::Password)
        } else {
            oauth_access(&mut load).map(|access| Access::OAuth(Box::new(access)))
        };
        let names = |list: Option<Sourced<_>>| list.map(|list| list.value).unwrap_or_default();
        let limits = lock_limit.zip(statement_limit);
        match (access, port, database, schema, spread, limits) {
            (
                Some(access),
                Some(port),
                Some(database),
                Some(schema),
                Some(spread),
                Some((lock_limit, statement_limit)),
            ) if load.faults.is_empty() => Ok(Self {
                access,
                port,
                database,
                schema,
                lock_limit,
                statement_limit,
                readers: names(readers),
                writers: names(writers),
                spread,
                warnings: load.warnings,
            }),
            _ => Err(ConfigError { faults: load.faults }),
        }
    }
}

fn is_local(mode: &str) -> bool {
    mode.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("local"))
}

fn password_access(load: &mut Load<'_>) -> Option<PasswordAccess> {
    let host = load.required(
        &rows::HOST,
        parse_host,
        "Set POSTGRES_HOST to the name of the server, such as localhost.",
    );
    let user = load.text(&rows::USER);
    let password = load.secret_name(&rows::PASSWORD);
    if user.is_none() || password.is_none() {
        load.faults.push(Fault::Missing {
            what: match (&user, password) {
                (None, Some(_)) => "the user of LOCAL mode (POSTGRES_USER)".to_owned(),
                (Some(_), None) => "the password of LOCAL mode (POSTGRES_PASSWORD)".to_owned(),
                _ => "the login of LOCAL mode (POSTGRES_USER and POSTGRES_PASSWORD)".to_owned(),
            },
            fix: "LOCAL mode logs in with a password: set POSTGRES_USER and POSTGRES_PASSWORD. To \
                  log in with tokens, set ENV=PROD."
                .to_owned(),
        });
    }
    Some(PasswordAccess { host: host?, user: user?, password: password? })
}

fn oauth_access(load: &mut Load<'_>) -> Option<OAuthAccess> {
    let identity = identity::choose(load);
    let workspace = load.parsed(&rows::WORKSPACE, Workspace::parse, WORKSPACE_FIX);
    let by_profile = matches!(identity, Some(Identity::Profile { .. }));
    if load.text(&rows::WORKSPACE).is_none() && !by_profile {
        load.missing(&rows::WORKSPACE, WORKSPACE_FIX);
    }
    let target = target::choose(load);
    warn_of_users(load, identity.as_ref());
    Some(OAuthAccess {
        workspace,
        identity: identity?,
        host: target.host,
        instance: target.instance,
        endpoint: target.endpoint,
        app: load.text(&rows::APP),
    })
}

const WORKSPACE_FIX: &str = "Set DATABRICKS_HOST to the address of the workspace, such as \
    https://adb-1234567890123456.7.azuredatabricks.net.";

/// The role of a token is that of whoever minted it, so a configured user can only be wrong.
fn warn_of_users(load: &mut Load<'_>, identity: Option<&Identity>) {
    let client = match identity {
        Some(Identity::Client { id, .. }) => Some(&id.value),
        Some(Identity::Federated { client: Some(client), .. }) => Some(&client.value),
        _ => None,
    };
    for name in rows::USER.names {
        let Some(user) = first(load.lookup, &[name]) else { continue };
        // Databricks Apps set PGUSER to the app's own client id.
        if *name == "PGUSER" && client == Some(&user.value) {
            continue;
        }
        load.warnings.push(format!(
            "{name} ({}) is ignored: in OAuth mode the user is whoever mints the token. Remove it.",
            origin_name(user.origin)
        ));
    }
}

fn parse_name(text: &str) -> Result<String, Reason> {
    match text.len() {
        1..=MAX_NAME if text.contains('\0') => Err("a name in Postgres holds no NUL"),
        1..=MAX_NAME => Ok(text.to_owned()),
        _ => Err("a name in Postgres has 1 to 63 bytes"),
    }
}

const NAMES_FIX: &str = "Separate the names of the roles by commas. A name that has a comma itself \
    is given with `--reader` or `--writer`.";

fn parse_names(text: &str) -> Result<Vec<String>, Reason> {
    text.split(',').map(|name| parse_name(name.trim())).collect()
}

const SECONDS_FIX: &str = "Set it to a number of seconds, such as 600.";

/// Postgres keeps time limits in milliseconds, in an `int`; 0 would be none at all.
const MAX_SECONDS: u64 = i32::MAX as u64 / 1_000;

fn parse_seconds(text: &str) -> Result<Duration, Reason> {
    match text.parse() {
        Ok(seconds @ 1..=MAX_SECONDS) => Ok(Duration::from_secs(seconds)),
        _ => Err("it is no number of seconds from 1 to 2147483"),
    }
}

fn parse_bool(text: &str) -> Result<bool, Reason> {
    let is = |words: [&str; 4]| words.into_iter().any(|word| word.eq_ignore_ascii_case(text));
    if is(["true", "1", "yes", "on"]) {
        Ok(true)
    } else if is(["false", "0", "no", "off"]) {
        Ok(false)
    } else {
        Err("it is neither true nor false")
    }
}
