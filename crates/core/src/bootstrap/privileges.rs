//! Who is to have which privileges, and who lacks them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::observed::Relation;
use super::{Access, Desired, Foreign, Observed, ledger};
use crate::sql::{Ident, Literal, Qualified};

/// Objects that privileges are given on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// Tables and views.
    Tables,
    /// Sequences.
    Sequences,
}

impl Class {
    pub(super) const ALL: [Self; 2] = [Self::Tables, Self::Sequences];

    /// The letter in `pg_default_acl.defaclobjtype`.
    fn letter(self) -> &'static str {
        match self {
            Self::Tables => "r",
            Self::Sequences => "S",
        }
    }

    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Tables => "tables",
            Self::Sequences => "sequences",
        }
    }
}

/// Privileges that one role is to have on one class of objects.
#[derive(Clone, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) role: &'a Ident,
    pub(super) class: Class,
    /// What to write into the statement.
    clause: &'static str,
    /// What then has to be in the catalog. `ALL` is more than this since Postgres 17 (`MAINTAIN`).
    privileges: &'static [&'static str],
}

/// What the application's own role is to have by default, as its documentation has it.
pub(super) fn own(role: &Ident) -> [Wanted<'_>; 2] {
    Class::ALL.map(|class| Wanted {
        role,
        class,
        clause: "ALL",
        privileges: match class {
            Class::Tables => {
                &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
            }
            Class::Sequences => &["SELECT", "UPDATE", "USAGE"],
        },
    })
}

/// What the other roles are to have.
pub(super) fn granted<'a>(
    role: &'a Ident,
    desired: &'a Desired,
) -> impl Iterator<Item = Wanted<'a>> {
    // The owner has everything without a grant.
    let others = desired.grants.iter().filter(move |grant| grant.role != *role);
    others.flat_map(|grant| {
        Class::ALL.map(|class| {
            let (clause, privileges): (_, &[_]) = match (grant.access, class) {
                (Access::Read, _) => ("SELECT", &["SELECT"]),
                (Access::Write, Class::Tables) => {
                    ("SELECT, INSERT, UPDATE, DELETE", &["SELECT", "INSERT", "UPDATE", "DELETE"])
                }
                (Access::Write, Class::Sequences) => {
                    ("USAGE, SELECT, UPDATE", &["USAGE", "SELECT", "UPDATE"])
                }
            };
            Wanted { role: &grant.role, class, clause, privileges }
        })
    })
}

impl Wanted<'_> {
    /// Whether future objects would lack it.
    pub(super) fn default_is_missing(&self, observed: &Observed) -> bool {
        self.privileges.iter().any(|privilege| {
            !observed.defaults.iter().any(|have| {
                have.kind == self.class.letter()
                    && have.role == self.role.as_parameter()
                    && have.privilege == *privilege
            })
        })
    }

    /// Gives it on future objects.
    pub(super) fn grant_default(&self, schema: &Ident) -> String {
        format!(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT {} ON {} TO {}",
            self.clause,
            self.class.plural().to_ascii_uppercase(),
            self.role
        )
    }

    /// A query for what future objects would still lack: one text, or null.
    pub(super) fn missing_default(&self, schema: &Ident) -> String {
        format!(
            "SELECT pg_catalog.string_agg(p, ', ') FROM pg_catalog.unnest(ARRAY[{}]) p \
             WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d \
             JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace, \
             LATERAL pg_catalog.aclexplode(d.defaclacl) a \
             WHERE n.nspname = {} AND pg_catalog.pg_get_userbyid(d.defaclrole) = current_user \
             AND d.defaclobjtype = {} AND pg_catalog.pg_get_userbyid(a.grantee) = {} \
             AND a.privilege_type = p)",
            list(self.privileges),
            Literal(schema.as_parameter()),
            Literal(self.class.letter()),
            Literal(self.role.as_parameter()),
        )
    }

    /// The names of the objects of this class that the role lacks something on. Only the owner can
    /// give it, so other people's objects do not count; nor does the ledger.
    pub(super) fn lacking<'o>(&self, observed: &'o Observed) -> Vec<&'o Ident> {
        let relations = observed.relations.iter().filter(|relation| {
            relation.kind == self.class.letter()
                && relation.owner == observed.role
                && relation.name.as_parameter() != ledger::NAME
        });
        relations.filter(|relation| self.lacks(relation)).map(|relation| &relation.name).collect()
    }

    fn lacks(&self, relation: &Relation) -> bool {
        self.privileges.iter().any(|privilege| {
            let given = |have: &super::observed::RelationGrant| {
                have.role == *self.role && have.privilege == *privilege
            };
            !relation.grants.iter().any(given)
        })
    }

    /// Gives it on present objects.
    pub(super) fn grant(&self, schema: &Ident, names: &[&Ident]) -> String {
        let names: Vec<_> =
            names.iter().map(|name| format!("{}", Qualified(schema, name))).collect();
        let class = match self.class {
            Class::Tables => "TABLE",
            Class::Sequences => "SEQUENCE",
        };
        format!("GRANT {} ON {class} {} TO {}", self.clause, names.join(", "), self.role)
    }

    /// A query for what the role still lacks on present objects: one text, or null. A migration may
    /// have dropped some of them: nothing is lacking there.
    pub(super) fn missing(&self, schema: &Ident, names: &[&Ident]) -> String {
        let names: Vec<_> =
            names.iter().map(|name| format!("{}", Qualified(schema, name))).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let has = match self.class {
            Class::Tables => "has_table_privilege",
            Class::Sequences => "has_sequence_privilege",
        };
        format!(
            "SELECT pg_catalog.string_agg(p || ' on ' || o, ', ') \
             FROM pg_catalog.unnest(ARRAY[{}]) o, pg_catalog.unnest(ARRAY[{}]) p \
             WHERE NOT pg_catalog.{has}({}::name, pg_catalog.to_regclass(o), p)",
            list(&names),
            list(self.privileges),
            Literal(self.role.as_parameter()),
        )
    }
}

/// A query for the schema's name if the role may not use it, or null.
pub(super) fn missing_usage(schema: &Ident, role: &Ident) -> String {
    let name = Literal(schema.as_parameter());
    format!(
        "SELECT {name}::text WHERE NOT pg_catalog.has_schema_privilege({}, {name}, 'USAGE')",
        Literal(role.as_parameter())
    )
}

/// What others own in a schema of our own: it is told, and left alone.
pub(super) fn foreign(observed: &Observed, desired: &Desired) -> impl Iterator<Item = String> {
    let is_ours = observed.schema.as_ref().is_some_and(|schema| schema.owner == observed.role);
    let foreign = observed.foreign.iter().filter(move |_| is_ours);
    foreign.map(|Foreign { owner, count, first }| {
        let schema = &desired.schema;
        match count {
            1 => format!("{first} in schema {schema} belongs to {owner}: no grant covers it"),
            _ => format!(
                "{count} tables, views and sequences in schema {schema} belong to {owner}, such as \
                 {first}: no grant covers them"
            ),
        }
    })
}

fn list(texts: &[&str]) -> String {
    let texts: Vec<_> = texts.iter().map(|text| format!("{}", Literal(text))).collect();
    texts.join(", ")
}
