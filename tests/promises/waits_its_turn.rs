//! A bootstrap waits for another one and says so, keeps to its time limits, and finds its way after a
//! connection broke.

use expect_test::expect;
use lakegate_tests::House;
use serde_json::Value;
use tokio_postgres::Client;

async fn ready(migration: &str) -> House {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", migration);
    house
}

/// Another replica in the middle of its bootstrap: it holds the lock that a plan names.
async fn other_replica(house: &House) -> Client {
    let plan = house.lakegate(["bootstrap", "plan"]).run().await.exits(3).stdout;
    let (_, lock) = plan.split_once("pg_advisory_xact_lock(").unwrap();
    let (key, _) = lock.split_once(')').unwrap();
    let session = house.login(&house.credential().await).await.unwrap();
    session.execute(&format!("SELECT pg_advisory_lock({key})"), &[]).await.unwrap();
    session
}

#[tokio::test]
async fn behind_another_replica() {
    let house = ready("CREATE TABLE a (id int);").await;
    let other = other_replica(&house).await;
    let arguments = ["bootstrap", "apply", "--lock-timeout", "25"];
    let running = house.lakegate(arguments).start();
    running
        .says("lakegate: waiting for another replica to finish the bootstrap, 20 s at most")
        .await;
    drop(other);
    let run = running.end().await.exits(0);
    assert!(run.stdout.contains("done: run 0001_a.sql\n"), "{run:?}");
}

#[tokio::test]
async fn no_longer_than_its_limits() {
    let house = ready("CREATE TABLE a (id int);").await;
    let other = other_replica(&house).await;
    let run = house.lakegate(["bootstrap", "apply", "--lock-timeout", "1"]).run().await.exits(1);
    expect![[""]].assert_eq(&house.told(&run.stderr));
    drop(other);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);

    // Something else holds a table.
    let mut session = house.login(&house.credential().await).await.unwrap();
    let transaction = session.transaction().await.unwrap();
    transaction.execute("LOCK TABLE app_ontos.a", &[]).await.unwrap();
    house.write("migrations/0002_b.sql", "ALTER TABLE a ADD b int;");
    house.write("lakegate.toml", "lakegate_lock_timeout = 1\n");
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expect![[""]].assert_eq(&house.told(&run.stderr));
    transaction.rollback().await.unwrap();

    house.write("migrations/0002_b.sql", "SELECT pg_sleep(60);");
    let slow = house.lakegate(["bootstrap", "apply"]).env("LAKEGATE_STATEMENT_TIMEOUT", "1");
    expect![[""]].assert_eq(&house.told(&slow.run().await.exits(1).stderr));
    let none = house.lakegate(["bootstrap", "apply"]).env("LAKEGATE_STATEMENT_TIMEOUT", "0");
    expect![[""]].assert_eq(&house.told(&none.run().await.exits(2).stderr));
}

#[tokio::test]
async fn and_goes_on_after_a_broken_connection() {
    let house = ready("CREATE TABLE a AS SELECT 1 AS number; SELECT pg_sleep(60);").await;
    let running = house.lakegate(["bootstrap", "apply"]).start();
    let session = house.login(&house.credential().await).await.unwrap();
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'
                AND wait_event = 'PgSleep'";
    while session.query_one(busy, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    house.emulator("DELETE /connections", Value::Null).await;
    let run = running.end().await.exits(1);
    expect![[""]].assert_eq(&house.told(&run.stderr));
    house.write("migrations/0001_a.sql", "CREATE TABLE a AS SELECT 1 AS number;");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
}
