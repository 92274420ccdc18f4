//! Whoever is down, the function says so with an honest status, and goes on when it is over.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use lakegate_tests::{ADMIN, Answer, DEADLINE, House, Serving, TOKEN};
use serde_json::{Value, json};

use crate::raw;

const MINUTE: Duration = Duration::from_secs(60);

/// Asks for a credential, however long that takes, and compares the answer.
async fn check(house: &House, function: &Serving<'_>, expected: Expect) {
    let answer = house.rush(function.ask(TOKEN, "POST /token", Value::Null)).await;
    expected.assert_eq(answer.told());
}

/// What went wrong last with the token: it is not renewed while somebody waits, but beside that.
async fn last_problem(function: &Serving<'_>) -> Value {
    let start = Instant::now();
    loop {
        let status = function.ask(TOKEN, "GET /status", Value::Null).await.has(200).json();
        let problem = &status["token"]["last_problem"];
        if !problem.is_null() {
            return problem.clone();
        }
        assert!(start.elapsed() < DEADLINE, "nothing went wrong: {status}");
    }
}

#[tokio::test]
async fn of_the_workspace_as_long_as_a_token_lives() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
    house.fault(json!({ "route": "* *", "status": 503 })).await;
    for _ in 0..9 {
        house.pass(6 * MINUTE);
        function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
        function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    }
    assert_eq!(last_problem(&function).await["kind"], "unavailable");

    house.pass(6 * MINUTE);
    check(&house, &function, expect![[r#"
        503
        content-type: application/problem+json
        retry-after: $SECONDS
        {
          "advice": "It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.",
          "detail": "the workspace token for client `$SP` failed for now (503): TEMPORARILY_UNAVAILABLE: The service is temporarily unavailable.",
          "status": 503,
          "title": "There was no usable answer",
          "type": "urn:lakegate:problem:unavailable"
        }
    "#]]).await;
    function.ask("", "GET /healthz", Value::Null).await.has(200);
    house.heal().await;
    // The next try may be a minute away, which is longer than a caller is kept waiting.
    let start = Instant::now();
    let ask = async || house.rush(function.ask(TOKEN, "POST /token", Value::Null)).await.status;
    while ask().await != 200 {
        assert!(start.elapsed() < DEADLINE, "it never gets over it");
    }
    function.stop().await;
}

#[tokio::test]
async fn of_the_workspace_when_there_is_no_token() {
    let house = House::open().await;
    house.set_up().await;
    for (fault, expected) in [
        (
            json!({ "route": "* *", "status": 503 }),
            expect![[r#"
            503
            content-type: application/problem+json
            retry-after: $SECONDS
            {
              "advice": "It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.",
              "detail": "the workspace token for client `$SP` failed for now (503): TEMPORARILY_UNAVAILABLE: The service is temporarily unavailable.",
              "status": 503,
              "title": "There was no usable answer",
              "type": "urn:lakegate:problem:unavailable"
            }
        "#]],
        ),
        (
            json!({ "route": "* *", "status": 429, "retry_after": "17" }),
            expect![[r#"
            429
            content-type: application/problem+json
            retry-after: $SECONDS
            {
              "advice": "It is tried again by itself. If it stays so, fewer processes should mint tokens.",
              "detail": "the workspace token for client `$SP` was throttled (429)",
              "status": 429,
              "title": "Databricks was asked too often",
              "type": "urn:lakegate:problem:throttled"
            }
        "#]],
        ),
        (
            json!({ "route": "* *", "reply": "hang" }),
            expect![[r#"
            504
            content-type: application/problem+json
            {
              "advice": "It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.",
              "detail": "the workspace token for client `$SP` got no answer: no answer in time",
              "status": 504,
              "title": "There was no answer in time",
              "type": "urn:lakegate:problem:timeout"
            }
        "#]],
        ),
        (
            json!({ "route": "* *", "reply": "drop" }),
            expect![[r#"
            503
            content-type: application/problem+json
            retry-after: $SECONDS
            {
              "advice": "It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.",
              "detail": "the workspace token for client `$SP` got no answer: the server closed the connection midway",
              "status": 503,
              "title": "There was no usable answer",
              "type": "urn:lakegate:problem:unavailable"
            }
        "#]],
        ),
        (
            json!({ "route": "* *", "reply": "html" }),
            expect![[r#"
            503
            content-type: application/problem+json
            retry-after: $SECONDS
            {
              "advice": "Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.",
              "detail": "the search for the workspace's token endpoint was answered with something else than JSON (200)",
              "status": 503,
              "title": "There was no usable answer",
              "type": "urn:lakegate:problem:unavailable"
            }
        "#]],
        ),
    ] {
        let function = house.serve().await;
        house.fault(fault).await;
        check(&house, &function, expected).await;
        house.heal().await;
        function.stop().await;
    }
}

#[tokio::test]
async fn that_are_refusals_for_good() {
    let house = House::open().await;
    house.set_up().await;
    let wrong = "dose00000000000000000000000000000000";
    house.keep_secret(wrong);
    let function = house.serving(house.function().env("DATABRICKS_CLIENT_SECRET", wrong)).await;
    check(&house, &function, expect![[r#"
        502
        content-type: application/problem+json
        {
          "advice": "Check that `$SP` is the application id of a service principal of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its OAuth secrets and has not expired. A new secret is used at the next try.",
          "detail": "the workspace token for client `$SP` was denied (401): invalid_client: Client authentication failed",
          "status": 502,
          "title": "Access is denied",
          "type": "urn:lakegate:problem:denied"
        }
    "#]]).await;
    house.forget().await;
    // Asked for again and again it is not tried again and again.
    for _ in 0..8 {
        function.ask(TOKEN, "POST /token", Value::Null).await.has(502);
        function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(502);
    }
    assert!(house.requests("POST /oidc/v1/token").await <= 1);
    function.stop().await;

    let nowhere = house.serving(house.function().env("LAKEBASE_INSTANCE_NAME", "nowhere")).await;
    check(&house, &nowhere, expect![[r#"
        502
        content-type: application/problem+json
        {
          "advice": "Check the name `nowhere` (LAKEBASE_INSTANCE_NAME). If it is an Autoscaling project, it is asked for elsewhere: set LAKEBASE_ENDPOINT=projects/nowhere/branches/production/endpoints/primary with its own branch and endpoint.",
          "detail": "the credential for instance `nowhere` found nothing (404): NOT_FOUND: Database instance nowhere does not exist",
          "status": 502,
          "title": "Access is denied",
          "type": "urn:lakegate:problem:denied"
        }
    "#]]).await;
    nowhere.stop().await;
}

#[tokio::test]
async fn and_settings_that_are_wrong() {
    let house = House::open().await;
    let nobody = "dapi-of-nobody-0123456789";
    house.keep_secret(nobody);
    let mut told = String::new();
    for (name, value) in [
        ("DATABRICKS_HOST", ""),
        ("DATABRICKS_HOST", "not a host"),
        ("POSTGRES_PORT", "many"),
        ("POSTGRES_DB", ""),
        ("DATABRICKS_CLIENT_SECRET", ""),
        ("DATABRICKS_TOKEN", nobody),
    ] {
        let function = house.serving(house.function().env(name, value)).await;
        let said = function.ask(TOKEN, "POST /token", Value::Null).await.has(503).json();
        assert_eq!(said["type"], "urn:lakegate:problem:configuration", "{said}");
        let words = |member: &str| said[member].as_str().unwrap().to_owned();
        told.push_str(&format!("{}\n  {}\n", words("detail"), words("advice")));
        // It is the same whatever is asked for, and no reason to start the function anew.
        for route in ["GET /bootstrap", "POST /bootstrap"] {
            function.ask(ADMIN, route, Value::Null).await.has(503);
        }
        function.ask("", "GET /healthz", Value::Null).await.has(200);
        function.stop().await;
    }
    expect![[r#"
        the workspace (DATABRICKS_HOST) is not set
          Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
        DATABRICKS_HOST (environment) is `not a host`: it is not a host name
          Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
        POSTGRES_PORT (environment) is `many`: it is not a port from 1 to 65535
          Set POSTGRES_PORT to the server's TCP port, usually 5432.
        the database (POSTGRES_DB or PGDATABASE) is not set
          Set POSTGRES_DB to the name of the database, such as app_ontos.
        DATABRICKS_CLIENT_ID is set, but DATABRICKS_CLIENT_SECRET is not
          Set DATABRICKS_CLIENT_SECRET (or DATABRICKS_CLIENT_SECRET_FILE) to an OAuth secret of that service principal.
        only one may be set: DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET and DATABRICKS_TOKEN
          Remove all but one of them, or set DATABRICKS_AUTH_TYPE to the one to use: pat, oauth-m2m, env-oidc, file-oidc, github-oidc, databricks-cli or profile.
    "#]].assert_eq(&told);
}

#[tokio::test]
async fn of_the_database() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let plan = || house.rush(function.ask(ADMIN, "GET /bootstrap", Value::Null));
    plan().await.has(200);
    for (fault, expected) in [
        (
            json!({ "no_tls": true }),
            expect![[r#"
            502
            content-type: application/problem+json
            {
              "advice": "No password was sent. Lakebase always does TLS, so what listens at localhost:$PORT is something else: check POSTGRES_HOST and POSTGRES_PORT.",
              "detail": "localhost:$PORT: the TLS handshake failed: error performing TLS handshake: server does not support TLS",
              "status": 502,
              "title": "Access is denied",
              "type": "urn:lakegate:problem:denied"
            }
        "#]],
        ),
        (
            json!({ "certificate": "expired" }),
            expect![[r#"
            502
            content-type: application/problem+json
            {
              "advice": "No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.",
              "detail": "localhost:$PORT: the TLS handshake failed: error performing TLS handshake: invalid peer certificate: certificate expired: verification time $NUMBER (UNIX), but certificate is not valid after $NUMBER ($NUMBER seconds ago)",
              "status": 502,
              "title": "Access is denied",
              "type": "urn:lakegate:problem:denied"
            }
        "#]],
        ),
        (
            json!({ "certificate": "wrong_name" }),
            expect![[r#"
            502
            content-type: application/problem+json
            {
              "advice": "No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.",
              "detail": "localhost:$PORT: the TLS handshake failed: error performing TLS handshake: invalid peer certificate: certificate not valid for name \"localhost\"; certificate is only valid for DnsName(\"another-host.example.com\")",
              "status": 502,
              "title": "Access is denied",
              "type": "urn:lakegate:problem:denied"
            }
        "#]],
        ),
        (
            json!({ "suspend": { "wake_ms": 3_600_000, "meanwhile": "refuse" } }),
            expect![[r#"
            503
            content-type: application/problem+json
            {
              "advice": "The server is starting or waking up. Try again in a few seconds.",
              "detail": "localhost refused the login of \"$SP\" to database \"app_ontos\": the database system is starting up",
              "status": 503,
              "title": "There was no usable answer",
              "type": "urn:lakegate:problem:unavailable"
            }
        "#]],
        ),
    ] {
        house.fault_of_postgres(fault).await;
        expected.assert_eq(plan().await.told());
        house.heal().await;
    }
    plan().await.has(200);
    function.stop().await;

    let nobody = house.serving(house.function().env("POSTGRES_PORT", "1")).await;
    let answer = house.rush(nobody.ask(ADMIN, "GET /bootstrap", Value::Null)).await;
    expect![[r#"
        503
        content-type: application/problem+json
        {
          "advice": "Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this machine may reach it on port 1.",
          "detail": "localhost:1: no connection: error connecting to server: Connection refused (os error 111)",
          "status": 503,
          "title": "There was no usable answer",
          "type": "urn:lakegate:problem:unavailable"
        }
    "#]].assert_eq(answer.told());
    nobody.stop().await;
    let no_certificate = house.function().env("LAKEGATE_POSTGRES_CA", "no certificate");
    let function = house.serving(no_certificate).await;
    let answer = function.ask(ADMIN, "GET /bootstrap", Value::Null).await;
    expect![[r#"
        502
        content-type: application/problem+json
        {
          "advice": "No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.",
          "detail": "localhost:$PORT: the TLS handshake failed: LAKEGATE_POSTGRES_CA: invalid root certificate: no certificate in it",
          "status": 502,
          "title": "Access is denied",
          "type": "urn:lakegate:problem:denied"
        }
    "#]].assert_eq(answer.told());
    function.stop().await;
}

#[tokio::test]
async fn one_that_sleeps_is_waited_for() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let asleep = json!({ "suspend": { "wake_ms": 300, "meanwhile": "refuse" } });
    house.fault_of_postgres(asleep).await;
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    function.stop().await;
}

/// Asks for a credential of a workspace that does not answer, and again when it does.
async fn given_up(house: &House, deadline: u64) -> [Answer; 2] {
    house.fault(json!({ "route": "* *", "reply": "hang" })).await;
    let program = house.function().arg("--deadline").arg(deadline.to_string());
    let function = house.serving(program).await;
    let first = function.ask(TOKEN, "POST /token", Value::Null).await;
    house.heal().await;
    let second = function.ask(TOKEN, "POST /token", Value::Null).await;
    function.stop().await;
    [first, second]
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let house = House::open().await;
    let mut deadline = 1;
    let first = loop {
        let [first, second] = given_up(&house, deadline).await;
        if (first.status, second.status) == (504, 200) {
            break first;
        }
        // A machine that is slower than its deadline in everything has a longer one.
        deadline *= 2;
        assert!(deadline < 60, "{first:?}, {second:?}");
    };
    expect![[r#"
        504
        content-type: application/problem+json
        {
          "advice": "look at the state with GET /status or GET /bootstrap before you try again",
          "detail": "there was no answer within the time limit; what was begun may still be carried out",
          "status": 504,
          "title": "There was no answer in time",
          "type": "urn:lakegate:problem:timeout"
        }
    "#]].assert_eq(first.told());
}

#[tokio::test]
async fn more_than_it_takes_at_a_time_is_told_to_come_again() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(house.function().arg("--max-requests").arg("1")).await;
    let held = raw::begin(&function, ADMIN, "POST /bootstrap", 2).await;
    let busy = function.ask("", "GET /healthz", Value::Null).await;
    expect![[r#"
        503
        content-type: application/problem+json
        retry-after: $SECONDS
        {
          "advice": "try again in a second; --max-requests sets how many it takes",
          "detail": "as many requests are under way as this server takes at a time",
          "status": 503,
          "title": "There was no usable answer",
          "type": "urn:lakegate:problem:unavailable"
        }
    "#]]
    .assert_eq(busy.told());
    assert_eq!(raw::status(&held.finish("{}").await), Some(200));
    // The place is free when the last byte is out, which may be a moment after it is read.
    let start = Instant::now();
    while function.ask("", "GET /healthz", Value::Null).await.status != 200 {
        assert!(start.elapsed() < DEADLINE, "the place is never free");
    }
    function.stop().await;
}
