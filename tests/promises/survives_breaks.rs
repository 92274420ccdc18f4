//! A connection that breaks in the middle, a server that restarts, a ledger that cannot be written:
//! each is told, and the next run does what is left.

use std::time::Instant;

use expect_test::{Expect, expect};
use lakegate_tests::{DEADLINE, House, Program, Running};
use serde_json::Value;
use tokio_postgres::Client;

/// What a migration waits for, in the middle of the statement.
const GATE: &str = "4711";

/// The SQL that ends when the gate is open.
pub(crate) fn through_the_gate() -> String {
    format!("SELECT pg_advisory_xact_lock({GATE});")
}

async fn ready() -> House {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE once AS SELECT 1 AS file;");
    house.write(
        "migrations/0002_b.sql",
        &format!("INSERT INTO once VALUES (2); {}", through_the_gate()),
    );
    house
}

fn apply(house: &House) -> Program {
    house.lakegate(["bootstrap", "apply"])
}

/// How `apply` ends; then it is run again, and all is done once.
async fn check(house: &House, running: Running, expected: Expect) {
    let run = running.end().await.exits(1).prints("");
    expected.assert_eq(&house.told(&run.stderr));
    done(house).await;
}

/// Runs it again. Each file ran once.
async fn done(house: &House) {
    apply(house).run().await.exits(0);
    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT (SELECT string_agg(file::text, ' ' ORDER BY file) FROM app_ontos.once),
                      (SELECT string_agg(version::text, ' ' ORDER BY version)
                       FROM app_ontos.lakegate_migrations WHERE milliseconds IS NOT NULL)";
    let row = session.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, &str>(0), row.get::<_, &str>(1)), ("1 2", "1 2"));
}

/// A session that keeps the gate closed.
pub(crate) async fn closed_gate(house: &House) -> Client {
    let session = house.login(&house.credential().await).await.unwrap();
    session.batch_execute(&format!("SELECT pg_advisory_lock({GATE})")).await.unwrap();
    session
}

/// Waits until `apply` stands before the gate.
async fn arrived(session: &Client) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
    let start = Instant::now();
    while session.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(start.elapsed() < DEADLINE, "it never came to the gate");
    }
}

/// What is told when nobody can know what became of the statement.
fn lost() -> Expect {
    expect![[r#"
        lakegate: error: the bootstrap failed: the connection was lost: connection closed
          Run it again: it looks what was committed and does only the rest.
    "#]]
}

#[tokio::test]
async fn of_a_connection_before_within_and_after_the_statement() {
    for answered in [false, true] {
        let house = ready().await;
        house.hold(2, answered).await;
        let running = apply(&house).start();
        house.until_held().await;
        house.emulator("DELETE /connections", Value::Null).await;
        house.heal().await;
        check(&house, running, lost()).await;
    }
    let house = ready().await;
    let session = closed_gate(&house).await;
    let running = apply(&house).start();
    arrived(&session).await;
    // It opens the gate as well: what was under way may still be done, with nobody to hear of it.
    house.emulator("DELETE /connections", Value::Null).await;
    check(&house, running, lost()).await;
}

#[tokio::test]
async fn of_the_server() {
    let house = ready().await;
    let session = closed_gate(&house).await;
    let running = apply(&house).start();
    arrived(&session).await;
    house.emulator("POST /postgres/restart", Value::Null).await;
    let told = expect![[r#"
        lakegate: error: 0002_b.sql: terminating connection due to administrator command (SQLSTATE 57P01)
          Everything is undone: the database is as it was.
    "#]];
    check(&house, running, told).await;

    let house = ready().await;
    house.hold(2, true).await;
    let running = apply(&house).start();
    house.until_held().await;
    house.emulator("POST /postgres/restart", Value::Null).await;
    house.heal().await;
    check(&house, running, lost()).await;
}

/// What a full disk answers when the ledger is written.
const FULL: &str = "
    CREATE FUNCTION app_ontos.full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full', HINT = 'Check free disk space.';
    END $$;
    CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON app_ontos.lakegate_migrations
      FOR EACH ROW EXECUTE FUNCTION app_ontos.full_disk()";

#[tokio::test]
async fn of_the_ledger() {
    let house = ready().await;
    let second = house.folder().join("migrations/0002_b.sql");
    let text = std::fs::read_to_string(&second).unwrap();
    std::fs::remove_file(&second).unwrap();
    apply(&house).run().await.exits(0);
    let session = house.login(&house.credential().await).await.unwrap();
    session.batch_execute(FULL).await.unwrap();
    house.write("migrations/0002_b.sql", &text);
    let run = apply(&house).run().await.exits(1);
    expect![[r#"
        lakegate: error: the bootstrap failed: could not extend file: No space left on device (SQLSTATE 53100)
          Check free disk space. Everything is undone: the database is as it was.
    "#]].assert_eq(&house.told(&run.stderr));
    let count = session.query_one("SELECT count(*) FROM app_ontos.once", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 1, "what could not be remembered was not done");
    session.batch_execute("DROP FUNCTION app_ontos.full_disk CASCADE").await.unwrap();
    done(&house).await;
}
