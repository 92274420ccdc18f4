//! The control plane or the network is gone for a while: who has a live token does not notice, and
//! who waits does not wait for ever.

use std::time::Duration;

use lakegate_tests::{House, refusal};
use serde_json::{Value, json};

use crate::{at_last, loud, until, value};

#[tokio::test]
async fn of_the_control_plane() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode]).await;
        assert_eq!(value(&proxy.connect().await.unwrap(), "SELECT 'x'").await.unwrap(), "x");
        house.fault(json!({ "route": "* *", "status": 503 })).await;
        // Beyond the time to renew it, but not beyond its life.
        house.pass(Duration::from_secs(55 * 60));
        house.forget().await;
        for _ in 0..5 {
            house.emulator("DELETE /connections", Value::Null).await;
            assert_eq!(value(&proxy.connect().await.unwrap(), "SELECT 'y'").await.unwrap(), "y");
        }
        let counts = house.counts().await;
        assert_eq!((&counts["refusals"], &counts["credentials"]), (&json!(0), &json!(0)), "{mode}");
        proxy.stop().await;
    }
}

/// A server that is there and says nothing.
#[tokio::test]
async fn of_the_network() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode, "--pool-size", "1", "--wait", "1"]).await;
        let stuck = at_last(&proxy).await;
        value(&stuck, "SELECT 'x'").await.unwrap();
        house.fault_of_postgres(json!({ "stall": true })).await;
        let waiting = value(&stuck, "SELECT 'y'");
        let others = async {
            // The only connection is in use, and nobody waits for ever.
            let Err(error) = told(&proxy).await else { panic!("it went around the pool") };
            let (code, words) = refusal(&error);
            assert!(["53300", "57P03"].contains(&code), "{mode}: {code} {words}");
            house.heal().await;
            house.fault_of_postgres(json!({ "stall": false })).await;
        };
        let (waited, ()) = tokio::join!(waiting, others);
        assert_eq!(waited.unwrap(), "y", "{mode}: what only took long is answered");
        drop(stuck);
        until(async || told(&proxy).await.is_ok()).await;
        proxy.stop().await;
    }
}

/// A new application, and its first query.
async fn told(proxy: &lakegate_tests::Proxy) -> Result<String, tokio_postgres::Error> {
    value(&proxy.connect().await?, "SELECT 'z'").await
}
