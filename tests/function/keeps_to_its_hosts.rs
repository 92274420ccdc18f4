//! The function talks to its workspace and its database, whoever tells it to talk to somebody else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use expect_test::expect;
use lakegate_tests::{ADMIN, House, TOKEN};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Somebody else on this machine, who counts who comes.
async fn elsewhere() -> (u16, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let visits = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&visits);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, visits)
}

#[tokio::test]
async fn when_the_workspace_points_elsewhere() {
    let house = House::open().await;
    let (port, visits) = elsewhere().await;
    let function = house.serve().await;
    let issuer = format!("https://localhost:{port}/oidc");
    let discovery = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
    });
    house.fault(json!({ "route": "GET /*", "status": 200, "body": discovery })).await;
    let answer = function.ask(TOKEN, "POST /token", Value::Null).await;
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
    "#]]
    .assert_eq(&answer.told().replace(&port.to_string(), "$ELSEWHERE"));
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    function.stop().await;
}

#[tokio::test]
async fn when_the_database_is_said_to_be_elsewhere() {
    let house = House::with(&["--autoscaling"]).await;
    house.set_up().await;
    // Of an endpoint only the workspace knows where it is.
    let path = house.env("LAKEBASE_ENDPOINT");
    let program = house.function().env("POSTGRES_HOST", path).without("LAKEBASE_ENDPOINT");
    let function = house.serving(program).await;
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    function.stop().await;

    let program = house.function().env("POSTGRES_HOST", path).without("LAKEBASE_ENDPOINT");
    let function = house.serving(program).await;
    let status = json!({ "hosts": { "host": "elsewhere.example" }, "current_state": "ACTIVE" });
    let endpoint = json!({ "name": path, "status": status });
    let route = format!("GET /api/2.0/postgres/{path}");
    house.fault(json!({ "route": route, "status": 200, "body": endpoint })).await;
    let answer = house.rush(function.ask(ADMIN, "GET /bootstrap", Value::Null)).await;
    expect![[r#"
        503
        content-type: application/problem+json
        {
          "advice": "`lakegate doctor` checks each step by itself.",
          "detail": "elsewhere.example:$PORT: elsewhere.example:$PORT is not permitted: POSTGRES_HOST and POSTGRES_PORT do not name it",
          "status": 503,
          "title": "There was no usable answer",
          "type": "urn:lakegate:problem:unavailable"
        }
    "#]].assert_eq(&answer.told().replace(house.env("POSTGRES_PORT"), "$PORT"));
    house.heal().await;
    function.stop().await;
}
