//! Where values come from: the layers of an edge, and the rule which of them wins.

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::config::rows::Row;
use crate::edge::{Edge, Origin};

/// What the configuration asks of an edge. Every [`Edge`] answers it; a table in a test does too.
pub trait Lookup {
    /// The value of a setting in one layer.
    fn setting(&self, origin: Origin, name: &str) -> Option<String>;
    /// Whether a secret setting has a value. The value itself is asked for at each use.
    fn has_secret(&self, name: &str) -> bool;
    /// Whether a file can be read now.
    fn readable(&self, path: &str) -> bool;
}

impl<E: Edge> Lookup for E {
    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        Edge::setting(self, origin, name)
    }

    fn has_secret(&self, name: &str) -> bool {
        Edge::has_secret(self, name)
    }

    fn readable(&self, path: &str) -> bool {
        self.read(path).is_ok()
    }
}

/// A value that remembers where it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// The name it was set by.
    pub name: &'static str,
    /// The layer; `None` is the default.
    pub origin: Option<Origin>,
}

impl<T> Sourced<T> {
    pub(crate) fn with<U>(&self, value: U) -> Sourced<U> {
        Sourced { value, name: self.name, origin: self.origin }
    }
}

/// What a person calls a layer; `None` is the default.
pub fn origin_name(origin: Option<Origin>) -> &'static str {
    match origin {
        Some(Origin::Flag) => "flag",
        Some(Origin::Environment) => "environment",
        Some(Origin::File) => "lakegate.toml",
        None => "default",
    }
}

/// The value of a row, or its default.
pub(crate) fn find(lookup: &dyn Lookup, row: &Row) -> Option<Sourced<String>> {
    first(lookup, row.names).or_else(|| {
        let value = row.default?.to_owned();
        Some(Sourced { value, name: row.names[0], origin: None })
    })
}

/// The value that wins. A stronger layer beats an earlier name: somebody who gives a flag means it,
/// whichever of a row's names the flag has. Blank values count as absent.
pub(crate) fn first(lookup: &dyn Lookup, names: &[&'static str]) -> Option<Sourced<String>> {
    for origin in Origin::ALL {
        for name in names {
            let value = lookup.setting(origin, name).unwrap_or_default();
            let value = value.trim();
            if !value.is_empty() {
                return Some(Sourced { value: value.to_owned(), name, origin: Some(origin) });
            }
        }
    }
    None
}
