//! Promise 2: the workspace's token buys a database credential, by the API of the flavour.

use lakegate_tests::{Credential, House};
use serde_json::{Value, json};

/// What one `lakegate token` asks of the control plane, beside finding the token endpoint.
async fn check(flags: &[&str], buys_at: &str) {
    let house = House::with(flags).await;
    house.set_up().await;
    house.forget().await;
    let credential = house.credential().await;
    let counts = house.counts().await;
    assert_eq!(counts["requests"]["POST /oidc/v1/token"], 1, "{counts}");
    assert_eq!(counts["requests"][format!("POST {buys_at}")], 1, "{counts}");
    assert_eq!(counts["workspace_tokens"], 1);
    assert_eq!(counts["credentials"], 1);
    assert_eq!(credential.user(), house.principal());
    assert_eq!(credential.0["host"], "localhost");
    assert_eq!(credential.0["port"].to_string(), house.env("POSTGRES_PORT"));
    assert_eq!(credential.0["database"], "app_ontos");
    assert_eq!(credential.0["schema"], "app_ontos");

    let session = house.login(&credential).await.unwrap();
    let row = session.query_one("SELECT current_user::text", &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), house.principal());
}

#[tokio::test]
async fn of_a_provisioned_instance() {
    check(&[], "/api/2.0/database/credentials").await;
}

#[tokio::test]
async fn of_an_autoscaling_endpoint() {
    check(&["--autoscaling"], "/api/2.0/postgres/credentials").await;
}

#[tokio::test]
async fn of_an_endpoint_that_the_host_names() {
    let house = House::with(&["--autoscaling"]).await;
    house.set_up().await;
    let endpoint = house.env("LAKEBASE_ENDPOINT");
    let program = house.lakegate(["token", "--json"]).without("LAKEBASE_ENDPOINT");
    let run = program.env("POSTGRES_HOST", endpoint).run().await.exits(0);
    // The endpoint's own host, which the control plane told.
    assert_eq!(run.json()["host"], house.env("POSTGRES_HOST"));
    let credential = Credential(run.json());
    house.login(&credential).await.unwrap();
}

#[tokio::test]
async fn of_the_instance_that_the_host_belongs_to() {
    let house = House::open().await;
    let program = house.lakegate(["token", "--json"]).without("LAKEBASE_INSTANCE_NAME");
    let run = program.run().await.exits(0);
    house.login_to("postgres", &Credential(run.json())).await.unwrap();
    assert_eq!(house.requests("GET /api/2.0/database/instances").await, 1);
}

#[tokio::test]
async fn of_an_instance_that_the_app_names() {
    let house = House::open().await;
    let app = house.env("LAKEBASE_INSTANCE_NAME");
    let run = house
        .lakegate(["token", "--json"])
        .without("LAKEBASE_INSTANCE_NAME")
        .env("DATABRICKS_APP_NAME", app)
        .env("POSTGRES_HOST", "127.0.0.1") // The instance is not known by this.
        .run()
        .await
        .exits(0);
    house.login_to("postgres", &Credential(run.json())).await.unwrap();
    assert_eq!(house.requests(&format!("GET /api/2.0/apps/{app}")).await, 1);
}

#[tokio::test]
async fn as_it_is_for_scripts_and_as_a_line_for_libpq() {
    let house = House::open().await;
    let bare = house.lakegate(["token"]).run().await.exits(0).stdout;
    assert_eq!(bare.trim().split('.').count(), 3, "a token and nothing else");
    assert_eq!(bare.lines().count(), 1);

    let file = house.write_secret("pgpass", "nothing of interest yet");
    let run = house.lakegate(["token", "--pgpass"]).arg(&file).run().await.exits(0);
    assert_eq!(run.stdout, "");
    let line = std::fs::read_to_string(&file).unwrap();
    let (port, user) = (house.env("POSTGRES_PORT"), house.principal());
    let start = format!("localhost:{port}:app_ontos:{user}:eyJ");
    assert!(line.starts_with(&start), "not a line of libpq for {user}");
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn with_an_expiry_in_every_form_that_was_seen() {
    let house = House::open().await;
    for form in [
        json!({ "expires_in": "number", "expiry": "honest" }),
        json!({ "expires_in": "string" }),
        json!({ "expires_in": "absent", "expiry": "absent" }),
        json!({ "expiry": "past" }),
    ] {
        house.emulator("POST /tokens", form.clone()).await;
        let credential = house.credential().await;
        let clock = house.emulator("GET /clock", Value::Null).await;
        let (now, end) = (clock["now"].as_str(), credential.0["expires_at"].as_str());
        assert!(now.is_some() && now < end, "{form}: {now:?}, {end:?}");
        house.login_to("postgres", &credential).await.unwrap();
    }
}
