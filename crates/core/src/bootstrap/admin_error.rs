//! Why an administrator's plan cannot be made or did not work.

use alloc::format;
use alloc::string::{String, ToString};

use super::admin::{AdminStep, create_role_sql};
use crate::problem::{Kind, Problem};
use crate::sql::Ident;

/// Why an administrator's plan cannot be made, or did not work.
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
    /// The workspace does not know the identity that a role was to be made for.
    #[error("the workspace knows no identity {role}, so no role was made for it")]
    UnknownIdentity {
        /// The role.
        role: Ident,
    },
    /// The extension does not make roles.
    #[error("there is no function databricks_create_role to make role {role} with")]
    NoCreateRole {
        /// The role.
        role: Ident,
    },
    /// The statements ran, and the catalog does not show it.
    #[error("the privileges on database {database} did not change")]
    NoEffect {
        /// The database.
        database: Ident,
    },
}

impl AdminError {
    /// What it means that the server refused a step with this SQLSTATE; `None` if that is all in
    /// the server's own words.
    pub(crate) fn of_step(step: &AdminStep, code: &str) -> Option<Self> {
        let role = step.creates.clone()?;
        match code {
            "22023" => Some(Self::UnknownIdentity { role }),
            "42883" => Some(Self::NoCreateRole { role }),
            _ => None,
        }
    }

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
            Self::UnknownIdentity { .. } => String::from(
                "Name a service principal by its application id, a person by the e-mail address, \
                 and see that it is in the workspace of this server.",
            ),
            Self::NoCreateRole { .. } => String::from(
                "Add the role on the page of the database in the workspace (Roles, Add role, \
                 OAuth), then run this again.",
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
