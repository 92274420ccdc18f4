//! Inspect, plan, apply: two round trips for a new database, one for an up-to-date one.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::bootstrap::inspect::{self, QUERY};
use crate::bootstrap::{
    self, CHANGED, Desired, Entry, Finding, LOCK_ATTEMPT, Observed, Plan, PlanError, Report,
    Statement,
};
use crate::edge::{Connection, DatabaseError, Edge, Level, Notice, ServerError};
use crate::flow::admin::Mode;
use crate::problem::{Kind, Problem};

/// How often another replica may be faster before something else must be wrong.
const MAX_RACES: u32 = 16;

/// Tells what a bootstrap would do.
///
/// # Errors
///
/// When the database cannot be asked, or cannot be brought to what is desired.
pub async fn plan(connection: &impl Connection, desired: &Desired) -> Result<Plan, Problem> {
    let observed = inspect(connection, desired, false).await?;
    bootstrap::plan::plan(&observed, desired).map_err(|error| error.problem())
}

/// Tells how a database differs from what is desired.
///
/// # Errors
///
/// When the database cannot be asked.
pub async fn verify(
    connection: &impl Connection,
    desired: &Desired,
) -> Result<Vec<Finding>, Problem> {
    let observed = inspect(connection, desired, false).await?;
    Ok(bootstrap::verify(bootstrap::plan::plan(&observed, desired).as_ref()))
}

/// Brings a database to what is desired.
///
/// # Errors
///
/// When that cannot be done. The advice says what was undone and what stays.
pub async fn apply(
    edge: &impl Edge,
    connection: &impl Connection,
    desired: &Desired,
) -> Result<Report, Problem> {
    let make = |observed: &Observed| bootstrap::plan::plan(observed, desired);
    let (plan, done) = carry_out(edge, connection, desired, &make, Unfinished::Waits).await?;
    Ok(Report::new(plan, done))
}

/// Writes down in the ledger what people did by hand. Returns what was done, or would be.
///
/// # Errors
///
/// When it would contradict what is known, or be a guess.
pub async fn write_down(
    edge: &impl Edge,
    connection: &impl Connection,
    desired: &Desired,
    entry: Entry,
    mode: Mode,
) -> Result<Plan, Problem> {
    let make = |observed: &Observed| entry.plan(observed, desired);
    if mode == Mode::Plan {
        let observed = inspect(connection, desired, false).await?;
        return make(&observed).map_err(|error| error.problem());
    }
    let (plan, _) = carry_out(edge, connection, desired, &make, Unfinished::Fails).await?;
    Ok(plan)
}

/// What a migration means that has started and not ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Unfinished {
    /// Another replica may be at it.
    Waits,
    /// A person is to look.
    Fails,
}

/// Inspects, plans and runs until nobody was faster. Returns the last plan and all that was done.
async fn carry_out<E: Edge>(
    edge: &E,
    connection: &impl Connection,
    desired: &Desired,
    make: &dyn Fn(&Observed) -> Result<Plan, PlanError>,
    unfinished: Unfinished,
) -> Result<(Plan, Vec<String>), Problem> {
    let mut done = Vec::new();
    let mut races = 0;
    let mut waiting = Waiting::new(edge, desired.lock_limit);
    loop {
        let observed = inspect(connection, desired, true).await?;
        let plan = match make(&observed) {
            Err(PlanError::Unfinished { .. })
                if unfinished == Unfinished::Waits && waiting.once_more() =>
            {
                edge.sleep(LOCK_ATTEMPT).await;
                continue;
            }
            plan => plan.map_err(|error| error.problem())?,
        };
        match run(connection, &plan, &mut waiting, &mut done).await {
            Ok(()) => return Ok((plan, done)),
            Err(Stop::Raced(error)) => {
                races += 1;
                if races > MAX_RACES {
                    return Err(overtaken(&error));
                }
            }
            Err(Stop::Failed(problem)) => return Err(problem),
        }
    }
}

async fn inspect(
    connection: &impl Connection,
    desired: &Desired,
    limited: bool,
) -> Result<Observed, Problem> {
    let parameters = inspect::parameters(desired, limited);
    let parameters = parameters.each_ref().map(Option::as_deref);
    let answer = connection
        .run(QUERY, &parameters)
        .await
        .map_err(|error| database_problem("the inspection of the database", &error))?;
    Observed::read(answer.as_deref()).map_err(|error| error.problem())
}

/// Why a plan was not carried out to its end.
enum Stop {
    /// Another replica was faster: inspect again.
    Raced(ServerError),
    Failed(Problem),
}

async fn run<E: Edge>(
    connection: &impl Connection,
    plan: &Plan,
    waiting: &mut Waiting<'_, E>,
    done: &mut Vec<String>,
) -> Result<(), Stop> {
    for (before, statement) in plan.statements.iter().enumerate() {
        run_statement(connection, statement, before, waiting).await?;
        done.extend(statement.steps().map(|(step, _)| step.title.clone()));
    }
    Ok(())
}

async fn run_statement<E: Edge>(
    connection: &impl Connection,
    statement: &Statement,
    before: usize,
    waiting: &mut Waiting<'_, E>,
) -> Result<(), Stop> {
    loop {
        let error = match connection.run(&statement.sql, &[]).await {
            Ok(_) => return Ok(()),
            Err(DatabaseError::Server(error)) => error,
            Err(error) => return Err(Stop::Failed(database_problem("the bootstrap", &error))),
        };
        // An error inside of a script is the script's own.
        let ours = bootstrap::is_ours(&error, statement);
        match error.code.as_str() {
            "55P03" if ours && waiting.once_more() => {}
            "55P03" if ours => return Err(Stop::Failed(waiting.over(&error))),
            CHANGED => return Err(Stop::Raced(*error)),
            code if ours && is_race(code) => return Err(Stop::Raced(*error)),
            _ => return Err(Stop::Failed(bootstrap::explain(&error, statement, before))),
        }
    }
}

/// What statements of ours fail with when somebody does the same at that moment without the lock,
/// or in a session whose transactions do not see what was committed while they waited for it.
fn is_race(code: &str) -> bool {
    matches!(code, "23505" | "40001" | "40P01" | "42P06" | "42P07" | "XX000")
}

fn overtaken(error: &ServerError) -> Problem {
    Problem {
        kind: Kind::Conflict,
        message: format!("the schema was changed by others {MAX_RACES} times meanwhile: {error}"),
        advice: String::from(
            "Look what else creates objects in this schema, and try again when it has ended. \
             Everything is undone.",
        ),
        sqlstate: Some(error.code.clone()),
    }
}

/// The patience with another replica, told in steps of five seconds.
struct Waiting<'a, E> {
    edge: &'a E,
    limit: Duration,
    left: Duration,
}

impl<'a, E: Edge> Waiting<'a, E> {
    /// The first attempt has waited by the time anybody asks.
    fn new(edge: &'a E, limit: Duration) -> Self {
        Self { edge, limit, left: limit }
    }

    /// Whether to wait a little longer; if so, says it.
    fn once_more(&mut self) -> bool {
        self.left = self.left.saturating_sub(LOCK_ATTEMPT);
        if self.left.is_zero() {
            return false;
        }
        let text = format!(
            "waiting for another replica to finish the bootstrap, {} s at most",
            self.left.as_secs()
        );
        self.edge.notice(&Notice { level: Level::Info, text });
        true
    }

    /// Tells that it was for nothing.
    fn over(&self, error: &ServerError) -> Problem {
        Problem {
            kind: Kind::Timeout,
            message: format!(
                "another replica was still at the bootstrap after {} s: {error}",
                self.limit.as_secs()
            ),
            advice: String::from(
                "Nothing was changed while it waited. Try again later, or allow more time with \
                 LAKEGATE_LOCK_TIMEOUT. If no replica is at it, see in pg_locks and \
                 pg_stat_activity who holds a lock.",
            ),
            sqlstate: Some(error.code.clone()),
        }
    }
}

/// Tells of a failure that has nothing to do with a script.
pub(super) fn database_problem(what: &str, error: &DatabaseError) -> Problem {
    let (kind, advice, sqlstate) = match error {
        DatabaseError::Server(error) => (
            kind_of(&error.code),
            error.hint.clone().unwrap_or_else(|| {
                String::from("Postgres refused the statement; nothing was changed by it.")
            }),
            Some(error.code.clone()),
        ),
        DatabaseError::Lost { .. } => (
            Kind::Unavailable,
            String::from("Run it again: it looks what was committed and does only the rest."),
            None,
        ),
        _ => (Kind::Unavailable, String::from("Try again."), None),
    };
    Problem { kind, message: format!("{what} failed: {error}"), advice, sqlstate }
}

/// Class 08 is a broken connection; 57P01 to 57P03 a server that goes down or comes up.
fn kind_of(code: &str) -> Kind {
    if code.starts_with("08") || code.starts_with("57P0") {
        Kind::Unavailable
    } else {
        Kind::Statement
    }
}

#[cfg(test)]
mod tests;
