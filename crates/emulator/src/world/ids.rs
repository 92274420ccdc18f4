//! Ids of the Autoscaling API: chosen by whoever made a thing, or derived from its name in Postgres.

use std::collections::BTreeMap;

use uuid::Uuid;

/// The ids of one kind of things.
#[derive(Clone, Debug)]
pub struct Ids {
    derive: fn(&str) -> String,
    /// Those that were chosen, to the names in Postgres.
    chosen: BTreeMap<String, String>,
}

impl Ids {
    /// Ids of roles.
    pub fn of_roles() -> Self {
        Self { derive: derived_role_id, chosen: BTreeMap::new() }
    }

    /// Ids of databases: `databricks-postgres` for `databricks_postgres`.
    pub fn of_databases() -> Self {
        Self { derive: |name| name.replace('_', "-"), chosen: BTreeMap::new() }
    }

    /// The id of the thing that Postgres calls `name`.
    pub fn of(&self, name: &str) -> String {
        let chosen = self.chosen.iter().find(|(_, own)| *own == name).map(|(id, _)| id.clone());
        chosen.unwrap_or_else(|| (self.derive)(name))
    }

    /// Whether `id` is that of `name`.
    pub fn is(&self, id: &str, name: &str) -> bool {
        self.of(name) == id
    }

    /// Notes a chosen id.
    pub fn choose(&mut self, id: &str, name: &str) {
        self.chosen.insert(id.to_owned(), name.to_owned());
    }

    /// Keeps the id of a thing that has a new name.
    pub fn rename(&mut self, from: &str, to: &str) {
        let id = self.of(from);
        self.choose(&id, to);
    }

    /// Forgets a thing that is gone.
    pub fn forget(&mut self, name: &str) {
        self.chosen.retain(|_, own| own != name);
    }
}

/// A role id that keeps the API's rule, `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`. A client id may begin
/// with a digit, so it gets a prefix.
fn derived_role_id(role: &str) -> String {
    let spelled: String = role
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    let spelled = spelled.trim_matches('-');
    match Uuid::parse_str(role) {
        Ok(_) => format!("sp-{spelled}"),
        Err(_) if spelled.starts_with(|c: char| c.is_ascii_lowercase()) => spelled.to_owned(),
        Err(_) => format!("r-{spelled}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_ids_keep_the_rule_of_the_api() {
        #[track_caller]
        fn check(role: &str, id: &str) {
            assert_eq!(Ids::of_roles().of(role), id);
        }
        check("plain", "plain");
        check("admin@example.com", "admin-example-com");
        check("12345678-1234-4abc-8def-1234567890ab", "sp-12345678-1234-4abc-8def-1234567890ab");
        check("9lives", "r-9lives");
        check("_under_", "under");
    }

    #[test]
    fn a_chosen_id_stays_with_its_thing() {
        let mut ids = Ids::of_databases();
        ids.choose("shop", "shop_data");
        assert!(ids.is("shop", "shop_data") && !ids.is("shop-data", "shop_data"));
        ids.rename("shop_data", "shop_new");
        assert_eq!(ids.of("shop_new"), "shop");
        ids.rename("other_data", "other_new"); // Derived before, and as fixed as the others.
        assert_eq!(ids.of("other_new"), "other-data");
        ids.forget("shop_new");
        assert_eq!(ids.of("shop_new"), "shop-new");
    }
}
