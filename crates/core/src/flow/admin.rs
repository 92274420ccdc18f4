//! What an administrator runs once for an application, on a connection to any database.

use super::bootstrap::database_problem;
use crate::bootstrap::AdminError;
use crate::bootstrap::admin::{AdminPlan, ObservedServer, QUERY, Setup, Tighten};
use crate::edge::{Connection, DatabaseError, Edge, Level, Notice};
use crate::problem::Problem;

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
    for step in &plan.steps {
        edge.notice(&Notice { level: Level::Info, text: step.title.clone() });
        match connection.run(&step.sql, &[]).await {
            Ok(_) => {}
            // Somebody else created the database at this moment.
            Err(DatabaseError::Server(error)) if error.code == "42P04" => {}
            Err(error) => return Err(database_problem(&step.title, &error)),
        }
    }
    if !plan.is_empty() {
        let observed = inspect(connection, parameters).await?;
        let left = make_plan(&observed).map_err(|error| error.problem())?;
        if !left.is_empty() {
            return Err(unmet.problem());
        }
    }
    Ok(plan)
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
