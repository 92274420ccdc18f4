//! What the role is, what it may do, and what the database lacks.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::chart::{Chart, Stop};
use super::{BOOTSTRAP, Cause, PRIVILEGES, ROLE};
use crate::bootstrap::{Desired, Observed, Plan, PlanError, inspect, plan};
use crate::config::Config;
use crate::edge::{Connection, Edge};
use crate::flow::bootstrap::database_problem;
use crate::sql::Ident;

/// Milliseconds since 1970 by the database's clock.
const NOW: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint::text";

/// Looks at the database as the role sees it.
pub(super) async fn examine<E: Edge>(
    chart: &mut Chart<'_, E>,
    connection: &E::Connection,
    config: &Config,
) -> Result<(), Stop> {
    if let Ok(Some(theirs)) = connection.run(NOW, &[]).await
        && let Ok(theirs) = theirs.parse()
    {
        let wall = chart.edge.clocks().wall;
        chart.compare_clocks("the database's", theirs, wall);
    }
    let schema = config.schema.value.parse::<Ident>();
    let schema = schema.map_err(|e| chart.fail(PRIVILEGES, Cause::Settings, e.problem()))?;
    let desired = Desired::new(schema);
    let parameters = inspect::parameters(&desired, false);
    let parameters = parameters.each_ref().map(Option::as_deref);
    let answer = connection.run(inspect::QUERY, &parameters).await.map_err(|error| {
        let problem = database_problem("the inspection of the database", &error);
        chart.fail(ROLE, Cause::Inspection, problem)
    })?;
    let observed = Observed::read(answer.as_deref());
    let observed = observed.map_err(|e| chart.fail(ROLE, Cause::Inspection, e.problem()))?;
    chart.pass(ROLE, role(&observed));
    judge(chart, &observed, &desired)
}

fn role(observed: &Observed) -> String {
    let Observed { role, session_role, server_version, .. } = observed;
    let mut found = format!("{role} on PostgreSQL {}", server_version / 10_000);
    if role != session_role {
        found.push_str(&format!(", logged in as {session_role}"));
    }
    let attributes = [
        (observed.superuser, "superuser"),
        (observed.create_role, "may create roles"),
        (observed.create_database, "may create databases"),
    ];
    for (_, words) in attributes.iter().filter(|(has, _)| *has) {
        found.push_str(&format!(", {words}"));
    }
    let groups: Vec<_> = observed.member_of.iter().map(Ident::to_string).collect();
    if !groups.is_empty() {
        found.push_str(&format!(", member of {}", groups.join(", ")));
    }
    found
}

fn judge<E: Edge>(
    chart: &mut Chart<'_, E>,
    observed: &Observed,
    desired: &Desired,
) -> Result<(), Stop> {
    let plan = plan::plan(observed, desired);
    if let Err(error) = &plan
        && of_privileges(error)
    {
        return Err(chart.fail(PRIVILEGES, Cause::of_plan(error), error.problem()));
    }
    chart.pass(PRIVILEGES, privileges(observed, desired));
    warn_of_public(chart, observed);
    match plan {
        Ok(plan) => {
            chart.pass(BOOTSTRAP, prepared(&plan, observed));
            Ok(())
        }
        Err(error) => Err(chart.fail(BOOTSTRAP, Cause::of_plan(&error), error.problem())),
    }
}

fn of_privileges(error: &PlanError) -> bool {
    matches!(Cause::of_plan(error), Cause::NoCreate | Cause::ForeignSchema | Cause::Settings)
}

fn privileges(observed: &Observed, desired: &Desired) -> String {
    let (database, schema) = (&observed.database, &desired.schema);
    let may = if observed.can_create { "CONNECT and CREATE" } else { "CONNECT" };
    let rest = match &observed.schema {
        None => format!("schema {schema} is still to be created"),
        Some(found) if found.owner == observed.role => format!("schema {schema} is its own"),
        Some(found) => format!("schema {schema} belongs to {}", found.owner),
    };
    format!("{may} on database {database}; {rest}")
}

fn warn_of_public<E: Edge>(chart: &mut Chart<'_, E>, observed: &Observed) {
    let database = &observed.database;
    if observed.public_may_create() {
        chart.warn(
            PRIVILEGES,
            Cause::PublicCreate,
            format!("every role may create schemas in database {database}"),
            "As an admin, once the application has started: `lakegate tighten`.".into(),
        );
    }
    if !observed.public_privileges.iter().any(|privilege| privilege == "CONNECT") {
        chart.warn(
            PRIVILEGES,
            Cause::PublicConnectRevoked,
            format!("nobody may connect to database {database} who was not named"),
            format!(
                "Lakebase's own roles (databricks_writer_…, databricks_reader_…) need that right. \
                 If it was not taken on purpose, as an admin of the database:\n\
                 GRANT CONNECT ON DATABASE {database} TO PUBLIC;"
            ),
        );
    }
}

fn prepared(plan: &Plan, observed: &Observed) -> String {
    let schema = &plan.schema;
    let rows = observed.ledger.as_ref().and_then(|ledger| ledger.rows.as_deref());
    let ledger = match rows.unwrap_or_default() {
        [] => String::new(),
        rows @ [.., last] => format!(", migrations: {}, the last `{}`", rows.len(), last.name),
    };
    match plan.steps().count() {
        0 => format!("schema {schema} is ready{ledger}"),
        1 => format!("schema {schema} lacks 1 step: `lakegate bootstrap apply` does it{ledger}"),
        steps => format!(
            "schema {schema} lacks {steps} steps: `lakegate bootstrap apply` does them{ledger}"
        ),
    }
}
