//! A database that was scaled to zero wakes up when somebody connects; who connects waits, and is
//! told when that takes too long.

use lakegate_tests::{House, refusal};
use serde_json::{Value, json};

use crate::{at_last, loud, value};

#[tokio::test]
async fn and_applications_wait() {
    for mode in ["session", "transaction"] {
        for meanwhile in ["wait", "refuse"] {
            let house = House::open().await;
            house.set_up().await;
            let proxy = loud(&house, &["--pool", mode]).await;
            assert_eq!(value(&proxy.connect().await.unwrap(), "SELECT 'x'").await.unwrap(), "x");
            house.fault_of_postgres(asleep(700, meanwhile)).await;
            let many = (0..8).map(async |_| {
                let client = proxy.connect().await.unwrap();
                value(&client, "SELECT 'awake'").await.unwrap()
            });
            let said = futures_util::future::join_all(many).await;
            assert_eq!(said, ["awake"; 8], "{mode}, {meanwhile}");
            proxy.stop().await;
        }
    }
}

#[tokio::test]
async fn or_are_told_in_time() {
    for (mode, meanwhile) in [("session", "wait"), ("session", "refuse"), ("transaction", "refuse")]
    {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode, "--wait", "1"]).await;
        house.fault_of_postgres(asleep(3_600_000, meanwhile)).await;
        let Err(error) = proxy.connect().await else { panic!("it woke up too early") };
        let (code, words) = refusal(&error);
        assert_eq!(code, "57P03", "{mode}, {meanwhile}: {words}");
        house.heal().await;
        house.emulator("DELETE /connections", Value::Null).await;
        assert_eq!(value(&at_last(&proxy).await, "SELECT 'x'").await.unwrap(), "x");
        proxy.stop().await;
    }
}

fn asleep(wake_ms: u64, meanwhile: &str) -> Value {
    json!({ "suspend": { "wake_ms": wake_ms, "meanwhile": meanwhile } })
}
