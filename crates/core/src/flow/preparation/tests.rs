//! Who logs in where for which flow, and what is refused before anybody does.

use alloc::boxed::Box;
use alloc::vec;

use serde_json::json;

use super::*;
use crate::bootstrap::fixture;
use crate::edge::{DatabaseError, ServerError};
use crate::flow::admin::tests::server;
use crate::flow::fake::chain::{buy, grant, local, oauth};
use crate::flow::fake::{Exchange, FakeEdge};
use crate::problem::Kind;

const APP: &str = "me:P1@h.example:5432/app";
const POSTGRES: &str = "me:P1@h.example:5432/postgres";
const PERSON: &str = "a@b.example:T@h.example:5432/postgres";

/// A world with a credential for the one who asks.
fn ready() -> (FakeEdge, Connector<FakeEdge>) {
    let edge = oauth();
    edge.expect([grant("W1"), buy("W1", "P1")]);
    (edge.clone(), Connector::new(edge))
}

/// A person who has a token, and no other setting than the place.
fn person() -> (FakeEdge, Connector<FakeEdge>, Admin) {
    let edge = FakeEdge::new(&[("POSTGRES_HOST", "h.example"), ("POSTGRES_DB", "app")], &[]);
    let admin = Admin { user: "a@b.example".into(), token: Secret::new("T") };
    (edge.clone(), Connector::new(edge), admin)
}

/// The application's role, named twice.
fn sp() -> [String; 2] {
    ["sp".into(), "sp".into()]
}

fn inspection(answer: String) -> Exchange {
    ("WITH\n  me AS", Ok(Some(answer)))
}

#[test]
fn a_wrong_wish_is_refused_before_anything_is_sent() {
    #[track_caller]
    fn check(edge: FakeEdge, wish: Wish, message: &str) {
        let connector = Connector::new(edge.clone());
        let problem = edge.run(connector.apply(wish.clone())).unwrap_err();
        assert_eq!((problem.kind, &*problem.message), (Kind::Configuration, message));
        assert_eq!(edge.run(connector.plan(wish.clone())).unwrap_err(), problem);
        assert_eq!(edge.run(connector.verify(wish)), Err(problem));
        edge.end();
    }
    let file = |name: &str| vec![(name.into(), "SELECT 1".into())];
    let migrations = file("no-number.sql");
    let wish = Wish { migrations, ..Wish::default() };
    check(oauth(), wish, "\"no-number.sql\" is no name for a migration");
    let wish = Wish { grants: vec![(String::new(), Access::Read)], ..Wish::default() };
    check(oauth(), wish, "a name in Postgres cannot be empty");
    let edge = local();
    edge.unset("POSTGRES_DB");
    check(edge, Wish::default(), "the database (POSTGRES_DB or PGDATABASE) is not set");
}

#[test]
fn a_bootstrap_is_two_round_trips_of_one_login() {
    let (edge, connector) = ready();
    let done = ("DO $lakegate", Ok(None));
    edge.expect_logins([(APP, Ok(vec![inspection(fixture::empty(json!({}))), done]))]);
    let report = edge.run(connector.apply(Wish::default())).unwrap();
    assert_eq!(report.done.len(), 3);
    assert_eq!(report.notes, [""; 0]);
    edge.expect_logins([(APP, Ok(vec![inspection(fixture::complete(json!({})))]))]);
    assert!(edge.run(connector.plan(Wish::default())).unwrap().steps().next().is_none());
    edge.expect_logins([(APP, Ok(vec![inspection(fixture::complete(json!({})))]))]);
    assert_eq!(edge.run(connector.verify(Wish::default())), Ok(vec![]));
    edge.end();
}

#[test]
fn notes_stand_in_the_report_and_are_no_notices() {
    let (edge, connector) = ready();
    let public = json!({"public_privileges": ["CREATE", "CONNECT", "TEMPORARY"]});
    edge.expect_logins([(APP, Ok(vec![inspection(fixture::complete(public))]))]);
    let report = edge.run(connector.apply(Wish::default())).unwrap();
    let note = "every role may create schemas in database \"db\"; `lakegate tighten` ends that";
    assert_eq!(report.notes, [note]);
    edge.end();
}

#[test]
fn a_missing_database_names_what_an_admin_runs() {
    let (edge, connector) = ready();
    let report = ServerError {
        code: "3D000".into(),
        message: "database \"app\" does not exist".into(),
        ..ServerError::default()
    };
    edge.expect_logins([(APP, Err(DatabaseError::Server(Box::new(report))))]);
    let problem = edge.run(connector.apply(Wish::default())).unwrap_err();
    assert_eq!(problem.advice, "Run `lakegate setup` as an admin, or:\nCREATE DATABASE \"app\";");
    edge.end();
}

#[test]
fn setup_is_done_from_the_database_that_every_server_has() {
    let steps = || {
        let create = ("CREATE DATABASE \"app\"", Ok(None));
        let grant = ("GRANT CREATE, CONNECT ON DATABASE \"app\" TO \"sp\"", Ok(None));
        vec![server(false, false, false), create, grant, server(true, true, false)]
    };
    let told = ["create database \"app\"", "let \"sp\" create schemas in \"app\""];
    let (edge, connector, admin) = person();
    edge.expect_logins([(PERSON, Ok(steps()))]);
    let plan =
        edge.run(connector.setup(Grantees::Roles(&sp()), Some(&admin), Mode::Apply)).unwrap();
    assert_eq!((plan.steps.len(), plan.notes.len()), (2, 0));
    assert_eq!(edge.notices(), told);
    edge.end();
    let (edge, connector) = ready();
    edge.expect_logins([(POSTGRES, Ok(steps()))]);
    edge.run(connector.setup(Grantees::Roles(&sp()), None, Mode::Apply)).unwrap();
    assert_eq!(edge.notices(), told);
    edge.end();
}

#[test]
fn a_setup_for_everybody_says_what_that_means() {
    let (edge, connector, admin) = person();
    let grant = ("GRANT CREATE ON DATABASE \"app\" TO PUBLIC", Ok(None));
    let steps = vec![server(true, false, false), grant, server(true, false, true)];
    edge.expect_logins([(PERSON, Ok(steps))]);
    let plan = edge.run(connector.setup(Grantees::Everybody, Some(&admin), Mode::Apply)).unwrap();
    assert_eq!(
        plan.notes,
        ["any role can now plant a schema in database \"app\"; once the application has \
             started, run `lakegate tighten`"]
    );
    assert_eq!(edge.notices(), ["let everybody create schemas in \"app\""]);
    edge.end();
}

#[test]
fn tighten_is_planned_and_done_by_a_person() {
    let (edge, connector, admin) = person();
    edge.expect_logins([(PERSON, Ok(vec![server(true, false, true)]))]);
    let planned = edge.run(connector.tighten(&sp(), Some(&admin), Mode::Plan)).unwrap();
    let block = ("DO $lakegate$\nBEGIN\n  REVOKE CREATE ON DATABASE \"app\"", Ok(None));
    let steps = vec![server(true, false, true), block, server(true, true, false)];
    edge.expect_logins([(PERSON, Ok(steps))]);
    let done = edge.run(connector.tighten(&sp(), Some(&admin), Mode::Apply)).unwrap();
    assert_eq!(planned, done);
    assert_eq!(edge.notices().len(), 1);
    edge.end();
}

#[test]
fn somebody_must_be_named() {
    let (edge, connector, admin) = person();
    let problem = edge.run(connector.tighten(&[], Some(&admin), Mode::Plan)).unwrap_err();
    assert_eq!(problem.message, "nobody is named who is to create schemas");
    edge.end();
}

#[test]
fn a_person_must_say_where() {
    let edge = FakeEdge::new(&[], &[]);
    let connector = Connector::new(edge.clone());
    let admin = Admin { user: "a@b.example".into(), token: Secret::new("T") };
    let outcome = edge.run(connector.tighten(&sp(), Some(&admin), Mode::Plan));
    let problem = outcome.unwrap_err();
    assert_eq!(problem.kind, Kind::Configuration);
    assert_eq!(
        problem.message,
        "the host (POSTGRES_HOST or PGHOST) is not set; the database (POSTGRES_DB or PGDATABASE) \
         is not set"
    );
    edge.end();
}

#[test]
fn the_settings_say_how_long_and_for_whom() {
    let edge = local();
    for (name, value) in [
        ("LAKEGATE_LOCK_TIMEOUT", "7"),
        ("LAKEGATE_STATEMENT_TIMEOUT", "8"),
        ("LAKEGATE_READERS", "both, reader"),
        ("LAKEGATE_WRITERS", "writer"),
    ] {
        edge.set(name, value);
    }
    let grants = vec![("both".into(), Access::Write), ("writer".into(), Access::Read)];
    let desired = Connector::new(edge).desired(Wish { grants, ..Wish::default() }).unwrap();
    assert_eq!((desired.lock_limit.as_secs(), desired.statement_limit.as_secs()), (7, 8));
    let grants: Vec<_> =
        desired.grants.iter().map(|grant| (grant.role.as_parameter(), grant.access)).collect();
    let expected = [("both", Access::Write), ("reader", Access::Read), ("writer", Access::Write)];
    assert_eq!(grants, expected, "one grant for each role, the greater of its two");
}
