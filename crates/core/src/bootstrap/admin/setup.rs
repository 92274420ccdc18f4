//! The one-time setup of a database.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::observed::{self, ObservedGrantee, ObservedServer};
use super::{AdminPlan, AdminStep, call_create_role};
use crate::bootstrap::AdminError;
use crate::sql::{Dollar, Ident};

/// Who is to create schemas in the new database.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Grantees {
    /// These roles: the service principal's first of all.
    Roles(Vec<Ident>),
    /// Everybody: the way when the service principal is not known yet.
    Public,
}

/// The one-time setup of a database.
///
/// The role of a service principal that has none is made too, where the server can.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Setup {
    /// The database to create.
    pub database: Ident,
    /// Who is to create schemas in it.
    pub grantees: Grantees,
}

impl Setup {
    /// The parameters of [`QUERY`](super::QUERY).
    pub fn parameters(&self) -> [Option<String>; 2] {
        observed::parameters(&self.database, self.roles())
    }

    /// Plans what is missing.
    ///
    /// # Errors
    ///
    /// When a role is missing that nobody can make here. Nothing was changed.
    pub fn plan(&self, observed: &ObservedServer) -> Result<AdminPlan, AdminError> {
        let mut plan = AdminPlan::default();
        self.create_roles(observed, &mut plan)?;
        self.create_database(observed, &mut plan);
        self.grant(observed, &mut plan);
        self.tell(observed, &mut plan);
        Ok(plan)
    }

    fn roles(&self) -> &[Ident] {
        match &self.grantees {
            Grantees::Roles(roles) => roles,
            Grantees::Public => &[],
        }
    }

    fn create_roles(
        &self,
        observed: &ObservedServer,
        plan: &mut AdminPlan,
    ) -> Result<(), AdminError> {
        let missing: Vec<_> =
            self.roles().iter().filter(|role| observed.find(role).is_none()).collect();
        let Some(first) = missing.first() else { return Ok(()) };
        if !observed.auth_installed {
            if !observed.auth_available {
                return Err(AdminError::MissingGrantee { role: Ident::clone(first) });
            }
            plan.step(
                String::from("install the extension databricks_auth"),
                String::from("CREATE EXTENSION IF NOT EXISTS databricks_auth"),
            );
        }
        for role in missing {
            // Through a block: what the function returns is not text.
            let body = format!("\nBEGIN\n  {}\nEND\n", call_create_role("PERFORM", role));
            plan.steps.push(AdminStep {
                title: format!("create role {role}"),
                sql: format!("DO {}", Dollar(&body)),
                creates: Some(role.clone()),
            });
        }
        Ok(())
    }

    fn create_database(&self, observed: &ObservedServer, plan: &mut AdminPlan) {
        if observed.database.is_some() {
            return;
        }
        let database = &self.database;
        plan.step(format!("create database {database}"), format!("CREATE DATABASE {database}"));
        if !observed.may_create_database {
            plan.obstacles.push(format!("role {} may not create databases", observed.role));
        }
    }

    fn grant(&self, observed: &ObservedServer, plan: &mut AdminPlan) {
        let database = &self.database;
        let before = plan.steps.len();
        let public = observed.database.as_ref().is_some_and(|found| found.public_may_create());
        if self.grantees == Grantees::Public && !public {
            plan.step(
                format!("let everybody create schemas in {database}"),
                format!("GRANT CREATE ON DATABASE {database} TO PUBLIC"),
            );
        }
        for role in self.roles() {
            if !observed.find(role).is_some_and(may_start) {
                plan.step(
                    format!("let {role} create schemas in {database}"),
                    format!("GRANT CREATE, CONNECT ON DATABASE {database} TO {role}"),
                );
            }
        }
        if let Some(found) = observed.database.as_ref().filter(|_| before < plan.steps.len()) {
            plan.obstacles.extend(found.obstacle(&observed.role, database));
        }
    }

    fn tell(&self, observed: &ObservedServer, plan: &mut AdminPlan) {
        let database = &self.database;
        let found = observed.database.as_ref();
        if self.grantees == Grantees::Public || found.is_some_and(|it| it.public_may_create()) {
            plan.notes.push(format!(
                "any role can now plant a schema in database {database}; once the application has \
                 started, run `lakegate tighten`"
            ));
        }
        plan.notes.extend(found.and_then(|found| found.doubt(database)));
        plan.notes.extend(observed.doubt_of_self(self.roles()));
        for role in &observed.roles {
            plan.notes.extend(observed.doubt(role));
            plan.notes.extend(role.by_another(database));
        }
    }
}

/// Whether a role has all that an application needs for its first start.
fn may_start(role: &ObservedGrantee) -> bool {
    role.creates_as.is_some() && role.may_connect
}
