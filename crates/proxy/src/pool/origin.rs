//! What a connection to the database was opened with.

use std::hash::{DefaultHasher, Hash, Hasher};

/// What a connection to the database was opened with: only applications with an equal origin share
/// it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Origin {
    database: Option<String>,
    parameters: Vec<(String, String)>,
    /// Of the other two: the pool looks an origin up for each transaction.
    hash: u64,
}

impl Origin {
    /// The database, or `None` for the login's own, and the startup parameters in any order. Of
    /// parameters with the same name the last one holds, as it does for Postgres.
    pub(crate) fn new(database: Option<String>, parameters: Vec<(String, String)>) -> Self {
        let mut kept: Vec<(String, String)> = Vec::with_capacity(parameters.len());
        for (name, value) in parameters {
            match kept.binary_search_by(|(known, _)| known.cmp(&name)) {
                Ok(place) => kept[place].1 = value,
                Err(place) => kept.insert(place, (name, value)),
            }
        }
        let mut hasher = DefaultHasher::new();
        (&database, &kept).hash(&mut hasher);
        Self { hash: hasher.finish(), database, parameters: kept }
    }

    /// The database; `None`: the login's own.
    pub(crate) fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// The startup parameters, sorted by name.
    pub(crate) fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }
}

impl Hash for Origin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(parameters: &[(&str, &str)]) -> Origin {
        let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
        Origin::new(None, parameters.iter().map(owned).collect())
    }

    #[track_caller]
    fn check(one: &Origin, other: &Origin, equal: bool) {
        assert_eq!(one == other, equal);
        assert_eq!(one.hash == other.hash, equal);
    }

    #[test]
    fn the_order_of_parameters_does_not_matter() {
        check(&origin(&[("a", "1"), ("b", "2")]), &origin(&[("b", "2"), ("a", "1")]), true);
        check(&origin(&[("a", "1")]), &origin(&[("a", "2")]), false);
        check(&origin(&[]), &Origin::new(Some("app".into()), Vec::new()), false);
    }

    #[test]
    fn the_last_of_a_name_holds() {
        check(&origin(&[("a", "1"), ("a", "2")]), &origin(&[("a", "2")]), true);
    }
}
