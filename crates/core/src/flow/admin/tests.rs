//! What an administrator's run asks of the server.

use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::*;
use crate::bootstrap::admin::Grantees;
use crate::flow::fake::{Exchange, FakeDatabase, FakeEdge, refusal};

/// What the server looks like: whether the database is there, the application's role may create
/// schemas in it, and everybody may.
pub(in crate::flow) fn server(database: bool, role: bool, everybody: bool) -> Exchange {
    let public = if everybody { vec!["CONNECT", "CREATE"] } else { vec!["CONNECT"] };
    let database = database.then(|| {
        json!({
            "owner": "admin", "acts_as": "admin", "may_grant": true, "public": public,
            "public_grantors": [], "creators": [],
        })
    });
    let role = |name| {
        let own = role.then_some(name);
        json!({"name": name, "login": true, "may_connect": true, "creates_as": own})
    };
    looks(json!({
        "role": "admin", "may_create_database": true, "auth_installed": false,
        "auth_available": false, "identities": null, "database": database,
        "roles": [role("app"), role("sp")],
    }))
}

/// A server where databricks_auth is, and the application has no role and no database.
fn lakebase() -> Exchange {
    looks(json!({
        "role": "admin", "may_create_database": true, "auth_installed": true,
        "auth_available": true, "identities": [], "database": null, "roles": [],
    }))
}

fn looks(answer: serde_json::Value) -> Exchange {
    ("WITH\n  me AS", Ok(Some(format!("{answer}"))))
}

#[track_caller]
fn check_setup(exchanges: Vec<Exchange>, mode: Mode, expected: Result<usize, &str>) {
    let outcome = run_setup(exchanges, mode);
    let outcome = outcome.as_ref().map(|plan| plan.steps.len());
    assert_eq!(outcome.map_err(|problem| problem.message.as_str()), expected);
}

fn run_setup(exchanges: Vec<Exchange>, mode: Mode) -> Result<AdminPlan, Problem> {
    let grantees = Grantees::Roles(vec!["app".parse().unwrap()]);
    let what = Setup { database: "db".parse().unwrap(), grantees };
    let edge = FakeEdge::default();
    edge.run(setup(&edge, &FakeDatabase::new(exchanges), &what, mode))
}

#[test]
fn setup_looks_before_and_after() {
    let create = |answer| ("CREATE DATABASE \"db\"", answer);
    let grant = || ("GRANT CREATE, CONNECT ON DATABASE \"db\" TO \"app\"", Ok(None));
    let (before, after) = (|| server(false, false, false), || server(true, true, false));
    check_setup(vec![before()], Mode::Plan, Ok(2));
    check_setup(vec![before(), create(Ok(None)), grant(), after()], Mode::Apply, Ok(2));
    check_setup(vec![before(), create(refusal("42P04")), grant(), after()], Mode::Apply, Ok(2));
    check_setup(vec![before(), create(refusal("23505")), grant(), after()], Mode::Apply, Ok(2));
    check_setup(vec![after()], Mode::Apply, Ok(0));
    check_setup(
        vec![before(), create(Ok(None)), grant(), server(true, false, false)],
        Mode::Apply,
        Err("the privileges on database \"db\" did not change"),
    );
    check_setup(
        vec![before(), create(refusal("53100"))],
        Mode::Apply,
        Err("create database \"db\" failed: no (SQLSTATE 53100)"),
    );
}

#[test]
fn setup_looks_again_when_somebody_else_was_at_it() {
    let create = || ("CREATE DATABASE \"db\"", Ok(None));
    let grant = |answer| ("GRANT CREATE, CONNECT ON DATABASE \"db\" TO \"app\"", answer);
    let (before, half) = (|| server(false, false, false), || server(true, false, false));
    let raced = || grant(refusal("XX000"));
    let mut exchanges = vec![before(), create(), raced(), half(), grant(Ok(None))];
    exchanges.push(server(true, true, false));
    check_setup(exchanges, Mode::Apply, Ok(2));

    let mut for_ever = vec![before(), create()];
    for_ever.extend((0..=MAX_RACES).flat_map(|_| [raced(), half()]));
    let unmet = Err("the privileges on database \"db\" did not change");
    check_setup(for_ever, Mode::Apply, unmet);
}

const CREATE_ROLE: &str =
    "DO $lakegate$\nBEGIN\n  PERFORM databricks_create_role('app', 'SERVICE_PRINCIPAL');";

#[test]
fn a_role_that_is_not_made_is_explained() {
    let refused = |code| vec![lakebase(), (CREATE_ROLE, refusal(code))];
    for (code, expected) in [
        ("22023", "the workspace knows no identity \"app\", so no role was made for it"),
        ("42883", "there is no function databricks_create_role to make role \"app\" with"),
        ("53200", "create role \"app\" failed: no (SQLSTATE 53200)"),
    ] {
        check_setup(refused(code), Mode::Apply, Err(expected));
    }
    // Somebody else made it at that moment.
    let mut exchanges = refused("42710");
    exchanges.push(("CREATE DATABASE \"db\"", Ok(None)));
    exchanges.push(("GRANT CREATE, CONNECT ON DATABASE \"db\" TO \"app\"", Ok(None)));
    exchanges.push(server(true, true, false));
    check_setup(exchanges, Mode::Apply, Ok(3));
}

#[test]
fn what_is_forbidden_is_left_to_others() {
    let plan = run_setup(vec![lakebase(), (CREATE_ROLE, refusal("42501"))], Mode::Apply).unwrap();
    assert_eq!(plan.obstacles, ["create role \"app\" failed: no (SQLSTATE 42501)"]);
    assert_eq!((plan.steps.len(), plan.notes.len()), (3, 0), "all of it is left");

    let before = server(false, false, false);
    let created = ("CREATE DATABASE \"db\"", Ok(None));
    let granted = ("GRANT CREATE, CONNECT ON DATABASE \"db\" TO \"app\"", refusal("42501"));
    let plan = run_setup(vec![before, created, granted], Mode::Apply).unwrap();
    assert_eq!(plan.steps.len(), 1);
    assert_eq!(plan.notes, ["done before that: create database \"db\""]);
    assert_eq!(plan.obstacles.len(), 1);
}

#[test]
fn tighten_is_one_statement() {
    let what = Tighten { database: "db".parse().unwrap(), roles: vec!["app".parse().unwrap()] };
    let exchanges = [
        server(true, false, true),
        ("DO $lakegate$\nBEGIN\n  REVOKE CREATE ON DATABASE \"db\" FROM PUBLIC;", Ok(None)),
        server(true, true, false),
    ];
    let database = FakeDatabase::new(exchanges);
    let edge = FakeEdge::default();
    let plan = edge.run(tighten(&edge, &database, &what, Mode::Apply)).unwrap();
    assert_eq!(plan.steps.len(), 1);
}
