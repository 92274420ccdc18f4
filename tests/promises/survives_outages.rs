//! While a token lives nobody fails because the next one did not come; and secrets may change.

use std::time::Duration;

use expect_test::expect;
use lakegate_tests::{Credential, House};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn of_the_control_plane_for_nine_of_the_last_ten_minutes() {
    let house = House::open().await;
    house.set_up().await;
    let mut follower = house.lakegate(["token", "--follow", "--json"]).start();
    let first = Credential(follower.json().await);
    house.fault(json!({ "route": "* *", "status": 503 })).await;
    house.pass(50 * MINUTE);
    follower.says("the token was not renewed").await;
    for _ in 0..8 {
        house.pass(MINUTE);
        house.login(&first).await.unwrap();
    }
    house.heal().await;
    house.pass(MINUTE);
    // A try that failed a moment ago has its pause before it still.
    let second = Credential(house.rush(follower.json()).await);
    assert!(first.generation() < second.generation());
    house.pass(2 * MINUTE);
    house.login(&first).await.unwrap_err();
    house.login(&second).await.unwrap();
}

/// One fault, then a first token all the same.
async fn check_one_fault(house: &House, rule: Value) {
    house.forget().await;
    house.fault(rule.clone()).await;
    let running = house.lakegate(["token", "--json"]).start();
    let run = house.hurry(running).await.exits(0);
    assert_eq!(house.emulator("GET /faults", Value::Null).await, json!([]), "{rule} hit nothing");
    house.login_to("postgres", &Credential(run.json())).await.unwrap();
}

#[tokio::test]
async fn that_last_a_moment() {
    let house = House::open().await;
    let (tokens, credentials) = ("POST /oidc/v1/token", "POST /api/2.0/database/credentials");
    for route in [tokens, credentials] {
        for status in [408, 429, 500, 502, 503, 504] {
            check_one_fault(&house, json!({ "route": route, "status": status, "times": 1 })).await;
        }
        for reply in ["drop", "lose", "garbage", "html"] {
            check_one_fault(&house, json!({ "route": route, "reply": reply, "times": 1 })).await;
        }
    }
    let busy = json!({ "route": credentials, "status": 429, "retry_after": "7", "times": 1 });
    check_one_fault(&house, busy).await;
}

#[tokio::test]
async fn but_a_wrong_secret_is_told_at_once_and_asked_for_once() {
    let house = House::open().await;
    let wrong = "dose00000000000000000000000000000000";
    house.keep_secret(wrong);
    house.forget().await;
    let run = house.lakegate(["token"]).env("DATABRICKS_CLIENT_SECRET", wrong).run().await;
    let run = run.exits(1).prints("");
    expect![[r#"
        lakegate: error: the workspace token for client `$SP` was denied (401): invalid_client: Client authentication failed
          Check that `$SP` is the application id of a service principal of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its OAuth secrets and has not expired. A new secret is used at the next try.
    "#]].assert_eq(&house.told(&run.stderr));
    assert_eq!(house.requests("POST /oidc/v1/token").await, 1);
}

#[tokio::test]
async fn and_a_rotated_secret_is_used_without_a_restart() {
    let house = House::open().await;
    let old = house.env("DATABRICKS_CLIENT_SECRET");
    let file = house.write_secret("client-secret", &format!("{old}\n"));
    let program = house.lakegate(["token", "--follow", "--json"]);
    let program = program.without("DATABRICKS_CLIENT_SECRET");
    let mut follower = program.env("DATABRICKS_CLIENT_SECRET_FILE", file).start();
    let first = Credential(follower.json().await);

    let rotated = house.emulator("POST /secret", Value::Null).await;
    house.pass(50 * MINUTE);
    // The old workspace token lives and buys one more.
    let second = Credential(follower.json().await);
    house.login_to("postgres", &second).await.unwrap();
    house.pass(50 * MINUTE);
    follower.says("was denied (401)").await;
    house.login_to("postgres", &second).await.unwrap();
    house.login_to("postgres", &first).await.unwrap_err();

    house.write_secret("client-secret", rotated["client_secret"].as_str().unwrap());
    // A denied secret is asked for again every minute.
    let third = Credential(house.rush(follower.json()).await);
    house.pass(10 * MINUTE);
    house.login_to("postgres", &second).await.unwrap_err();
    house.login_to("postgres", &third).await.unwrap();
}
