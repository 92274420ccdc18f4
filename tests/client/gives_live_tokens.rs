//! Every connection logs in with a live token, however it is made and however many there are.

use std::collections::BTreeSet;
use std::time::Duration;

use lakegate_tests::House;
use tokio::task::JoinSet;

use crate::application::{Application, authority, builder};

#[tokio::test]
async fn to_each_kind_of_connection() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    let mut processes = BTreeSet::new();
    for mut session in application.connect().await {
        let said = session
            .ask(
                "SELECT concat_ws(' ', current_user, current_database(), \
                 current_setting('search_path'), current_setting('application_name'))",
            )
            .await;
        assert_eq!(said, format!("{} app_ontos \"app_ontos\" lakegate", house.principal()));
        processes.insert(session.process().await);
    }
    assert_eq!(processes.len(), 3);
    assert_eq!(house.counts().await["refusals"], 0);
}

#[tokio::test]
async fn under_the_name_and_in_the_schema_that_were_asked_for() {
    let house = House::with(&["--schema", r#"Two "words""#]).await;
    house.set_up().await;
    let named = builder(&house).authority(authority(&house)).application_name("orders");
    for mut session in Application::of(named).await.connect().await {
        assert_eq!(session.ask("SELECT current_setting('application_name')").await, "orders");
        assert_eq!(session.ask("SHOW search_path").await, r#""Two ""words""""#);
    }
}

#[tokio::test]
async fn a_hundred_at_once_buy_one() {
    let house = House::open().await;
    house.set_up().await;
    let application = Application::start(&house).await;
    house.forget().await;
    // As after a suspend: the token is dead, and nobody has noticed.
    house.pass(Duration::from_secs(61 * 60));
    let mut connecting = JoinSet::new();
    for number in 0..100 {
        let Application { lakebase, deadpool, sqlx } = &application;
        let (lakebase, deadpool, sqlx) = (lakebase.clone(), deadpool.clone(), sqlx.clone());
        connecting.spawn(async move {
            match number % 3 {
                0 => drop(lakebase.connect().await.unwrap()),
                1 => drop(deadpool.get().await.unwrap()),
                _ => drop(lakebase.acquire(&sqlx).await.unwrap()),
            }
        });
    }
    let connected = connecting.join_all().await;
    assert_eq!(connected.len(), 100);
    let counts = house.counts().await;
    assert_eq!(counts["credentials"], 1, "{counts}");
    let status = application.lakebase.status().await.unwrap().unwrap();
    assert_eq!(status.life.generation, Some(2));
}
