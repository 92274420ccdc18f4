//! How a program finds the proxy beside it.

use std::net::SocketAddr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::component::Credential;

/// What libpq would rather listen to than to the variables set here, or could not keep to: the
/// proxy is one host, without TLS.
const IN_THE_WAY: [&str; 8] = [
    "PGCHANNELBINDING",
    "PGHOSTADDR",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGREQUIRESSL",
    "PGSERVICE",
    "PGSERVICEFILE",
    "PGSSLNEGOTIATION",
];

/// All but the unreserved characters of a URL.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The way into a proxy.
pub(crate) struct Door {
    pub(crate) address: SocketAddr,
    pub(crate) password: Zeroizing<String>,
}

impl Door {
    /// Gives a program all it needs to connect, in the names that drivers and the applications of
    /// the Databricks documentation look for.
    pub(crate) fn show(&self, credential: &Credential, command: &mut Command) {
        for name in IN_THE_WAY {
            command.env_remove(name);
        }
        for (name, value) in self.variables(credential) {
            command.env(name, value.as_str());
        }
        if let Some(option) = search_path(&credential.schema) {
            // What the caller wishes comes last, and holds.
            let own = std::env::var("PGOPTIONS").unwrap_or_default();
            command.env("PGOPTIONS", format!("{option} {own}").trim_end());
        }
    }

    fn variables(&self, credential: &Credential) -> Vec<(&'static str, Zeroizing<String>)> {
        let plain = |text: &str| Zeroizing::new(text.to_owned());
        let (host, port) = (self.address.ip().to_string(), self.address.port().to_string());
        let Credential { user, database, .. } = credential;
        let mut variables =
            vec![("PGSSLMODE", plain("disable")), ("DATABASE_URL", self.url(credential))];
        for (names, value) in [
            (["PGHOST", "POSTGRES_HOST"], &host),
            (["PGPORT", "POSTGRES_PORT"], &port),
            (["PGUSER", "POSTGRES_USER"], user),
            (["PGDATABASE", "POSTGRES_DB"], database),
            (["PGPASSWORD", "POSTGRES_PASSWORD"], &*self.password),
        ] {
            variables.extend(names.map(|name| (name, plain(value))));
        }
        variables
    }

    fn url(&self, credential: &Credential) -> Zeroizing<String> {
        let Credential { user, database, schema, .. } = credential;
        let (user, database) = (encoded(user), encoded(database));
        let (address, password) = (self.address, self.password.as_str());
        let options = search_path(schema).map(|option| format!("?options={}", encoded(&option)));
        let options = options.unwrap_or_default();
        Zeroizing::new(format!("postgresql://{user}:{password}@{address}/{database}{options}"))
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// The startup option that puts the schema first; none for the one that is there by itself.
fn search_path(schema: &str) -> Option<String> {
    if schema == "public" {
        return None;
    }
    let mut option = "-csearch_path=".to_owned();
    for character in format!("\"{}\"", schema.replace('"', "\"\"")).chars() {
        // Postgres splits options at blanks that have no backslash before them.
        if character == '\\' || character.is_ascii_whitespace() {
            option.push('\\');
        }
        option.push(character);
    }
    Some(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential() -> Credential {
        Credential {
            generation: 1,
            user: "you@example.com".to_owned(),
            host: "instance.example".to_owned(),
            port: 5432,
            database: "app ontos".to_owned(),
            schema: "app".to_owned(),
            plaintext: false,
            valid_for: 1,
            expires_at: 1,
        }
    }

    #[test]
    fn drivers_find_the_proxy_by_their_variables() {
        let password = Zeroizing::new("made-up".to_owned());
        let door = Door { address: "127.0.0.1:5000".parse().unwrap(), password };
        let mut found = door.variables(&credential());
        found.sort_by_key(|(name, _)| *name);
        let found: Vec<_> = found.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let url = "postgresql://you%40example.com:made-up@127.0.0.1:5000/app%20ontos\
                   ?options=-csearch_path%3D%22app%22";
        let expected = [
            ("DATABASE_URL", url),
            ("PGDATABASE", "app ontos"),
            ("PGHOST", "127.0.0.1"),
            ("PGPASSWORD", "made-up"),
            ("PGPORT", "5000"),
            ("PGSSLMODE", "disable"),
            ("PGUSER", "you@example.com"),
            ("POSTGRES_DB", "app ontos"),
            ("POSTGRES_HOST", "127.0.0.1"),
            ("POSTGRES_PASSWORD", "made-up"),
            ("POSTGRES_PORT", "5000"),
            ("POSTGRES_USER", "you@example.com"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_schema_comes_first_whatever_its_name() {
        for (schema, expected) in [
            ("public", None),
            ("app_ontos", Some(r#"-csearch_path="app_ontos""#)),
            ("my app", Some(r#"-csearch_path="my\ app""#)),
            (r#"a"b\c"#, Some(r#"-csearch_path="a""b\\c""#)),
        ] {
            assert_eq!(search_path(schema).as_deref(), expected);
        }
    }
}
