//! What a database looks like: the answer to [`QUERY`](super::inspect::QUERY).

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::answer;
use crate::problem::{Kind, Problem};
use crate::sql::Ident;

/// What the inspection saw.
#[derive(Clone, Debug)]
pub struct Observed {
    /// The role whose rights count (`current_user`).
    pub role: Ident,
    /// The role that logged in (`session_user`).
    pub session_role: Ident,
    /// Whether the role is a superuser.
    pub superuser: bool,
    /// Whether the role may create roles.
    pub create_role: bool,
    /// Whether the role may create databases.
    pub create_database: bool,
    /// The roles that the role is a direct member of.
    pub member_of: Vec<Ident>,
    /// `server_version_num`: 160004 is 16.4.
    pub server_version: u32,
    /// Whether nothing can be written: a replica, or a setting.
    pub read_only: bool,
    /// The database.
    pub database: Ident,
    /// Who owns the database.
    pub database_owner: Ident,
    /// Whether the role may connect.
    pub can_connect: bool,
    /// Whether the role may create schemas.
    pub can_create: bool,
    /// What everybody may do with the database: `CONNECT`, `CREATE`, `TEMPORARY`.
    pub public_privileges: Vec<String>,
    /// The schema, if there is one of this name.
    pub schema: Option<ObservedSchema>,
    /// Those of the roles asked about that exist.
    pub roles: Vec<ObservedRole>,
    /// Default privileges that the role has set in the schema.
    pub defaults: Vec<DefaultPrivilege>,
    /// Tables, views and sequences of the schema.
    pub relations: Vec<Relation>,
    /// What belongs to others in the schema.
    pub foreign: Vec<Foreign>,
    /// The ledger, if there is one.
    pub ledger: Option<ObservedLedger>,
}

/// A schema.
#[derive(Clone, Debug)]
pub struct ObservedSchema {
    /// Who owns it.
    pub owner: Ident,
    /// Whether the role may use it.
    pub usage: bool,
    /// Whether the role may create objects in it.
    pub create: bool,
}

/// A role that was asked about.
#[derive(Clone, Debug)]
pub struct ObservedRole {
    /// Its name.
    pub name: Ident,
    /// Whether it may use the schema; `None` when there is no schema.
    pub usage: Option<bool>,
}

/// One privilege that a role will have on objects to come.
#[derive(Clone, Debug)]
pub struct DefaultPrivilege {
    /// `r` for tables and views, `S` for sequences (`pg_default_acl.defaclobjtype`).
    pub kind: String,
    /// Who will have it.
    pub role: String,
    /// Its name, such as `SELECT`.
    pub privilege: String,
}

/// A table, view or sequence.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its name.
    pub name: Ident,
    /// `r` for tables and views, `S` for sequences.
    pub kind: String,
    /// Who owns it.
    pub owner: Ident,
    /// What the roles asked about may do with it.
    pub grants: Vec<RelationGrant>,
}

/// One privilege on a table, view or sequence.
#[derive(Clone, Debug)]
pub struct RelationGrant {
    /// Who has it.
    pub role: Ident,
    /// Its name, such as `SELECT`.
    pub privilege: String,
}

/// Tables, views and sequences of one other owner.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// Who owns them.
    pub owner: Ident,
    /// How many there are.
    pub count: i64,
    /// The first of their names.
    pub first: Ident,
}

/// The table that remembers which migrations ran.
#[derive(Clone, Debug)]
pub struct ObservedLedger {
    /// Who owns it.
    pub owner: Ident,
    /// Its rows by version; `None` when the role may not read it.
    pub rows: Option<Vec<LedgerRow>>,
}

/// One migration that ran.
#[derive(Clone, Debug)]
pub struct LedgerRow {
    /// The number in the file's name.
    pub version: i64,
    /// The file's name.
    pub name: String,
    /// The digest of the script, see [`Migration::sha256`](crate::migrations::Migration::sha256).
    pub sha256: String,
    /// When it started, in ISO 8601.
    pub applied_at: String,
    /// The role that ran it.
    pub applied_by: String,
    /// How long it took; `None` until it is done.
    pub milliseconds: Option<i64>,
    /// The version of Lakegate that ran it.
    pub lakegate: String,
}

impl Observed {
    /// Reads the answer to the inspection.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not of this shape: then the ledger has other columns.
    pub fn read(answer: Option<&str>) -> Result<Self, ObserveError> {
        answer::read(answer)
    }

    /// Whether every role may create schemas in the database.
    pub fn public_may_create(&self) -> bool {
        self.public_privileges.iter().any(|privilege| privilege == "CREATE")
    }
}

/// The database gave no usable answer to the inspection.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ObserveError {
    /// There was no row.
    #[error("the database gave no answer to the inspection")]
    Empty,
    /// The answer has another shape.
    #[error("the database gave an unexpected answer to the inspection: {detail}")]
    Unreadable {
        /// What is wrong with it.
        detail: String,
    },
}

impl ObserveError {
    /// What to tell a person.
    pub fn problem(&self) -> Problem {
        let (kind, advice) = match self {
            Self::Empty => (Kind::Internal, "Please report this as a bug of Lakegate."),
            Self::Unreadable { .. } => (
                Kind::Conflict,
                "If the schema has a table `lakegate_migrations` that is not Lakegate's, rename \
                 it; otherwise please report this as a bug of Lakegate.",
            ),
        };
        Problem { kind, message: self.to_string(), advice: advice.into(), sqlstate: None }
    }
}
