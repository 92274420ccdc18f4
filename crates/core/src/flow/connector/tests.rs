//! What an application gets, in both modes.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::vec;

use super::*;
use crate::flow::fake::FakeEdge;
use crate::flow::fake::chain::{buy, buy_answer, grant, grant_answer, local, oauth};
use crate::problem::Kind;
use crate::token::State;

fn connector(edge: &FakeEdge) -> Rc<Connector<FakeEdge>> {
    Rc::new(Connector::new(edge.clone()))
}

/// A connector with its first token, minted at second 0.
fn started(edge: &FakeEdge) -> Rc<Connector<FakeEdge>> {
    let connector = connector(edge);
    edge.expect([grant("W1"), buy("W1", "P1")]);
    check(&connector, edge.run(connector.current()), Ok((1, "P1")));
    connector
}

fn report(code: &str, message: &str) -> ServerError {
    ServerError { code: code.into(), message: message.into(), ..ServerError::default() }
}

fn dead() -> ServerError {
    report("28P01", "OAuth: User is not authorized")
}

/// The secret of a generation.
#[track_caller]
fn revealed(connector: &Connector<FakeEdge>, generation: u64) -> Option<String> {
    let secret = connector.edge.run(connector.reveal(generation));
    secret.map(|it| it.expose().to_owned())
}

/// The generation with its secret, or the message.
#[track_caller]
fn check(
    connector: &Connector<FakeEdge>,
    outcome: Result<Ticket, Problem>,
    expected: Result<(u64, &str), &str>,
) {
    let outcome = outcome.as_ref().map(|ticket| ticket.generation);
    let secret = |generation| revealed(connector, generation);
    assert_eq!(
        outcome.map(|generation| (generation, secret(generation))).map_err(|p| &*p.message),
        expected.map(|(generation, secret)| (generation, Some(secret.to_owned())))
    );
}

#[test]
fn a_ticket_says_where_to_log_in_and_for_how_long() {
    let edge = oauth();
    let connector = connector(&edge);
    edge.expect([grant("W1"), buy("W1", "P1")]);
    let expected = Ticket {
        generation: 1,
        server: Server { host: "h.example".into(), port: 5432, plaintext: false },
        user: "me".into(),
        database: "app".into(),
        schema: "s".into(),
        // Forty seconds less than the hour, and the two requests took a little.
        validity: Some(Validity { left: Duration::from_millis(3_559_980), until: 3_560_000 }),
    };
    assert_eq!(edge.run(connector.current()), Ok(expected));
    edge.pass(2_999);
    check(&connector, edge.run(connector.current()), Ok((1, "P1")));
    edge.end();
}

#[test]
fn all_who_ask_at_once_share_one_mint() {
    let edge = oauth();
    let connector = connector(&edge);
    edge.expect([grant("W1"), buy("W1", "P1")]);
    let generations = Rc::new(RefCell::new(vec![]));
    for _ in 0..100 {
        let (connector, generations) = (Rc::clone(&connector), Rc::clone(&generations));
        edge.spawn(Box::pin(async move {
            let ticket = connector.current().await;
            generations.borrow_mut().push(ticket.map(|ticket| ticket.generation));
        }));
    }
    edge.pass(1);
    assert_eq!(*generations.borrow(), vec![Ok(1); 100]);
    edge.end();
}

#[test]
fn renewed_waits_for_50_minutes_and_both_secrets_stay_known() {
    let edge = oauth();
    let connector = started(&edge);
    check(&connector, edge.run(connector.renewed(0)), Ok((1, "P1")));
    // The workspace token is as old: it buys once more while its successor is on the way.
    edge.expect([buy("W1", "P2"), grant("W2")]);
    check(&connector, edge.run(connector.renewed(1)), Ok((2, "P2")));
    assert_eq!(edge.seconds(), 3_000);
    let secret = |generation| revealed(&connector, generation);
    assert_eq!((secret(1), secret(2)), (Some("P1".into()), Some("P2".into())));
    edge.expect([buy("W2", "P3"), grant("W3")]);
    check(&connector, edge.run(connector.renewed(2)), Ok((3, "P3")));
    assert_eq!(
        [0, 1, 2, 3, 4].map(|generation| secret(generation).is_some()),
        [false, false, true, true, false]
    );
    edge.pass(1);
    edge.end();
}

#[test]
fn a_refused_token_in_use_costs_one_mint_whoever_reports_it() {
    let edge = oauth();
    let connector = started(&edge);
    edge.pass(60);
    edge.expect([buy("W1", "P2")]);
    check(&connector, edge.run(connector.refused(1, &dead())), Ok((2, "P2")));
    check(&connector, edge.run(connector.refused(1, &dead())), Ok((2, "P2")));
    // The new one is fresh: a third would be refused, too.
    let looks = "h.example refused the login of \"me\" to database \"app\": OAuth: User is not \
        authorized (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity";
    check(&connector, edge.run(connector.refused(2, &dead())), Err(looks));
    // It stays in service: it may be the role that is wrong, and somebody may mend that.
    check(&connector, edge.run(connector.current()), Ok((2, "P2")));
    edge.pass(600);
    edge.expect([buy("W1", "P3")]);
    check(&connector, edge.run(connector.refused(2, &dead())), Ok((3, "P3")));
    // One that nobody remembers: its successor is there.
    check(&connector, edge.run(connector.refused(1, &dead())), Ok((3, "P3")));
    edge.end();
}

#[test]
fn a_refusal_that_is_not_about_the_token_is_told_at_once() {
    let edge = oauth();
    let connector = started(&edge);
    edge.pass(60);
    let missing = report("3D000", "database \"app\" does not exist");
    let problem = edge.run(connector.refused(1, &missing)).unwrap_err();
    assert_eq!(problem.kind, Kind::Login);
    assert_eq!(problem.sqlstate.as_deref(), Some("3D000"));
    assert_eq!(
        problem.message,
        "h.example refused the login of \"me\" to database \"app\": database \"app\" does not \
         exist (SQLSTATE 3D000)"
    );
    assert_eq!(problem.advice, "Run `lakegate setup` as an admin, or:\nCREATE DATABASE \"app\";");
    edge.end();
}

#[test]
fn local_mode_has_one_password_for_ever() {
    let edge = local();
    let connector = connector(&edge);
    let expected = Ticket {
        generation: 1,
        server: Server { host: "localhost".into(), port: 5432, plaintext: true },
        user: "dev".into(),
        database: "app".into(),
        schema: "s".into(),
        validity: None,
    };
    assert_eq!(edge.run(connector.current()), Ok(expected));
    check(&connector, edge.run(connector.renewed(0)), Ok((1, "pw")));
    // It is read at each login, so that a changed one is used.
    edge.set("POSTGRES_PASSWORD", "new");
    check(&connector, edge.run(connector.current()), Ok((1, "new")));
    assert_eq!(revealed(&connector, 2), None);
    assert!(connector.health().is_none());
    let wrong = report("28P01", "password authentication failed for user \"dev\"");
    let problem = edge.run(connector.refused(1, &wrong)).unwrap_err();
    assert_eq!(
        problem.message,
        "localhost refused the login of \"dev\" to database \"app\": password authentication \
         failed for user \"dev\" (SQLSTATE 28P01); it looks like a wrong password"
    );
    edge.end();
}

#[test]
fn wrong_settings_are_read_again_and_good_ones_kept() {
    let edge = oauth();
    edge.set("POSTGRES_PORT", "x");
    edge.set("POSTGRES_USER", "somebody");
    let connector = connector(&edge);
    assert_eq!(revealed(&connector, 1), None);
    assert_eq!(connector.check().unwrap_err().kind, Kind::Configuration);
    for _ in 0..2 {
        let problem = edge.run(connector.current()).unwrap_err();
        assert_eq!(problem.kind, Kind::Configuration);
        assert_eq!(
            problem.message,
            "POSTGRES_PORT (environment) is `x`: it is not a port from 1 to 65535"
        );
    }
    edge.set("POSTGRES_PORT", "6543");
    assert_eq!(connector.check(), Ok(()));
    edge.expect([grant("W1"), buy("W1", "P1")]);
    assert_eq!(edge.run(connector.current()).unwrap().server.port, 6543);
    edge.set("POSTGRES_PORT", "x");
    assert_eq!(edge.run(connector.current()).unwrap().server.port, 6543);
    assert_eq!(
        edge.notices(),
        ["POSTGRES_USER (environment) is ignored: in OAuth mode the user is whoever mints the \
             token. Remove it."]
    );
    edge.end();
}

#[test]
fn health_tells_the_failure_while_the_token_serves() {
    let edge = oauth();
    let connector = connector(&edge);
    assert!(connector.health().is_none());
    edge.expect([grant_answer(401, r#"{"error":"invalid_client"}"#)]);
    let denied = "the workspace token for client `me` was denied (401): invalid_client";
    check(&connector, edge.run(connector.current()), Err(denied));
    assert_eq!(edge.seconds(), 0);
    let health = connector.health().unwrap();
    assert_eq!((health.life.state, health.life.generation), (State::Denied, None));
    assert_eq!(health.problem.unwrap().to_string(), denied);

    edge.pass(60);
    edge.expect([grant("W1"), buy("W1", "P1")]);
    check(&connector, edge.run(connector.current()), Ok((2, "P1")));
    let health = connector.health().unwrap();
    assert_eq!((health.life.state, health.problem), (State::Live, None));

    edge.expect([buy_answer("W1", "demo", 503, ""), grant("W2")]);
    let failed = "the credential for instance `demo` failed for now (503)";
    check(&connector, edge.run(connector.renewed(2)), Err(failed));
    let health = connector.health().unwrap();
    assert_eq!((health.life.state, health.life.generation), (State::Struggling, Some(2)));
    assert_eq!(health.problem.unwrap().to_string(), failed);
    edge.end();
}
