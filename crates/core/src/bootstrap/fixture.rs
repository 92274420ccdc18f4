//! Answers to the inspection, for tests.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde_json::{Value, json};

use super::Desired;
use crate::migrations::Migration;

/// An empty database `db` as role `app` sees it, with some fields replaced.
pub(crate) fn empty(changes: Value) -> String {
    let fields = json!({
        "role": "app", "session_role": "app", "superuser": false, "create_role": false,
        "create_database": false, "member_of": [], "server_version": 170_002, "read_only": false,
        "database": "db", "database_owner": "admin", "can_connect": true, "can_create": true,
        "public_privileges": ["CONNECT", "TEMPORARY"], "schema": null, "roles": [],
        "defaults": [], "relations": [], "foreign": [], "ledger": null,
    });
    with(fields, changes).to_string()
}

/// The same with schema `s` and all that a bootstrap without migrations leaves.
pub(crate) fn complete(changes: Value) -> String {
    let tables = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
    let sequences = ["SELECT", "UPDATE", "USAGE"];
    let row = |kind, privilege| json!({"kind": kind, "role": "app", "privilege": privilege});
    let tables = tables.iter().map(|privilege| row("r", privilege));
    let defaults: Vec<_> =
        tables.chain(sequences.iter().map(|privilege| row("S", privilege))).collect();
    let fields = json!({
        "schema": {"owner": "app", "usage": true, "create": true},
        "defaults": defaults,
    });
    empty(with(fields, changes))
}

fn with(mut fields: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!("the changes are not an object") };
    fields.as_object_mut().unwrap().extend(changes);
    fields
}

/// A migration.
pub(crate) const A: (&str, &str) = ("1_a.sql", "CREATE TABLE a (x int)");
/// Another one, after it.
pub(crate) const B: (&str, &str) = ("2_b.sql", "CREATE TABLE b (x int)");

/// The ledger's row of a migration.
pub(crate) fn row(migration: &Migration, milliseconds: Option<i64>) -> Value {
    json!({
        "version": migration.version(), "name": migration.name(), "sha256": migration.sha256(),
        "applied_at": "2026-01-01T12:00:00+00:00", "applied_by": "app",
        "milliseconds": milliseconds, "lakegate": "0.1.0",
    })
}

/// A ledger with these rows, as a change of an answer.
pub(crate) fn ledger(rows: &[Value]) -> Value {
    json!({"ledger": {"owner": "app", "rows": rows}})
}

/// Schema `s` with these migrations.
pub(crate) fn desired(files: &[(&str, &str)]) -> Desired {
    let mut desired = Desired::new("s".parse().unwrap());
    desired.migrations = Migration::read_folder(files.iter().copied()).unwrap();
    desired
}
