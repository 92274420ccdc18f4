//! Spin's variables, under the environment names that the core and the documentation know.
//!
//! A variable is its environment name in lower case: `postgres_host` is `POSTGRES_HOST`. All are read
//! at once when an instance starts; of a secret only whether it is set is kept, its value is read
//! at each use.

use futures_util::future::join_all;
use lakegate_core::secret::Secret;
use spin_sdk::variables::{self, Error};

use crate::log;

/// The digests of the keys for admin routes, and of those for token routes.
pub(crate) const ADMIN_KEYS: &str = "LAKEGATE_ADMIN_KEY_SHA256";
pub(crate) const TOKEN_KEYS: &str = "LAKEGATE_TOKEN_KEY_SHA256";
/// The PEM text of an authority of one's own, trusted for Postgres beside those of the host.
pub(crate) const POSTGRES_CA: &str = "LAKEGATE_POSTGRES_CA";
/// What seals the cache: 32 bytes in base64. A secret.
pub(crate) const CACHE_KEY: &str = "LAKEGATE_CACHE_KEY";
/// Who gets the right to create schemas unless a request names somebody else.
pub(crate) const CLIENT_ID: &str = "DATABRICKS_CLIENT_ID";

/// Variables whose values are kept. `spin.toml` declares the same.
const PLAIN: &[&str] = &[
    "ENV",
    "POSTGRES_HOST",
    "POSTGRES_PORT",
    "POSTGRES_DB",
    "POSTGRES_DB_SCHEMA",
    "POSTGRES_USER",
    "LAKEBASE_INSTANCE_NAME",
    "LAKEBASE_ENDPOINT",
    "DATABRICKS_HOST",
    "DATABRICKS_AUTH_TYPE",
    CLIENT_ID,
    "DATABRICKS_CLIENT_SECRET_FILE",
    "DATABRICKS_OIDC_TOKEN_FILEPATH",
    "LAKEGATE_LOCK_TIMEOUT",
    "LAKEGATE_STATEMENT_TIMEOUT",
    "LAKEGATE_READERS",
    "LAKEGATE_WRITERS",
    "LAKEGATE_SPREAD",
    ADMIN_KEYS,
    TOKEN_KEYS,
    POSTGRES_CA,
];

/// Variables that hold secrets.
const SECRET: &[&str] =
    &["POSTGRES_PASSWORD", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_TOKEN", CACHE_KEY];

/// The settings as they were when the instance started. Blank ones count as absent.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    plain: Vec<(&'static str, String)>,
    secrets: Vec<&'static str>,
    /// Variables that the host could not read: what is absent may then be set all the same.
    pub(crate) unreadable: Vec<&'static str>,
}

impl Settings {
    /// Reads all variables.
    pub(crate) async fn read() -> Self {
        let names = || PLAIN.iter().chain(SECRET).copied();
        let values = join_all(names().map(get)).await;
        let mut settings = Self::default();
        for (name, value) in names().zip(values) {
            match value {
                Ok(Some(_)) if SECRET.contains(&name) => settings.secrets.push(name),
                Ok(Some(value)) => settings.plain.push((name, value.expose().to_owned())),
                Ok(None) => {}
                Err(Unreadable) => settings.unreadable.push(name),
            }
        }
        settings
    }

    /// The value of a setting that is no secret.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.plain.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
    }

    /// Whether a secret was set when the instance started.
    pub(crate) fn has_secret(&self, name: &str) -> bool {
        self.secrets.contains(&name)
    }
}

/// The value of a secret as it is now.
pub(crate) async fn secret(name: &str) -> Option<Secret> {
    if !SECRET.contains(&name) {
        return None;
    }
    get(name).await.unwrap_or_default()
}

/// The host could not read a variable; the log says why.
#[derive(Debug)]
struct Unreadable;

async fn get(name: &str) -> Result<Option<Secret>, Unreadable> {
    match variables::get(name.to_ascii_lowercase()).await {
        Ok(value) => Ok(Some(Secret::new(value)).filter(|v| !v.expose().trim().is_empty())),
        Err(Error::Undefined(_)) => Ok(None),
        Err(error) => {
            log::line(&format!("warning: the variable {name} could not be read: {error}"));
            Err(Unreadable)
        }
    }
}

#[cfg(test)]
impl Settings {
    /// Settings of a test.
    pub(crate) fn of(plain: &[(&'static str, &str)]) -> Self {
        let plain = plain.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { plain, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use lakegate_core::config::ROWS;

    use super::*;

    fn manifest() -> toml::Table {
        include_str!("../../../spin.toml").parse().unwrap()
    }

    fn sorted<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let mut names: Vec<_> = names.into_iter().map(str::to_ascii_lowercase).collect();
        names.sort();
        names
    }

    #[test]
    fn the_manifest_declares_every_variable_and_passes_it_on() {
        let manifest = manifest();
        let expected = sorted(PLAIN.iter().chain(SECRET).copied());
        let variables = manifest["variables"].as_table().unwrap();
        assert_eq!(sorted(variables.keys().map(String::as_str)), expected);
        let passed = manifest["component"]["lakegate"]["variables"].as_table().unwrap();
        assert_eq!(sorted(passed.keys().map(String::as_str)), expected);
        for (name, value) in passed {
            assert_eq!(value.as_str(), Some(format!("{{{{ {name} }}}}").as_str()));
        }
    }

    #[test]
    fn the_manifest_marks_secrets_and_nothing_else() {
        for (name, variable) in manifest()["variables"].as_table().unwrap() {
            let marked = variable.get("secret").and_then(toml::Value::as_bool).unwrap_or_default();
            assert_eq!(marked, SECRET.contains(&name.to_ascii_uppercase().as_str()), "{name}");
        }
    }

    #[test]
    fn the_core_knows_each_name_as_a_secret_or_not_as_here() {
        let own = [ADMIN_KEYS, TOKEN_KEYS, POSTGRES_CA, CACHE_KEY];
        for name in PLAIN.iter().chain(SECRET).filter(|name| !own.contains(name)) {
            let row = ROWS.iter().find(|row| row.names.contains(name));
            let row = row.unwrap_or_else(|| panic!("{name} is no setting of the core"));
            assert_eq!(row.secret, SECRET.contains(name), "{name}");
        }
    }
}
