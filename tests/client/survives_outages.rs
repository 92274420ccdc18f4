//! While a token lives nobody notices that the workspace is down, and an endpoint that is asleep is
//! waited for.

use std::time::Duration;

use lakegate_client::{Error, Kind, State};
use lakegate_tests::House;
use serde_json::json;

use crate::application::Application;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn of_the_workspace_for_as_long_as_the_token_lives() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    let lakebase = &application.lakebase;
    let first = lakebase.credential().await.unwrap();
    house.fault(json!({ "route": "* *", "status": 503 })).await;

    house.pass(50 * MINUTE);
    let told = lakebase.renewed(&first).await.unwrap_err();
    assert_eq!(told.kind(), Kind::Unavailable, "{told}");
    let status = lakebase.status().await.unwrap().unwrap();
    assert!(status.life.state.serves() && status.life.state != State::Live, "{status:?}");
    house.pass(8 * MINUTE);
    let (mut held, login) = (application.connect().await, application.login_of_sqlx());

    // Now it is dead, and there is no other.
    house.pass(3 * MINUTE);
    let error = house.rush(lakebase.connect()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    let error = house.rush(application.deadpool.get()).await.unwrap_err();
    let within = Error::within(&error).unwrap();
    assert_eq!(within.kind(), Kind::Unavailable, "{within}");
    for session in &mut held {
        session.process().await;
    }

    house.heal().await;
    house.rush(async { while lakebase.renewed(&first).await.is_err() {} }).await;
    application.sqlx_is_told(&login).await;
    application.connect().await;
}

#[tokio::test]
async fn of_an_endpoint_that_is_asleep() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    let asleep = json!({ "suspend": { "wake_ms": 500, "meanwhile": "refuse" } });
    house.fault_of_postgres(asleep.clone()).await;
    application.lakebase.connect().await.unwrap();
    house.fault_of_postgres(asleep).await;
    drop(application.deadpool.get().await.unwrap());
}
