//! What a server reports about its settings, and which of them a client carries along.

use std::sync::Arc;

/// The latest `ParameterStatus` of each name, sorted by name: about fifteen.
///
/// A clone shares its memory until one of the two changes, so that handing a set from a server to
/// a client and comparing it with the next server cost next to nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(Arc<Vec<Parameter>>);

/// A name, and a value in the encoding of the session.
type Parameter = (Box<str>, Box<[u8]>);

/// Reported, but not for a client to set: they belong to the server or to the login.
const FIXED: [&str; 6] = [
    "in_hot_standby",
    "integer_datetimes",
    "is_superuser",
    "server_encoding",
    "server_version",
    "session_authorization",
];

impl Parameters {
    /// Notes a report.
    pub(crate) fn set(&mut self, name: &str, value: &[u8]) {
        let place = self.0.binary_search_by(|(known, _)| (**known).cmp(name));
        if place.is_ok_and(|place| *self.0[place].1 == *value) {
            return;
        }
        let all = Arc::make_mut(&mut self.0);
        match place {
            Ok(place) => all[place].1 = value.into(),
            Err(place) => all.insert(place, (name.into(), value.into())),
        }
    }

    /// Notes the body of a `ParameterStatus`: two strings, each ended by a zero. `false`: it is
    /// none, and nothing was noted.
    pub(crate) fn note(&mut self, body: &[u8]) -> bool {
        let mut parts = body.split(|byte| *byte == 0);
        match (parts.next().map(str::from_utf8), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(name)), Some(value), Some([]), None) => {
                self.set(name, value);
                true
            }
            _ => false,
        }
    }

    /// The value that was reported last; a name means the same in any case.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// All of them, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether a change of this setting is reported, so that it can follow its client.
    pub(crate) fn follows(&self, name: &str) -> bool {
        !is_fixed(name) && self.get(name).is_some()
    }

    /// What must be set in a server with these parameters for a client that has seen `wanted`.
    pub(crate) fn to_set<'a>(
        &'a self,
        wanted: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        self.missing(wanted).filter(|(name, _)| !is_fixed(name))
    }

    /// What must be told to a client that has seen `seen` about a server with these parameters.
    pub(crate) fn to_tell<'a>(
        &'a self,
        seen: &'a Self,
    ) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        seen.missing(self).filter(|(name, _)| is_fixed(name))
    }

    /// What `other` has and this has not, or has otherwise.
    fn missing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a str, &'a [u8])> {
        let other = if Arc::ptr_eq(&self.0, &other.0) { &[][..] } else { &other.0[..] };
        let own = &self.0;
        other.iter().enumerate().filter_map(move |(at, (name, value))| {
            // Servers of one version report in one order: nearly always the same place.
            let same = own.get(at).filter(|(known, _)| known == name);
            let known = same.or_else(|| own.iter().find(|(known, _)| known == name));
            let differs = known.is_none_or(|(_, known)| known != value);
            differs.then_some((&**name, &**value))
        })
    }

    /// Takes over the memory of an equal set, so that the next comparison is one of addresses.
    pub(crate) fn share(&mut self, equal: &Self) {
        self.0 = Arc::clone(&equal.0);
    }
}

impl PartialEq for Parameters {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || self.0.len() == other.0.len() && self.missing(other).next().is_none()
    }
}

fn is_fixed(name: &str) -> bool {
    FIXED.iter().any(|fixed| fixed.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(all: &[(&str, &str)]) -> Parameters {
        let mut parameters = Parameters::default();
        all.iter().for_each(|(name, value)| parameters.set(name, value.as_bytes()));
        parameters
    }

    #[track_caller]
    fn check(
        server: &[(&str, &str)],
        client: &[(&str, &str)],
        set: &[(&str, &str)],
        told: &[(&str, &str)],
    ) {
        let (server, client) = (parameters(server), parameters(client));
        let text = |(name, value)| (name, str::from_utf8(value).unwrap());
        assert_eq!(server.to_set(&client).map(text).collect::<Vec<_>>(), set);
        assert_eq!(server.to_tell(&client).map(text).collect::<Vec<_>>(), told);
    }

    #[test]
    fn what_differs_is_set_or_told() {
        let utc = ("TimeZone", "UTC");
        let rome = ("TimeZone", "Europe/Rome");
        let (old, new) = (("server_version", "15.1"), ("server_version", "15.2"));
        check(&[], &[], &[], &[]);
        check(&[utc, old], &[utc, old], &[], &[]);
        check(&[utc, old], &[rome, old], &[rome], &[]);
        check(&[utc, new], &[utc, old], &[], &[new]);
        check(&[new, utc], &[old, rome], &[rome], &[new]); // The order does not matter.
        check(&[old], &[old, rome], &[rome], &[]);
    }

    #[test]
    fn the_latest_report_counts() {
        let mut all = parameters(&[("TimeZone", "UTC")]);
        let before = all.clone();
        assert!(all.note(b"TimeZone\0Europe/Rome\0"));
        assert_eq!(all.get("timezone"), Some(&b"Europe/Rome"[..]));
        assert_eq!(before.get("timezone"), Some(&b"UTC"[..]));
        assert!(all != before);
        all.share(&before);
        assert!(all == before);
    }

    #[test]
    fn what_is_no_report_is_not_noted() {
        let mut all = Parameters::default();
        for body in ["", "a", "a\0", "a\x001", "a\x001\0b", "a\x001\0\0"] {
            assert!(!all.note(body.as_bytes()));
        }
        assert!(all == Parameters::default());
    }

    #[test]
    fn only_what_is_reported_follows() {
        let all = parameters(&[("TimeZone", "UTC"), ("server_version", "15.1")]);
        assert!(all.follows("timezone"));
        assert!(!all.follows("server_version"));
        assert!(!all.follows("work_mem"));
    }
}
