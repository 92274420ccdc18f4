//! What was asked of the emulator: requests, logins, round trips, and the SQL itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// How many bytes of SQL are kept. Older statements are forgotten.
const STATEMENT_BYTES: usize = 16 << 20;

/// The numbers of one run, as the admin API shows them.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Counts {
    /// Requests by `METHOD /path`, those that hit a fault included.
    pub requests: BTreeMap<String, u64>,
    /// Workspace tokens handed out.
    pub workspace_tokens: u64,
    /// Database credentials handed out.
    pub credentials: u64,
    /// TCP connections that the gate accepted.
    pub connections: u64,
    /// Logins that reached Postgres.
    pub logins: u64,
    /// Logins that were refused, for whatever reason.
    pub refusals: u64,
    /// Cancel requests passed on.
    pub cancels: u64,
    /// Sessions that a fault held at a message.
    pub held: u64,
    /// Times that clients, after login, sent something and waited: `Query`, `Sync` and `FunctionCall` messages.
    pub round_trips: u64,
}

/// One statement that a client sent.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Statement {
    /// Who sent it.
    #[serde(serialize_with = "as_text")]
    pub role: Arc<str>,
    /// In which database.
    #[serde(serialize_with = "as_text")]
    pub database: Arc<str>,
    /// The whole text.
    pub sql: String,
}

fn as_text<S: serde::Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

/// The tally of one run.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    statements: VecDeque<Statement>,
    bytes: usize,
}

impl Tally {
    /// Changes the numbers.
    pub fn count(&self, change: impl FnOnce(&mut Counts)) {
        change(&mut lock(&self.counts));
    }

    /// The numbers now.
    pub fn counts(&self) -> Counts {
        lock(&self.counts).clone()
    }

    /// Notes a statement.
    pub fn note(&self, statement: Statement) {
        let mut log = lock(&self.log);
        log.bytes += statement.sql.len();
        log.statements.push_back(statement);
        while log.bytes > STATEMENT_BYTES {
            let Some(oldest) = log.statements.pop_front() else { break };
            log.bytes -= oldest.sql.len();
        }
    }

    /// The statements so far, oldest first.
    pub fn statements(&self) -> Vec<Statement> {
        lock(&self.log).statements.iter().cloned().collect()
    }

    /// Forgets everything.
    pub fn clear(&self) {
        *lock(&self.counts) = Counts::default();
        *lock(&self.log) = Log::default();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Numbers stay numbers even if a holder panicked.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_forgets_the_oldest_statements_first() {
        let tally = Tally::default();
        for (start, len) in [("1", 9 << 20), ("2", 6 << 20), ("3", 2 << 20)] {
            let sql = start.repeat(len);
            tally.note(Statement { role: "r".into(), database: "d".into(), sql });
        }
        let kept: Vec<_> = tally.statements().iter().map(|s| s.sql[..1].to_owned()).collect();
        assert_eq!(kept, ["2", "3"]);
        tally.clear();
        assert_eq!(tally.statements(), []);
    }
}
