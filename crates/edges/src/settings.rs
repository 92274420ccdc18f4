//! The three layers of settings: flags, the environment, `lakegate.toml`.

mod grants;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::databricks_cli;
use crate::secrets::{self, ReadError, expand, is_secret};

/// The file that is read when it is there and no other is named.
pub const DEFAULT_FILE: &str = "lakegate.toml";

/// The layers of settings, the strongest first.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// A command-line flag.
    Flag,
    /// The environment of this process, or what was given in its place.
    Environment,
    /// `lakegate.toml`.
    File,
}

/// Settings by their environment names (`POSTGRES_HOST`). Its `Debug` shows no value.
#[derive(Default)]
pub struct Settings {
    flags: BTreeMap<String, String>,
    environment: Environment,
    file: BTreeMap<String, String>,
}

/// The layer that may hold secrets.
#[derive(Default)]
enum Environment {
    /// Read at every use: a process may change its own.
    #[default]
    Process,
    Given(BTreeMap<String, Zeroizing<String>>),
}

impl Environment {
    fn get(&self, name: &str) -> Option<String> {
        match self {
            Self::Process => std::env::var(name).ok(),
            Self::Given(values) => values.get(name).map(|value| value.to_string()),
        }
    }
}

impl Settings {
    /// Takes the flags, and reads `path`, or `lakegate.toml` of the working folder if it is there.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or holds what is no setting or a secret.
    pub fn load(
        flags: impl IntoIterator<Item = (impl Into<String>, String)>,
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
        let flags = flags.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Ok(Self { flags, environment: Environment::Process, file })
    }

    /// Takes these in place of the environment, secrets included; reads neither that nor a file.
    /// For a program that knows its settings from somewhere else.
    pub fn given(values: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        let values = values.into_iter();
        let values = values.map(|(name, value)| (name.into(), Zeroizing::new(value.into())));
        Self { environment: Environment::Given(values.collect()), ..Self::default() }
    }

    /// The keys of the file, as environment names.
    pub fn file_names(&self) -> impl Iterator<Item = &str> {
        self.file.keys().map(String::as_str)
    }

    /// The names that were given by flags or in the file.
    pub fn given_names(&self) -> impl Iterator<Item = &str> {
        self.flags.keys().map(String::as_str).chain(self.file_names())
    }

    /// The value of a setting by its environment name: the first layer's that is not blank. A
    /// secret is looked for in the environment alone.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<String> {
        let layers: &[Origin] = if is_secret(name) {
            &[Origin::Environment]
        } else {
            &[Origin::Flag, Origin::Environment, Origin::File]
        };
        let values = layers.iter().filter_map(|origin| self.get(*origin, name));
        values.into_iter().find(|value| !value.trim().is_empty())
    }

    /// The content of what a setting names as the place of a secret: a file, or what the Databricks
    /// CLI prints (`databricks-cli:--profile=NAME`, `databricks-cli:--host=URL`).
    ///
    /// The text is the caller's to wipe. The CLI holds up the thread for 20 s at most.
    ///
    /// # Errors
    ///
    /// There is none, it may not be read, or the CLI failed.
    pub fn read(&self, path: &str) -> Result<String, ReadError> {
        match path.strip_prefix(databricks_cli::SCHEME) {
            Some(argument) => {
                let profiles = self.first(databricks_cli::PROFILES).map(|file| expand(&file));
                databricks_cli::token(argument, profiles.as_deref().map(Path::as_os_str))
            }
            None => secrets::read(path),
        }
    }

    /// The value in one layer, as it is: it may be blank.
    #[must_use]
    pub fn get(&self, origin: Origin, name: &str) -> Option<String> {
        match origin {
            Origin::Flag => self.flags.get(name).cloned(),
            Origin::Environment => self.environment.get(name),
            Origin::File => self.file.get(name).cloned(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.given_names().collect();
        f.debug_struct("Settings").field("names", &names).finish_non_exhaustive()
    }
}

/// Reads `name = value` pairs; `postgres_host` in the file is `POSTGRES_HOST` in the environment.
fn parse(text: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let table: toml::Table = text.parse().map_err(|error| mistake(text, &error))?;
    let mut settings = BTreeMap::new();
    for (key, value) in table {
        let entries = match &value {
            toml::Value::Table(lists) if key == grants::TABLE => grants::entries(lists)?,
            _ => vec![entry(&key, &value)?],
        };
        for (name, value) in entries {
            if settings.insert(name.clone(), value).is_some() {
                bail!("{name} is set twice; remove one of them");
            }
        }
    }
    Ok(settings)
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
    if key == grants::TABLE {
        bail!("`{key}` is a table: [{key}], and below it readers = [\"…\"] and writers = [\"…\"]");
    }
    let text = match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Boolean(flag) => flag.to_string(),
        other => bail!("`{key}` must be a text, a number or true/false, not {}", other.type_str()),
    };
    Ok((name, text))
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
    fn knows_one_structure() {
        check(
            "postgres_host = 'h'\n[grants]\nreaders = ['a', 'b \"c\"']\nwriters = []",
            &[("LAKEGATE_READERS", "a,b \"c\""), ("LAKEGATE_WRITERS", ""), ("POSTGRES_HOST", "h")],
        );
        check("lakegate_readers = 'a, b'", &[("LAKEGATE_READERS", "a, b")]);
        refused("grants = 'a'", "`grants` is a table");
        refused("[grants]\nowners = ['a']", "`grants.owners` is no list of roles");
        refused("[grants]\nreaders = 'a'", "`grants.readers` must be a list of names");
        refused("[grants]\nreaders = [1]", "`grants.readers` must be a list of names");
        refused("[grants]\nreaders = ['a,b']", "`a,b` of `grants.readers` has a comma");
        refused("[grants]\nwriters = [' a']", "use the flag --writer");
        refused("[grants]\nreaders = ['']", "`grants.readers` has an empty name");
        refused(
            "lakegate_readers = 'a'\n[grants]\nreaders = ['b']",
            "LAKEGATE_READERS is set twice",
        );
        refused("[postgres]\nhost = 'h'", "`postgres` must be a text");
    }

    #[test]
    fn refuses_secrets_and_structures() {
        refused("databricks_client_secret = 'x'", "`databricks_client_secret` is a secret");
        refused("pgpassword = 'x'", "`pgpassword` is a secret");
        refused("postgres_host = ['h']", "`postgres_host` must be a text");
        refused("\npostgres_host", "line 2: key with no value, expected `=`");
    }

    #[test]
    fn the_strongest_layer_that_is_not_blank_counts() {
        let layers = |flag: &str, environment: &str, file: &str| Settings {
            flags: [("POSTGRES_HOST".to_owned(), flag.to_owned())].into(),
            environment: Settings::given([("POSTGRES_HOST", environment)]).environment,
            file: [("POSTGRES_HOST".to_owned(), file.to_owned())].into(),
        };
        for (settings, expected) in [
            (layers("a", "b", "c"), Some("a")),
            (layers(" ", "b", "c"), Some("b")),
            (layers("", "", "c"), Some("c")),
            (layers("", "\t", ""), None),
        ] {
            assert_eq!(settings.first("POSTGRES_HOST").as_deref(), expected);
        }
    }

    #[test]
    fn a_secret_is_in_the_environment_alone_and_in_no_debug() {
        let name = "DATABRICKS_CLIENT_SECRET";
        let mut settings = Settings::given([(name, "of-the-environment")]);
        settings.flags.insert(name.to_owned(), "of-a-flag".to_owned());
        assert_eq!(settings.first(name).as_deref(), Some("of-the-environment"));
        let shown = format!("{settings:?}");
        assert!(shown.contains(name) && !shown.contains("of-"), "{shown}");
    }
}
