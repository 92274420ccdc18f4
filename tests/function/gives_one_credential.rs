//! However many ask for the first time at once, Databricks is asked once.

use futures_util::future::join_all;
use lakegate_tests::{ADMIN, House, TOKEN};
use serde_json::{Value, json};

use crate::{asked, mints};

const CALLERS: usize = 64;

#[tokio::test]
async fn to_all_who_ask_at_once() {
    let house = House::open().await;
    house.forget().await;
    let function = house.serve().await;
    // All of them have come before it is there.
    let slow = json!({ "route": "POST /api/2.0/database/credentials", "delay_ms": 500 });
    house.fault(slow).await;
    let callers = (0..CALLERS).map(|_| function.ask(TOKEN, "POST /token", Value::Null));
    let answers = join_all(callers).await;
    let first = answers[0].json();
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.json() == first));
    assert_eq!(mints(&house).await, 1);
    assert_eq!(house.requests("POST /oidc/v1/token").await, 1);
    let status = function.ask(TOKEN, "GET /status", Value::Null).await.json();
    assert_eq!(status["token"]["minted"], 1, "{status}");
    function.stop().await;
}

#[tokio::test]
async fn to_the_bootstrap_as_well() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let function = house.serve().await;
    let (token, plan, applied) = tokio::join!(
        function.ask(TOKEN, "POST /token", Value::Null),
        function.ask(ADMIN, "GET /bootstrap", Value::Null),
        function.ask(ADMIN, "POST /bootstrap", Value::Null),
    );
    assert_eq!((token.status, plan.status, applied.status), (200, 200, 200));
    assert_eq!(mints(&house).await, 1);
    function.stop().await;
}

/// Whether the first who asked could go before his mint was done, which takes this long at least.
async fn may_go(delay_ms: u64) -> bool {
    let house = House::open().await;
    house.forget().await;
    let function = house.serve().await;
    house.fault(json!({ "route": "POST /oidc/v1/token", "delay_ms": delay_ms })).await;
    let first = function.request(TOKEN, "POST /token").send();
    let gone = tokio::select! {
        () = asked(&house) => true, // His mint is under way, and he is not there any more.
        _ = first => false,
    };
    function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
    assert_eq!(mints(&house).await, 1);
    function.stop().await;
    gone
}

#[tokio::test]
async fn though_the_first_who_asked_has_gone() {
    let mut delay_ms = 500;
    while !may_go(delay_ms).await {
        delay_ms *= 2;
        assert!(delay_ms < 20_000, "he never went in time");
    }
}
