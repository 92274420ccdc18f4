//! The proxy stops in order: it lets nobody in, sends away who does nothing, and finishes the rest.

use lakegate_tests::{House, Proxy, refusal};

use crate::{until, value};

#[tokio::test]
async fn after_the_last_transaction() {
    let house = House::open().await;
    house.set_up().await;
    for mode in ["session", "transaction"] {
        let proxy = Proxy::start(&house, &["--pool", mode]).await;
        let (idle, busy) = (proxy.connect().await.unwrap(), proxy.connect().await.unwrap());
        value(&idle, "SELECT 'x'").await.unwrap();
        busy.batch_execute("BEGIN").await.unwrap();
        proxy.ask_to_stop();
        // Who does nothing is told, whatever it asks next.
        until(async || value(&idle, "SELECT 'x'").await.is_err() && idle.is_closed()).await;
        assert_eq!(value(&busy, "SELECT 'still here'").await.unwrap(), "still here", "{mode}");
        busy.batch_execute("COMMIT").await.unwrap();
        proxy.end().await.exits(0);
    }
}

#[tokio::test]
async fn but_waits_for_nobody_for_ever() {
    let house = House::open().await;
    house.set_up().await;
    let proxy = Proxy::start(&house, &["--drain", "0"]).await;
    let busy = proxy.connect().await.unwrap();
    busy.batch_execute("BEGIN").await.unwrap();
    proxy.ask_to_stop();
    let run = proxy.end().await.exits(143);
    assert!(run.stderr.contains("before all that was under way was finished"), "{}", run.stderr);
    assert!(busy.batch_execute("COMMIT").await.is_err());
}

#[tokio::test]
async fn or_at_once_when_it_is_asked_twice() {
    let house = House::open().await;
    house.set_up().await;
    let mut proxy = Proxy::start(&house, &[]).await;
    let busy = proxy.connect().await.unwrap();
    busy.batch_execute("BEGIN").await.unwrap();
    proxy.ask_to_stop();
    proxy.running().says("stopping: 1 applications are connected").await;
    proxy.ask_to_stop();
    proxy.end().await.exits(143);
}

#[tokio::test]
async fn and_says_why() {
    let house = House::open().await;
    house.set_up().await;
    let proxy = Proxy::start(&house, &["--drain", "0"]).await;
    let busy = proxy.connect().await.unwrap();
    let query = busy.batch_execute("BEGIN; SELECT pg_sleep(600)");
    let stop = async {
        // The query is under way when the database says so.
        let other = proxy.connect().await.unwrap();
        let asked = "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)' \
                     AND state = 'active'";
        until(async || value(&other, asked).await.unwrap() == "1").await;
        proxy.ask_to_stop();
    };
    let (query, ()) = tokio::join!(query, stop);
    assert_eq!(refusal(&query.unwrap_err()).0, "57P01");
    proxy.end().await.exits(143);
}
