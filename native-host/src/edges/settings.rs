//! The three layers of settings, and the secrets beside them.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use super::Host;
use crate::bindings::lakegate::connect::secrets::{self, ReadError};
use crate::bindings::lakegate::connect::settings::{self, Origin};

/// The settings that hold a secret: never on a command line, never in `lakegate.toml`.
const SECRETS: [&str; 6] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "DATABRICKS_CLIENT_SECRET",
    "DATABRICKS_OIDC_TOKEN",
    "DATABRICKS_TOKEN",
    "LAKEGATE_CACHE_KEY",
    "POSTGRES_PASSWORD",
];

/// Whether a setting holds a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    SECRETS.contains(&name)
}

/// Ten thousand profiles fit. A device or a log that somebody named by mistake does not.
const SECRET_FILE_LIMIT: u64 = 1 << 20;

/// The file that is read when it is there and no other is named.
const DEFAULT_FILE: &str = "lakegate.toml";

/// Settings by their environment names.
#[derive(Debug, Default)]
pub struct Settings {
    flags: BTreeMap<&'static str, String>,
    file: BTreeMap<String, String>,
}

impl Settings {
    /// Takes the flags, and reads `path`, or `lakegate.toml` if it is there.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds what is no setting or a secret.
    pub fn load(
        flags: BTreeMap<&'static str, String>,
        path: Option<&Path>,
    ) -> anyhow::Result<Self> {
        let file = match (path, std::fs::read_to_string(path.unwrap_or(Path::new(DEFAULT_FILE)))) {
            (_, Ok(text)) => parse(&text).with_context(|| {
                format!("in {}", path.unwrap_or(Path::new(DEFAULT_FILE)).display())
            })?,
            (None, Err(error)) if error.kind() == ErrorKind::NotFound => BTreeMap::new(),
            (_, Err(error)) => {
                let path = path.unwrap_or(Path::new(DEFAULT_FILE));
                bail!("{} cannot be read: {error}", path.display())
            }
        };
        Ok(Self { flags, file })
    }

    /// The keys of the file, as environment names.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.file.keys().map(String::as_str)
    }

    /// The names that were given by flags or in the file.
    pub(crate) fn given_names(&self) -> impl Iterator<Item = &str> {
        self.flags.keys().copied().chain(self.file_names())
    }

    /// The value of a setting by its environment name: the first layer's that is not blank. A
    /// secret is looked for in the environment alone.
    pub(crate) fn first(&self, name: &str) -> Option<String> {
        let layers: &[Origin] = if is_secret(name) {
            &[Origin::Environment]
        } else {
            &[Origin::Flag, Origin::Environment, Origin::File]
        };
        let values = layers.iter().filter_map(|origin| self.get(*origin, name));
        values.into_iter().find(|value| !value.trim().is_empty())
    }

    fn get(&self, origin: Origin, name: &str) -> Option<String> {
        match origin {
            Origin::Flag => self.flags.get(name).cloned(),
            Origin::Environment => std::env::var(name).ok(),
            Origin::File => self.file.get(name).cloned(),
        }
    }
}

/// Reads `name = value` pairs; `postgres_host` in the file is `POSTGRES_HOST` in the environment.
fn parse(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let table: toml::Table = text.parse().map_err(|error| mistake(text, &error))?;
    table.into_iter().map(|(key, value)| entry(&key, &value)).collect()
}

/// Where the text is wrong and why. The error itself would show the line, and that may hold a secret
/// which somebody is just about to put into the wrong file.
fn mistake(text: &str, error: &toml::de::Error) -> anyhow::Error {
    let start = error.span().map_or(0, |span| span.start);
    let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
    anyhow::anyhow!("line {line}: {}", error.message())
}

fn entry(key: &str, value: &toml::Value) -> anyhow::Result<(String, String)> {
    let name = key.to_ascii_uppercase();
    if is_secret(&name) {
        bail!(
            "`{key}` is a secret and must not be in this file; set {name} in the environment, or put \
             it into a file of its own (DATABRICKS_CLIENT_SECRET_FILE, DATABRICKS_OIDC_TOKEN_FILEPATH)"
        );
    }
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        other => bail!("`{key}` must be a text, a number or true/false, not {}", other.type_str()),
    };
    Ok((name, text))
}

impl settings::Host for Host {
    fn get(&mut self, origin: Origin, name: String) -> Option<String> {
        self.edges.settings.get(origin, &name)
    }
}

impl secrets::Host for Host {
    fn get(&mut self, name: String) -> Option<String> {
        std::env::var(name).ok()
    }

    fn read(&mut self, path: String) -> Result<String, ReadError> {
        read_secret(&expand(&path)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ReadError::Missing,
            ErrorKind::PermissionDenied => ReadError::Forbidden(error.to_string()),
            _ => ReadError::Other(error.to_string()),
        })
    }
}

/// Reads a whole file, if it can be one with a secret.
fn read_secret(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(SECRET_FILE_LIMIT + 1).read_to_string(&mut text)?;
    if SECRET_FILE_LIMIT < text.len() as u64 {
        let words = format!("it is larger than {SECRET_FILE_LIMIT} bytes, so it holds no secret");
        return Err(std::io::Error::other(words));
    }
    Ok(text)
}

/// Turns a leading `~/` into the home folder.
fn expand(path: &str) -> PathBuf {
    match (path.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let parsed = parse(text).unwrap();
        let parsed: Vec<_> = parsed.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(parsed, expected);
    }

    #[track_caller]
    fn refused(text: &str, words: &str) {
        let error = format!("{:#}", parse(text).unwrap_err());
        assert!(error.contains(words), "{error}");
    }

    #[test]
    fn reads_names_as_in_the_environment() {
        check("", &[]);
        check(
            "postgres_host = 'h'\npostgres_port = 5433",
            &[("POSTGRES_HOST", "h"), ("POSTGRES_PORT", "5433")],
        );
        check("LAKEGATE_SPREAD = true", &[("LAKEGATE_SPREAD", "true")]);
    }

    #[test]
    fn refuses_secrets_and_structures() {
        refused("databricks_client_secret = 'x'", "`databricks_client_secret` is a secret");
        refused("postgres_host = ['h']", "`postgres_host` must be a text");
        refused("\npostgres_host", "line 2: key with no value, expected `=`");
    }
}
