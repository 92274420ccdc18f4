//! No answer, no header, no line of the log and no file of the function shows a secret, however much
//! it is asked to say. The house searches everything in every test; here it is as much as can be.

use lakegate_tests::{ADMIN, CACHE_KEY, House, Program, TOKEN};
use serde_json::{Value, json};

use crate::by_admin;

/// Everything that can be logged, by everybody.
fn loud(house: &House) -> Program {
    house.function().arg("-vvv").env("LAKEGATE_LOG", "trace")
}

#[tokio::test]
async fn when_all_goes_well() {
    let house = House::open().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");
    let program = loud(&house).env("LAKEGATE_CACHE_KEY", CACHE_KEY).arg("--store").arg("store");
    let function = house.serving(program).await;
    let admin = by_admin(&house, json!({ "grant_public": true })).await;
    function.ask(ADMIN, "POST /setup?plan", admin.clone()).await.has(200);
    function.ask(ADMIN, "POST /setup", admin).await.has(200);
    function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    let admin = by_admin(&house, json!({})).await;
    function.ask(ADMIN, "POST /tighten", admin).await.has(200);
    function.ask(TOKEN, "GET /status", Value::Null).await.has(200);
    let run = function.stop().await;
    assert!(run.stderr.contains("TRACE"), "the log is not as loud as it can be");
}

#[tokio::test]
async fn when_all_goes_wrong() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(loud(&house)).await;
    let ask = async |key: &str, route: &str, body: Value| {
        house.rush(function.ask(key, route, body)).await
    };
    for rule in [
        json!({ "route": "* *", "reply": "garbage" }),
        json!({ "route": "POST /oidc/v1/token", "status": 401 }),
        json!({ "route": "POST /api/2.0/database/credentials", "status": 500 }),
        json!({ "route": "POST /api/2.0/database/credentials", "reply": "html" }),
    ] {
        house.fault(rule).await;
        ask(TOKEN, "POST /token", Value::Null).await;
        ask(ADMIN, "POST /bootstrap", Value::Null).await;
        ask(TOKEN, "GET /status", Value::Null).await.has(200);
        house.heal().await;
    }
    for change in [
        json!({ "refuse_logins": {} }),
        json!({ "no_tls": true }),
        json!({ "certificate": "expired" }),
    ] {
        house.fault_of_postgres(change).await;
        ask(ADMIN, "GET /bootstrap", Value::Null).await;
        house.heal().await;
    }
    // A server that answers with the very secret that it got.
    let secret = house.env("DATABRICKS_CLIENT_SECRET");
    let body = json!({ "error": "invalid_client", "error_description": format!("no: {secret}") });
    house.fault(json!({ "route": "POST /oidc/v1/token", "status": 401, "body": body })).await;
    ask(TOKEN, "POST /token", Value::Null).await;
    house.heal().await;
    function.stop().await;
}

#[tokio::test]
async fn when_a_caller_puts_one_where_it_does_not_belong() {
    let house = House::open().await;
    let misplaced = "misplaced-7Qx2Lw9Zr4Tn";
    house.keep_secret(misplaced);
    let function = house.serving(loud(&house)).await;
    for route in [
        format!("GET /healthz?key={misplaced}"),
        format!("GET /status?access_token={misplaced}"),
        format!("POST /setup?{misplaced}"),
        format!("POST /bootstrap?token={misplaced}"),
    ] {
        for key in ["", ADMIN, TOKEN, misplaced] {
            function.ask(key, &route, Value::Null).await;
        }
    }
    for body in [
        format!("\"{misplaced}\""),
        format!("{{\"{misplaced}\": 1}}"),
        format!("{{\"grant_to\": [\"{misplaced}\"]}}"),
        format!("{{\"admin\": \"{misplaced}\"}}"),
        format!("{{\"admin\": {{\"user\": \"a\", \"token\": \"{misplaced}\", \"x\": 1}}}}"),
        format!("{{\"admin\": {{\"user\": \"a\", \"token\": \"{misplaced}"),
        misplaced.to_owned(),
        format!("{{\"admin\": {{\"user\": \"admin@example.com\", \"token\": \"{misplaced}\"}}}}"),
    ] {
        for route in ["POST /setup?plan", "POST /bootstrap"] {
            let request = function.request(ADMIN, route);
            let request = request.header("content-type", "application/json").body(body.clone());
            function.send(request).await;
        }
    }
    let headers = ["cookie", "x-api-key", "user-agent", "referer", "proxy-authorization"];
    for name in headers {
        let request = function.request("", "POST /token").header(name, misplaced);
        function.send(request).await.has(401);
    }
    function.stop().await;
}
