//! Settings that servers do not report, and that a client carries along all the same: those that
//! it made by plain statements, which can be said again to another server.

use std::fmt::Write;
use std::sync::Arc;

use super::text::Change;

/// How many settings are carried.
const SETTINGS: usize = 32;
/// How long their names and values may be, together, in bytes.
const BYTES: usize = 4096;

/// What was set in a session, by name; the value as SQL says it.
///
/// Nearly nobody sets anything, so that the comparison of two sets is one of two nothings; a clone
/// shares its memory until one of the two changes. There is no `Debug`: a value may be a secret.
#[derive(Clone, Default)]
pub(crate) struct Carried(Option<Arc<Vec<Setting>>>);

type Setting = (Box<str>, Box<str>);

impl Carried {
    /// Whether there is nothing to carry.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is room for the change.
    pub(crate) fn takes(&self, change: &Change) -> bool {
        let Change::Set(name, value) = change else { return true };
        let others = || self.settings().iter().filter(|(known, _)| known != name);
        let bytes: usize = others().map(|(name, value)| name.len() + value.len()).sum();
        others().count() < SETTINGS && bytes + name.len() + value.len() <= BYTES
    }

    /// The change was made.
    pub(crate) fn apply(&mut self, change: Change) {
        let mut settings = self.settings().to_vec();
        match change {
            Change::Set(name, value) => match settings.iter_mut().find(|(known, _)| *known == name)
            {
                Some((_, old)) => *old = value,
                None => settings.push((name, value)),
            },
            Change::Reset(name) => settings.retain(|(known, _)| *known != name),
            Change::ResetAll => settings.clear(),
        }
        self.0 = (!settings.is_empty()).then(|| Arc::new(settings));
    }

    /// Appends the statements that make a server with these settings one with `wanted`. A name in
    /// quotes is never a keyword.
    pub(crate) fn put_changes(&self, wanted: &Self, sql: &mut String) {
        let (here, wanted) = (self.settings(), wanted.settings());
        let gone = here.iter().filter(|(name, _)| wanted.iter().all(|(other, _)| other != name));
        for (name, _) in gone {
            write!(sql, "{}RESET \"{name}\"", separator(sql)).expect("a string takes it");
        }
        for (name, value) in wanted.iter().filter(|setting| !here.contains(setting)) {
            write!(sql, "{}SET \"{name}\" TO {value}", separator(sql)).expect("a string takes it");
        }
    }

    fn settings(&self) -> &[Setting] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl PartialEq for Carried {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
            _ => false,
        }
    }
}

fn separator(sql: &str) -> &'static str {
    if sql.is_empty() { "" } else { ";" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(texts: &[&str]) -> Carried {
        let mut carried = Carried::default();
        for text in texts {
            carried.apply(Change::of(text.as_bytes()).unwrap());
        }
        carried
    }

    #[track_caller]
    fn check(server: &[&str], client: &[&str], expected: &str) {
        let mut sql = String::new();
        let (server, client) = (carried(server), carried(client));
        server.put_changes(&client, &mut sql);
        assert_eq!(sql, expected);
        assert_eq!(server == client, expected.is_empty());
    }

    #[test]
    fn what_differs_is_said() {
        check(&[], &[], "");
        check(&[], &["SET a = 1", "SET b.c = 'd'"], r#"SET "a" TO 1;SET "b.c" TO 'd'"#);
        check(&["SET a = 1"], &[], r#"RESET "a""#);
        check(&["SET a = 1", "SET b = 2"], &["SET A = 1", "SET b = 2"], "");
        check(&["SET a = 1", "SET b = 2"], &["SET a = 3", "SET c = 4"], {
            r#"RESET "b";SET "a" TO 3;SET "c" TO 4"#
        });
        check(&["SET a = 1", "SET a = 2"], &["SET b = 1", "SET a = 2", "RESET b"], "");
    }

    #[test]
    fn there_is_room_for_some() {
        let texts: Vec<String> = (0..SETTINGS).map(|at| format!("SET a{at} = 1")).collect();
        let mut full = carried(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        let set = |name: &str| Change::of(format!("SET {name} = 2").as_bytes()).unwrap();
        assert!(full.takes(&set("a0")));
        assert!(!full.takes(&set("b")));
        full.apply(Change::Reset("a0".into()));
        assert!(full.takes(&set("b")));
        let long = Change::Set("b".into(), "1".repeat(BYTES).into());
        assert!(!full.takes(&long));
        full.apply(Change::ResetAll);
        assert!(full.is_empty());
    }
}
