//! A login that is refused costs one new token at most, and ends with a reason.

use std::time::Duration;

use lakegate_client::{Error, Kind};
use lakegate_tests::House;
use serde_json::json;
use tokio::task::JoinSet;

use crate::application::Application;

/// An application whose token is fresh no more.
async fn with_a_used_token(house: &House) -> Application {
    house.set_up().await;
    let application = Application::start(house).await;
    house.forget().await;
    house.pass(Duration::from_secs(45));
    application
}

#[tokio::test]
async fn a_used_token_is_replaced_once_whoever_connects() {
    for way in 0..3 {
        let house = House::open().await;
        let application = with_a_used_token(&house).await;
        house.fault_of_postgres(json!({ "refuse_logins": { "times": 1 } })).await;
        match way {
            0 => drop(application.lakebase.connect().await.unwrap()),
            1 => drop(application.deadpool.get().await.unwrap()),
            _ => drop(application.lakebase.acquire(&application.sqlx).await.unwrap()),
        }
        let counts = house.counts().await;
        assert_eq!((&counts["credentials"], &counts["logins"]), (&1.into(), &1.into()), "{counts}");
    }
}

#[tokio::test]
async fn once_for_many_who_were_refused_at_once() {
    let house = House::open().await;
    let application = with_a_used_token(&house).await;
    house.fault_of_postgres(json!({ "refuse_logins": { "times": 8 } })).await;
    let mut connecting = JoinSet::new();
    for _ in 0..8 {
        let lakebase = application.lakebase.clone();
        connecting.spawn(async move { lakebase.connect().await.map(drop) });
    }
    connecting.join_all().await;
    assert_eq!(house.counts().await["credentials"], 1);
}

#[tokio::test]
async fn a_login_refused_for_ever_costs_one_more_token_and_says_why() {
    let house = House::open().await;
    let application = with_a_used_token(&house).await;
    house.fault_of_postgres(json!({ "refuse_logins": {} })).await;
    let error = application.lakebase.connect().await.unwrap_err();
    assert_eq!((error.kind(), error.sqlstate()), (Kind::Login, Some("28000")));
    assert!(error.to_string().contains("with a fresh token, so it looks like a wrong identity"));
    assert!(error.advice().contains("databricks_create_role"), "{}", error.advice());
    assert_eq!(house.counts().await["credentials"], 1);

    // A fresh one is not replaced at all; and each library has its own error, with the SQLSTATE.
    let refused = application.deadpool.get().await.unwrap_err();
    let deadpool_postgres::PoolError::Backend(backend) = &refused else { panic!("{refused}") };
    assert_eq!(backend.code().map(|code| code.code()), Some("28000"));
    assert!(Error::within(&refused).is_none());
    let refused = application.lakebase.acquire(&application.sqlx).await.unwrap_err();
    let code = refused.as_database_error().and_then(|error| error.code());
    assert_eq!(code.as_deref(), Some("28000"));
    assert_eq!(house.counts().await["credentials"], 1);
}

#[tokio::test]
async fn what_is_not_about_the_token_costs_none() {
    let house = House::open().await;
    let application = Application::start(&house).await;
    house.forget().await;
    house.pass(Duration::from_secs(45));
    // Nobody has created the database.
    let error = application.lakebase.connect().await.unwrap_err();
    assert_eq!((error.kind(), error.sqlstate()), (Kind::Login, Some("3D000")));
    assert!(error.advice().contains("lakegate setup"), "{}", error.advice());
    application.lakebase.acquire(&application.sqlx).await.unwrap_err();
    assert_eq!(house.counts().await["credentials"], 0);
}
