//! Names in the place of what tells whose a report is. The same value has the same name wherever it
//! stands, so that a reader sees what is equal and what differs.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use zeroize::Zeroizing;

/// What stands for a secret.
const SECRET: &str = "(secret)";

/// How tokens and secrets of Databricks begin, and how long they are at least.
const SECRET_MARKS: [&str; 4] = ["eyJ", "dapi", "dose", "dkea"];
const SECRET_LENGTH: usize = 12;

/// Domains in which Databricks gives out names: the domain says something of the kind of server.
const DOMAINS: [&str; 6] = [
    "azuredatabricks.net",
    "cloud.databricks.com",
    "gcp.databricks.com",
    "databricks.azure.us",
    "databricks.azure.cn",
    "cloud.databricks.us",
];

/// What first labels begin with that says something of the kind of server.
const KINDS: [&str; 4] = ["instance-", "ep-", "adb-", "dbc-"];

/// The names that were given so far.
#[derive(Default)]
pub(super) struct Pseudonyms {
    secrets: Vec<Zeroizing<String>>,
    /// Values that are to be hidden wherever they stand, the longest first.
    values: Vec<(String, String)>,
    names: BTreeMap<String, String>,
    counts: BTreeMap<&'static str, usize>,
}

impl Pseudonyms {
    /// Hides a secret, should it stand anywhere.
    pub(super) fn forget(&mut self, secret: String) {
        if !secret.trim().is_empty() {
            self.secrets.push(Zeroizing::new(secret));
        }
    }

    /// Hides a folder's name.
    pub(super) fn shorten(&mut self, folder: &str, name: &str) {
        if 1 < folder.len() {
            self.hide_value(folder.to_owned(), name.to_owned());
        }
    }

    /// Hides a host's name, wherever it stands.
    pub(super) fn hide_host(&mut self, host: &str) {
        let is_own = matches!(host, "localhost" | "");
        if !is_own && self.values.iter().all(|(own, _)| own != host) {
            let name = self.host(host);
            self.hide_value(host.to_owned(), name);
        }
    }

    fn hide_value(&mut self, value: String, name: String) {
        self.values.push((value, name));
        self.values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    /// The text with names in the place of what tells whose it is.
    pub(super) fn hide(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            text = text.replace(secret.trim(), SECRET);
        }
        for (value, name) in &self.values {
            text = text.replace(value, name);
        }
        let mut hidden = String::with_capacity(text.len());
        let mut rest = text.as_str();
        while let Some(end) = rest.find(is_separator) {
            let separator = rest[end..].chars().next().map_or(0, char::len_utf8);
            hidden.push_str(&self.word(&rest[..end]));
            hidden.push_str(&rest[end..end + separator]);
            rest = &rest[end + separator..];
        }
        hidden.push_str(&self.word(rest));
        hidden
    }

    /// One word, with the signs that end a sentence or a place within it.
    fn word(&mut self, word: &str) -> String {
        let bare = word.trim_end_matches(['.', ':']);
        let end = &word[bare.len()..];
        let name = if SECRET_MARKS.iter().any(|mark| bare.contains(mark))
            && SECRET_LENGTH <= bare.len()
        {
            Some(SECRET.to_owned())
        } else if let Some(address) = address(bare) {
            (!address.is_loopback()).then(|| self.named("address", &address.to_string()))
        } else if bare.split_once('@').is_some_and(|(who, at)| !who.is_empty() && !at.is_empty()) {
            Some(self.named("person", &bare.to_ascii_lowercase()))
        } else if is_uuid(bare) {
            Some(self.named("id", &bare.to_ascii_lowercase()))
        } else if is_long_number(bare) {
            Some(self.named("number", bare))
        } else if DOMAINS.iter().any(|domain| bare.ends_with(domain)) {
            Some(self.host(bare))
        } else {
            None
        };
        name.map_or_else(|| word.to_owned(), |name| name + end)
    }

    /// `ep-host-1.database.us-east-1.cloud.databricks.com`, or `host-1` of another domain.
    fn host(&mut self, host: &str) -> String {
        if address(host).is_some() {
            return self.named("address", host);
        }
        let name = self.named("host", &host.to_ascii_lowercase());
        let Some((label, domain)) = host.split_once('.') else { return name };
        if !DOMAINS.iter().any(|own| domain == *own || domain.ends_with(&format!(".{own}"))) {
            return name;
        }
        let kind = KINDS.into_iter().find(|kind| label.starts_with(kind)).unwrap_or_default();
        format!("{kind}{name}.{domain}")
    }

    fn named(&mut self, kind: &'static str, value: &str) -> String {
        if let Some(name) = self.names.get(value) {
            return name.clone();
        }
        let count = self.counts.entry(kind).or_default();
        *count += 1;
        let name = format!("{kind}-{count}");
        self.names.insert(value.to_owned(), name.clone());
        name
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | ',' | ';' | '(' | ')' | '/' | '=' | '…')
}

fn address(word: &str) -> Option<IpAddr> {
    let place = || word.parse::<SocketAddr>().ok().map(|place| place.ip());
    word.parse().ok().or_else(place)
}

fn is_uuid(word: &str) -> bool {
    let fits = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    word.len() == 36 && word.bytes().enumerate().all(fits)
}

/// Workspaces, accounts and people have such numbers.
fn is_long_number(word: &str) -> bool {
    10 <= word.len() && word.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rows: &[(&str, &str)]) {
        let mut names = Pseudonyms::default();
        names.forget("hunter2hunter2".to_owned());
        names.forget(" ".to_owned());
        names.shorten("/home/ana", "~");
        names.hide_host("db.corp.example");
        for (text, expected) in rows {
            assert_eq!(names.hide(text), *expected);
        }
    }

    #[test]
    fn what_tells_whose_it_is_has_a_name_that_stays() {
        check(&[
            (
                "db.corp.example:5432 refused the login of \"ana@b.example\".",
                "host-1:5432 refused the login of \"person-1\".",
            ),
            ("Ana@b.example and bob@b.example", "person-1 and person-2"),
            (
                "`12345678-1234-4ABC-8def-1234567890ab`, 12345678-1234-4abc-8def-1234567890ab",
                "`id-1`, id-1",
            ),
            ("workspace 1234567890123456, 12 s", "workspace number-1, 12 s"),
            ("connected to 10.1.2.3:5432", "connected to address-1"),
            ("localhost is 127.0.0.1, ::1, 2001:db8::1", "localhost is 127.0.0.1, ::1, address-2"),
            ("/home/ana/.databrickscfg", "~/.databrickscfg"),
            (
                "https://adb-123.7.azuredatabricks.net issued",
                "https://adb-host-2.7.azuredatabricks.net issued",
            ),
            (
                "ep-cool-1.database.us-east-1.cloud.databricks.com",
                "ep-host-3.database.us-east-1.cloud.databricks.com",
            ),
        ]);
    }

    #[test]
    fn nothing_of_a_secret_stays() {
        check(&[
            ("no: hunter2hunter2!", "no: (secret)!"),
            ("bad dapi0123456789abcdef here", "bad (secret) here"),
            ("eyJhbGciOiJSUzI1NiJ9.e30.x", "(secret)"),
            ("POSTGRES_PASSWORD=dapi0123456789abcdef", "POSTGRES_PASSWORD=(secret)"),
        ]);
    }

    #[test]
    fn what_helps_stays_as_it_is() {
        let plain = "schema \"app_ontos\" lacks 3 steps: `lakegate bootstrap apply` does them; \
                     projects/p/branches/production/endpoints/primary (SQLSTATE 3D000)";
        check(&[(plain, plain), ("", ""), ("@", "@"), ("version 0.1.0.", "version 0.1.0.")]);
    }
}
