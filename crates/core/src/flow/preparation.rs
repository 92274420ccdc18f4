//! The database's side of a [`Connector`]: logging in, then the flows over that connection.

use alloc::string::String;
use alloc::vec::Vec;

use crate::bootstrap::admin::{self as plans, AdminPlan, Setup, Tighten};
use crate::bootstrap::{Access, Desired, Entry, Finding, Plan, Report};
use crate::config::Place;
use crate::edge::Edge;
use crate::flow::admin::{self, Mode};
use crate::flow::bootstrap;
use crate::flow::connector::Connector;
use crate::migrations::Migration;
use crate::problem::{Kind, Problem};
use crate::refusal::WAKE_UP;
use crate::secret::Secret;
use crate::sql::Ident;

/// What a host asks for, as it was given; nothing is checked yet.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Names and texts of migration files.
    pub migrations: Vec<(String, String)>,
    /// Roles beside the owner, and beside those of the settings.
    pub grants: Vec<(String, Access)>,
    /// Whether a migration may run though a later one has.
    pub out_of_order: bool,
}

/// A person's own login, in place of the configured identity.
#[derive(Clone, Debug)]
pub struct Admin {
    /// The role.
    pub user: String,
    /// A database credential.
    pub token: Secret,
}

/// Who is to create schemas in a database, as it was given; nothing is checked yet.
#[derive(Clone, Copy, Debug)]
pub enum Grantees<'a> {
    /// These roles, at least one.
    Roles(&'a [String]),
    /// Everybody who can log in.
    Everybody,
}

/// The database that an admin connects to: it exists on every server.
const MAINTENANCE: &str = "postgres";

impl<E: Edge> Connector<E> {
    /// Tells what [`apply`](Self::apply) would do.
    ///
    /// # Errors
    ///
    /// The wish is wrong, there is no login, or it could not be done.
    pub async fn plan(&self, wish: Wish) -> Result<Plan, Problem> {
        let desired = self.desired(wish)?;
        bootstrap::plan(&self.open(None, WAKE_UP).await?, &desired).await
    }

    /// Makes the database ready.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan), or a script failed: then it says what was undone.
    pub async fn apply(&self, wish: Wish) -> Result<Report, Problem> {
        let desired = self.desired(wish)?;
        bootstrap::apply(&*self.edge, &self.open(None, WAKE_UP).await?, &desired).await
    }

    /// Tells how the database differs.
    ///
    /// # Errors
    ///
    /// The wish is wrong, or there is no login.
    pub async fn verify(&self, wish: Wish) -> Result<Vec<Finding>, Problem> {
        let desired = self.desired(wish)?;
        bootstrap::verify(&self.open(None, WAKE_UP).await?, &desired).await
    }

    /// Writes down in the ledger what people did by hand.
    ///
    /// # Errors
    ///
    /// The wish is wrong, there is no login, or the entry contradicts what is known.
    pub async fn write_down(&self, wish: Wish, entry: Entry, mode: Mode) -> Result<Plan, Problem> {
        let desired = self.desired(wish)?;
        let connection = self.open(None, WAKE_UP).await?;
        bootstrap::write_down(&*self.edge, &connection, &desired, entry, mode).await
    }

    /// Creates the database, as an admin, and lets the grantees create schemas in it.
    ///
    /// A plan with obstacles was not carried out: this admin may not do it.
    ///
    /// # Errors
    ///
    /// There is no login, or it cannot be done.
    pub async fn setup(
        &self,
        grantees: Grantees<'_>,
        admin: Option<&Admin>,
        mode: Mode,
    ) -> Result<AdminPlan, Problem> {
        let grantees = match grantees {
            Grantees::Roles(names) => plans::Grantees::Roles(roles(names)?),
            Grantees::Everybody => plans::Grantees::Public,
        };
        let setup = Setup { database: self.database(admin)?, grantees };
        let connection = self.open_for(admin).await?;
        admin::setup(&*self.edge, &connection, &setup, mode).await
    }

    /// Lets nobody but these roles create schemas in the database, as an admin.
    ///
    /// A plan with obstacles was not carried out: this admin may not do it.
    ///
    /// # Errors
    ///
    /// There is no login, or no such role.
    pub async fn tighten(
        &self,
        names: &[String],
        admin: Option<&Admin>,
        mode: Mode,
    ) -> Result<AdminPlan, Problem> {
        let tighten = Tighten { database: self.database(admin)?, roles: roles(names)? };
        let connection = self.open_for(admin).await?;
        admin::tighten(&*self.edge, &connection, &tighten, mode).await
    }

    async fn open_for(&self, admin: Option<&Admin>) -> Result<E::Connection, Problem> {
        match admin {
            Some(Admin { user, token }) => self.open_as(user, token, MAINTENANCE).await,
            None => self.open(Some(MAINTENANCE), WAKE_UP).await,
        }
    }

    fn desired(&self, wish: Wish) -> Result<Desired, Problem> {
        let ready = self.ready()?;
        let config = &ready.config;
        let mut desired = Desired::new(ident(&config.schema.value)?);
        desired.lock_limit = config.lock_limit.value;
        desired.statement_limit = config.statement_limit.value;
        desired.out_of_order = wish.out_of_order;
        desired.migrations =
            Migration::read_folder(wish.migrations).map_err(|error| error.problem())?;
        let named = |names: &[String], access| {
            names.iter().map(|name| (name.clone(), access)).collect::<Vec<_>>()
        };
        let configured =
            [named(&config.readers, Access::Read), named(&config.writers, Access::Write)].concat();
        for (role, access) in configured.into_iter().chain(wish.grants) {
            desired.grant(ident(&role)?, access);
        }
        Ok(desired)
    }

    /// The database to set up. A person with a token needs no other setting than where it is.
    fn database(&self, admin: Option<&Admin>) -> Result<Ident, Problem> {
        if admin.is_none() {
            return ident(&self.ready()?.config.database.value);
        }
        let place = Place::load(&*self.edge).map_err(|error| error.problem())?;
        ident(&place.database)
    }
}

/// Each role once, in the order in which they were named.
fn roles(names: &[String]) -> Result<Vec<Ident>, Problem> {
    if names.is_empty() {
        return Err(nobody());
    }
    let mut roles: Vec<Ident> = Vec::new();
    for name in names {
        let role = ident(name)?;
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    Ok(roles)
}

fn nobody() -> Problem {
    Problem {
        kind: Kind::Configuration,
        message: "nobody is named who is to create schemas".into(),
        advice: "Name the role of the service principal.".into(),
        sqlstate: None,
    }
}

fn ident(name: &str) -> Result<Ident, Problem> {
    name.parse::<Ident>().map_err(|error| error.problem())
}

#[cfg(test)]
mod tests;
