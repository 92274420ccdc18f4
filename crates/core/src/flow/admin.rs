//! What an administrator runs once for an application, on a connection to any database.

use alloc::format;
use alloc::string::String;

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
/// would be; or what this administrator may not do, with the obstacles.
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
    carry_out(edge, connection, &setup.parameters(), &plan, &unmet, mode).await
}

/// Lets nobody but the application create schemas in the database. Returns as [`setup`].
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
    carry_out(edge, connection, &tighten.parameters(), &plan, &unmet, mode).await
}

async fn carry_out(
    edge: &impl Edge,
    connection: &impl Connection,
    parameters: &[Option<String>; 2],
    make_plan: &dyn Fn(&ObservedServer) -> Result<AdminPlan, AdminError>,
    unmet: &AdminError,
    mode: Mode,
) -> Result<AdminPlan, Problem> {
    let mut begun = None;
    let (mut again, mut races) = (true, 0);
    loop {
        let observed = inspect(connection, parameters).await?;
        let plan = make_plan(&observed).map_err(|error| error.problem())?;
        if mode == Mode::Plan || !plan.obstacles.is_empty() {
            return Ok(plan);
        }
        if plan.steps.is_empty() {
            return Ok(begun.unwrap_or(plan));
        }
        if !again || MAX_RACES < races {
            return Err(unmet.problem());
        }
        again = match run(edge, connection, &plan.steps).await? {
            Ran::Through { raced } => raced,
            Ran::Stopped { done, obstacle } => return Ok(stopped(plan, done, obstacle)),
        };
        races += 1;
        begun.get_or_insert(plan);
    }
}

/// How far the steps went.
enum Ran {
    /// To the end; `raced` if somebody else did the same at that moment.
    Through { raced: bool },
    /// This administrator may not do the one after so many.
    Stopped { done: usize, obstacle: String },
}

async fn run(
    edge: &impl Edge,
    connection: &impl Connection,
    steps: &[AdminStep],
) -> Result<Ran, Problem> {
    let mut raced = false;
    for (done, step) in steps.iter().enumerate() {
        edge.notice(&Notice { level: Level::Info, text: step.title.clone() });
        let Err(error) = connection.run(&step.sql, &[]).await else { continue };
        match &error {
            DatabaseError::Server(error) if is_race(&error.code) => raced = true,
            DatabaseError::Server(error) if error.code == FORBIDDEN => {
                let obstacle = format!("{} failed: {error}", step.title);
                return Ok(Ran::Stopped { done, obstacle });
            }
            DatabaseError::Server(refused) => {
                let known = AdminError::of_step(step, &refused.code);
                return Err(
                    known.map_or_else(|| database_problem(&step.title, &error), |it| it.problem())
                );
            }
            _ => return Err(database_problem(&step.title, &error)),
        }
    }
    Ok(Ran::Through { raced })
}

/// The plan as what is left of it, for somebody who may.
fn stopped(mut plan: AdminPlan, done: usize, obstacle: String) -> AdminPlan {
    let done = plan.steps.drain(..done).map(|step| format!("done before that: {}", step.title));
    plan.notes.extend(done);
    plan.obstacles.push(obstacle);
    plan
}

/// `insufficient_privilege`
const FORBIDDEN: &str = "42501";

/// What two admins at once meet: the database or the role is there by now (42P04, 42710, or 23505
/// before the other has committed), or the other granted at that moment (XX000).
fn is_race(code: &str) -> bool {
    matches!(code, "23505" | "42710" | "42P04" | "XX000")
}

async fn inspect(
    connection: &impl Connection,
    parameters: &[Option<String>; 2],
) -> Result<ObservedServer, Problem> {
    let answer = connection
        .run(QUERY, &parameters.each_ref().map(Option::as_deref))
        .await
        .map_err(|error| database_problem("the inspection of the server", &error))?;
    ObservedServer::read(answer.as_deref()).map_err(|error| error.problem())
}

#[cfg(test)]
pub(super) mod tests;
