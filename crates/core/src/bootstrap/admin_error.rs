//! Why an administrator's plan cannot be made or did not work.

use alloc::format;
use alloc::string::{String, ToString};

use super::admin::create_role_sql;
use crate::problem::{Kind, Problem};
use crate::sql::Ident;

/// Why an administrator's plan cannot be made. Nothing was changed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AdminError {
    /// The role that is to create schemas in a new database does not exist.
    #[error("there is no role {role}")]
    MissingGrantee {
        /// The role.
        role: Ident,
    },
    /// The role that is to keep the right to create schemas does not exist.
    #[error("there is no role {role}")]
    MissingRole {
        /// The role.
        role: Ident,
    },
    /// The database does not exist.
    #[error("there is no database {database}")]
    MissingDatabase {
        /// The database.
        database: Ident,
    },
    /// The administrator's role may not create databases.
    #[error("role {role} may not create database {database}")]
    MayNotCreate {
        /// The administrator's role.
        role: Ident,
        /// The database.
        database: Ident,
    },
    /// The statements ran, and the catalog does not show it.
    #[error("the privileges on database {database} did not change")]
    NoEffect {
        /// The database.
        database: Ident,
    },
}

impl AdminError {
    /// What to tell a person.
    pub fn problem(&self) -> Problem {
        let advice = match self {
            Self::MissingGrantee { role } => format!(
                "{}\nTo set up a database before its service principal is known, use \
                 `lakegate setup --grant-public`.",
                create_role(role)
            ),
            Self::MissingRole { role } => create_role(role),
            Self::MissingDatabase { .. } => {
                String::from("Check the name, or run `lakegate setup` first.")
            }
            Self::MayNotCreate { role, .. } => format!(
                "Run this as an administrator, or have one run:\n  ALTER ROLE {role} CREATEDB;"
            ),
            Self::NoEffect { .. } => String::from(
                "Postgres only warns when a role grants or revokes what is not its own. Run this \
                 as the owner of the database.",
            ),
        };
        Problem { kind: Kind::Conflict, message: self.to_string(), advice, sqlstate: None }
    }
}

fn create_role(role: &Ident) -> String {
    format!(
        "Check the id. On Lakebase, the role of a service principal is created with:\n  {}",
        create_role_sql(role)
    )
}
