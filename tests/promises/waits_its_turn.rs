//! A bootstrap waits for another one and says so, keeps to its time limits, and finds its way after a
//! connection broke.

use std::time::Instant;

use expect_test::expect;
use lakegate_tests::{DEADLINE, House};
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
    expect![[r#"
        lakegate: error: another replica was still at the bootstrap after 1 s: canceling statement due to lock timeout (SQLSTATE 55P03)
          Nothing was changed while it waited. Try again later, or allow more time with LAKEGATE_LOCK_TIMEOUT. If no replica is at it, see in pg_locks and pg_stat_activity who holds a lock.
    "#]].assert_eq(&house.told(&run.stderr));
    drop(other);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);

    // Something else holds a table.
    let mut session = house.login(&house.credential().await).await.unwrap();
    let transaction = session.transaction().await.unwrap();
    transaction.execute("LOCK TABLE app_ontos.a", &[]).await.unwrap();
    house.write("migrations/0002_b.sql", "ALTER TABLE a ADD b int;");
    house.write("lakegate.toml", "lakegate_lock_timeout = 1\n");
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: 0002_b.sql: canceling statement due to lock timeout (SQLSTATE 55P03)
          Something else holds a lock: see who with pg_stat_activity, try later, or allow more time with LAKEGATE_LOCK_TIMEOUT. Everything is undone: the database is as it was.
    "#]].assert_eq(&house.told(&run.stderr));
    transaction.rollback().await.unwrap();
    std::fs::remove_file(house.folder().join("lakegate.toml")).unwrap();

    house.write("migrations/0002_b.sql", "SELECT pg_sleep(600);");
    // Enough for all that comes before.
    let slow = house.lakegate(["bootstrap", "apply"]).env("LAKEGATE_STATEMENT_TIMEOUT", "5");
    expect![[r#"
        lakegate: error: 0002_b.sql: canceling statement due to statement timeout (SQLSTATE 57014)
          It took longer than the time limit for statements (LAKEGATE_STATEMENT_TIMEOUT), or somebody cancelled it. Everything is undone: the database is as it was.
    "#]].assert_eq(&house.told(&slow.run().await.exits(1).stderr));
    let none = house.lakegate(["bootstrap", "apply"]).env("LAKEGATE_STATEMENT_TIMEOUT", "0");
    expect![[r#"
        lakegate: error: LAKEGATE_STATEMENT_TIMEOUT (environment) is `0`: it is no number of seconds from 1 to 2147483
          Set it to a number of seconds, such as 600.
    "#]].assert_eq(&house.told(&none.run().await.exits(2).stderr));
}

/// A session of the application, and a table: no migration gets past [`GATED`] before there is a row
/// in it.
async fn gatekeeper(house: &House) -> Client {
    let session = house.login(&house.credential().await).await.unwrap();
    let gate = "CREATE SCHEMA IF NOT EXISTS gate; CREATE TABLE IF NOT EXISTS gate.open (id int)";
    session.batch_execute(gate).await.unwrap();
    session
}

/// A migration that goes on when the gate is open, whoever still waits for it.
const GATED: &str = "
    CREATE TABLE a AS SELECT 1 AS number;
    DO $$ BEGIN
      WHILE NOT EXISTS (SELECT FROM gate.open) LOOP PERFORM pg_sleep(0.01); END LOOP;
    END $$;";

/// Waits until somebody has the lock of a bootstrap, or waits for it.
async fn until_lock(session: &Client, granted: bool) {
    let found = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted = $1";
    let start = Instant::now();
    while session.query_one(found, &[&granted]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(start.elapsed() < DEADLINE, "nobody came so far");
    }
}

#[tokio::test]
async fn and_goes_on_after_a_broken_connection() {
    let house = ready(GATED).await;
    let session = gatekeeper(&house).await;
    let running = house.lakegate(["bootstrap", "apply"]).start();
    until_lock(&session, true).await;
    house.emulator("DELETE /connections", Value::Null).await;
    let run = running.end().await.exits(1);
    expect![[r#"
        lakegate: error: the bootstrap failed: the connection was lost: connection closed
          Run it again: it looks what was committed and does only the rest.
    "#]]
    .assert_eq(&house.told(&run.stderr));
    // The server did not notice: it goes on, and commits. The next run waits for that, and does
    // nothing twice.
    let next = house.lakegate(["bootstrap", "apply"]).start();
    let session = gatekeeper(&house).await;
    until_lock(&session, false).await;
    session.batch_execute("INSERT INTO gate.open VALUES (1)").await.unwrap();
    let run = next.end().await.exits(0);
    assert!(run.stdout.starts_with("nothing to do: "), "{run:?}");
    let rows = session.query("SELECT number FROM app_ontos.a", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
}
