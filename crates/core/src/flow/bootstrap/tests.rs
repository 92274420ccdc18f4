//! How many round trips it takes, and what is tried again.

use alloc::string::ToString;
use alloc::vec;

use serde_json::json;

use super::*;
use crate::bootstrap::Verdict;
use crate::bootstrap::fixture;
use crate::flow::fake::{Exchange, FakeDatabase, FakeEdge, refusal};
use crate::migrations::Migration;

fn empty() -> Exchange {
    ("WITH\n  me AS", Ok(Some(fixture::empty(json!({})))))
}

fn complete() -> Exchange {
    ("WITH\n  me AS", Ok(Some(fixture::complete(json!({})))))
}

fn unfinished() -> Exchange {
    let row = json!({
        "version": 1, "name": "1_a.sql", "sha256": "", "applied_at": "", "applied_by": "app",
        "milliseconds": null, "lakegate": "",
    });
    let ledger = json!({"ledger": {"owner": "app", "rows": [row]}});
    ("WITH\n  me AS", Ok(Some(fixture::complete(ledger))))
}

fn block(answer: Result<Option<String>, DatabaseError>) -> Exchange {
    ("DO $lakegate", answer)
}

/// What happens is told as: what was done or the failure, then the notices.
#[track_caller]
fn check(exchanges: Vec<Exchange>, expected: Result<usize, (Kind, &str)>, notices: &[&str]) {
    let edge = FakeEdge::default();
    let database = FakeDatabase::new(exchanges);
    let desired = Desired::new("s".parse().unwrap());
    let outcome = edge.run(apply(&edge, &database, &desired));
    let outcome = outcome.as_ref().map(|report| report.done.len());
    assert_eq!(outcome.map_err(|problem| (problem.kind, problem.message.as_str())), expected);
    assert_eq!(edge.notices(), notices);
}

const WAITING: [&str; 5] = [
    "waiting for another replica to finish the bootstrap, 25 s at most",
    "waiting for another replica to finish the bootstrap, 20 s at most",
    "waiting for another replica to finish the bootstrap, 15 s at most",
    "waiting for another replica to finish the bootstrap, 10 s at most",
    "waiting for another replica to finish the bootstrap, 5 s at most",
];

#[test]
fn two_round_trips_for_a_new_database_and_one_afterwards() {
    check(vec![empty(), block(Ok(None))], Ok(3), &[]);
    check(vec![complete()], Ok(0), &[]);
}

#[test]
fn looks_again_when_another_replica_was_faster() {
    check(vec![empty(), block(refusal("LG001")), complete()], Ok(0), &[]);
    check(vec![empty(), block(refusal("23505")), empty(), block(Ok(None))], Ok(3), &[]);
    let races = (0..=MAX_RACES).flat_map(|_| [empty(), block(refusal("LG001"))]);
    check(
        races.collect(),
        Err((
            Kind::Conflict,
            "the schema was changed by others 16 times meanwhile: no (SQLSTATE LG001)",
        )),
        &[],
    );
}

#[test]
fn waits_for_another_replica_and_says_so() {
    check(vec![empty(), block(refusal("55P03")), block(Ok(None))], Ok(3), &WAITING[..1]);
    let mut exchanges = vec![empty()];
    exchanges.extend((0..6).map(|_| block(refusal("55P03"))));
    let over = "another replica was still at the bootstrap after 30 s: no (SQLSTATE 55P03)";
    check(exchanges, Err((Kind::Timeout, over)), &WAITING);
    check(vec![unfinished(), complete()], Ok(0), &WAITING[..1]);
    check(
        (0..6).map(|_| unfinished()).collect(),
        Err((Kind::Conflict, "`1_a.sql` was started by app at  and has not ended")),
        &WAITING,
    );
}

#[test]
fn other_failures_end_it() {
    let lost = || Err(DatabaseError::Lost { detail: "reset".to_string() });
    check(
        vec![empty(), block(lost())],
        Err((Kind::Unavailable, "the bootstrap failed: the connection was lost: reset")),
        &[],
    );
    check(
        vec![empty(), block(refusal("42501"))],
        Err((Kind::Statement, "the bootstrap failed: no (SQLSTATE 42501)")),
        &[],
    );
    check(
        vec![("WITH", refusal("57P01"))],
        Err((Kind::Unavailable, "the inspection of the database failed: no (SQLSTATE 57P01)")),
        &[],
    );
    check(
        vec![("WITH", Ok(None))],
        Err((Kind::Internal, "the database gave no answer to the inspection")),
        &[],
    );
}

#[test]
fn an_error_of_a_script_is_never_taken_for_a_race() {
    let context = "SQL statement \"-- lakegate: script 1_a.sql\nINSERT\"";
    let error = ServerError {
        code: "23505".into(),
        message: "duplicate key".into(),
        context: Some(context.into()),
        ..Default::default()
    };
    let mut desired = Desired::new("s".parse().unwrap());
    desired.migrations = Migration::read_folder([("1_a.sql", "INSERT")]).unwrap();
    let failed = block(Err(DatabaseError::Server(error.into())));
    let database = FakeDatabase::new([empty(), failed]);
    let edge = FakeEdge::default();
    let problem = edge.run(apply(&edge, &database, &desired)).unwrap_err();
    assert_eq!(problem.message, "1_a.sql: duplicate key (SQLSTATE 23505)");
    assert_eq!(problem.advice, "Everything is undone: the database is as it was.");
}

#[test]
fn verify_lists_what_differs_and_changes_nothing() {
    let desired = Desired::new("s".parse().unwrap());
    let edge = FakeEdge::default();
    let findings = |exchange| edge.run(verify(&FakeDatabase::new([exchange]), &desired)).unwrap();
    assert_eq!(findings(complete()), []);
    let found = findings(empty());
    let texts: Vec<_> = found.iter().map(|finding| finding.text.as_str()).collect();
    assert!(found.iter().all(|finding| finding.drift));
    assert_eq!(
        texts,
        [
            "to do: create schema \"s\"",
            "to do: default privileges on future tables for \"app\"",
            "to do: default privileges on future sequences for \"app\"",
        ]
    );
}

/// A ledger with one migration that was cut off, and then with it done.
fn ledgers() -> [Exchange; 2] {
    let files = fixture::desired(&[fixture::A]).migrations;
    [None, Some(0)].map(|milliseconds| {
        let ledger = fixture::ledger(&[fixture::row(&files[0], milliseconds)]);
        ("WITH\n  me AS", Ok(Some(fixture::complete(ledger))))
    })
}

#[test]
fn a_repair_is_planned_and_done() {
    #[track_caller]
    fn check(
        exchanges: Vec<Exchange>,
        verdict: Option<Verdict>,
        mode: Mode,
        expected: Result<usize, &str>,
    ) {
        let (edge, database) = (FakeEdge::default(), FakeDatabase::new(exchanges));
        let desired = fixture::desired(&[fixture::A]);
        let entry = Entry::Repair { verdict };
        let outcome = edge.run(write_down(&edge, &database, &desired, entry, mode));
        let steps = outcome.as_ref().map(|plan| plan.steps().count());
        assert_eq!(steps.map_err(|problem| problem.message.as_str()), expected);
        // A person is to look: nobody is waited for.
        assert_eq!(edge.notices(), [""; 0]);
    }
    let finished = Some(Verdict::Finished(1));
    let [open, done] = ledgers();
    let open = || open.clone();
    check(vec![open()], finished, Mode::Plan, Ok(1));
    check(vec![open(), block(Ok(None))], finished, Mode::Apply, Ok(1));
    check(vec![open(), block(refusal("LG001")), done], finished, Mode::Apply, Ok(0));
    let told = "`1_a.sql` was started by app at 2026-01-01T12:00:00+00:00 and has not ended";
    check(vec![open()], None, Mode::Plan, Err(told));
    check(vec![open()], None, Mode::Apply, Err(told));
}

#[test]
fn a_baseline_is_planned_and_done() {
    let desired = fixture::desired(&[fixture::A, fixture::B]);
    let edge = FakeEdge::default();
    let marked = |exchanges: Vec<Exchange>, mode| {
        let database = FakeDatabase::new(exchanges);
        let entry = Entry::Baseline { through: Some(1) };
        edge.run(write_down(&edge, &database, &desired, entry, mode)).unwrap().steps().count()
    };
    assert_eq!(marked(vec![complete()], Mode::Plan), 2, "the ledger and one migration");
    assert_eq!(marked(vec![complete(), block(Ok(None))], Mode::Apply), 2);
}
