//! What an administrator's run asks of the server.

use alloc::vec;
use alloc::vec::Vec;

use serde_json::json;

use super::*;
use crate::bootstrap::admin::Grantee;
use crate::flow::fake::{Exchange, FakeDatabase, FakeEdge, refusal};

fn server(database: bool, role_may_create: bool, public_may_create: bool) -> Exchange {
    let answer = json!({
        "role": "admin", "may_create_database": true, "database_exists": database,
        "role_exists": true, "role_may_create": role_may_create, "role_may_connect": true,
        "public_may_create": public_may_create, "databricks_auth": false,
    });
    ("SELECT pg_catalog.json_build_object", Ok(Some(alloc::format!("{answer}"))))
}

#[track_caller]
fn check_setup(exchanges: Vec<Exchange>, mode: Mode, expected: Result<usize, &str>) {
    let grantee = Grantee::Role("app".parse().unwrap());
    let what = Setup { database: "db".parse().unwrap(), grantee, create_role: false };
    let edge = FakeEdge::default();
    let outcome = edge.run(setup(&edge, &FakeDatabase::new(exchanges), &what, mode));
    let outcome = outcome.as_ref().map(|plan| plan.steps.len());
    assert_eq!(outcome.map_err(|problem| problem.message.as_str()), expected);
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
        vec![before(), create(refusal("42501"))],
        Mode::Apply,
        Err("create database \"db\" failed: no (SQLSTATE 42501)"),
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

#[test]
fn tighten_is_one_statement() {
    let what = Tighten { database: "db".parse().unwrap(), role: "app".parse().unwrap() };
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
