//! What an administrator does once for an application: the database, and who may create in it.
//!
//! Privileges on a database can be looked at and given from any database of the server, so all of
//! it runs on one connection, usually to `postgres`.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{AdminError, ObserveError, UNMET, answer};
use crate::sql::{Dollar, Ident, Literal};

/// Looks at everything that the plans here depend on.
///
/// Parameters, all text: `$1` the database's name, `$2` the role's name or null. The answer is one
/// row with one JSON text, the fields of [`ObservedServer`].
pub const QUERY: &str = "SELECT pg_catalog.json_build_object(
  'role', current_user,
  'may_create_database', me.rolcreatedb OR me.rolsuper,
  'database_exists', db.oid IS NOT NULL,
  'role_exists', app.oid IS NOT NULL,
  'role_may_create', COALESCE((
    SELECT pg_catalog.bool_or(grantee = app.oid AND privilege_type = 'CREATE')
    FROM pg_catalog.aclexplode(db.datacl)), false),
  'role_may_connect', COALESCE(
    pg_catalog.has_database_privilege(app.oid, db.oid, 'CONNECT'), false),
  'public_may_create', COALESCE((
    SELECT pg_catalog.bool_or(grantee = 0 AND privilege_type = 'CREATE')
    FROM pg_catalog.aclexplode(db.datacl)), false),
  'databricks_auth', EXISTS (
    SELECT FROM pg_catalog.pg_available_extensions WHERE name = 'databricks_auth'
    UNION ALL
    SELECT FROM pg_catalog.pg_extension WHERE extname = 'databricks_auth')
)::text
FROM pg_catalog.pg_roles me
LEFT JOIN pg_catalog.pg_database db ON db.datname = $1::text
LEFT JOIN pg_catalog.pg_roles app ON app.rolname = $2::text
WHERE me.rolname = current_user";

/// The answer to [`QUERY`].
#[derive(Clone, Debug)]
pub struct ObservedServer {
    /// The administrator's role.
    pub role: Ident,
    /// Whether it may create databases.
    pub may_create_database: bool,
    /// Whether the database exists.
    pub database_exists: bool,
    /// Whether the application's role exists.
    pub role_exists: bool,
    /// Whether the application's role was granted to create schemas, itself and not as everybody.
    pub role_may_create: bool,
    /// Whether the application's role may connect.
    pub role_may_connect: bool,
    /// Whether everybody may create schemas.
    pub public_may_create: bool,
    /// Whether the server can make roles of Databricks identities.
    pub databricks_auth: bool,
}

impl ObservedServer {
    /// Reads the answer to the inspection.
    ///
    /// # Errors
    ///
    /// When there is none, or it is not of this shape.
    pub fn read(answer: Option<&str>) -> Result<Self, ObserveError> {
        answer::read(answer)
    }
}

/// Who is to create schemas in the new database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Grantee {
    /// One role: the service principal's.
    Role(Ident),
    /// Everybody: the way when the service principal is not known yet.
    Public,
}

/// The one-time setup of a database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setup {
    /// The database to create.
    pub database: Ident,
    /// Who is to create schemas in it.
    pub grantee: Grantee,
    /// Whether to create the service principal's role where it is missing and the server can.
    pub create_role: bool,
}

/// The end of the setup: nobody but the service principal may create schemas.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tighten {
    /// The database.
    pub database: Ident,
    /// The service principal's role.
    pub role: Ident,
}

/// What is to be done by an administrator, and exactly how.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminPlan {
    /// Each is one statement. None: there is nothing to do.
    pub steps: Vec<AdminStep>,
    /// What a person should know.
    pub notes: Vec<String>,
}

/// One statement of an [`AdminPlan`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminStep {
    /// What it does, in words.
    pub title: String,
    /// What runs, byte for byte.
    pub sql: String,
}

impl Setup {
    /// The parameters of [`QUERY`].
    pub fn parameters(&self) -> [Option<&str>; 2] {
        let role = match &self.grantee {
            Grantee::Role(role) => Some(role.as_parameter()),
            Grantee::Public => None,
        };
        [Some(self.database.as_parameter()), role]
    }

    /// Plans what is missing.
    ///
    /// # Errors
    ///
    /// When somebody else has to do something first. Nothing was changed.
    pub fn plan(&self, observed: &ObservedServer) -> Result<AdminPlan, AdminError> {
        let database = &self.database;
        let mut plan = AdminPlan { steps: Vec::new(), notes: Vec::new() };
        if let Grantee::Role(role) = &self.grantee
            && !observed.role_exists
        {
            if !(self.create_role && observed.databricks_auth) {
                return Err(AdminError::MissingGrantee { role: role.clone() });
            }
            plan.create_role(role);
        }
        if !observed.database_exists {
            if !observed.may_create_database {
                let role = observed.role.clone();
                return Err(AdminError::MayNotCreate { role, database: database.clone() });
            }
            plan.step(format!("create database {database}"), format!("CREATE DATABASE {database}"));
        }
        match &self.grantee {
            Grantee::Role(role) if !(observed.role_may_create && observed.role_may_connect) => plan
                .step(
                    format!("let {role} create schemas in {database}"),
                    format!("GRANT CREATE, CONNECT ON DATABASE {database} TO {role}"),
                ),
            Grantee::Public if !observed.public_may_create => plan.step(
                format!("let everybody create schemas in {database}"),
                format!("GRANT CREATE ON DATABASE {database} TO PUBLIC"),
            ),
            _ => {}
        }
        if observed.public_may_create || self.grantee == Grantee::Public {
            plan.notes.push(format!(
                "any role can now plant a schema in database {database}; once the application has \
                 started, run `lakegate tighten`"
            ));
        }
        Ok(plan)
    }
}

impl Tighten {
    /// The parameters of [`QUERY`].
    pub fn parameters(&self) -> [Option<&str>; 2] {
        [Some(self.database.as_parameter()), Some(self.role.as_parameter())]
    }

    /// The statements for a person to paste. Only `CREATE` is revoked: roles of Lakebase itself
    /// connect as everybody does.
    pub fn statements(&self) -> [String; 2] {
        let Self { database, role } = self;
        [
            format!("REVOKE CREATE ON DATABASE {database} FROM PUBLIC;"),
            format!("GRANT CREATE ON DATABASE {database} TO {role};"),
        ]
    }

    /// Plans what is missing: both in one transaction.
    ///
    /// # Errors
    ///
    /// When the role or the database does not exist. Nothing was changed.
    pub fn plan(&self, observed: &ObservedServer) -> Result<AdminPlan, AdminError> {
        let Self { database, role } = self;
        if !observed.database_exists {
            return Err(AdminError::MissingDatabase { database: database.clone() });
        }
        if !observed.role_exists {
            return Err(AdminError::MissingRole { role: role.clone() });
        }
        let mut plan = AdminPlan { steps: Vec::new(), notes: Vec::new() };
        if observed.public_may_create || !observed.role_may_create {
            let [revoke, grant] = self.statements();
            let body = format!(
                "\nBEGIN\n  {revoke}\n  {grant}\n  IF EXISTS (SELECT FROM pg_catalog.pg_database d, \
                 LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = {name} \
                 AND a.grantee = 0 AND a.privilege_type = 'CREATE') \
                 OR NOT pg_catalog.has_database_privilege({}, {name}, 'CREATE') THEN\n    \
                 RAISE EXCEPTION USING ERRCODE = '{UNMET}', \
                 MESSAGE = 'the privileges did not change', HINT = \
                 'Only the owner of the database can do this.';\n  END IF;\nEND\n",
                Literal(role.as_parameter()),
                name = Literal(database.as_parameter()),
            );
            plan.step(
                format!("let {role} alone create schemas in {database}"),
                format!("DO {}", Dollar(&body)),
            );
        }
        Ok(plan)
    }
}

impl AdminPlan {
    /// Whether all is as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    fn step(&mut self, title: String, sql: String) {
        self.steps.push(AdminStep { title, sql });
    }

    fn create_role(&mut self, role: &Ident) {
        self.step(
            String::from("install the extension databricks_auth"),
            String::from("CREATE EXTENSION IF NOT EXISTS databricks_auth"),
        );
        // Through a block: what the function returns is not text.
        let body = format!(
            "\nBEGIN\n  PERFORM databricks_create_role({}, 'SERVICE_PRINCIPAL');\nEND\n",
            Literal(role.as_parameter())
        );
        self.step(format!("create role {role}"), format!("DO {}", Dollar(&body)));
    }
}

/// The line that creates the role of a service principal on Lakebase, for a person to paste.
pub(super) fn create_role_sql(role: &Ident) -> String {
    format!(
        "CREATE EXTENSION IF NOT EXISTS databricks_auth; \
         SELECT databricks_create_role({}, 'SERVICE_PRINCIPAL');",
        Literal(role.as_parameter())
    )
}

#[cfg(test)]
mod tests;
