//! The chain of two tokens, request by request.

use alloc::string::ToString;

use super::*;
use crate::edge::{Response, SendError, ServerError};
use crate::flow::connector::Connector;
use crate::flow::fake::chain::{buy, buy_answer, grant, grant_answer, me, oauth, person};
use crate::flow::fake::{FakeEdge, Turn, turn};

/// A chain whose first credential is there, after these requests.
#[track_caller]
fn started<const N: usize>(edge: &FakeEdge, turns: [Turn; N]) -> Connector<FakeEdge> {
    let connector = Connector::new(edge.clone());
    edge.expect(turns);
    assert_eq!(edge.run(connector.current()).unwrap().generation, 1);
    connector
}

/// The credential in use is refused at this second: these requests follow, and bring a new one with
/// this generation, or not.
#[track_caller]
fn check<const N: usize>(
    edge: &FakeEdge,
    connector: &Connector<FakeEdge>,
    second: u64,
    turns: [Turn; N],
    expected: Result<u64, &str>,
) {
    edge.pass(second - edge.seconds());
    let current = connector.health().unwrap().life.generation;
    let refusal = ServerError { code: "28P01".into(), ..ServerError::default() };
    edge.expect(turns);
    let outcome = edge.run(async {
        match current {
            Some(generation) => connector.refused(generation, &refusal).await,
            None => connector.current().await,
        }
    });
    let generation = outcome.as_ref().map(|ticket| ticket.generation);
    assert_eq!(generation.map_err(|problem| problem.message.as_str()), expected);
    edge.end();
}

#[test]
fn a_workspace_token_that_is_refused_is_replaced_once() {
    let edge = oauth();
    let connector = started(&edge, [grant("W1"), buy("W1", "P1")]);
    let refused = |with| buy_answer(with, "demo", 401, "");
    check(&edge, &connector, 60, [refused("W1"), grant("W2"), buy("W2", "P2")], Ok(2));
    let denied = Err("the credential for instance `demo` was denied (401)");
    check(&edge, &connector, 120, [refused("W2"), grant("W3"), refused("W3")], denied);
    // The next one is asked for after a minute, with a token that is no longer fresh.
    check(&edge, &connector, 181, [refused("W3"), grant("W4"), buy("W4", "P4")], Ok(4));
}

#[test]
fn a_403_may_be_an_expired_workspace_token() {
    let edge = oauth();
    let connector = started(&edge, [grant("W1"), buy("W1", "P1")]);
    let refused = buy_answer("W1", "demo", 403, "");
    check(&edge, &connector, 60, [refused, grant("W2"), buy("W2", "P2")], Ok(2));
}

#[test]
fn a_fresh_workspace_token_is_not_replaced() {
    for status in [401, 403] {
        let edge = oauth();
        let connector = Connector::new(edge.clone());
        edge.expect([grant("W1"), buy_answer("W1", "demo", status, "")]);
        let problem = edge.run(connector.current()).unwrap_err();
        let denied = alloc::format!("the credential for instance `demo` was denied ({status})");
        assert_eq!(problem.message, denied);
        edge.end();
    }
}

#[test]
fn a_credential_outlives_its_workspace() {
    let edge = oauth();
    let connector = started(&edge, [grant("W1"), buy("W1", "P1")]);
    let down = || grant_answer(503, "");
    let no_sale = || buy_answer("W1", "demo", 503, "");
    // At the refresh time of both, the first token still buys; then it is fetched anew, too.
    edge.expect([no_sale(), down()]);
    let problem = edge.run(connector.renewed(1)).unwrap_err();
    assert_eq!(problem.kind, Kind::Unavailable);
    assert_eq!(edge.run(connector.current()).unwrap().generation, 1);
    // Nobody asks for a while: the workspace token dies, the credential with it.
    edge.pass(600);
    edge.expect([down(), grant("W3"), buy("W3", "P3")]);
    assert_eq!(edge.run(connector.current()).unwrap().generation, 4);
    edge.end();
}

#[test]
fn the_workspace_is_not_asked_before_it_wants_to_be() {
    let edge = oauth();
    let connector = Connector::new(edge.clone());
    let headers = [("retry-after".into(), "200".into())].to_vec();
    let answer = Ok(Response { status: 429, headers, body: [].to_vec() });
    edge.expect([Turn { answer, ..grant_answer(429, "") }]);
    // However often somebody asks meanwhile: the reason is the same, and never that none is known.
    for end in [60, 120, 180] {
        let problem = edge.run(connector.current()).unwrap_err();
        assert_eq!(problem.message, "the workspace token for client `me` was throttled (429)");
        assert_eq!(problem.kind, Kind::Throttled);
        assert_eq!(edge.seconds(), end);
    }
    edge.expect([grant("W2"), buy("W2", "P2")]);
    assert_eq!(edge.run(connector.current()).unwrap().generation, 2);
    assert_eq!(edge.seconds(), 200);
    edge.end();
}

#[test]
fn the_place_of_the_tokens_is_searched_once() {
    let edge = oauth();
    let search = {
        let server = "GET https://w.example/oidc/.well-known/oauth-authorization-server";
        let found = r#"{"token_endpoint":"https://w.example/oidc/v2/token"}"#;
        [
            turn("GET https://w.example/.well-known/databricks-config", 404, ""),
            turn(server, 200, found),
        ]
    };
    let elsewhere = |token| {
        let usual = grant(token);
        Turn { request: usual.request.replace("v1", "v2"), ..usual }
    };
    let [config, server] = search;
    let first = [grant_answer(404, ""), config, server, elsewhere("W1"), buy("W1", "P1")];
    let connector = started(&edge, first);
    let refused = buy_answer("W1", "demo", 401, "");
    check(&edge, &connector, 60, [refused, elsewhere("W2"), buy("W2", "P2")], Ok(2));
}

#[test]
fn whoever_gives_up_is_told_the_reason() {
    let edge = oauth();
    let connector = Connector::new(edge.clone());
    let unreachable = || SendError::Unreachable { detail: "no such host".into() };
    let attempts = [(); 7].map(|()| Turn { answer: Err(unreachable()), ..grant("") });
    edge.expect(attempts);
    let problem = edge.run(connector.current()).unwrap_err();
    assert_eq!(problem.kind, Kind::Unavailable);
    assert_eq!(
        problem.to_string(),
        "the workspace token for client `me` got no answer: no connection: no such host"
    );
    assert_eq!(edge.seconds(), 60);
    edge.end();
}

#[test]
fn the_owner_is_asked_for_once_a_token() {
    let edge = person("dapi1");
    let connector = started(&edge, [me("dapi1", "a@b.example"), buy("dapi1", "P1")]);
    assert_eq!(edge.run(connector.current()).unwrap().user, "a@b.example");
    // The token was read again meanwhile, and is the same.
    check(&edge, &connector, 100, [buy("dapi1", "P2")], Ok(2));
    edge.set("DATABRICKS_TOKEN", "dapi2");
    check(&edge, &connector, 200, [me("dapi2", "c@d.example"), buy("dapi2", "P3")], Ok(3));
    assert_eq!(edge.run(connector.current()).unwrap().user, "c@d.example");
    edge.unset("DATABRICKS_TOKEN");
    check(&edge, &connector, 300, [], Err("the secret DATABRICKS_TOKEN is no longer set"));
}

#[test]
fn what_was_found_is_forgotten_when_it_is_refused_for_good() {
    let edge = oauth();
    edge.unset("LAKEBASE_INSTANCE_NAME");
    edge.set("POSTGRES_HOST", "instance-0a1b.database.cloud.databricks.com");
    let found = |with: &str, name: &str| {
        let request = format!(
            "GET https://w.example/api/2.0/database/instances:findByUid?uid=0a1b Bearer {with}"
        );
        turn(request, 200, &format!(r#"{{"name":"{name}"}}"#))
    };
    let answer = |with, name, status| {
        buy_answer(with, name, status, r#"{"token":"P","expiration_time":"1994-11-06T09:49:37Z"}"#)
    };
    let connector = started(&edge, [grant("W1"), found("W1", "a"), answer("W1", "a", 200)]);
    check(&edge, &connector, 60, [answer("W1", "a", 200)], Ok(2));
    // Another token finds the same.
    let turns = [answer("W1", "a", 401), grant("W2"), answer("W2", "a", 200)];
    check(&edge, &connector, 120, turns, Ok(3));
    let gone = Err("the credential for instance `a` found nothing (404)");
    check(&edge, &connector, 180, [buy_answer("W2", "a", 404, "")], gone);
    check(&edge, &connector, 241, [found("W2", "b"), answer("W2", "b", 200)], Ok(5));
}

#[test]
fn request_ids_are_version_4_uuids() {
    assert_eq!(uuid(0, 0), "00000000-0000-4000-8000-000000000000");
    assert_eq!(uuid(u64::MAX, u64::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    assert_eq!(
        uuid(0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210),
        "01234567-89ab-4def-bedc-ba9876543210"
    );
}
