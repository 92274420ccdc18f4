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
    check(&house, doctor, 1, ["instance", "wrong-api"], expect![[r#"
          failed   instance (wrong-api): the search for instance `lakegate-demo` found nothing (404): NOT_FOUND: the resource does not exist
                   → `lakegate-demo` is an Autoscaling project, which the API of instances does not know: remove LAKEBASE_INSTANCE_NAME and set LAKEBASE_ENDPOINT=projects/lakegate-demo/branches/production/endpoints/primary.
    "#]]).await;
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
    check(&house, doctor, 1, ["instance", "wrong-api"], expect![[r#"
          failed   instance (wrong-api): the search for endpoint `projects/lakegate-demo/branches/production/endpoints/primary` found nothing (404): NOT_FOUND: the resource does not exist
                   → `lakegate-demo` is a Provisioned instance, which the API of projects does not know: remove the endpoint's path and set LAKEBASE_INSTANCE_NAME=lakegate-demo.
    "#]]).await;
}

#[tokio::test]
async fn the_uid_of_an_endpoint() {
    let house = ready(&["--autoscaling"]).await;
    let path = house.env("LAKEBASE_ENDPOINT");
    let endpoint = house.workspace(&format!("GET /api/2.0/postgres/{path}"), Value::Null).await;
    let uid = endpoint["uid"].as_str().unwrap();
    let wrong = path.replace("/primary", &format!("/{uid}"));
    let doctor = || house.lakegate(["doctor"]).env("LAKEBASE_ENDPOINT", &wrong);
    let run = doctor().arg("--json").run().await.exits(1).json();
    let checks = run["checks"].as_array().unwrap();
    let instance = checks.iter().find(|check| check["name"] == "instance").unwrap();
    assert_eq!(instance["cause"], "endpoint-uid");
    let advice = instance["advice"].as_str().unwrap().replace(uid, "$UID");
    expect!["`$UID` is the endpoint's uid, and the API knows it by its id: set LAKEBASE_ENDPOINT=projects/lakegate-demo/branches/production/endpoints/primary."].assert_eq(&advice);
}

#[tokio::test]
async fn a_host_of_another_instance() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor", "--host", "127.0.0.1"]);
    check(&house, doctor, 0, ["instance", "wrong-host"], expect![[r#"
          warning  instance (wrong-host): its host is localhost, but POSTGRES_HOST is 127.0.0.1
                   → A credential logs in where it was bought for. Unless both names lead to the same server, correct POSTGRES_HOST, or the name of the instance or endpoint.
          warning  privileges (public-create): every role may create schemas in database "app_ontos"
                   → As an admin, once the application has started: `lakegate tighten`.
    "#]]).await;
}

#[tokio::test]
async fn an_instance_that_was_stopped() {
    let house = ready(&[]).await;
    let route = "GET /api/2.0/database/instances/lakegate-demo";
    let body = json!({ "name": "lakegate-demo", "state": "STOPPED" });
    house.fault(json!({ "route": route, "status": 200, "body": body })).await;
    let doctor = || house.lakegate(["doctor"]);
    check(
        &house,
        doctor,
        1,
        ["instance", "stopped"],
        expect![[r#"
              failed   instance (stopped): Provisioned instance `lakegate-demo` is STOPPED
                       → Start the instance, or switch the endpoint on, in the workspace.
        "#]],
    )
    .await;
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
