//! Which logins are tried, how often and for how long.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use super::*;
use crate::edge::ServerError;
use crate::flow::fake::chain::{buy, buy_answer, grant, local, oauth};
use crate::flow::fake::{FakeEdge, Knock, Turn, refusal};
use crate::problem::Kind;

const P1: &str = "me:P1@h.example:5432/app";
const P2: &str = "me:P2@h.example:5432/app";
const DEV: &str = "dev:pw@localhost:5432/app plainly";

fn server<T>(code: &str, message: &str) -> Result<T, DatabaseError> {
    let report = ServerError { code: code.into(), message: message.into(), ..Default::default() };
    Err(DatabaseError::Server(Box::new(report)))
}

fn dead<T>() -> Result<T, DatabaseError> {
    server("28P01", "OAuth: User is not authorized")
}

fn unreachable<T>() -> Result<T, DatabaseError> {
    Err(DatabaseError::Unreachable { detail: "connection refused".into() })
}

fn other<T>(detail: &str) -> Result<T, DatabaseError> {
    Err(DatabaseError::Other { detail: detail.into() })
}

fn open() -> Result<Vec<crate::flow::fake::Exchange>, DatabaseError> {
    Ok(vec![])
}

/// Logs in with a token of this age, in seconds. Tells the failure, the notices and how many
/// seconds it took.
#[track_caller]
fn log_in<const N: usize>(
    age: u64,
    renewal: Option<Turn>,
    knocks: [Knock; N],
) -> (Result<(), Problem>, Vec<String>, u64) {
    let edge = oauth();
    edge.expect([grant("W1"), buy("W1", "P1")]);
    let connector = Connector::new(edge.clone());
    edge.run(connector.current()).unwrap();
    edge.pass(age);
    edge.expect(renewal);
    let began = edge.seconds();
    let outcome = log_in_with(&edge, &connector, knocks);
    let told = (outcome, edge.notices(), edge.seconds() - began);
    edge.end();
    told
}

fn log_in_with<const N: usize>(
    edge: &FakeEdge,
    connector: &Connector<FakeEdge>,
    knocks: [Knock; N],
) -> Result<(), Problem> {
    edge.expect_logins(knocks);
    edge.run(connector.open(None, WAKE_UP)).map(drop)
}

/// A refusal, in either shape that a host gives it.
fn check_refused(outcome: Result<(), Problem>, kind: Kind, message: &str) {
    let problem = outcome.unwrap_err();
    assert_eq!((problem.kind, &*problem.message), (kind, message));
}

#[test]
fn a_refused_token_in_use_is_replaced_once() {
    let renewal = || Some(buy("W1", "P2"));
    let (outcome, notices, _) = log_in(60, renewal(), [(P1, dead()), (P2, open())]);
    assert_eq!((outcome, notices.len()), (Ok(()), 0));
    let text = "db error: FATAL: OAuth: User is not authorized";
    let (outcome, ..) = log_in(60, renewal(), [(P1, other(text)), (P2, open())]);
    assert_eq!(outcome, Ok(()));
    let (outcome, ..) = log_in(60, renewal(), [(P1, dead()), (P2, dead())]);
    check_refused(
        outcome,
        Kind::Login,
        "h.example refused the login of \"me\" to database \"app\": OAuth: User is not \
         authorized (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity",
    );
}

#[test]
fn a_fresh_token_is_not_replaced() {
    let (outcome, ..) = log_in(0, None, [(P1, dead())]);
    check_refused(
        outcome,
        Kind::Login,
        "h.example refused the login of \"me\" to database \"app\": OAuth: User is not \
         authorized (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity",
    );
}

#[test]
fn no_new_token_is_the_end_of_it() {
    let denied = buy_answer("W1", "demo", 400, "");
    let (outcome, ..) = log_in(60, Some(denied), [(P1, dead())]);
    check_refused(outcome, Kind::Denied, "the credential for instance `demo` was refused (400)");
}

#[test]
fn a_server_that_wakes_up_is_waited_for() {
    let error = |name| match name {
        "unreachable" => unreachable(),
        "lost" => Err(DatabaseError::Lost { detail: "reset".into() }),
        "text" => other("the database system is starting up"),
        code => refusal(code),
    };
    for asleep in ["unreachable", "lost", "text", "57P03", "08006", "08001", "53300"] {
        let knocks = [(P1, error(asleep)), (P1, error(asleep)), (P1, open())];
        let (outcome, notices, seconds) = log_in(60, None, knocks);
        assert_eq!((outcome, notices.len(), seconds), (Ok(()), 2, 3), "{asleep}");
    }
    let (_, notices, _) = log_in(60, None, [(P1, unreachable()), (P1, open())]);
    assert_eq!(
        notices,
        ["h.example lets nobody in yet (no connection: connection refused); trying again for \
             119 s"]
    );
}

#[test]
fn two_minutes_are_enough() {
    // After 1, 3, 7, 15, 25, 35, … 115 and 120 seconds.
    let knocks = [(); 16].map(|()| (P1, unreachable()));
    let (outcome, notices, seconds) = log_in(60, None, knocks);
    check_refused(outcome, Kind::Unavailable, "h.example:5432: no connection: connection refused");
    assert_eq!((notices.len(), seconds), (15, 120));
}

#[test]
fn a_token_that_died_meanwhile_is_replaced() {
    let knocks = [(P1, refusal("57P03")), (P1, dead()), (P2, refusal("57P03")), (P2, open())];
    let (outcome, notices, _) = log_in(60, Some(buy("W1", "P2")), knocks);
    assert_eq!((outcome, notices.len()), (Ok(()), 2));
}

#[test]
fn what_waiting_does_not_mend_is_told_at_once() {
    let missing = "database \"app\" does not exist";
    let refused = "h.example refused the login of \"me\" to database \"app\": ";
    for (code, message, end) in [
        ("3D000", missing, " (SQLSTATE 3D000)"),
        ("42501", "permission denied for database \"app\"", " (SQLSTATE 42501)"),
        ("08006", "Connection closed unexpectedly", " (SQLSTATE 08006)"),
        ("", missing, ""),
    ] {
        let (outcome, notices, seconds) = log_in(60, None, [(P1, server(code, message))]);
        check_refused(outcome, Kind::Login, &format!("{refused}{message}{end}"));
        assert_eq!((notices.len(), seconds), (0, 0), "{message}");
        if code.is_empty() {
            let (outcome, ..) = log_in(60, None, [(P1, other(message))]);
            check_refused(outcome, Kind::Login, &format!("{refused}{message}"));
        }
    }
    let (outcome, ..) = log_in(60, None, [(P1, other("strange"))]);
    check_refused(outcome, Kind::Unavailable, "h.example:5432: strange");
}

#[test]
fn a_server_that_is_not_to_be_trusted_is_not_asked_twice() {
    let detail = "unknown issuer".into();
    let (outcome, notices, _) = log_in(60, None, [(P1, Err(DatabaseError::Tls { detail }))]);
    let problem = outcome.unwrap_err();
    assert_eq!(problem.message, "h.example:5432: the TLS handshake failed: unknown issuer");
    assert_eq!(
        problem.advice,
        "No password was sent. Check that h.example is the server you mean; if a private \
         authority signed its certificate, name that authority's file in SSL_CERT_FILE."
    );
    assert_eq!((problem.kind, notices.len()), (Kind::Denied, 0));
}

#[test]
fn local_mode_has_no_second_password() {
    let edge = local();
    let connector = Connector::new(edge.clone());
    assert_eq!(log_in_with(&edge, &connector, [(DEV, open())]), Ok(()));
    let wrong = server("28P01", "password authentication failed for user \"dev\"");
    let problem = log_in_with(&edge, &connector, [(DEV, wrong)]).unwrap_err();
    assert_eq!(
        problem.message,
        "localhost refused the login of \"dev\" to database \"app\": password authentication \
         failed for user \"dev\" (SQLSTATE 28P01); it looks like a wrong password"
    );
    assert_eq!(
        problem.advice,
        "Check POSTGRES_USER and POSTGRES_PASSWORD, and that localhost is the server you mean. A \
         database of Databricks takes tokens: set ENV=PROD for those."
    );
    edge.unset("POSTGRES_PASSWORD");
    let problem = log_in_with(&edge, &connector, []).unwrap_err();
    assert_eq!(problem.kind, Kind::Configuration);
    assert_eq!(problem.message, "the secret POSTGRES_PASSWORD is no longer set");
    edge.end();
}

#[test]
fn a_person_with_a_token_needs_to_know_no_more_than_the_place() {
    let edge = FakeEdge::new(&[("POSTGRES_HOST", "h.example"), ("POSTGRES_DB", "app")], &[]);
    let connector = Connector::new(edge.clone());
    let token = Secret::new("T");
    let enter = |answer| {
        edge.expect_logins([("a@b.example:T@h.example:5432/postgres", answer)]);
        edge.run(connector.open_as("a@b.example", &token, "postgres")).map(drop)
    };
    assert_eq!(enter(open()), Ok(()));
    let problem = enter(dead()).unwrap_err();
    assert_eq!(
        problem.message,
        "h.example refused the login of \"a@b.example\" to database \"postgres\": OAuth: User is \
         not authorized (SQLSTATE 28P01); it looks like an expired token or a wrong identity"
    );
    assert_eq!(
        problem.advice,
        "Bring a new database credential; it lives an hour, and logs in only \"a@b.example\" if \
         \"a@b.example\" asked for it."
    );
    edge.end();
}
