//! Each route answers what its table promises, to everybody who may ask.

use expect_test::{Expect, expect};
use lakegate_tests::{ADMIN, Credential, House, Serving, TOKEN};
use serde_json::{Value, json};

async fn check(function: &Serving<'_>, key: &str, route: &str, expected: Expect) {
    let answer = function.ask(key, route, Value::Null).await;
    expected.assert_eq(answer.told());
}

#[tokio::test]
async fn without_a_key_it_tells_that_it_lives_and_what_it_does() {
    let house = House::open().await;
    house.forget().await;
    let function = house.serve().await;
    check(
        &function,
        "",
        "GET /healthz",
        expect![[r#"
        200
        content-type: application/json
        {
          "status": "ok"
        }
    "#]],
    )
    .await;
    check(
        &function,
        "",
        "HEAD /healthz",
        expect![[r#"
        200
        content-type: application/json
    "#]],
    )
    .await;
    check(
        &function,
        "",
        "GET /healthz?any=thing",
        expect![[r#"
        200
        content-type: application/json
        {
          "status": "ok"
        }
    "#]],
    )
    .await;
    let description = function.ask("", "GET /openapi.json", Value::Null).await.has(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    let paths: Vec<_> = description["paths"].as_object().unwrap().keys().collect();
    expect![[r#"
        [
            "/bootstrap",
            "/healthz",
            "/openapi.json",
            "/setup",
            "/status",
            "/tighten",
            "/token",
        ]
    "#]]
    .assert_debug_eq(&paths);
    function.ask("", "HEAD /openapi.json", Value::Null).await.has(200);
    // Neither is a reason to ask anybody for anything.
    assert_eq!(house.counts().await["requests"], json!({}));
    function.stop().await;
}

#[tokio::test]
async fn what_it_does_not_have_it_names() {
    let house = House::open().await;
    let function = house.serve().await;
    check(
        &function,
        "",
        "GET /",
        expect![[r#"
        404
        content-type: application/problem+json
        {
          "advice": "The routes are described at /openapi.json.",
          "detail": "there is no such route",
          "status": 404,
          "title": "There is no such route",
          "type": "urn:lakegate:problem:not-found"
        }
    "#]],
    )
    .await;
    for path in ["/token/", "//token", "/Token", "/%74oken", "/bootstrap/plan", "/.well-known"] {
        for method in ["GET", "POST", "DELETE"] {
            function.ask(ADMIN, &format!("{method} {path}"), Value::Null).await.has(404);
        }
    }
    check(
        &function,
        ADMIN,
        "DELETE /bootstrap",
        expect![[r#"
        405
        content-type: application/problem+json
        allow: POST, GET, HEAD
        {
          "detail": "this route has only POST, GET, HEAD",
          "status": 405,
          "title": "The route has no such method",
          "type": "urn:lakegate:problem:method-not-allowed"
        }
    "#]],
    )
    .await;
    check(
        &function,
        "",
        "GET /token",
        expect![[r#"
        405
        content-type: application/problem+json
        allow: POST
        {
          "detail": "this route has only POST",
          "status": 405,
          "title": "The route has no such method",
          "type": "urn:lakegate:problem:method-not-allowed"
        }
    "#]],
    )
    .await;
    for (route, allow) in [
        ("PUT /bootstrap", "POST, GET, HEAD"),
        ("GET /setup", "POST"),
        ("HEAD /tighten", "POST"),
        ("OPTIONS /token", "POST"),
        ("POST /status", "GET, HEAD"),
        ("PATCH /healthz", "GET, HEAD"),
        ("POST /openapi.json", "GET, HEAD"),
        ("BREW /healthz", "GET, HEAD"),
    ] {
        let answer = function.ask("", route, Value::Null).await.has(405);
        assert_eq!(answer.header("allow"), Some(allow), "{route}");
    }
    function.stop().await;
}

#[tokio::test]
async fn a_credential_is_the_one_that_the_command_line_prints() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    check(
        &function,
        TOKEN,
        "POST /token",
        expect![[r#"
        200
        content-type: application/json
        {
          "database": "app_ontos",
          "expires_at": "$TIME",
          "generation": 1,
          "host": "localhost",
          "port": "$PORT",
          "schema": "app_ontos",
          "token": "$TOKEN",
          "user": "$SP"
        }
    "#]],
    )
    .await;
    let given = function.ask(TOKEN, "POST /token", Value::Null).await.json();
    let printed = house.credential().await.0;
    let members = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(members(&given), members(&printed));
    for member in ["user", "host", "port", "database", "schema"] {
        assert_eq!(given[member], printed[member], "{member}");
    }
    house.login(&Credential(given)).await.unwrap();
    function.stop().await;
}

#[tokio::test]
async fn the_status_tells_everything_but_secrets_and_starts_nothing() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");
    house.forget().await;
    let function = house.serve().await;
    check(
        &function,
        TOKEN,
        "GET /status",
        expect![[r#"
        200
        content-type: application/json
        {
          "bootstrap": null,
          "cache": {
            "store": "memory only",
            "why": "LAKEGATE_CACHE_KEY is not set"
          },
          "kept": null,
          "token": {
            "age_ms": null,
            "failed": 0,
            "generation": 0,
            "last_problem": null,
            "minted": 0,
            "next_attempt_ms": "$MS",
            "refused": 0,
            "resumed": 0,
            "state": "idle",
            "valid_for_ms": null
          }
        }
    "#]],
    )
    .await;
    assert_eq!(house.counts().await["requests"], json!({}));
    function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    check(&function, TOKEN, "GET /status", expect![[r#"
        200
        content-type: application/json
        {
          "bootstrap": {
            "database": "app_ontos",
            "done": [
              "create schema \"app_ontos\"",
              "create the ledger of migrations",
              "default privileges on future tables for \"$SP\"",
              "default privileges on future sequences for \"$SP\"",
              "run 0001_a.sql"
            ],
            "notes": [
              "every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"
            ],
            "role": "$SP",
            "schema": "app_ontos",
            "time": "$TIME"
          },
          "cache": {
            "store": "memory only",
            "why": "LAKEGATE_CACHE_KEY is not set"
          },
          "kept": null,
          "token": {
            "age_ms": "$MS",
            "failed": 0,
            "generation": 1,
            "last_problem": null,
            "minted": 1,
            "next_attempt_ms": "$MS",
            "refused": 0,
            "resumed": 0,
            "state": "serving",
            "valid_for_ms": "$MS"
          }
        }
    "#]]).await;
    check(
        &function,
        TOKEN,
        "HEAD /status",
        expect![[r#"
        200
        content-type: application/json
    "#]],
    )
    .await;
    function.stop().await;
}

#[tokio::test]
async fn a_request_has_a_name_that_stands_in_the_answer_and_in_the_log() {
    let house = House::open().await;
    let function = house.serve().await;
    let named = |id: &str| function.request("", "GET /nowhere").header("x-request-id", id);
    for id in ["7f3a", "4bf92f35-77b3_x:y", &"x".repeat(128)] {
        // That it comes back is checked in every answer.
        function.send(named(id)).await.has(404);
        function.says(id).await;
    }
    for id in ["two words", "tab\there", "\u{e4}", &"x".repeat(129), ""] {
        let answer = named(id).send().await.unwrap();
        let made = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        assert!(made.len() == 16 && made.bytes().all(|b| b.is_ascii_hexdigit()), "{id}: {made}");
        let document: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(document["request_id"], made);
    }
    let first = function.request("", "GET /healthz").send().await.unwrap();
    let second = function.request("", "GET /healthz").send().await.unwrap();
    assert_ne!(first.headers()["x-request-id"], second.headers()["x-request-id"]);
    function.stop().await;
}
