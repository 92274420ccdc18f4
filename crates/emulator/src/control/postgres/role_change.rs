//! What a new role must look like, and which of its fields a change may reach.

use serde::Deserialize;

use super::super::reply::ApiError;
use crate::postgres::catalog::{Attributes, Role};

/// A role as a request wishes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RoleSpec {
    pub(super) postgres_role: String,
    pub(super) identity_type: Option<String>,
    auth_method: Option<String>,
    pub(super) attributes: SomeAttributes,
    membership_roles: Vec<String>,
}

impl RoleSpec {
    /// By a password that Lakebase chooses, as a role of no identity always is.
    pub(super) fn is_by_password(&self) -> bool {
        self.auth_method.as_deref() == Some("PG_PASSWORD_SCRAM_SHA_256")
    }

    pub(super) fn is_superuser(&self) -> bool {
        self.membership_roles.iter().any(|role| role == "DATABRICKS_SUPERUSER")
    }
}

/// Attributes; what is left out stays as it is.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::control) struct SomeAttributes {
    bypassrls: Option<bool>,
    createdb: Option<bool>,
    createrole: Option<bool>,
}

impl SomeAttributes {
    pub(in crate::control) fn over(self, old: Attributes) -> Attributes {
        Attributes {
            bypassrls: self.bypassrls.unwrap_or(old.bypassrls),
            createdb: self.createdb.unwrap_or(old.createdb),
            createrole: self.createrole.unwrap_or(old.createrole),
        }
    }

    fn are_all_there(self) -> bool {
        self.bypassrls.is_some() && self.createdb.is_some() && self.createrole.is_some()
    }
}

/// Refuses what Lakebase refuses of a new role.
pub(super) fn check_new(spec: &RoleSpec, id: Option<&str>) -> Result<(), ApiError> {
    if spec.postgres_role.is_empty() {
        return Err(ApiError::invalid(
            "Field 'role' is required and must contain at least one subfield with a non-default value",
        ));
    }
    if spec.auth_method.as_deref() == Some("NO_LOGIN") {
        return Err(ApiError::bad_request(
            "Creating roles with auth_method NO_LOGIN is not currently supported",
        ));
    }
    match id {
        Some(id) if !is_resource_id(id) => Err(ApiError::invalid(format!(
            "Field role_id must match pattern ^[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$, got {id}"
        ))),
        _ => Ok(()),
    }
}

/// `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
fn is_resource_id(id: &str) -> bool {
    let letter_or_digit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    id.len() <= 63
        && id.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && id.as_bytes().last().copied().is_some_and(letter_or_digit)
        && id.bytes().all(|b| letter_or_digit(b) || b == b'-')
}

/// The role after a change of the fields in `mask`, by the rules of the API's documentation: `spec`
/// alone takes over the attributes that are given; `*`, or `spec` beside others, wants all of them
/// and also replaces the memberships.
pub(super) fn changed(role: &Role, spec: &RoleSpec, mask: &str) -> Result<Role, ApiError> {
    let fields: Vec<&str> = mask.split(',').map(str::trim).filter(|f| !f.is_empty()).collect();
    let mut changed = role.clone();
    if let ["spec"] = *fields {
        changed.attributes = spec.attributes.over(role.attributes);
        return Ok(changed);
    }
    if fields.is_empty() {
        return Err(ApiError::invalid("Field 'update_mask' is required"));
    }
    if fields.iter().any(|field| ["*", "spec"].contains(field)) {
        if !spec.attributes.are_all_there() {
            return Err(ApiError::invalid("All attributes must be given with this update_mask"));
        }
        changed.attributes = spec.attributes.over(role.attributes);
        changed.superuser = spec.is_superuser();
        return Ok(changed);
    }
    let wished = spec.attributes.over(Attributes::default());
    for field in fields {
        match field {
            "spec.membership_roles" => changed.superuser = spec.is_superuser(),
            "spec.attributes.bypassrls" => changed.attributes.bypassrls = wished.bypassrls,
            "spec.attributes.createdb" => changed.attributes.createdb = wished.createdb,
            "spec.attributes.createrole" => changed.attributes.createrole = wished.createrole,
            other => {
                let message = format!("Field {other} in update_mask cannot be updated");
                return Err(ApiError::invalid(message));
            }
        }
    }
    Ok(changed)
}

/// The role after it was created once more, which replaces it: attributes that are left out stay, the
/// memberships are those that are given.
pub(super) fn replaced(role: &Role, spec: &RoleSpec) -> Role {
    Role {
        attributes: spec.attributes.over(role.attributes),
        superuser: spec.is_superuser(),
        ..role.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_follow_the_pattern() {
        #[track_caller]
        fn check(id: &str, expected: bool) {
            assert_eq!(is_resource_id(id), expected);
        }
        check("a", true);
        check("sp-1234", true);
        check(&"a".repeat(63), true);
        check(&"a".repeat(64), false);
        check("", false);
        check("1234-abcd", false);
        check("ends-", false);
        check("Upper", false);
        check("under_score", false);
    }

    /// `b`, `d`, `r` and `s` stand for the three attributes and the membership.
    fn letters(role: &Role) -> String {
        let Attributes { bypassrls, createdb, createrole } = role.attributes;
        [(bypassrls, 'b'), (createdb, 'd'), (createrole, 'r'), (role.superuser, 's')]
            .into_iter()
            .filter_map(|(has, letter)| has.then_some(letter))
            .collect()
    }

    fn role(letters: &str) -> Role {
        let has = |letter| letters.contains(letter);
        let attributes =
            Attributes { bypassrls: has('b'), createdb: has('d'), createrole: has('r') };
        Role { name: "x".to_owned(), identity: None, attributes, superuser: has('s') }
    }

    #[test]
    fn a_change_reaches_the_fields_of_its_mask() {
        #[track_caller]
        fn check(before: &str, spec: &str, mask: &str, after: Option<&str>) {
            let spec = serde_json::from_str(spec).unwrap();
            let changed = changed(&role(before), &spec, mask).ok();
            assert_eq!(changed.as_ref().map(letters).as_deref(), after);
        }
        const ALL: &str =
            r#"{"attributes":{"bypassrls":false,"createdb":true,"createrole":false}}"#;
        const ONE: &str = r#"{"attributes":{"createdb":true}}"#;
        const MEMBER: &str = r#"{"membership_roles":["DATABRICKS_SUPERUSER"]}"#;
        check("brs", ONE, "spec", Some("bdrs"));
        check("brs", MEMBER, "spec", Some("brs"));
        check("brs", ALL, "*", Some("d"));
        check("brs", ALL, "spec, spec.attributes.createdb", Some("d"));
        check("brs", ONE, "*", None);
        check("b", ONE, "spec.attributes.createdb", Some("bd"));
        check("bd", MEMBER, "spec.attributes.createdb,spec.membership_roles", Some("bs"));
        check("s", "{}", "spec.membership_roles", Some(""));
        check("s", "{}", "spec.postgres_role", None);
        check("s", "{}", "", None);
    }

    #[test]
    fn a_replaced_role_keeps_the_attributes_and_loses_the_memberships() {
        let spec = serde_json::from_str(r#"{"attributes":{"createdb":true}}"#).unwrap();
        assert_eq!(letters(&replaced(&role("rs"), &spec)), "dr");
    }
}
