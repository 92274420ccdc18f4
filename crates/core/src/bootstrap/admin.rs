//! What an administrator does once for an application: the database, and who may create in it.
//!
//! Privileges on a database can be looked at and given from any database of the server, so all of
//! it runs on one connection, usually to `postgres`.

mod observed;
mod setup;
mod tighten;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub use observed::{ObservedDatabase, ObservedGrantee, ObservedIdentity, ObservedServer, QUERY};
pub use setup::{Grantees, Setup};
pub use tighten::Tighten;

use crate::problem::{Kind, Problem};
use crate::sql::{Ident, Literal};

/// What is to be done by an administrator, and exactly how.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct AdminPlan {
    /// Each is one statement. None: there is nothing to do.
    pub steps: Vec<AdminStep>,
    /// What a person should know.
    pub notes: Vec<String>,
    /// Why this administrator cannot carry it out. If there are any, `steps` were not done: they
    /// are left for somebody who may.
    pub obstacles: Vec<String>,
}

/// One statement of an [`AdminPlan`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AdminStep {
    /// What it does, in words.
    pub title: String,
    /// What runs, byte for byte.
    pub sql: String,
    /// The role that it makes, which may fail for reasons of the workspace.
    pub(super) creates: Option<Ident>,
}

impl AdminPlan {
    /// Whether all is as it should be.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Why it cannot be carried out, with the statements that are left for somebody who may.
    pub fn refusal(&self) -> Option<Problem> {
        if self.obstacles.is_empty() {
            return None;
        }
        let mut advice = String::from(
            "Nothing of this was done. It is left for somebody who may, in psql on any database \
             of the server:",
        );
        for step in &self.steps {
            advice.push_str(&format!("\n{};", step.sql));
        }
        let message = self.obstacles.join("; ");
        Some(Problem { kind: Kind::Conflict, message, advice, sqlstate: None })
    }

    fn step(&mut self, title: String, sql: String) {
        self.steps.push(AdminStep { title, sql, creates: None });
    }
}

/// `SELECT databricks_create_role(…)`: Lakebase makes a role that tokens log in as only this way.
fn call_create_role(verb: &str, role: &Ident) -> String {
    let name = role.as_parameter();
    // People are known by their e-mail address there, service principals by a UUID.
    let kind = if name.contains('@') { "USER" } else { "SERVICE_PRINCIPAL" };
    format!("{verb} databricks_create_role({}, '{kind}');", Literal(name))
}

/// The line that creates the role of an identity on Lakebase, for a person to paste.
pub(super) fn create_role_sql(role: &Ident) -> String {
    format!("CREATE EXTENSION IF NOT EXISTS databricks_auth; {}", call_create_role("SELECT", role))
}

/// Names as a sentence lists them.
fn list<'a>(names: impl IntoIterator<Item = &'a Ident>) -> String {
    let mut text = String::new();
    for name in names {
        text.push_str(if text.is_empty() { "" } else { ", " });
        text.push_str(&format!("{name}"));
    }
    text
}

#[cfg(test)]
mod tests;
