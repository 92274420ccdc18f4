//! An application that has Lakegate composed into it reads its tables with a credential that it asks
//! for within itself: no key, no network, no token of its own.

use std::time::Duration;

use expect_test::expect;
use lakegate_tests::{House, Serving, function as built};
use serde_json::{Value, json};

use crate::mints;

/// The status and the body of an answer. The application makes its own, in its own form.
async fn ask(house: &House, function: &Serving<'_>, route: &str) -> String {
    let answer = function.request("", route).send().await.unwrap();
    let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap());
    let mut body: Value = serde_json::from_str(&body).unwrap();
    let orders = body.get_mut("orders").and_then(Value::as_array_mut);
    for order in orders.into_iter().flatten() {
        assert!(order["placed_at"].take().is_string());
    }
    house.told(&format!("{status} {body}\n"))
}

#[tokio::test]
async fn from_no_database_to_its_first_orders() {
    let house = House::open().await;
    let program = house.lakegate(["serve", "--listen", "127.0.0.1:0", "--component"]);
    let function = house.serving(program.arg(built("orders-composed.wasm"))).await;
    expect![[r#"
        503 {"advice":"Run `lakegate setup` as an admin, or:\nCREATE DATABASE \"app_ontos\";","error":"localhost refused the login of \"$SP\" to database \"app_ontos\": db error: FATAL: database \"app_ontos\" does not exist"}
    "#]].assert_eq(&ask(&house, &function, "GET /orders").await);
    house.set_up().await;
    house.forget().await;
    expect![[r#"
        503 {"advice":"The database is not prepared yet: POST /orders/prepare does it.","error":"relation \"app_ontos.orders\" does not exist"}
    "#]].assert_eq(&ask(&house, &function, "GET /orders").await);
    expect![[r#"
        200 {"done":["create schema \"app_ontos\"","create the ledger of migrations","default privileges on future tables for \"$SP\"","default privileges on future sequences for \"$SP\"","run 0001_orders.sql"],"notes":["every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"]}
    "#]].assert_eq(&ask(&house, &function, "POST /orders/prepare").await);
    expect![[r#"
        200 {"done":[],"notes":["every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"]}
    "#]].assert_eq(&ask(&house, &function, "POST /orders/prepare").await);
    let owner = house.login(&house.credential().await).await.unwrap();
    let order = "INSERT INTO app_ontos.orders (customer, item) VALUES ('Mary', 'a loom')";
    owner.batch_execute(order).await.unwrap();
    expect![[r#"
        200 {"orders":[{"customer":"Ada","id":1,"item":"punched cards","placed_at":null},{"customer":"Grace","id":2,"item":"a moth, in a jar","placed_at":null},{"customer":"Mary","id":3,"item":"a loom","placed_at":null}]}
    "#]].assert_eq(&ask(&house, &function, "GET /orders").await);
    expect![[r#"
        404 {"advice":"","error":"there is GET /orders and POST /orders/prepare"}
    "#]]
    .assert_eq(&ask(&house, &function, "GET /elsewhere").await);

    // All of that with its first credential: the one bought since then is the test's own.
    assert_eq!(mints(&house).await, 1);
    house.forget().await;
    // One that is refused is replaced once.
    house.pass(Duration::from_secs(60));
    house.fault_of_postgres(json!({ "refuse_logins": { "times": 1 } })).await;
    let answer = function.request("", "GET /orders").send().await.unwrap();
    assert_eq!((answer.status().as_u16(), mints(&house).await), (200, 1));
    function.stop().await;
}
