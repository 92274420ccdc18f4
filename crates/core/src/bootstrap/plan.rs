//! The difference between what is and what should be.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use super::apply::{self, Block, Seen, Site};
use super::ledger::{self, Ledger};
use super::{Desired, LedgerRow, Observed, PlanError, privileges};
use crate::migrations::{Migration, Mode, Place};
use crate::sql::Ident;

/// What is to be done, and exactly how.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The role that will do it, and own what it creates.
    pub role: Ident,
    /// The database.
    pub database: Ident,
    /// The schema.
    pub schema: Ident,
    /// What to run, one after the other. None: there is nothing to do.
    pub statements: Vec<Statement>,
    /// What a person should know, though it stops nothing.
    pub notes: Vec<String>,
    /// Whether every role may create schemas in the database.
    pub public_may_create: bool,
}

/// One statement for the server, run byte for byte as it stands here.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its text.
    pub sql: String,
    pub(super) steps: Vec<Step>,
    pub(super) origin: Origin,
}

/// Where a statement's text comes from.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// It was written here.
    Block,
    /// It is a piece of a script that runs outside of transactions.
    File { name: String, start: Place },
}

/// A part of a statement that a person wants to know of.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does, in words.
    pub title: String,
    span: Range<usize>,
}

impl Step {
    pub(super) fn new(title: String, span: Range<usize>) -> Self {
        Self { title, span }
    }

    /// Where its SQL starts in the statement, in bytes.
    pub(super) fn start(&self) -> usize {
        self.span.start
    }

    pub(super) fn shift(&mut self, by: usize) {
        self.span = self.span.start + by..self.span.end + by;
    }
}

impl Statement {
    /// Its steps, each with its SQL, which is a part of [`sql`](Self::sql).
    pub fn steps(&self) -> impl Iterator<Item = (&Step, &str)> {
        self.steps.iter().map(|step| (step, &self.sql[step.span.clone()]))
    }
}

impl Plan {
    /// A plan of these statements, which can only be run where something can be written.
    pub(super) fn new(
        observed: &Observed,
        desired: &Desired,
        rows: &[LedgerRow],
        statements: Vec<Statement>,
    ) -> Result<Self, PlanError> {
        let database = observed.database.clone();
        if !statements.is_empty() && observed.read_only {
            return Err(PlanError::ReadOnly { database });
        }
        Ok(Self {
            role: observed.role.clone(),
            database,
            schema: desired.schema.clone(),
            statements,
            notes: ledger::unknown(rows, &desired.migrations).into_iter().collect(),
            public_may_create: observed.public_may_create(),
        })
    }

    /// Whether the database is as it should be.
    pub fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// All steps, each with its SQL.
    pub fn steps(&self) -> impl Iterator<Item = (&Step, &str)> {
        self.statements.iter().flat_map(Statement::steps)
    }
}

/// Plans what turns `observed` into `desired`.
///
/// # Errors
///
/// When it cannot be done: nothing was changed, and the error says who has to do what first.
pub fn plan(observed: &Observed, desired: &Desired) -> Result<Plan, PlanError> {
    check_schema(observed, desired)?;
    check_roles(observed, desired)?;
    let rows = ledger_rows(observed)?;
    let pending =
        ledger::pending(&desired.schema, rows, &desired.migrations, desired.out_of_order)?;
    let statements = statements(observed, desired, rows, &pending);
    let mut plan = Plan::new(observed, desired, rows, statements)?;
    if !pending.is_empty() {
        check_may_create(observed, desired)?;
    }
    plan.notes.extend(privileges::foreign(observed, desired));
    if plan.public_may_create {
        plan.notes.push(format!(
            "every role may create schemas in database {}; `lakegate tighten` ends that",
            plan.database
        ));
    }
    Ok(plan)
}

pub(super) fn check_schema(observed: &Observed, desired: &Desired) -> Result<(), PlanError> {
    let (role, schema) = (observed.role.clone(), desired.schema.clone());
    match &observed.schema {
        None if schema.as_parameter().starts_with("pg_") => Err(PlanError::Reserved { schema }),
        None if !observed.can_create => {
            Err(PlanError::NoCreate { role, database: observed.database.clone() })
        }
        Some(found) if found.owner != role && !is_public(&schema) => {
            Err(PlanError::ForeignOwner { owner: found.owner.clone(), role, schema })
        }
        _ => Ok(()),
    }
}

pub(super) fn check_may_create(observed: &Observed, desired: &Desired) -> Result<(), PlanError> {
    let (role, schema) = (observed.role.clone(), desired.schema.clone());
    match &observed.schema {
        Some(found) if !found.create => Err(PlanError::NoCreateInSchema { role, schema }),
        _ => Ok(()),
    }
}

fn check_roles(observed: &Observed, desired: &Desired) -> Result<(), PlanError> {
    let exists = |role: &Ident| observed.roles.iter().any(|found| found.name == *role);
    match desired.grants.iter().map(|grant| &grant.role).find(|role| !exists(role)) {
        None => Ok(()),
        // No role can be called `public`: Postgres takes even the quoted name for everybody.
        Some(role) if role.as_parameter().eq_ignore_ascii_case("public") => {
            Err(PlanError::Everybody { role: role.clone() })
        }
        Some(role) => Err(PlanError::MissingRole { role: role.clone() }),
    }
}

pub(super) fn ledger_rows(observed: &Observed) -> Result<&[LedgerRow], PlanError> {
    let Some(ledger) = &observed.ledger else { return Ok(&[]) };
    ledger.rows.as_deref().ok_or_else(|| PlanError::UnreadableLedger {
        owner: ledger.owner.clone(),
        role: observed.role.clone(),
    })
}

/// `public` belongs to the owner of the database and is used as it is.
fn is_public(schema: &Ident) -> bool {
    schema.as_parameter() == "public"
}

/// What the first block of a plan has to find.
pub(super) fn seen(observed: &Observed) -> Seen {
    match (&observed.schema, &observed.ledger) {
        (None, _) => Seen::NoSchema,
        (Some(_), None) => Seen::NoLedger,
        (Some(_), Some(_)) => Seen::Ledger,
    }
}

fn statements(
    observed: &Observed,
    desired: &Desired,
    rows: &[LedgerRow],
    pending: &[&Migration],
) -> Vec<Statement> {
    let site = Site::new(observed, desired);
    let mut ledger = Ledger::new(site.schema, rows);
    let mut has_ledger = observed.ledger.is_some();
    let mut finished = Vec::new();
    let mut open = Open { block: Block::new(&site, &seen(observed), &ledger), used: false };
    open.used |= prepare(&mut open.block, observed, desired);
    if !has_ledger && !pending.is_empty() {
        open.step(String::from(ledger::CREATE), &ledger.create());
        has_ledger = true;
    }
    open.used |= share(&mut open.block, observed, desired);
    for migration in pending {
        if *migration.mode() != Mode::Joined && open.used {
            finished.push(open.block.end(has_ledger.then_some(&ledger)));
            open = Open { block: Block::new(&site, &Seen::Ledger, &ledger), used: false };
        }
        if let Mode::NoTransaction(spans) = migration.mode() {
            finished.extend(apply::alone(&site, migration, spans, &mut ledger));
            open = Open { block: Block::new(&site, &Seen::Ledger, &ledger), used: false };
        } else {
            open.block.migrate(migration, &mut ledger);
            open.used = true;
        }
    }
    if open.used {
        finished.push(open.block.end(has_ledger.then_some(&ledger)));
    }
    finished
}

/// The block that is being written, and whether anything is in it.
struct Open<'a> {
    block: Block<'a>,
    used: bool,
}

impl Open<'_> {
    fn step(&mut self, title: String, sql: &str) {
        self.block.step(title, sql);
        self.used = true;
    }
}

/// The schema itself. Returns whether there was anything to do.
fn prepare(block: &mut Block<'_>, observed: &Observed, desired: &Desired) -> bool {
    let schema = &desired.schema;
    if !is_public(schema) {
        block.require_owner();
    }
    if observed.schema.is_some() {
        return false;
    }
    block.step(format!("create schema {schema}"), &format!("CREATE SCHEMA {schema}"));
    true
}

/// Privileges, on what exists and on what will. Returns whether there was anything to do.
///
/// It comes after the ledger, which is nobody else's to write, and before the tables.
fn share(block: &mut Block<'_>, observed: &Observed, desired: &Desired) -> bool {
    let schema = &desired.schema;
    let mut used = false;
    let own = (!is_public(schema)).then(|| privileges::own(&observed.role)).into_iter().flatten();
    for wanted in own.chain(privileges::granted(&observed.role, desired)) {
        let (role, objects) = (wanted.role, wanted.class.plural());
        if wanted.default_is_missing(observed) {
            used = true;
            let title = format!("default privileges on future {objects} for {role}");
            block.step(title, &wanted.grant_default(schema));
            block.require(
                &format!("no default privileges for {role} on future {objects}: "),
                &wanted.missing_default(schema),
            );
        }
    }
    for grant in desired.grants.iter().filter(|grant| grant.role != observed.role) {
        let role = &grant.role;
        let found = observed.roles.iter().find(|found| found.name == *role);
        if found.and_then(|found| found.usage) != Some(true) {
            used = true;
            let sql = format!("GRANT USAGE ON SCHEMA {schema} TO {role}");
            block.step(format!("let {role} use schema {schema}"), &sql);
            block.require(
                &format!("{role} got no right to use the schema: "),
                &privileges::missing_usage(schema, role),
            );
        }
    }
    for wanted in privileges::granted(&observed.role, desired) {
        let names = wanted.lacking(observed);
        if !names.is_empty() {
            used = true;
            let (role, objects) = (wanted.role, wanted.class.plural());
            let title = format!("privileges on {} {objects} for {role}", names.len());
            block.step(title, &wanted.grant(schema, &names));
            block.require(
                &format!("{role} did not get every privilege: "),
                &wanted.missing(schema, &names),
            );
        }
    }
    used
}

#[cfg(test)]
mod tests;
