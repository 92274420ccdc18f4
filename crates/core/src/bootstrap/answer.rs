//! Reading the answers to the inspections, field by field.

use alloc::string::{String, ToString};

use serde_json::Value;

use super::ObserveError;
use super::observed::{
    DefaultPrivilege, Foreign, LedgerRow, Observed, ObservedLedger, ObservedRole, ObservedSchema,
    Relation, RelationGrant,
};
use crate::json::{self, FromJson, Misfit, Object};
use crate::sql::Ident;

/// Reads an answer, which is one JSON text.
pub(super) fn read<T: FromJson>(answer: Option<&str>) -> Result<T, ObserveError> {
    T::from_json(value(answer)?).map_err(|misfit| ObserveError::Unreadable {
        detail: String::from("nothing usable in ") + &misfit.to_string(),
    })
}

fn value(answer: Option<&str>) -> Result<Value, ObserveError> {
    let answer = answer.ok_or(ObserveError::Empty)?;
    json::parse(answer.as_bytes())
        .ok_or_else(|| ObserveError::Unreadable { detail: String::from("it is no JSON") })
}

impl FromJson for Observed {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut answer = Object::from_json(value)?;
        Ok(Self {
            role: answer.take("role")?,
            session_role: answer.take("session_role")?,
            superuser: answer.take("superuser")?,
            create_role: answer.take("create_role")?,
            create_database: answer.take("create_database")?,
            member_of: answer.take("member_of")?,
            server_version: answer.take("server_version")?,
            read_only: answer.take("read_only")?,
            database: answer.take("database")?,
            database_owner: answer.take("database_owner")?,
            can_connect: answer.take("can_connect")?,
            can_create: answer.take("can_create")?,
            public_privileges: answer.take("public_privileges")?,
            schema: answer.take("schema")?,
            roles: answer.take("roles")?,
            defaults: answer.take("defaults")?,
            relations: answer.take("relations")?,
            foreign: answer.take("foreign")?,
            ledger: answer.take("ledger")?,
        })
    }
}

impl FromJson for ObservedSchema {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut schema = Object::from_json(value)?;
        Ok(Self {
            owner: schema.take("owner")?,
            usage: schema.take("usage")?,
            create: schema.take("create")?,
        })
    }
}

impl FromJson for ObservedRole {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut role = Object::from_json(value)?;
        Ok(Self { name: role.take("name")?, usage: role.take("usage")? })
    }
}

impl FromJson for DefaultPrivilege {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut default = Object::from_json(value)?;
        Ok(Self {
            kind: default.take("kind")?,
            role: default.take("role")?,
            privilege: default.take("privilege")?,
        })
    }
}

impl FromJson for Relation {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut relation = Object::from_json(value)?;
        Ok(Self {
            name: relation.take("name")?,
            kind: relation.take("kind")?,
            owner: relation.take("owner")?,
            grants: relation.take("grants")?,
        })
    }
}

impl FromJson for RelationGrant {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut grant = Object::from_json(value)?;
        Ok(Self { role: grant.take("role")?, privilege: grant.take("privilege")? })
    }
}

impl FromJson for Foreign {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut foreign = Object::from_json(value)?;
        Ok(Self {
            owner: foreign.take("owner")?,
            count: foreign.take("count")?,
            first: foreign.take("first")?,
        })
    }
}

impl FromJson for ObservedLedger {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut ledger = Object::from_json(value)?;
        Ok(Self { owner: ledger.take("owner")?, rows: ledger.take("rows")? })
    }
}

impl FromJson for LedgerRow {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        let mut row = Object::from_json(value)?;
        Ok(Self {
            version: row.take("version")?,
            name: row.take("name")?,
            sha256: row.take("sha256")?,
            applied_at: row.take("applied_at")?,
            applied_by: row.take("applied_by")?,
            milliseconds: row.take("milliseconds")?,
            lakegate: row.take("lakegate")?,
        })
    }
}

impl FromJson for Ident {
    fn from_json(value: Value) -> Result<Self, Misfit> {
        String::from_json(value)?.parse().map_err(|_| Misfit::default())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::bootstrap::fixture::{complete, empty};

    #[track_caller]
    fn check(answer: Option<&str>, expected: &str) {
        assert_eq!(read::<Observed>(answer).unwrap_err().to_string(), expected);
    }

    #[test]
    fn says_what_cannot_be_read() {
        const UNEXPECTED: &str = "the database gave an unexpected answer to the inspection: ";
        let unexpected = |detail: &str| String::from(UNEXPECTED) + detail;
        check(None, "the database gave no answer to the inspection");
        check(Some("{"), &unexpected("it is no JSON"));
        check(Some("[]"), &unexpected("nothing usable in its outermost value"));
        for (changes, field) in [
            (json!({"role": null}), "role"),
            (json!({"role": ""}), "role"),
            (json!({"superuser": "no"}), "superuser"),
            (json!({"member_of": ["a", 1]}), "member_of"),
            (json!({"server_version": -1}), "server_version"),
            (json!({"schema": {"owner": "app", "usage": true}}), "schema.create"),
            (json!({"roles": [{"name": "a", "usage": 1}]}), "roles.usage"),
            (json!({"relations": [1]}), "relations"),
            (json!({"ledger": {"owner": "app", "rows": [{"version": 1}]}}), "ledger.rows.name"),
        ] {
            let detail = alloc::format!("nothing usable in its field `{field}`");
            check(Some(&empty(changes)), &unexpected(&detail));
        }
    }

    #[test]
    fn reads_names_that_need_escapes() {
        let answer = complete(json!({"role": "o\"b\\\n\u{1}é"}));
        let seen: Observed = read(Some(&answer)).unwrap();
        assert_eq!(seen.role.as_parameter(), "o\"b\\\n\u{1}é");
    }
}
