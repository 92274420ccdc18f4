//! The instance or endpoint: wrong names, the wrong API, and how it does.

use super::*;

const NOT_FOUND: &str = "the resource does not exist";

/// One of the two APIs knows nothing under this path, as it is with a database of the other kind.
async fn unknown(house: &House, path: &str) {
    let body = json!({ "error_code": "NOT_FOUND", "message": NOT_FOUND });
    house.fault(json!({ "route": format!("* {path}"), "status": 404, "body": body })).await;
}

#[tokio::test]
async fn a_project_that_was_taken_for_an_instance() {
    let house = ready(&["--autoscaling"]).await;
    unknown(&house, "/api/2.0/database/*").await;
    let doctor = || {
        let doctor = house.lakegate(["doctor"]).without("LAKEBASE_ENDPOINT");
        doctor.env("LAKEBASE_INSTANCE_NAME", "lakegate-demo")
    };
    check(&house, doctor, 1, ["instance", "wrong-api"], expect![[""]]).await;
}

#[tokio::test]
async fn an_instance_that_was_taken_for_a_project() {
    let house = ready(&[]).await;
    unknown(&house, "/api/2.0/postgres/*").await;
    let path = "projects/lakegate-demo/branches/production/endpoints/primary";
    let doctor = || {
        let doctor = house.lakegate(["doctor"]).without("LAKEBASE_INSTANCE_NAME");
        doctor.env("LAKEBASE_ENDPOINT", path)
    };
    check(&house, doctor, 1, ["instance", "wrong-api"], expect![[""]]).await;
}

#[tokio::test]
async fn the_uid_of_an_endpoint() {
    let house = ready(&["--autoscaling"]).await;
    let path = house.env("LAKEBASE_ENDPOINT");
    let url = format!("{}/api/2.0/postgres/{path}", house.env("DATABRICKS_HOST"));
    let request = house.http.get(url).bearer_auth(house.env("EMULATOR_ADMIN_TOKEN"));
    let endpoint: Value = request.send().await.unwrap().json().await.unwrap();
    let uid = endpoint["uid"].as_str().unwrap();
    let wrong = path.replace("/primary", &format!("/{uid}"));
    let doctor = || house.lakegate(["doctor"]).env("LAKEBASE_ENDPOINT", &wrong);
    let run = doctor().arg("--json").run().await.exits(1).json();
    let checks = run["checks"].as_array().unwrap();
    let instance = checks.iter().find(|check| check["name"] == "instance").unwrap();
    assert_eq!(instance["cause"], "endpoint-uid");
    let advice = instance["advice"].as_str().unwrap().replace(uid, "$UID");
    expect![[""]].assert_eq(&advice);
}

#[tokio::test]
async fn a_host_of_another_instance() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor", "--host", "127.0.0.1"]);
    check(&house, doctor, 0, ["instance", "wrong-host"], expect![[""]]).await;
}

#[tokio::test]
async fn an_instance_that_was_stopped() {
    let house = ready(&[]).await;
    let route = "GET /api/2.0/database/instances/lakegate-demo";
    let body = json!({ "name": "lakegate-demo", "state": "STOPPED" });
    house.fault(json!({ "route": route, "status": 200, "body": body })).await;
    let doctor = || house.lakegate(["doctor"]);
    check(&house, doctor, 1, ["instance", "stopped"], expect![[""]]).await;
}

#[tokio::test]
async fn an_endpoint_that_sleeps() {
    let house = ready(&["--autoscaling"]).await;
    let sleep = json!({ "suspend": { "wake_ms": 1_500, "meanwhile": "refuse" } });
    house.fault_of_postgres(sleep).await;
    let run = house.lakegate(["doctor", "--json"]).run().await.exits(0).json();
    let checks = run["checks"].as_array().unwrap();
    let login = checks.iter().find(|check| check["name"] == "login").unwrap();
    assert_eq!((&login["outcome"], &login["cause"]), (&json!("warning"), &json!("asleep")));
    assert!(login["milliseconds"].as_u64().unwrap() >= 1_500, "{login:#}");
    let found = login["found"].as_str().unwrap();
    assert!(found.starts_with("logged in over verified TLS after "), "{found}");
}
