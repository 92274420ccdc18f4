//! What the function gets to see of a request's headers.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use hyper::HeaderMap;
use hyper::header::{CONNECTION, HeaderName, HeaderValue};

/// The header that carries a request's name.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest name that is passed on.
const LONGEST_ID: usize = 128;

/// They speak of one connection, and that one ends here (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Drops what ends here, and what only a Spin host may say.
pub(crate) fn clean(headers: &mut HeaderMap) {
    let named = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named =
        named.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    let of_spin = headers.keys().filter(|name| name.as_str().starts_with("spin-")).cloned();
    let dropped: Vec<HeaderName> = named.chain(of_spin).collect();
    for name in dropped {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Gives every request a name, so that one line of a log finds the others.
#[derive(Default)]
pub(crate) struct Ids {
    keys: RandomState,
    count: AtomicU64,
}

impl Ids {
    /// The name that the client gave, if it is one word of visible ASCII, or a new one.
    pub(crate) fn of(&self, headers: &HeaderMap) -> HeaderValue {
        let mut given = headers.get_all(REQUEST_ID).iter();
        match (given.next(), given.next()) {
            (Some(id), None) if is_id(id.as_bytes()) => id.clone(),
            _ => self.make(),
        }
    }

    /// A keyed hash of a counter: another one in every process, and nobody guesses the next.
    fn make(&self) -> HeaderValue {
        let number = self.keys.hash_one(self.count.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(format!("{number:016x}")).expect("hexadecimal digits are visible")
    }
}

fn is_id(bytes: &[u8]) -> bool {
    (1..=LONGEST_ID).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&str, &str)]) -> HeaderMap {
        let parsed = |(name, value): &(&str, &str)| {
            (
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers.iter().map(parsed) {
            map.append(name, value);
        }
        map
    }

    #[track_caller]
    fn keeps(headers: &[(&str, &str)], expected: &[&str]) {
        let mut map = map(headers);
        clean(&mut map);
        let left: Vec<_> = map.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, expected);
    }

    #[test]
    fn what_speaks_of_the_connection_ends_here() {
        keeps(&[], &[]);
        keeps(&[("host", "h"), ("authorization", "Bearer k")], &["host", "authorization"]);
        keeps(&[("te", "trailers"), ("upgrade", "h2c"), ("keep-alive", "timeout=5")], &[]);
        keeps(&[("connection", "close, X-Hop"), ("x-hop", "1"), ("x-other", "2")], &["x-other"]);
        keeps(&[("connection", "a"), ("connection", "b, ,\u{e4}"), ("a", "1"), ("b", "2")], &["b"]);
    }

    #[test]
    fn clients_do_not_speak_for_spin() {
        keeps(
            &[("spin-client-addr", "1.2.3.4"), ("Spin-Full-Url", "x"), ("spinning", "y")],
            &["spinning"],
        );
    }

    #[track_caller]
    fn passed_on(given: &[&str], expected: bool) {
        let headers: Vec<_> = given.iter().map(|id| ("x-request-id", *id)).collect();
        let id = Ids::default().of(&map(&headers));
        if expected {
            assert_eq!(id, given[0]);
        } else {
            assert!(id.len() == 16 && id.as_bytes().iter().all(u8::is_ascii_hexdigit), "{id:?}");
        }
    }

    #[test]
    fn a_request_keeps_its_name_if_it_is_one() {
        passed_on(&["4bf92f35-77b3_x:y"], true);
        passed_on(&[&"x".repeat(128)], true);
        for bad in ["", "two words", "tab\t", "\u{e4}", &"x".repeat(129)] {
            passed_on(&[bad], false);
        }
        passed_on(&[], false);
        passed_on(&["first", "second"], false); // Whose log would have which?
    }

    #[test]
    fn no_two_requests_get_the_same_name() {
        let ids = Ids::default();
        let names: std::collections::HashSet<_> = (0..1000).map(|_| ids.make()).collect();
        assert_eq!(names.len(), 1000);
    }
}
