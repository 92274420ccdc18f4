//! What an administrator runs once for an application, on a connection to any database.

use super::bootstrap::database_problem;
use crate::bootstrap::AdminError;
use crate::bootstrap::admin::{AdminPlan, AdminStep, ObservedServer, QUERY, Setup, Tighten};
use crate::edge::{Connection, DatabaseError, Edge, Level, Notice};
use crate::problem::Problem;

/// How often somebody else may be faster.
const MAX_RACES: u32 = 5;

/// Whether to do it or only to tell.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Only tell what would be done.
    Plan,
    /// Do it.
    Apply,
}

/// Creates the database and lets the application create schemas in it. Returns what was done, or
/// would be.
///
/// # Errors
///
/// When the server refuses, or the privileges do not show in the catalog afterwards.
pub async fn setup(
    edge: &impl Edge,
    connection: &impl Connection,
    setup: &Setup,
    mode: Mode,
) -> Result<AdminPlan, Problem> {
    let plan = |observed: &ObservedServer| setup.plan(observed);
    let unmet = AdminError::NoEffect { database: setup.database.clone() };
    carry_out(edge, connection, &setup.parameters(), plan, &unmet, mode).await
}

/// Lets nobody but the application create schemas in the database. Returns what was done, or would
/// be.
///
/// # Errors
///
/// When the role does not exist, the server refuses, or the privileges do not show in the catalog
/// afterwards.
pub async fn tighten(
    edge: &impl Edge,
    connection: &impl Connection,
    tighten: &Tighten,
    mode: Mode,
) -> Result<AdminPlan, Problem> {
    let plan = |observed: &ObservedServer| tighten.plan(observed);
    let unmet = AdminError::NoEffect { database: tighten.database.clone() };
    carry_out(edge, connection, &tighten.parameters(), plan, &unmet, mode).await
}

async fn carry_out(
    edge: &impl Edge,
    connection: &impl Connection,
    parameters: &[Option<&str>],
    make_plan: impl Fn(&ObservedServer) -> Result<AdminPlan, AdminError>,
    unmet: &AdminError,
    mode: Mode,
) -> Result<AdminPlan, Problem> {
    let observed = inspect(connection, parameters).await?;
    let plan = make_plan(&observed).map_err(|error| error.problem())?;
    if mode == Mode::Plan {
        return Ok(plan);
    }
    let mut steps = plan.steps.clone();
    let mut races = 0;
    while !steps.is_empty() {
        let raced = run(edge, connection, &steps).await?;
        let observed = inspect(connection, parameters).await?;
        steps = make_plan(&observed).map_err(|error| error.problem())?.steps;
        races += 1;
        if !steps.is_empty() && (!raced || MAX_RACES < races) {
            return Err(unmet.problem());
        }
    }
    Ok(plan)
}

/// Runs each step, and tells whether somebody else did the same at that moment.
async fn run(
    edge: &impl Edge,
    connection: &impl Connection,
    steps: &[AdminStep],
) -> Result<bool, Problem> {
    let mut raced = false;
    for step in steps {
        edge.notice(&Notice { level: Level::Info, text: step.title.clone() });
        match connection.run(&step.sql, &[]).await {
            Ok(_) => {}
            Err(DatabaseError::Server(error)) if is_race(&error.code) => raced = true,
            Err(error) => return Err(database_problem(&step.title, &error)),
        }
    }
    Ok(raced)
}

/// What two admins at once meet: the database or the role is there by now (42P04, 42710, or 23505
/// before the other has committed), or the other granted at that moment (XX000).
fn is_race(code: &str) -> bool {
    matches!(code, "23505" | "42710" | "42P04" | "XX000")
}

async fn inspect(
    connection: &impl Connection,
    parameters: &[Option<&str>],
) -> Result<ObservedServer, Problem> {
    let answer = connection
        .run(QUERY, parameters)
        .await
        .map_err(|error| database_problem("the inspection of the server", &error))?;
    ObservedServer::read(answer.as_deref()).map_err(|error| error.problem())
}

#[cfg(test)]
mod tests;
