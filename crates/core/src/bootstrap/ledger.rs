//! The table that remembers which migrations ran, compared with a folder.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{LedgerRow, PlanError};
use crate::migrations::{self, Migration};
use crate::sql::{Ident, Literal, Qualified};

/// The name of the table.
pub(super) const NAME: &str = "lakegate_migrations";

/// The ledger of a schema.
#[derive(Clone, Debug)]
pub(super) struct Ledger {
    /// `"schema"."lakegate_migrations"`
    table: String,
    /// What its rows say, by version: in the database now, or once the plan has run so far.
    rows: Vec<(i64, String)>,
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
        let (name, sha256) = (Literal(migration.name()), Literal(migration.sha256()));
        let what = [format!("{}", migration.version()), format!("{name}"), format!("{sha256}")];
        self.insert(what.each_ref().map(String::as_str), "pg_catalog.clock_timestamp()", "NULL")
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

    /// For a person: accepts a changed file.
    pub(super) fn accept(&self, version: i64, sha256: &str) -> String {
        format!("UPDATE {} SET sha256 = {} WHERE version = {version};", self.table, Literal(sha256))
    }

    /// For a person: declares an unfinished migration done.
    pub(super) fn declare_done(&self, version: i64) -> String {
        format!("UPDATE {} SET milliseconds = 0 WHERE version = {version};", self.table)
    }

    /// For a person: forgets a migration, so that it runs again.
    pub(super) fn forget(&self, version: i64) -> String {
        format!("DELETE FROM {} WHERE version = {version};", self.table)
    }

    /// A condition that is true when the rows are not what they are thought to be.
    pub(super) fn differs(&self) -> String {
        let text: Vec<_> = self.rows.iter().map(|(_, row)| row.as_str()).collect();
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

    fn set(&mut self, version: i64, sha256: &str, progress: Progress) {
        let row = match progress {
            Progress::Running => format!("{version}:{sha256}:running"),
            Progress::Done => format!("{version}:{sha256}"),
        };
        match self.rows.binary_search_by_key(&version, |(version, _)| *version) {
            Ok(at) => self.rows[at].1 = row,
            Err(at) => self.rows.insert(at, (version, row)),
        }
    }
}

/// Milliseconds since a moment, both SQL.
pub(super) fn milliseconds_since(moment: &str) -> String {
    format!("(EXTRACT(epoch FROM pg_catalog.clock_timestamp() - {moment}) * 1000)::bigint")
}

/// The migrations that did not run yet.
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
    if let Some(row) = rows.iter().find(|row| row.milliseconds.is_none()) {
        return Err(PlanError::Unfinished {
            schema: schema.clone(),
            version: row.version,
            name: row.name.clone(),
            applied_by: row.applied_by.clone(),
            applied_at: row.applied_at.clone(),
        });
    }
    let mut pending = Vec::new();
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
            None => pending.push(migration),
        }
    }
    let newest = rows.iter().max_by_key(|row| row.version);
    match (pending.first(), newest) {
        (Some(late), Some(newest)) if late.version() < newest.version && !out_of_order => {
            Err(PlanError::Late { name: String::from(late.name()), newest: newest.name.clone() })
        }
        _ => Ok(pending),
    }
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
