//! No command shows a secret, not even the beginning of one, however much it is asked to say. The
//! house searches everything that is written in every test; here it is as much as can be.

use std::time::Duration;

use lakegate_tests::{Credential, House, Program};
use serde_json::{Value, json};

/// Everything that can be logged, by everybody.
fn loud(program: Program) -> Program {
    program.arg("-vvv").env("LAKEGATE_LOG", "trace")
}

#[tokio::test]
async fn when_all_goes_well() {
    let house = House::open().await;
    let admin = |arguments: &[&'static str]| loud(house.admin(arguments.iter().copied()));
    let app = |arguments: &[&'static str]| loud(house.lakegate(arguments.iter().copied()));
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");

    let run = app(&["token"]).run().await.exits(0);
    assert!(run.stderr.contains("TRACE"), "the log is not as loud as it can be");
    admin(&["setup", "--grant-public", "--plan"]).run().await.exits(3);
    admin(&["setup", "--grant-public"]).run().await.exits(0);
    app(&["bootstrap", "plan"]).run().await.exits(3);
    app(&["bootstrap", "apply", "--json"]).run().await.exits(0);
    app(&["bootstrap", "verify"]).run().await.exits(0);
    let tighten = admin(&["tighten", "--json"]).arg("--grant-to").arg(house.principal());
    tighten.run().await.exits(0);
    app(&["doctor"]).run().await.exits(0);
    app(&["doctor", "--json"]).run().await.exits(0);
    app(&["completions", "bash"]).run().await.exits(0);

    let mut follower = app(&["token", "--follow", "--json"]).start();
    let first = Credential(follower.json().await);
    house.pass(Duration::from_secs(50 * 60));
    let second = Credential(follower.json().await);
    assert_ne!(first.token(), second.token());
    follower.kill().await;
}

#[tokio::test]
async fn when_all_goes_wrong() {
    let house = House::open().await;
    house.set_up().await;
    let app = |arguments: &[&'static str]| loud(house.lakegate(arguments.iter().copied()));
    for rule in [
        json!({ "route": "* *", "reply": "garbage" }),
        json!({ "route": "POST /oidc/v1/token", "status": 401 }),
        json!({ "route": "POST /api/2.0/database/credentials", "status": 500 }),
        json!({ "route": "POST /api/2.0/database/credentials", "reply": "html" }),
        json!({ "route": "POST /api/2.0/database/credentials", "reply": "drop" }),
    ] {
        house.fault(rule).await;
        let running = app(&["doctor"]).start();
        house.hurry(running).await.exits(1);
        house.heal().await;
    }
    for change in [
        json!({ "refuse_logins": {} }),
        json!({ "no_tls": true }),
        json!({ "certificate": "expired" }),
    ] {
        house.fault_of_postgres(change).await;
        let running = app(&["bootstrap", "apply"]).start();
        house.hurry(running).await.exits(1);
        house.heal().await;
    }
    // A server that answers with the very secret that it got.
    let secret = house.env("DATABRICKS_CLIENT_SECRET");
    let body = json!({ "error": "invalid_client", "error_description": format!("no: {secret}") });
    house.fault(json!({ "route": "POST /oidc/v1/token", "status": 401, "body": body })).await;
    app(&["doctor"]).run().await.exits(1);
    assert_ne!(house.counts().await, Value::Null);
}
