//! The end of the setup: nobody but the application may create schemas.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::observed::{self, ObservedDatabase, ObservedServer};
use super::{AdminPlan, list};
use crate::bootstrap::{AdminError, UNMET};
use crate::sql::{Dollar, Ident, Literal};

/// The end of the setup: nobody but these roles may create schemas.
///
/// Only `CREATE` is revoked: roles of Lakebase itself connect as everybody does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tighten {
    /// The database.
    pub database: Ident,
    /// The roles that keep the right: the service principal's first of all.
    pub roles: Vec<Ident>,
}

impl Tighten {
    /// The parameters of [`QUERY`](super::QUERY).
    pub fn parameters(&self) -> [Option<String>; 2] {
        observed::parameters(&self.database, &self.roles)
    }

    /// The statements for a person to paste, whatever is done already.
    pub fn statements(&self) -> Vec<String> {
        let grants = self.roles.iter().map(|role| self.grant(role));
        [self.revoke()].into_iter().chain(grants).collect()
    }

    /// Plans what is missing, all of it in one transaction.
    ///
    /// # Errors
    ///
    /// When a role or the database does not exist. Nothing was changed.
    pub fn plan(&self, observed: &ObservedServer) -> Result<AdminPlan, AdminError> {
        let database = &self.database;
        let Some(found) = &observed.database else {
            return Err(AdminError::MissingDatabase { database: database.clone() });
        };
        if let Some(role) = self.roles.iter().find(|role| observed.find(role).is_none()) {
            return Err(AdminError::MissingRole { role: role.clone() });
        }
        let mut plan = AdminPlan::default();
        let needy =
            |role: &&Ident| observed.find(role).is_none_or(|found| found.creates_as.is_none());
        let needy: Vec<_> = self.roles.iter().filter(needy).collect();
        if found.public_may_create() || !needy.is_empty() {
            self.take_back_foreign(found, &mut plan);
            plan.step(
                format!("let {} alone create schemas in {database}", list(&self.roles)),
                self.block(found.public_may_create(), &needy),
            );
            plan.obstacles.extend(found.obstacle(&observed.role, database));
        }
        self.tell(observed, found, &mut plan);
        Ok(plan)
    }

    fn revoke(&self) -> String {
        format!("REVOKE CREATE ON DATABASE {} FROM PUBLIC;", self.database)
    }

    fn grant(&self, role: &Ident) -> String {
        format!("GRANT CREATE ON DATABASE {} TO {role};", self.database)
    }

    /// What somebody else gave to everybody, only that role takes back.
    fn take_back_foreign(&self, found: &ObservedDatabase, plan: &mut AdminPlan) {
        // Whoever may not do it leaves it to the owner.
        let acts_as = if found.may_grant { &found.acts_as } else { &found.owner };
        for grantor in found.public_grantors.iter().filter(|grantor| *grantor != acts_as) {
            plan.obstacles.push(format!(
                "{grantor} let everybody create schemas in {}, and only {grantor} takes that back",
                self.database
            ));
            let body = format!("\nBEGIN\n  SET LOCAL ROLE {grantor};\n  {}\nEND\n", self.revoke());
            plan.step(
                format!("take back what {grantor} gave to everybody"),
                format!("DO {}", Dollar(&body)),
            );
        }
    }

    /// All changes, undone again if the catalog does not show them: Postgres only warns when a role
    /// grants or revokes what is not its own.
    fn block(&self, revoke: bool, needy: &[&Ident]) -> String {
        let name = Literal(self.database.as_parameter());
        let mut changes: Vec<_> = needy.iter().map(|role| self.grant(role)).collect();
        if revoke {
            changes.insert(0, self.revoke());
        }
        let mut unmet = Vec::new();
        unmet.push(format!(
            "EXISTS (SELECT FROM pg_catalog.pg_database d, \
             LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = {name} \
             AND a.grantee = 0 AND a.privilege_type = 'CREATE')"
        ));
        unmet.extend(self.roles.iter().map(|role| {
            let role = Literal(role.as_parameter());
            format!("NOT pg_catalog.has_database_privilege({role}, {name}, 'CREATE')")
        }));
        let body = format!(
            "\nBEGIN\n  {}\n  IF {} THEN\n    RAISE EXCEPTION USING ERRCODE = '{UNMET}', \
             MESSAGE = 'the privileges did not change', HINT = \
             'Only the owner of the database can do this.';\n  END IF;\nEND\n",
            changes.join("\n  "),
            unmet.join(" OR "),
        );
        format!("DO {}", Dollar(&body))
    }

    fn tell(&self, observed: &ObservedServer, found: &ObservedDatabase, plan: &mut AdminPlan) {
        let database = &self.database;
        let others = found.creators.iter().filter(|role| !self.roles.contains(role));
        let others = list(others);
        if !others.is_empty() {
            plan.notes.push(format!(
                "by grants of their own may also create schemas in database {database}: {others}"
            ));
        }
        plan.notes.extend(found.doubt(database));
        plan.notes.extend(observed.doubt_of_self(&self.roles));
        plan.notes.extend(observed.roles.iter().filter_map(|role| role.by_another(database)));
    }
}
