//! Names of instances and endpoints that are wrong, each with the name that is right.

use super::*;

const PATH: &str = "projects/demo/branches/production/endpoints/ep-x-1";
const MISSING: &str = r#"{"error_code":"NOT_FOUND","message":"not found"}"#;

/// What the workspace answers after the identity is known, and what a person is told of it.
#[track_caller]
fn check_target<const N: usize>(edge: FakeEdge, answers: [(&str, u16, &str); N], expected: Expect) {
    edge.set_clock(THEN);
    edge.expect([grant("W1"), me("W1", "me")]);
    edge.expect(answers.map(|(path, status, body)| {
        turn(format!("GET https://w.example/api/2.0/{path} Bearer W1"), status, body)
    }));
    let connector = Connector::new(edge.clone());
    expected.assert_eq(&told(&edge.run(connector.examine())[3..5]));
    edge.end();
}

fn autoscaling() -> FakeEdge {
    let edge = oauth();
    edge.unset("LAKEBASE_INSTANCE_NAME");
    edge.set("LAKEBASE_ENDPOINT", PATH);
    edge
}

#[test]
fn a_project_was_taken_for_an_instance() {
    let branch = r#"{"status":{"default_branch":"projects/demo/branches/main"}}"#;
    let endpoints = r#"{"endpoints":[{"name":"projects/demo/branches/main/endpoints/rw",
        "status":{"endpoint_type":"ENDPOINT_TYPE_READ_WRITE"}}]}"#;
    check_target(
        oauth(),
        [
            ("database/instances/demo", 404, MISSING),
            ("postgres/projects/demo", 200, branch),
            ("postgres/projects/demo/branches/main/endpoints", 200, endpoints),
        ],
        expect![[r#"
            Failed instance (wrong-api): the search for instance `demo` found nothing (404): NOT_FOUND: not found
              `demo` is an Autoscaling project, which the API of instances does not know: remove LAKEBASE_INSTANCE_NAME and set LAKEBASE_ENDPOINT=projects/demo/branches/main/endpoints/rw.
            Skipped credential: not tried: instance failed
        "#]],
    );
    let unknown = [("database/instances/demo", 404, MISSING), ("postgres/projects/demo", 404, "")];
    check_target(
        oauth(),
        unknown,
        expect![[r#"
        Failed instance (not-found): the search for instance `demo` found nothing (404): NOT_FOUND: not found
          Check the name `demo` (LAKEBASE_INSTANCE_NAME). If it is an Autoscaling project, it is asked for elsewhere: set LAKEBASE_ENDPOINT=projects/demo/branches/production/endpoints/primary with its own branch and endpoint.
        Skipped credential: not tried: instance failed
    "#]],
    );
}

#[test]
fn an_instance_was_taken_for_a_project() {
    check_target(
        autoscaling(),
        [
            (&format!("postgres/{PATH}"), 404, MISSING),
            ("postgres/projects/demo/branches/production/endpoints", 404, MISSING),
            ("database/instances/demo", 200, r#"{"name":"demo"}"#),
        ],
        expect![[r#"
            Passed identity: service principal me
            Failed instance (wrong-api): the search for endpoint `projects/demo/branches/production/endpoints/ep-x-1` found nothing (404): NOT_FOUND: not found
              `demo` is a Provisioned instance, which the API of projects does not know: remove the endpoint's path and set LAKEBASE_INSTANCE_NAME=demo.
        "#]],
    );
}

#[test]
fn a_uid_was_taken_for_an_id() {
    let name = "projects/demo/branches/production/endpoints/primary";
    let endpoints = format!(r#"{{"endpoints":[{{"name":"{name}","uid":"ep-x-1"}}]}}"#);
    let others = format!(r#"{{"endpoints":[{{"name":"{name}","uid":"ep-y-2"}}]}}"#);
    let list = "postgres/projects/demo/branches/production/endpoints";
    for (status, body, expected) in [
        (
            200,
            endpoints.as_str(),
            expect![[r#"
            Passed identity: service principal me
            Failed instance (endpoint-uid): the search for endpoint `projects/demo/branches/production/endpoints/ep-x-1` found nothing (404): NOT_FOUND: not found
              `ep-x-1` is the endpoint's uid, and the API knows it by its id: set LAKEBASE_ENDPOINT=projects/demo/branches/production/endpoints/primary.
        "#]],
        ),
        (
            200,
            others.as_str(),
            expect![[r#"
            Passed identity: service principal me
            Failed instance (not-found): the search for endpoint `projects/demo/branches/production/endpoints/ep-x-1` found nothing (404): NOT_FOUND: not found
              Set LAKEBASE_ENDPOINT to one that is there: projects/demo/branches/production/endpoints/primary.
        "#]],
        ),
        (
            200,
            "{}",
            expect![[r#"
            Passed identity: service principal me
            Failed instance (not-found): the search for endpoint `projects/demo/branches/production/endpoints/ep-x-1` found nothing (404): NOT_FOUND: not found
              `projects/demo/branches/production` has no endpoint: create one, or name another branch.
        "#]],
        ),
    ] {
        let asked = [(&*format!("postgres/{PATH}"), 404, MISSING), (list, status, body)];
        check_target(autoscaling(), asked, expected);
    }
    check_target(
        autoscaling(),
        [
            (&format!("postgres/{PATH}"), 404, MISSING),
            (list, 403, ""),
            ("database/instances/demo", 403, ""),
        ],
        expect![[r#"
            Passed identity: service principal me
            Failed instance (endpoint-uid): the search for endpoint `projects/demo/branches/production/endpoints/ep-x-1` found nothing (404): NOT_FOUND: not found
              `ep-…` is the endpoint's uid, and the API knows it by its id. Set LAKEBASE_ENDPOINT=projects/demo/branches/production/endpoints/primary, or to a name that `databricks postgres list-endpoints projects/demo/branches/production` prints.
        "#]],
    );
}

#[test]
fn how_it_does() {
    #[track_caller]
    fn check_state(fields: &str, expected: Expect) {
        let edge = oauth();
        edge.set_clock(THEN);
        edge.expect([grant("W1"), me("W1", "me"), instance(fields)]);
        edge.expect([buy_answer("W1", "demo", 403, "")]);
        let connector = Connector::new(edge.clone());
        let checks = edge.run(connector.examine());
        let lines: Vec<_> = checks.into_iter().filter(|check| check.name == INSTANCE).collect();
        expected.assert_eq(&told(&lines));
    }
    check_state(
        r#","state":"STOPPED""#,
        expect![[r#"
            Failed instance (stopped): Provisioned instance `demo` is STOPPED
              Start the instance, or switch the endpoint on, in the workspace.
        "#]],
    );
    check_state(
        r#","state":"AVAILABLE","effective_stopped":true"#,
        expect![[r#"
            Failed instance (stopped): Provisioned instance `demo` is switched off
              Start the instance, or switch the endpoint on, in the workspace.
        "#]],
    );
    check_state(
        r#","state":"UPDATING""#,
        expect![[r#"
        Warning instance (not-ready): Provisioned instance `demo` is UPDATING
          Wait until it is ready; its page in the workspace shows it.
    "#]],
    );
    check_state(
        r#","state":"AVAILABLE","read_write_dns":"other.example""#,
        expect![[r#"
        Passed instance: Provisioned instance `demo` is AVAILABLE
        Warning instance (wrong-host): its host is other.example, but POSTGRES_HOST is h.example
          A credential logs in where it was bought for. Unless both names lead to the same server, correct POSTGRES_HOST, or the name of the instance or endpoint.
    "#]],
    );
    check_state(
        "",
        expect![[r#"
        Passed instance: Provisioned instance `demo` is there
    "#]],
    );
    let own = r#","state":"AVAILABLE","read_write_dns":"x.example","read_only_dns":"H.example""#;
    check_state(
        own,
        expect![[r#"
        Passed instance: Provisioned instance `demo` is AVAILABLE
    "#]],
    );
    let edge = oauth();
    edge.set_clock(THEN);
    let hidden = Turn { answer: buy_answer("", "", 403, "").answer, ..instance("") };
    edge.expect([grant("W1"), me("W1", "me"), hidden, buy_answer("W1", "demo", 403, "")]);
    let checks = edge.run(Connector::new(edge.clone()).examine());
    expect![[r#"
        Passed instance: Provisioned instance `demo`; its state is not shown to this identity
    "#]]
    .assert_eq(&told(&checks[3..4]));
    edge.end();
}

#[test]
fn how_an_endpoint_does() {
    let edge = autoscaling();
    let idle = r#"{"name":"x","status":{"current_state":"IDLE","hosts":{"host":"h.example"}}}"#;
    let disabled = r#"{"name":"x","status":{"disabled":true}}"#;
    edge.set_clock(THEN);
    let endpoint =
        |body| turn(format!("GET https://w.example/api/2.0/postgres/{PATH} Bearer W1"), 200, body);
    edge.expect([grant("W1"), me("W1", "me"), endpoint(disabled)]);
    let connector = Connector::new(edge.clone());
    expect![[r#"
        Failed instance (stopped): Autoscaling endpoint `projects/demo/branches/production/endpoints/ep-x-1` is switched off
          Start the instance, or switch the endpoint on, in the workspace.
    "#]].assert_eq(&told(&edge.run(connector.examine())[4..5]));
    edge.expect([grant("W1"), me("W1", "me"), endpoint(idle)]);
    let request = format!(
        r#"POST https://w.example/api/2.0/postgres/credentials Bearer W1 {{"endpoint":"{PATH}"}}"#
    );
    edge.expect([turn(request, 403, "")]);
    expect![[r#"
        Passed instance: Autoscaling endpoint `projects/demo/branches/production/endpoints/ep-x-1` is IDLE: it sleeps until somebody logs in
        Failed credential (no-permission): the credential for endpoint `projects/demo/branches/production/endpoints/ep-x-1` was denied (403)
          Give the identity the right to use the database: attach it to the app as a resource, or grant CAN USE (Provisioned) or CAN MANAGE on the project (Autoscaling). Its Postgres role must exist too.
    "#]].assert_eq(&told(&edge.run(connector.examine())[4..6]));
    edge.end();
}
