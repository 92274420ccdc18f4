//! Any number of replicas may start at once, and be killed at any moment: done, and nothing twice.

use std::time::Instant;

use lakegate_tests::{DEADLINE, House, Run, Running};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::survives_breaks::{closed_gate, through_the_gate};

const REPLICAS: usize = 32;

#[tokio::test]
async fn one_applies_and_the_others_find_nothing_to_do() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_once.sql", "CREATE TABLE once AS SELECT 1 AS number;");
    let mut replicas = JoinSet::new();
    for _ in 0..REPLICAS {
        replicas.spawn(house.lakegate(["bootstrap", "apply", "--json"]).run());
    }
    let reports: Vec<Value> =
        replicas.join_all().await.into_iter().map(|run: Run| run.exits(0).json()).collect();
    let busy = reports.iter().filter(|report| report["done"] != json!([])).count();
    assert_eq!((reports.len(), busy), (REPLICAS, 1));
    assert_eq!(rows(&house).await, (1, 1));
}

/// How often the migration ran, and how often the ledger says so.
async fn rows(house: &House) -> (i64, i64) {
    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM app_ontos.once),
                      (SELECT count(*) FROM app_ontos.lakegate_migrations)";
    let row = session.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

/// Lets `lakegate` come to where `count` is reached, and kills it there.
async fn kill_at(house: &House, running: Running, count: &str, number: u64) {
    let start = Instant::now();
    loop {
        let counts = house.counts().await;
        let reached: u64 = match &counts[count] {
            Value::Object(requests) => requests.values().filter_map(Value::as_u64).sum(),
            number => number.as_u64().unwrap(),
        };
        if number <= reached {
            break;
        }
        assert!(start.elapsed() < DEADLINE, "never came to {number} {count}: {counts}");
    }
    let killed = running.kill().await;
    assert_eq!(killed.code, None, "it had ended by itself: {killed:?}");
}

#[tokio::test]
async fn a_killed_one_is_finished_by_the_next() {
    for (count, number) in [
        ("requests", 1),
        ("requests", 2),
        ("credentials", 1),
        ("connections", 1),
        ("logins", 1),
        ("round_trips", 1),
        ("round_trips", 2),
    ] {
        let house = House::open().await;
        house.set_up().await;
        // However late it is killed, it has not ended by then.
        let sql = format!("CREATE TABLE once AS SELECT 1 AS number; {}", through_the_gate());
        house.write("migrations/0001_once.sql", &sql);
        let gate = closed_gate(&house).await;
        house.forget().await;
        let running = house.lakegate(["bootstrap", "apply"]).start();
        kill_at(&house, running, count, number).await;
        drop(gate);
        house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
        assert_eq!(rows(&house).await, (1, 1), "killed at {number} {count}");
        house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
    }
}
