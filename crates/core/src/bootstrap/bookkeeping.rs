//! Plans that write into the ledger what people did by hand. Nothing else is changed.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::apply::{Block, Site};
use super::ledger::{self, Ledger};
use super::plan::{Plan, check_may_create, check_schema, ledger_rows, seen};
use super::{Desired, LedgerRow, Observed, PlanError};
use crate::migrations::Migration;

/// What is written into the ledger.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Entry {
    /// Migrations are done whose work a schema shows already: all of them, or those up to and with a
    /// version.
    Baseline {
        /// The version.
        through: Option<i64>,
    },
    /// Every migration that was changed after it ran is accepted as it is now.
    Repair {
        /// What became of one that was cut off.
        verdict: Option<Verdict>,
    },
}

/// What a person says of a migration that ran outside of transactions and was cut off.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// The migration of this version was finished by hand.
    Finished(i64),
    /// The migration of this version was undone by hand, and is to run again.
    Undone(i64),
}

impl Entry {
    /// Plans to write it.
    ///
    /// # Errors
    ///
    /// There is no schema; no migration of that version; the ledger says something else of one of
    /// them. Or one was cut off and there is no verdict on it: what became of it is not guessed.
    pub fn plan(self, observed: &Observed, desired: &Desired) -> Result<Plan, PlanError> {
        match self {
            Self::Baseline { through } => baseline(observed, desired, through),
            Self::Repair { verdict } => repair(observed, desired, verdict),
        }
    }
}

fn baseline(
    observed: &Observed,
    desired: &Desired,
    through: Option<i64>,
) -> Result<Plan, PlanError> {
    let rows = rows(observed, desired)?;
    ledger::all_ended(&desired.schema, rows)?;
    let missing = ledger::missing(&desired.schema, rows, until(&desired.migrations, through)?)?;
    let site = Site::new(observed, desired);
    let mut ledger = Ledger::new(site.schema, rows);
    let mut block = Block::new(&site, &seen(observed), &ledger);
    if observed.ledger.is_none() {
        check_may_create(observed, desired)?;
        block.step(String::from(ledger::CREATE), &ledger.create());
    }
    for migration in &missing {
        block.step(format!("mark {} as done", migration.name()), &ledger.mark(migration));
    }
    let statement = (!missing.is_empty()).then(|| block.end(Some(&ledger)));
    Plan::new(observed, desired, rows, statement.into_iter().collect())
}

/// The migrations up to and with a version, which one of them must have.
fn until(migrations: &[Migration], through: Option<i64>) -> Result<&[Migration], PlanError> {
    let last = migrations.last().ok_or(PlanError::NoMigrations)?.version();
    let version = through.unwrap_or(last);
    match migrations.iter().position(|migration| migration.version() == version) {
        Some(at) => Ok(&migrations[..=at]),
        None => Err(PlanError::NoSuchMigration { version }),
    }
}

fn repair(
    observed: &Observed,
    desired: &Desired,
    verdict: Option<Verdict>,
) -> Result<Plan, PlanError> {
    let mut rows = rows(observed, desired)?.to_vec();
    let site = Site::new(observed, desired);
    let mut ledger = Ledger::new(site.schema, &rows);
    let mut block = Block::new(&site, &seen(observed), &ledger);
    let mut changed = false;
    if let Some(verdict) = verdict
        && let Some((title, sql)) = judge(verdict, &mut rows, &mut ledger, &desired.migrations)?
    {
        block.step(title, &sql);
        changed = true;
    }
    ledger::all_ended(&desired.schema, &rows)?;
    for migration in &desired.migrations {
        let row = rows.iter().find(|row| row.version == migration.version());
        if row.is_some_and(|row| row.sha256 != migration.sha256()) {
            let sql = ledger.accept(migration.version(), migration.name(), migration.sha256());
            block.step(format!("accept {} as it is", migration.name()), &sql);
            changed = true;
        }
    }
    let statement = changed.then(|| block.end(Some(&ledger)));
    Plan::new(observed, desired, &rows, statement.into_iter().collect())
}

/// What a verdict changes, as a sentence and as SQL; nothing if it was carried out before.
fn judge(
    verdict: Verdict,
    rows: &mut Vec<LedgerRow>,
    ledger: &mut Ledger,
    migrations: &[Migration],
) -> Result<Option<(String, String)>, PlanError> {
    let (Verdict::Finished(version) | Verdict::Undone(version)) = verdict;
    let at = rows.iter().position(|row| row.version == version);
    let is_running = at.is_some_and(|at| rows[at].milliseconds.is_none());
    let is_file = migrations.iter().any(|migration| migration.version() == version);
    match (verdict, at) {
        (Verdict::Finished(_), Some(at)) if is_running => {
            rows[at].milliseconds = Some(0);
            let title = format!("mark {} as done", rows[at].name);
            Ok(Some((title, ledger.declare_done(version))))
        }
        (Verdict::Undone(_), Some(at)) if is_running => {
            let title = format!("forget {}, so that it runs again", rows.remove(at).name);
            Ok(Some((title, ledger.forget(version))))
        }
        (Verdict::Finished(_), Some(_)) => Ok(None),
        (Verdict::Undone(_), None) if is_file => Ok(None),
        _ => Err(PlanError::NotCutOff { version }),
    }
}

/// The ledger's rows, of a schema that is there and ours.
fn rows<'a>(observed: &'a Observed, desired: &Desired) -> Result<&'a [LedgerRow], PlanError> {
    if observed.schema.is_none() {
        return Err(PlanError::NoSchema { schema: desired.schema.clone() });
    }
    check_schema(observed, desired)?;
    ledger_rows(observed)
}

#[cfg(test)]
mod tests;
