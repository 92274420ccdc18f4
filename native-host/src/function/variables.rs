//! The function's variables: the settings of this host, by Spin's names.

use wasmtime::component::{Accessor, HasSelf};

use super::bindings::spin::variables::variables::{self, Error};
use super::guest::Guest;

/// Every variable that the function has, as `spin.toml` declares them. A setting of any other name
/// is none of its business: the environment may hold the secrets of others.
pub const VARIABLES: [&str; 25] = [
    "databricks_auth_type",
    "databricks_client_id",
    "databricks_client_secret",
    "databricks_client_secret_file",
    "databricks_host",
    "databricks_oidc_token_filepath",
    "databricks_token",
    "env",
    "lakebase_endpoint",
    "lakebase_instance_name",
    "lakegate_admin_key_sha256",
    "lakegate_cache_key",
    "lakegate_lock_timeout",
    "lakegate_postgres_ca",
    "lakegate_readers",
    "lakegate_spread",
    "lakegate_statement_timeout",
    "lakegate_token_key_sha256",
    "lakegate_writers",
    "postgres_db",
    "postgres_db_schema",
    "postgres_host",
    "postgres_password",
    "postgres_port",
    "postgres_user",
];

/// The setting that a variable stands for: `postgres_host` is `POSTGRES_HOST`.
fn setting_of(name: &str) -> Result<String, Error> {
    let usual = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.bytes().all(usual) {
        return Err(Error::InvalidName(format!("`{name}` is no name of a variable")));
    }
    if VARIABLES.contains(&name) {
        Ok(name.to_ascii_uppercase())
    } else {
        Err(Error::Undefined(format!("the function has no variable `{name}`")))
    }
}

impl variables::Host for Guest {}

impl<T> variables::HostWithStore<T> for HasSelf<Guest> {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<String, Error> {
        let setting = setting_of(&name)?;
        // As under Spin, where each is declared with an empty default.
        Ok(accessor
            .with(|mut access| access.get().world.settings.first(&setting))
            .unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use lakegate_edges::secrets::is_secret;

    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        let found = match setting_of(name) {
            Ok(setting) => setting,
            Err(Error::InvalidName(_)) => "invalid".into(),
            Err(Error::Undefined(_)) => "undefined".into(),
            Err(other) => panic!("{other:?}"),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn a_variable_is_a_setting_in_lower_case() {
        check("postgres_host", "POSTGRES_HOST");
        check("lakegate_cache_key", "LAKEGATE_CACHE_KEY");
        check("path", "undefined");
        check("aws_secret_access_key", "undefined");
        check("POSTGRES_HOST", "invalid");
        check("postgres-host", "invalid");
        check("", "invalid");
    }

    #[test]
    fn the_manifest_declares_the_same_and_marks_the_same_secrets() {
        let manifest: toml::Table = include_str!("../../../spin.toml").parse().unwrap();
        let declared = manifest["variables"].as_table().unwrap();
        let mut names: Vec<_> = declared.keys().map(String::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, VARIABLES);
        for (name, variable) in declared {
            let marked = variable.get("secret").is_some_and(|mark| mark.as_bool() == Some(true));
            assert_eq!(is_secret(&name.to_ascii_uppercase()), marked, "{name}");
        }
    }
}
