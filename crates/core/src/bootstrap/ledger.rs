//! The table that remembers which migrations ran, compared with a folder.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{LedgerRow, PlanError};
use crate::migrations::{self, Migration};
use crate::sql::{Ident, Literal, Qualified};

/// The name of the table.
pub(super) const NAME: &str = "lakegate_migrations";

/// What it means to create it, in words.
pub(super) const CREATE: &str = "create the ledger of migrations";

/// The ledger of a schema.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// `"schema"."lakegate_migrations"`
    table: String,
    /// What its rows say, by version: in the database now, or once the plan has run so far.
    rows: Vec<Row>,
}

/// What a plan counts on of a row.
#[derive(Clone, Debug)]
struct Row {
    version: i64,
    sha256: String,
    progress: Progress,
}

/// How far a migration got, as its row has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    Running,
    Done,
}

impl Ledger {
    pub(super) fn new(schema: &Ident, rows: &[LedgerRow]) -> Self {
        let name: Ident = NAME.parse().expect("the ledger's name is an identifier");
        let mut ledger = Self { table: format!("{}", Qualified(schema, &name)), rows: Vec::new() };
        for row in rows {
            let progress = row.milliseconds.map_or(Progress::Running, |_| Progress::Done);
            ledger.set(row.version, &row.sha256, progress);
        }
        ledger
    }

    /// Creates the table.
    pub(super) fn create(&self) -> String {
        format!(
            "CREATE TABLE {} (\n  \
               version bigint PRIMARY KEY,\n  \
               name text NOT NULL,\n  \
               sha256 text NOT NULL,\n  \
               applied_at timestamptz NOT NULL,\n  \
               applied_by text NOT NULL,\n  \
               milliseconds bigint,\n  \
               lakegate text NOT NULL\n\
             )",
            self.table
        )
    }

    /// Writes a row: version, name and digest, when it started and how many milliseconds it took,
    /// all SQL.
    pub(super) fn insert(&self, what: [&str; 3], applied_at: &str, milliseconds: &str) -> String {
        format!(
            "INSERT INTO {} VALUES ({}, {applied_at}, current_user, {milliseconds}, {})",
            self.table,
            what.join(", "),
            Literal(env!("CARGO_PKG_VERSION")),
        )
    }

    /// Marks a migration as running.
    pub(super) fn begin(&mut self, migration: &Migration) -> String {
        self.set(migration.version(), migration.sha256(), Progress::Running);
        self.row(migration, "NULL")
    }

    /// Writes the row of a migration that starts now, or is taken for one that did.
    fn row(&self, migration: &Migration, milliseconds: &str) -> String {
        let (name, sha256) = (Literal(migration.name()), Literal(migration.sha256()));
        let what = [format!("{}", migration.version()), format!("{name}"), format!("{sha256}")];
        let what = what.each_ref().map(String::as_str);
        self.insert(what, "pg_catalog.clock_timestamp()", milliseconds)
    }

    /// Counts on the row of a migration that has run by then.
    pub(super) fn finished(&mut self, migration: &Migration) {
        self.set(migration.version(), migration.sha256(), Progress::Done);
    }

    /// Marks a running migration as done.
    pub(super) fn finish(&mut self, migration: &Migration) -> String {
        self.finished(migration);
        format!(
            "UPDATE {} SET milliseconds = {} WHERE version = {}",
            self.table,
            milliseconds_since("applied_at"),
            migration.version(),
        )
    }

    /// Writes down that a migration's work was there before.
    pub(super) fn mark(&mut self, migration: &Migration) -> String {
        self.finished(migration);
        self.row(migration, "0")
    }

    /// Takes a migration that ran for what its file is now.
    pub(super) fn accept(&mut self, version: i64, name: &str, sha256: &str) -> String {
        self.set(version, sha256, Progress::Done);
        format!(
            "UPDATE {} SET name = {}, sha256 = {} WHERE version = {version}",
            self.table,
            Literal(name),
            Literal(sha256)
        )
    }

    /// Declares a running migration done.
    pub(super) fn declare_done(&mut self, version: i64) -> String {
        if let Ok(at) = self.find(version) {
            self.rows[at].progress = Progress::Done;
        }
        format!("UPDATE {} SET milliseconds = 0 WHERE version = {version}", self.table)
    }

    /// Forgets a migration, so that it runs again.
    pub(super) fn forget(&mut self, version: i64) -> String {
        self.rows.retain(|row| row.version != version);
        format!("DELETE FROM {} WHERE version = {version}", self.table)
    }

    /// A condition that is true when the rows are not what they are thought to be.
    pub(super) fn differs(&self) -> String {
        let text: Vec<_> = self.rows.iter().map(Row::to_text).collect();
        let digest = migrations::sha256(&text.join(","));
        format!(
            "(SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(\
             pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, \
             CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), \
             'UTF8')), 'hex') FROM {}) <> {}",
            self.table,
            Literal(&digest),
        )
    }

    fn find(&self, version: i64) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&version, |row| row.version)
    }

    fn set(&mut self, version: i64, sha256: &str, progress: Progress) {
        let row = Row { version, sha256: String::from(sha256), progress };
        match self.find(version) {
            Ok(at) => self.rows[at] = row,
            Err(at) => self.rows.insert(at, row),
        }
    }
}

impl Row {
    /// As [`Ledger::differs`] has the server write it.
    fn to_text(&self) -> String {
        let Self { version, sha256, progress } = self;
        match progress {
            Progress::Running => format!("{version}:{sha256}:running"),
            Progress::Done => format!("{version}:{sha256}"),
        }
    }
}

/// Milliseconds since a moment, both SQL.
pub(super) fn milliseconds_since(moment: &str) -> String {
    format!("(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - {moment}) * 1000)::bigint")
}

/// The migrations that are to run.
///
/// # Errors
///
/// When what ran is not what the folder holds, or would be out of order.
pub(super) fn pending<'a>(
    schema: &Ident,
    rows: &[LedgerRow],
    migrations: &'a [Migration],
    out_of_order: bool,
) -> Result<Vec<&'a Migration>, PlanError> {
    all_ended(schema, rows)?;
    let pending = missing(schema, rows, migrations)?;
    let newest = rows.iter().max_by_key(|row| row.version);
    match (pending.first(), newest) {
        (Some(late), Some(newest)) if late.version() < newest.version && !out_of_order => {
            Err(PlanError::Late { name: String::from(late.name()), newest: newest.name.clone() })
        }
        _ => Ok(pending),
    }
}

/// Requires that no migration is under way, or was cut off.
pub(super) fn all_ended(schema: &Ident, rows: &[LedgerRow]) -> Result<(), PlanError> {
    match rows.iter().find(|row| row.milliseconds.is_none()) {
        None => Ok(()),
        Some(row) => Err(PlanError::Unfinished {
            schema: schema.clone(),
            version: row.version,
            name: row.name.clone(),
            applied_by: row.applied_by.clone(),
            applied_at: row.applied_at.clone(),
        }),
    }
}

/// The migrations that the ledger does not have.
///
/// # Errors
///
/// When it has one of them with another text.
pub(super) fn missing<'a>(
    schema: &Ident,
    rows: &[LedgerRow],
    migrations: &'a [Migration],
) -> Result<Vec<&'a Migration>, PlanError> {
    let mut missing = Vec::new();
    for migration in migrations {
        match rows.iter().find(|row| row.version == migration.version()) {
            Some(row) if row.sha256 != migration.sha256() => {
                return Err(PlanError::Changed {
                    schema: schema.clone(),
                    version: migration.version(),
                    name: String::from(migration.name()),
                    applied: row.sha256.clone(),
                    found: String::from(migration.sha256()),
                });
            }
            Some(_) => {}
            None => missing.push(migration),
        }
    }
    Ok(missing)
}

/// What the ledger knows and the folder does not, in words.
pub(super) fn unknown(rows: &[LedgerRow], migrations: &[Migration]) -> Option<String> {
    let known = |row: &LedgerRow| migrations.iter().any(|m| m.version() == row.version);
    let unknown: Vec<_> = rows.iter().filter(|row| !known(row)).collect();
    let last = unknown.last()?;
    Some(format!(
        "{} of the applied migrations are not among the files, the last is `{}`: is this an older \
         release?",
        unknown.len(),
        last.name
    ))
}
