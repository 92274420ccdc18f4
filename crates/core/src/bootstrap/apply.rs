//! The text of the statements that a plan runs: `DO` blocks, each a transaction of its own.
//!
//! A block first takes an advisory lock of this database and schema and looks whether the ledger is
//! still what the plan was made for; it ends with a look into the catalog, because Postgres only
//! warns when a grant does nothing. Whatever fails, the whole block is undone.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;
use core::time::Duration;

use sha2::{Digest, Sha256};

use super::ledger::{Ledger, milliseconds_since};
use super::plan::{Origin, Statement, Step};
use super::{Desired, Observed, ledger};
use crate::migrations::{Migration, Place};
use crate::sql::{Dollar, Ident, Literal};
use crate::time::millis;

/// The SQLSTATE of a block that found another state than the plan was made for: inspect again.
pub const CHANGED: &str = "LG001";

/// The SQLSTATE of a block that ran and did not reach what it was for.
pub const UNMET: &str = "LG002";

/// Why a grant can be without effect: Postgres only warns (01007).
const NO_EFFECT: &str = "A grant has an effect only if the role owns the object or has the privilege with grant option.";

/// How long one attempt waits for another replica. Short, so that the waiting can be told.
pub(crate) const LOCK_ATTEMPT: Duration = Duration::from_secs(5);

/// What stands before a script, so that an error report names it.
pub(super) const SCRIPT: &str = "-- lakegate: script ";

/// What stands after a script. PL/pgSQL looks at the last statement of what it runs, and refuses
/// `SELECT … INTO` there because it has one of its own.
const AFTER_SCRIPT: &str = "\n;SELECT";

/// The head of the loop over the migrations of a block.
const LOOP: &str =
    "  FOR lakegate_version, lakegate_name, lakegate_sha256, lakegate_script IN VALUES\n";

/// What it means to run a script, in words.
pub(super) fn run_title(name: &str) -> String {
    format!("run {name}")
}

/// What a plan saw of the schema: it must still be so when a block runs.
#[derive(Clone, Debug)]
pub(super) enum Seen {
    NoSchema,
    NoLedger,
    Ledger,
}

/// What all blocks of a plan have in common.
pub(super) struct Site<'a> {
    pub(super) schema: &'a Ident,
    /// The search path while a script runs: the schema alone. `pg_catalog` is searched first.
    path: String,
    lock: i64,
    lock_limit: Duration,
    statement_limit: Duration,
}

impl<'a> Site<'a> {
    pub(super) fn new(observed: &Observed, desired: &'a Desired) -> Self {
        Self {
            schema: &desired.schema,
            path: desired.schema.to_string(),
            lock: lock_key(&observed.database, &desired.schema),
            lock_limit: desired.lock_limit,
            statement_limit: desired.statement_limit,
        }
    }

    /// Makes the session what it was when it began, whatever a script has set or become, and what it
    /// has to be for statements of our own.
    fn fresh(&self, lock_limit: Duration) -> [String; 5] {
        let limit = format!("{}ms", millis(self.statement_limit));
        [
            String::from("RESET ROLE"),
            String::from("RESET ALL"),
            // For the statements that follow this one: its own clock runs already.
            format!("PERFORM pg_catalog.set_config('statement_timeout', '{limit}', false)"),
            set_config("search_path", "pg_catalog"),
            set_config("lock_timeout", &format!("{}ms", millis(lock_limit))),
        ]
    }
}

/// The key of the advisory lock that all replicas of an application agree on.
fn lock_key(database: &Ident, schema: &Ident) -> i64 {
    let names = format!("lakegate\0{}\0{}", database.as_parameter(), schema.as_parameter());
    let digest = Sha256::digest(names);
    let (key, _) = digest.split_first_chunk().expect("SHA-256 has 32 bytes");
    i64::from_be_bytes(*key)
}

/// A `DO` block while it is written.
pub(super) struct Block<'a> {
    site: &'a Site<'a>,
    body: String,
    steps: Vec<Step>,
    checks: Vec<String>,
    /// What writes a migration into the ledger, while the rows of a loop over them are written.
    record: Option<String>,
}

impl<'a> Block<'a> {
    /// Begins a block.
    pub(super) fn new(site: &'a Site<'a>, seen: &Seen, ledger: &Ledger) -> Self {
        let mut block =
            Self { site, body: String::new(), steps: Vec::new(), checks: Vec::new(), record: None };
        block.body.push_str(
            "\n#variable_conflict use_column\nDECLARE\n  lakegate_version bigint;\n  \
             lakegate_name text;\n  lakegate_sha256 text;\n  lakegate_script text;\n  \
             lakegate_start timestamptz;\n  lakegate_missing text;\nBEGIN\n",
        );
        for line in site.fresh(LOCK_ATTEMPT.min(site.lock_limit)) {
            block.line(&line);
        }
        block.line(&format!("PERFORM pg_catalog.pg_advisory_xact_lock({})", site.lock));
        block.set("lock_timeout", &format!("{}ms", millis(site.lock_limit)));
        let changed = changed(seen, site.schema, ledger);
        block.line(&format!(
            "IF {changed} THEN\n    RAISE EXCEPTION USING ERRCODE = '{CHANGED}', MESSAGE = \
             'the schema changed since it was inspected';\n  END IF"
        ));
        block
    }

    /// Runs a statement that stands in the plan.
    pub(super) fn step(&mut self, title: String, sql: &str) {
        self.body.push_str("  EXECUTE ");
        self.quote(title, "", sql, "");
        self.body.push_str(";\n");
    }

    /// Requires of a grant, at the end, that a query for what is still missing gives null.
    pub(super) fn require(&mut self, what: &str, query: &str) {
        self.check(what, query, NO_EFFECT);
    }

    fn check(&mut self, what: &str, query: &str, hint: &str) {
        self.checks.push(format!(
            "lakegate_missing := ({query});\n  IF lakegate_missing IS NOT NULL THEN\n    \
             RAISE EXCEPTION USING ERRCODE = '{UNMET}', MESSAGE = {} || lakegate_missing, \
             HINT = {};\n  END IF",
            Literal(what),
            Literal(hint),
        ));
    }

    /// Requires that the current role owns the schema.
    pub(super) fn require_owner(&mut self) {
        let query = format!(
            "SELECT pg_catalog.pg_get_userbyid(nspowner) FROM pg_catalog.pg_namespace \
             WHERE nspname = {} AND pg_catalog.pg_get_userbyid(nspowner) <> current_user",
            Literal(self.site.schema.as_parameter())
        );
        self.check("the schema belongs to ", &query, "A migration must not give it away.");
    }

    /// Runs a migration and writes it into the ledger. No step may follow in this block.
    ///
    /// All migrations of a block are the rows that one loop goes over: Postgres plans what happens
    /// around each script once, not for each of them.
    pub(super) fn migrate(&mut self, migration: &Migration, ledger: &mut Ledger) {
        let first = self.record.is_none();
        self.body.push_str(if first { LOOP } else { ",\n" });
        self.record.get_or_insert_with(|| {
            let what = ["lakegate_version", "lakegate_name", "lakegate_sha256"];
            ledger.insert(what, "lakegate_start", &milliseconds_since("lakegate_start"))
        });
        let (name, sha256) = (Literal(migration.name()), Literal(migration.sha256()));
        let row = format!("    ({}, {name}, {sha256}, ", migration.version());
        self.body.push_str(&row);
        let comment = format!("{SCRIPT}{}\n", migration.name());
        self.quote(run_title(migration.name()), &comment, migration.text(), AFTER_SCRIPT);
        self.body.push(')');
        ledger.finished(migration);
    }

    /// What happens around each script.
    fn end_migrations(&mut self, record: &str) {
        self.body.push_str("\n  LOOP\n");
        let before = [
            String::from("lakegate_start := pg_catalog.clock_timestamp()"),
            set_config("search_path", &self.site.path),
            String::from("EXECUTE lakegate_script"),
        ];
        let after = self.site.fresh(self.site.lock_limit);
        for line in before.iter().chain(&after).map(String::as_str).chain([record]) {
            self.line(&format!("  {line}"));
        }
        self.line("END LOOP");
    }

    /// Runs a statement that the reader of a plan takes for granted.
    fn line(&mut self, sql: &str) {
        writeln!(self.body, "  {sql};").expect("a String takes every write");
    }

    fn set(&mut self, name: &str, value: &str) {
        self.line(&set_config(name, value));
    }

    /// Quotes a statement or a script of the plan, with something before and after it that no
    /// person wants to know of.
    fn quote(&mut self, title: String, before: &str, sql: &str, after: &str) {
        let text = format!("{before}{sql}{after}");
        let quoted = Dollar(&text).to_string();
        // Both quotes have the same length.
        let quote = (quoted.len() - text.len()) / 2;
        let start = self.body.len() + quote + before.len();
        self.body.push_str(&quoted);
        self.steps.push(Step::new(title, start..start + sql.len()));
    }

    /// Ends the block: checks the catalog and the ledger.
    pub(super) fn end(mut self, ledger: Option<&Ledger>) -> Statement {
        if let Some(record) = self.record.take() {
            self.end_migrations(&record);
        }
        for check in core::mem::take(&mut self.checks) {
            self.line(&check);
        }
        if let Some(ledger) = ledger {
            self.line(&format!(
                "IF {} THEN\n    RAISE EXCEPTION USING ERRCODE = '{UNMET}', MESSAGE = \
                 'the ledger does not hold what was written to it', \
                 HINT = 'A migration must not touch it.';\n  END IF",
                ledger.differs()
            ));
        }
        self.close(Origin::Block)
    }

    fn close(mut self, origin: Origin) -> Statement {
        self.body.push_str("END\n");
        let quoted = Dollar(&self.body).to_string();
        let shift = "DO ".len() + (quoted.len() - self.body.len()) / 2;
        for step in &mut self.steps {
            step.shift(shift);
        }
        Statement { sql: format!("DO {quoted}"), steps: self.steps, origin }
    }
}

/// Sets something for the rest of the transaction.
fn set_config(name: &str, value: &str) -> String {
    format!("PERFORM pg_catalog.set_config({}, {}, true)", Literal(name), Literal(value))
}

fn changed(seen: &Seen, schema: &Ident, ledger: &Ledger) -> String {
    let name = Literal(schema.as_parameter());
    match seen {
        Seen::NoSchema => {
            format!("EXISTS (SELECT FROM pg_catalog.pg_namespace WHERE nspname = {name})")
        }
        Seen::NoLedger => format!(
            "EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n \
             ON n.oid = c.relnamespace WHERE n.nspname = {name} AND c.relname = {})",
            Literal(ledger::NAME)
        ),
        Seen::Ledger => ledger.differs(),
    }
}

/// The statements of a migration that runs outside of transactions: a mark in the ledger that a
/// crash leaves behind, the script's own statements, the end of the mark.
pub(super) fn alone<'a>(
    site: &'a Site<'a>,
    migration: &Migration,
    spans: &[core::ops::Range<usize>],
    ledger: &mut Ledger,
) -> Vec<Statement> {
    let mut begin = Block::new(site, &Seen::Ledger, ledger);
    begin.line(&ledger.begin(migration));
    // For the session: each statement of the script is a transaction of its own.
    let lock_limit = format!("{}ms", millis(site.lock_limit));
    for (name, value) in [("search_path", &site.path), ("lock_timeout", &lock_limit)] {
        begin.line(&format!(
            "PERFORM pg_catalog.set_config({}, {}, false)",
            Literal(name),
            Literal(value)
        ));
    }
    let mut statements = Vec::from([begin.close(Origin::Block)]);
    statements.extend(spans.iter().enumerate().map(|(index, span)| {
        let number = format!("statement {} of {}", index + 1, spans.len());
        let title = format!("{}, {number}", run_title(migration.name()));
        let sql = String::from(&migration.text()[span.clone()]);
        Statement {
            steps: Vec::from([Step::new(title, 0..sql.len())]),
            sql,
            origin: Origin::File {
                name: String::from(migration.name()),
                start: Place::after(&migration.text()[..span.start]),
            },
        }
    }));
    let mut end = Block::new(site, &Seen::Ledger, ledger);
    end.line(&ledger.finish(migration));
    statements.push(end.end(Some(ledger)));
    statements
}
