//! What belongs to psql is psql's.

use std::ffi::{OsStr, OsString};

/// The options of lakegate that stand alone: after any other the next word is its value.
const ALONE: [&str; 4] = ["--verbose", "--quiet", "--help", "--version"];

/// The arguments of this process, with everything after the word `psql` kept from being taken for
/// an option of lakegate: both have `-v`, `-q` and `--host`.
pub(crate) fn arguments(given: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut words: Vec<_> = given.collect();
    let Some(command) = command(&words).filter(|at| words[*at] == "psql") else { return words };
    let next = words.get(command + 1).map(OsString::as_os_str);
    // Its own `--help` would need a database to connect to.
    if next.is_some_and(|word| word != "--" && word != "--help") {
        words.insert(command + 1, "--".into());
    }
    words
}

/// Where the name of the command stands.
fn command(words: &[OsString]) -> Option<usize> {
    let mut is_value = false;
    words.iter().map(OsString::as_os_str).enumerate().skip(1).find_map(|(at, word)| {
        if std::mem::take(&mut is_value) {
            return None;
        }
        let bytes = word.as_encoded_bytes();
        is_value = bytes.starts_with(b"--") && !bytes.contains(&b'=') && !stands_alone(word);
        (!bytes.starts_with(b"-")).then_some(at)
    })
}

fn stands_alone(word: &OsStr) -> bool {
    ALONE.iter().any(|alone| word == *alone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(given: &str, expected: &str) {
        let words = arguments(given.split(' ').map(OsString::from));
        assert_eq!(words.join(OsStr::new(" ")), expected);
    }

    #[test]
    fn what_follows_psql_is_not_looked_into() {
        check("lakegate psql", "lakegate psql");
        check("lakegate psql -v X=1", "lakegate psql -- -v X=1");
        check("lakegate -q --host h psql -q", "lakegate -q --host h psql -- -q");
        check("lakegate --host=h psql -h", "lakegate --host=h psql -- -h");
        check("lakegate psql -- -q", "lakegate psql -- -q");
        check("lakegate psql --help", "lakegate psql --help");
        check("lakegate --database psql token", "lakegate --database psql token");
        check("lakegate run -- psql -v", "lakegate run -- psql -v");
    }
}
