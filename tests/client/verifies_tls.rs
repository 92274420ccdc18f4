//! A certificate that is not one to trust gets neither a secret nor a token.

use lakegate_client::Kind;
use lakegate_tests::House;
use serde_json::json;

use crate::application::{Application, builder};

#[tokio::test]
async fn of_the_workspace() {
    let house = House::open().await;
    house.forget().await;
    // Without the house's authority.
    let error = builder(&house).start().await.unwrap_err();
    assert!(matches!(error.kind(), Kind::Denied | Kind::Unavailable | Kind::Configuration));
    assert_eq!(house.requests("POST /oidc/v1/token").await, 0, "{error}");
}

#[tokio::test]
async fn of_the_database() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    house.forget().await;
    for fault in [json!({ "certificate": "expired" }), json!({ "no_tls": true })] {
        house.fault_of_postgres(fault.clone()).await;
        let error = application.lakebase.connect().await.unwrap_err();
        assert_eq!(error.kind(), Kind::Denied, "{fault}: {error}");
        let error = application.deadpool.get().await.unwrap_err();
        assert!(error.to_string().contains("TLS"), "{fault}: {error}");
        let error = application.sqlx.acquire().await.unwrap_err();
        let tls = matches!(error, sqlx::Error::Tls(_)) || error.to_string().contains("certificate");
        assert!(tls, "{fault}: {error}");
        house.heal().await;
    }
    assert_eq!(house.counts().await["logins"], 0);
    application.connect().await;
}
