//! Secrets in clear text: the file is in a repository, in the workspace and in every deployment.

use super::finding::Findings;
use super::shape::{Source, Variable};

/// Words that a secret's name is made of.
const WORDS: [&str; 6] = ["PASSWORD", "PASSWD", "PGPASSWORD", "SECRET", "TOKEN", "APIKEY"];
/// The same, of two words.
const PHRASES: [&str; 4] = ["ACCESS_KEY", "API_KEY", "PRIVATE_KEY", "SECRET_KEY"];
/// What such a name ends with when the value only leads to the secret.
const POINTERS: [&str; 6] = ["_FILE", "_FILEPATH", "_NAME", "_PATH", "_SHA256", "_URL"];

const FIX: &str = "Take it out of the file, and consider it known: make a new one. Put that into a \
    secret scope, attach it to the app as a resource, and name the resource's key with `valueFrom`.";

/// Finds values that are secrets, by the variable's name or by their own looks.
pub(super) fn check(variable: &Variable<'_>, out: &mut Findings) {
    let Source::Value(value) = variable.source else { return };
    let name = variable.name;
    if looks_secret(value) || is_secret_name(name) && !is_plain(value) {
        let message = format!("{name} holds a secret in clear text");
        out.error(variable.line, "secret-in-clear", message, FIX);
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    if POINTERS.iter().any(|end| name.ends_with(end)) {
        return false;
    }
    lakegate_edges::secrets::is_secret(&name)
        || name.split('_').any(|word| WORDS.contains(&word))
        || PHRASES.iter().any(|phrase| name.contains(phrase))
}

/// Numbers, switches and nothing: TOKEN_LIMIT is no secret.
fn is_plain(value: &str) -> bool {
    value.is_empty()
        || value.bytes().all(|b| b.is_ascii_digit())
        || ["true", "false"].iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Whether a value is a secret whatever its variable is called.
fn looks_secret(value: &str) -> bool {
    // A Databricks access token, a signed token, a private key.
    let token = value.strip_prefix("dapi").is_some_and(|rest| {
        32 <= rest.len() && rest.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
    });
    let signed = value.starts_with("eyJ") && value.matches('.').count() == 2;
    token || signed || value.contains("PRIVATE KEY-----") || has_password(value)
}

/// Whether it is a URL with a password in it.
fn has_password(value: &str) -> bool {
    let Some((_, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    user.and_then(|user| user.split_once(':')).is_some_and(|(_, password)| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn holds(name: &str, value: &str, secret: bool) {
        let mut out = Findings::default();
        check(&Variable { name, line: 1, source: Source::Value(value) }, &mut out);
        let found = out.in_order();
        assert_eq!(found.len(), usize::from(secret), "{name}: {found:?}");
        assert!(found.iter().all(|finding| !finding.message.contains(value)));
    }

    #[test]
    fn a_name_tells() {
        for name in [
            "POSTGRES_PASSWORD",
            "PGPASSWORD",
            "DATABRICKS_CLIENT_SECRET",
            "GITHUB_TOKEN",
            "OPENAI_API_KEY",
            "LAKEGATE_CACHE_KEY",
        ] {
            holds(name, "hunter-2", true);
            holds(name, "", false);
        }
        for name in ["DATABRICKS_CLIENT_SECRET_FILE", "SECRET_SCOPE_NAME", "MAX_TOKENS", "KEYBOARD"]
        {
            holds(name, "hunter-2", false);
        }
        holds("TOKEN_LIMIT", "4096", false);
    }

    #[test]
    fn a_value_tells() {
        let token = format!("dapi{}", "0a".repeat(16));
        holds("A", &token, true);
        holds("A", "dapi-docs.example", false);
        holds("A", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", true);
        holds("A", "postgresql://app:hunter2@h.example/db", true);
        holds("A", "postgresql://app@h.example/db?x=a:b@c", false);
        holds("A", "-----BEGIN PRIVATE KEY-----\nx", true);
        holds("A", "https://h.example:8443/", false);
    }

    #[test]
    fn a_resource_may_yield_it() {
        let mut out = Findings::default();
        let variable = Variable { name: "GITHUB_TOKEN", line: 1, source: Source::From("github") };
        check(&variable, &mut out);
        assert_eq!(out.in_order(), []);
    }
}
