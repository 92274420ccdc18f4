//! A login that is refused costs one new token; refused for ever it is told, soon and clearly; and
//! TLS that cannot be trusted is never used.

use std::time::Instant;

use lakegate_tests::{DEADLINE, House, Proxy, refusal};
use serde_json::{Value, json};

use crate::{loud, value};

#[tokio::test]
async fn once_and_nobody_notices() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode]).await;
        assert_eq!(value(&proxy.connect().await.unwrap(), "SELECT 'x'").await.unwrap(), "x");
        house.forget().await;
        // A token that was just minted is not doubted.
        house.pass(std::time::Duration::from_secs(60));
        house.emulator("DELETE /connections", Value::Null).await;
        house.fault_of_postgres(json!({ "refuse_logins": { "times": 1 } })).await;
        assert_eq!(value(&proxy.connect().await.unwrap(), "SELECT 'y'").await.unwrap(), "y");
        let counts = house.counts().await;
        assert_eq!((&counts["refusals"], &counts["credentials"]), (&json!(1), &json!(1)), "{mode}");
        proxy.stop().await;
    }
}

#[tokio::test]
async fn for_ever_and_says_so() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        house.fault_of_postgres(json!({ "refuse_logins": {} })).await;
        let proxy = loud(&house, &["--pool", mode]).await;
        let error = failure(&proxy).await;
        let (code, words) = refusal(&error);
        assert!(code.starts_with("28"), "{mode}: {code} {words}");
        assert!(words.contains("External authorization failed"), "{mode}: {words}");
        house.heal().await;
        heals(&house, &proxy).await;
        proxy.stop().await;
    }
}

#[tokio::test]
async fn of_its_own_side_by_tls() {
    for fault in ["wrong_name", "unknown_authority", "expired"] {
        check_tls(fault, json!({ "certificate": fault })).await;
    }
    check_tls("no TLS", json!({ "no_tls": true })).await;
}

async fn check_tls(what: &str, fault: Value) {
    let house = House::open().await;
    house.set_up().await;
    house.fault_of_postgres(fault).await;
    house.forget().await;
    let proxy = loud(&house, &[]).await;
    let error = failure(&proxy).await;
    let (code, words) = refusal(&error);
    assert!(code.starts_with("08"), "{what}: {code} {words}");
    assert!(words.contains("TLS") || words.contains("certificate"), "{what}: {words}");
    let counts = house.counts().await;
    assert_eq!(
        (&counts["logins"], &counts["refusals"]),
        (&json!(0), &json!(0)),
        "{what}: a password was shown"
    );
    house.heal().await;
    heals(&house, &proxy).await;
    proxy.stop().await;
}

async fn failure(proxy: &Proxy) -> tokio_postgres::Error {
    let Err(error) = proxy.connect().await else { panic!("it let somebody in") };
    error
}

/// Nobody has to restart anything.
async fn heals(house: &House, proxy: &Proxy) {
    let start = Instant::now();
    house
        .rush(async {
            while let Err(error) = proxy.connect().await {
                assert!(start.elapsed() < DEADLINE, "it does not heal: {error:?}");
            }
        })
        .await;
}
