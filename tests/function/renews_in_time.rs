//! A function that runs for days always gives a token that lives, and asks for each only once.

use std::time::{Duration, Instant};

use expect_test::expect;
use lakegate_tests::{ADMIN, CACHE_KEY, Credential, DEADLINE, House, Serving, TOKEN};
use serde_json::{Value, json};

use crate::mints;

const MINUTE: Duration = Duration::from_secs(60);

async fn credential(function: &Serving<'_>) -> Credential {
    Credential(function.ask(TOKEN, "POST /token", Value::Null).await.has(200).json())
}

/// The first credential that is not this one.
async fn next(function: &Serving<'_>, old: &Credential) -> Credential {
    let start = Instant::now();
    loop {
        let given = credential(function).await;
        if given.token() != old.token() {
            return given;
        }
        assert!(start.elapsed() < DEADLINE, "it is never renewed");
    }
}

/// Returns once the credential that instances leave for each other is of this age at most.
async fn kept_is_younger_than(function: &Serving<'_>, age: Duration) {
    let start = Instant::now();
    loop {
        let status = function.ask(TOKEN, "GET /status", Value::Null).await.has(200).json();
        let kept = status["kept"]["age_ms"].as_u64().unwrap();
        if u128::from(kept) <= age.as_millis() {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "it is never renewed: {status}");
    }
}

#[tokio::test]
async fn behind_the_back_of_its_callers() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let function = house.serve().await;
    let first = credential(&function).await;
    // The refresh is due after 49 to 50 minutes, as chance will have it.
    house.pass(48 * MINUTE);
    assert_eq!(credential(&function).await.token(), first.token());
    assert_eq!(mints(&house).await, 1);

    // Nobody waits for a renewal, however long it takes.
    let slow = json!({ "route": "POST /api/2.0/database/credentials", "delay_ms": 2_000 });
    house.fault(slow).await;
    house.pass(3 * MINUTE);
    let during = credential(&function).await;
    assert_eq!(during.token(), first.token());
    house.login(&during).await.unwrap();
    let second = next(&function, &first).await;
    house.login(&second).await.unwrap();
    assert_eq!(mints(&house).await, 2);
    function.stop().await;
}

#[tokio::test]
async fn before_anybody_gets_one_that_is_dead() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let mut last = credential(&function).await;
    for minutes in [61, 60, 600, 60 * 24 * 40] {
        house.forget().await;
        house.pass(minutes * MINUTE);
        let given = credential(&function).await;
        assert_ne!(given.token(), last.token(), "after {minutes} minutes");
        assert_eq!(mints(&house).await, 1, "after {minutes} minutes");
        house.login(&given).await.unwrap();
        last = given;
    }
    function.stop().await;
}

#[tokio::test]
async fn also_where_each_request_meets_a_cold_instance() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let program = house.function().env("LAKEGATE_CACHE_KEY", CACHE_KEY);
    let function = house.serving(program.arg("--requests-per-instance").arg("1")).await;
    let first = credential(&function).await;
    house.pass(48 * MINUTE);
    assert_eq!(credential(&function).await.token(), first.token());
    assert_eq!(mints(&house).await, 1);
    // One that is due is served, and the instance that did so lives until it has left the next one.
    house.pass(3 * MINUTE);
    assert_eq!(credential(&function).await.token(), first.token());
    kept_is_younger_than(&function, MINUTE).await;
    let second = credential(&function).await;
    assert_ne!(second.token(), first.token());
    house.login(&second).await.unwrap();
    assert_eq!(mints(&house).await, 2);
    house.pass(61 * MINUTE);
    let third = credential(&function).await;
    assert_ne!(third.token(), second.token());
    house.login(&third).await.unwrap();
    function.stop().await;
}

#[tokio::test]
async fn with_the_secret_that_its_file_holds_now() {
    let house = House::open().await;
    house.set_up().await;
    let file = house.write_secret("client-secret", house.env("DATABRICKS_CLIENT_SECRET"));
    let program = house.function().without("DATABRICKS_CLIENT_SECRET");
    let function = house.serving(program.env("DATABRICKS_CLIENT_SECRET_FILE", file)).await;
    let first = credential(&function).await;
    let rotated = house.emulator("POST /secret", Value::Null).await;
    house.write_secret("client-secret", rotated["client_secret"].as_str().unwrap());
    // By then the workspace token is dead that the old secret bought.
    house.pass(121 * MINUTE);
    let second = credential(&function).await;
    assert_ne!(second.token(), first.token());
    house.login(&second).await.unwrap();
    function.stop().await;
}

/// A function whose credential is no longer fresh.
async fn with_a_used_token(house: &House) -> Serving<'_> {
    house.set_up().await;
    let function = house.serve().await;
    credential(&function).await;
    house.pass(MINUTE);
    house.forget().await;
    function
}

#[tokio::test]
async fn and_once_more_when_a_login_is_refused() {
    let house = House::open().await;
    let function = with_a_used_token(&house).await;
    house.fault_of_postgres(json!({ "refuse_logins": { "times": 1 } })).await;
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    let counts = house.counts().await;
    assert_eq!((&counts["credentials"], &counts["logins"]), (&json!(1), &json!(1)), "{counts}");

    // One that another instance left is not fresh either.
    function.stop().await;
    let program = || house.function().env("LAKEGATE_CACHE_KEY", CACHE_KEY).arg("--store").arg("s");
    let function = house.serving(program()).await;
    credential(&function).await;
    function.stop().await;
    let function = house.serving(program()).await;
    house.pass(MINUTE);
    house.forget().await;
    house.fault_of_postgres(json!({ "refuse_logins": { "times": 1 } })).await;
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    assert_eq!(mints(&house).await, 1);
    function.stop().await;
}

#[tokio::test]
async fn but_not_again_and_again() {
    let house = House::open().await;
    let function = with_a_used_token(&house).await;
    house.fault_of_postgres(json!({ "refuse_logins": {} })).await;
    let refused = function.ask(ADMIN, "GET /bootstrap", Value::Null).await;
    expect![[r#"
        502
        content-type: application/problem+json
        {
          "advice": "A token logs in only as the identity that asked for it. Check that \"$SP\" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of localhost, and that its role was created for OAuth. As an admin of the database:\nCREATE EXTENSION IF NOT EXISTS databricks_auth;\nSELECT databricks_create_role('$SP', 'SERVICE_PRINCIPAL');",
          "detail": "localhost refused the login of \"$SP\" to database \"app_ontos\": External authorization failed; with a fresh token, so it looks like a wrong identity",
          "status": 502,
          "title": "Postgres refused the login",
          "type": "urn:lakegate:problem:login"
        }
    "#]].assert_eq(refused.told());
    assert_eq!(mints(&house).await, 1);
    // What is fresh now and was refused is not replaced at all.
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(502);
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(502);
    assert_eq!(mints(&house).await, 1);
    let status = function.ask(TOKEN, "GET /status", Value::Null).await.json();
    assert!(0 < status["token"]["refused"].as_u64().unwrap(), "{status}");
    house.heal().await;
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    function.stop().await;
}
