//! Why there is no plan, and who has to do what first.

use alloc::format;
use alloc::string::{String, ToString};

use super::admin;
use super::ledger::Ledger;
use crate::problem::{Kind, Problem};
use crate::sql::Ident;

/// Why there is no plan. Nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The schema's name is reserved for the system.
    #[error("schema {schema}: names that start with `pg_` belong to Postgres")]
    Reserved {
        /// The schema.
        schema: Ident,
    },
    /// There is no schema, and the role may not create one.
    #[error("role {role} may not create a schema in database {database}")]
    NoCreate {
        /// The role.
        role: Ident,
        /// The database.
        database: Ident,
    },
    /// The schema is somebody else's.
    #[error("schema {schema} belongs to {owner}, not to {role}")]
    ForeignOwner {
        /// The schema.
        schema: Ident,
        /// Whose it is.
        owner: Ident,
        /// Who was to use it.
        role: Ident,
    },
    /// There are migrations to run, and the role may not create anything in the schema.
    #[error("role {role} may not create tables in schema {schema}")]
    NoCreateInSchema {
        /// The role.
        role: Ident,
        /// The schema.
        schema: Ident,
    },
    /// A role that is to be granted something does not exist.
    #[error("there is no role {role} to grant anything to")]
    MissingRole {
        /// The role.
        role: Ident,
    },
    /// The role may not read the ledger.
    #[error("role {role} may not read the ledger of migrations, which belongs to {owner}")]
    UnreadableLedger {
        /// Whose it is.
        owner: Ident,
        /// Who was to read it.
        role: Ident,
    },
    /// A migration is not what it was when it ran.
    #[error("`{name}` was changed after it ran: it was {applied}, it is {found}")]
    Changed {
        /// The schema.
        schema: Ident,
        /// The migration's version.
        version: i64,
        /// The file's name.
        name: String,
        /// The digest in the ledger.
        applied: String,
        /// The digest of the file.
        found: String,
    },
    /// A migration has not run, but a later one has.
    #[error("`{name}` has not run, but the later `{newest}` has")]
    Late {
        /// The file that is late.
        name: String,
        /// The last one that ran.
        newest: String,
    },
    /// A migration outside of transactions began and did not end.
    #[error("`{name}` was started by {applied_by} at {applied_at} and has not ended")]
    Unfinished {
        /// The schema.
        schema: Ident,
        /// The migration's version.
        version: i64,
        /// The file's name.
        name: String,
        /// Who started it.
        applied_by: String,
        /// When, in ISO 8601.
        applied_at: String,
    },
    /// The ledger is to be written, and there is no schema for it.
    #[error("there is no schema {schema} that a migration could have been run in")]
    NoSchema {
        /// The schema.
        schema: Ident,
    },
    /// There is no migration to mark as done.
    #[error("there are no migrations to mark as done")]
    NoMigrations,
    /// No file has the version that was named.
    #[error("none of the migrations is version {version}")]
    NoSuchMigration {
        /// The version.
        version: i64,
    },
    /// There is a verdict on a migration that needs none.
    #[error("the ledger does not say that version {version} was cut off")]
    NotCutOff {
        /// The version.
        version: i64,
    },
    /// Everybody was to be granted something.
    #[error("{role} means everybody, and nothing is granted to everybody")]
    Everybody {
        /// The name that was given.
        role: Ident,
    },
    /// There is something to do, and nothing can be written.
    #[error("database {database} is read-only here")]
    ReadOnly {
        /// The database.
        database: Ident,
    },
}

impl PlanError {
    /// What to tell a person.
    pub fn problem(&self) -> Problem {
        let kind = match self {
            Self::Reserved { .. }
            | Self::MissingRole { .. }
            | Self::Everybody { .. }
            | Self::NoMigrations
            | Self::NoSuchMigration { .. }
            | Self::NotCutOff { .. } => Kind::Configuration,
            _ => Kind::Conflict,
        };
        let advice = format!("Nothing was changed. {}", self.advice());
        Problem { kind, message: self.to_string(), advice, sqlstate: None }
    }

    fn advice(&self) -> String {
        match self {
            Self::Reserved { .. } => String::from("Choose another schema (POSTGRES_DB_SCHEMA)."),
            Self::NoCreate { role, database } => format!(
                "An administrator has to run:\n  GRANT CREATE ON DATABASE {database} TO {role};\n\
                 `lakegate setup` does that."
            ),
            Self::ForeignOwner { schema, owner, role } => format!(
                "Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act \
                 for both roles hand it over:\n  ALTER SCHEMA {schema} OWNER TO {role};\n\
                 Tables in it stay with {owner} until each is handed over too."
            ),
            Self::NoCreateInSchema { role, schema } => format!(
                "The owner of the schema or an administrator has to run:\n  \
                 GRANT USAGE, CREATE ON SCHEMA {schema} TO {role};"
            ),
            Self::MissingRole { role } => format!(
                "Create it, or take it out of the grants. On Lakebase an administrator creates \
                 the role of an identity with:\n  {}",
                admin::create_role_sql(role)
            ),
            Self::UnreadableLedger { owner, role } => format!(
                "Run as {owner}, or have {owner} grant {role} SELECT, INSERT and UPDATE on it."
            ),
            Self::Changed { schema, version, name, found, .. } => format!(
                "Put the old content back and write the change as a new migration. If the change \
                 means nothing to the database, accept it with `lakegate bootstrap repair`, or:\n  \
                 {};",
                Ledger::new(schema, &[]).accept(*version, name, found)
            ),
            Self::Late { .. } => {
                String::from("Give the file a higher number, or allow it with `--out-of-order`.")
            }
            Self::Unfinished { schema, version, .. } => {
                let mut ledger = Ledger::new(schema, &[]);
                format!(
                    "Another replica may be at it: try again later. If none is, it was cut off; \
                     its statements before that stay done. Finish it by hand, then run \
                     `lakegate bootstrap repair --finished {version}`, or:\n  {};\n\
                     Or undo it by hand, then run `lakegate bootstrap repair --again {version}`, \
                     or:\n  {};",
                    ledger.declare_done(*version),
                    ledger.forget(*version)
                )
            }
            Self::NoSchema { .. } => String::from(
                "`lakegate bootstrap apply` creates it and runs the migrations. If the tables are \
                 in another schema, name that (POSTGRES_DB_SCHEMA).",
            ),
            Self::NoMigrations => String::from("Name their folder with `--migrations`."),
            Self::NoSuchMigration { .. } => {
                String::from("Name the version of a file: the number that its name begins with.")
            }
            Self::NotCutOff { .. } => String::from(
                "Only a migration with the line `-- lakegate: no-transaction` can be, and \
                 `lakegate bootstrap plan` names it then.",
            ),
            Self::Everybody { .. } => String::from(
                "Whoever can log in to the database would have it, on every table there will ever \
                 be. Name the roles that need it; a group role can stand for many.",
            ),
            Self::ReadOnly { .. } => {
                String::from("Connect to the primary, not to a read-only endpoint.")
            }
        }
    }
}

#[cfg(test)]
mod tests;
