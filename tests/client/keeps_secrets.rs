//! Nothing shows a token or the secret that buys it, however much it is asked to say.

use std::fmt::Debug;
use std::time::Duration;

use lakegate_tests::House;
use serde_json::json;

use crate::application::{Application, authority, builder};

/// What must not be seen: the secret that was given, and tokens by the way they all begin.
#[track_caller]
fn check(house: &House, shown: &dyn Debug) {
    for text in [format!("{shown:?}"), format!("{shown:#?}")] {
        assert!(!text.contains("eyJ"), "{text}");
        assert!(!text.contains(house.env("DATABRICKS_CLIENT_SECRET")), "{text}");
    }
}

#[tokio::test]
async fn in_debug() {
    let house = House::open().await;
    house.set_up().await;
    let settings = builder(&house).authority(authority(&house));
    check(&house, &settings);
    let Application { lakebase, deadpool, sqlx } = Application::of(settings).await;
    let credential = lakebase.credential().await.unwrap();
    assert!(credential.password().starts_with("eyJ"));
    check(&house, &credential);
    check(&house, &lakebase);
    check(&house, &lakebase.status().await.unwrap());
    check(&house, &deadpool);
    check(&house, &lakebase.deadpool());
    check(&house, &sqlx);
}

#[tokio::test]
async fn in_errors() {
    let house = House::open().await;
    let application = Application::start(&house).await;
    check(&house, &application.lakebase.connect().await.unwrap_err());
    check(&house, &application.deadpool.get().await.unwrap_err());
    check(&house, &application.sqlx.acquire().await.unwrap_err());

    // A server that answers with the very secret that it got.
    let secret = house.env("DATABRICKS_CLIENT_SECRET");
    let body = json!({ "error": "invalid_client", "error_description": format!("no: {secret}") });
    house.fault(json!({ "route": "POST /oidc/v1/token", "status": 401, "body": body })).await;
    let error = builder(&house).authority(authority(&house)).start().await.unwrap_err();
    check(&house, &error);
    house.pass(Duration::from_secs(61 * 60));
    check(&house, &house.rush(application.deadpool.get()).await.unwrap_err());
}
