//! `kill -9` at any moment, then run again: done, and nothing twice.

use std::time::{Duration, Instant};

use fastrand::Rng;
use lakegate_tests::{House, Program, Run, Running};
use tokio_postgres::Client;

/// One of each kind. Each leaves a trace that can be counted.
const FILES: [(&str, &str); 5] = [
    (
        "0001_trace.sql",
        "CREATE TABLE trace (file text);\nCREATE TABLE t AS SELECT generate_series(1, 1000) AS id;\n\
         INSERT INTO trace VALUES ('0001');",
    ),
    ("0002_more.sql", "INSERT INTO trace VALUES ('0002');"),
    ("0003_new.sql", "-- lakegate: new-transaction\nINSERT INTO trace VALUES ('0003');"),
    (
        "0004_alone.sql",
        "-- lakegate: no-transaction\nINSERT INTO trace VALUES ('0004');\n\
         CREATE INDEX CONCURRENTLY i ON t (id);",
    ),
    ("0005_last.sql", "INSERT INTO trace VALUES ('0005');"),
];

/// What the ledger says when so many statements have reached Postgres, the inspection included. A
/// question mark: began outside of transactions, and has not ended.
const LANDED: [&str; 9] =
    ["", "", "1 2", "1 2 3", "1 2 3 4?", "1 2 3 4?", "1 2 3 4?", "1 2 3 4", "1 2 3 4 5"];

/// Longer than Lakegate waits at a time for another replica.
const STEP: Duration = Duration::from_secs(6);

const MOMENTS: usize = 50;

async fn ready() -> House {
    let house = House::open().await;
    house.set_up().await;
    for (name, text) in FILES {
        house.write(&format!("migrations/{name}"), text);
    }
    house
}

fn apply(house: &House, schema: &str) -> Program {
    house.lakegate(["bootstrap", "apply", "--schema", schema])
}

/// The one text of a query.
async fn text(session: &Client, query: &str) -> String {
    session.query_one(query, &[]).await.unwrap().get(0)
}

/// What the ledger of a schema says.
async fn ledger(session: &Client, schema: &str) -> String {
    let exists = format!("SELECT COALESCE(to_regclass('{schema}.lakegate_migrations')::text, '')");
    if text(session, &exists).await.is_empty() {
        return String::new();
    }
    let rows = format!(
        "SELECT COALESCE(string_agg(version || CASE WHEN milliseconds IS NULL THEN '?' ELSE '' END,
                                    ' ' ORDER BY version), '')
         FROM {schema}.lakegate_migrations"
    );
    text(session, &rows).await
}

/// Waits until nothing that a killed program began goes on: Postgres does not hear of its end
/// before a statement is over.
async fn calm(session: &Client) {
    let others = "SELECT count(*)::text FROM pg_stat_activity
                  WHERE usename = current_user AND pid <> pg_backend_pid()";
    let start = Instant::now();
    while text(session, others).await != "0" {
        assert!(start.elapsed() < lakegate_tests::DEADLINE, "a session never ends");
    }
}

/// Runs it again, as somebody would, until it is done.
async fn finish(house: &House, session: &Client, schema: &str, case: &str) {
    if ledger(session, schema).await.contains('?') {
        let running = apply(house, schema).start();
        running.says("waiting for another replica").await;
        let run = house.hurry_by(STEP, running).await.exits(1);
        explained(&run, case);
        // Undone by hand, and then what was advised.
        let undo = format!(
            "DROP INDEX IF EXISTS {schema}.i; DELETE FROM {schema}.trace WHERE file = '0004'"
        );
        session.batch_execute(&undo).await.unwrap();
        let again = ["bootstrap", "repair", "--again", "4", "--schema", schema];
        house.lakegate(again).run().await.exits(0);
    }
    apply(house, schema).run().await.exits(0);
    assert_eq!(ledger(session, schema).await, "1 2 3 4 5", "{case}");
    let traces = format!("SELECT string_agg(file, ' ' ORDER BY file) FROM {schema}.trace");
    assert_eq!(text(session, &traces).await, "0001 0002 0003 0004 0005", "{case}");
}

/// It must say what was cut off, and what to do.
#[track_caller]
fn explained(run: &Run, case: &str) {
    for words in
        ["lakegate: error: `0004_alone.sql` was started by ", "bootstrap repair --again 4`"]
    {
        assert!(run.stderr.contains(words), "{case}: {run:#?}");
    }
}

/// Kills it there, and nothing of it goes on.
async fn kill(running: Running, session: &Client) {
    running.kill().await;
    calm(session).await;
}

#[tokio::test]
async fn at_every_statement() {
    let house = ready().await;
    let session = house.login(&house.credential().await).await.unwrap();
    house.forget().await;
    apply(&house, "whole").run().await.exits(0);
    let statements = LANDED.len() - 1;
    assert_eq!(house.counts().await["round_trips"], statements);
    for number in 1..=statements {
        for answered in [false, true] {
            let case =
                format!("statement {number}, {}", if answered { "done" } else { "not sent" });
            let schema = format!("s{number}_{answered}");
            house.hold(number, answered).await;
            let running = apply(&house, &schema).start();
            house.until_held().await;
            kill(running, &session).await;
            house.heal().await;
            let landed = if answered { number } else { number - 1 };
            assert_eq!(ledger(&session, &schema).await, LANDED[landed], "{case}");
            finish(&house, &session, &schema, &case).await;
        }
    }
}

#[tokio::test]
async fn at_fifty_random_moments() {
    let house = ready().await;
    let session = house.login(&house.credential().await).await.unwrap();
    let start = Instant::now();
    apply(&house, "whole").run().await.exits(0);
    let whole = start.elapsed();
    let seed = Rng::new().u64(..);
    println!("seed {seed}, within {whole:?}");
    let mut rng = Rng::with_seed(seed);
    for number in 0..MOMENTS {
        let moment = whole.mul_f64(rng.f64());
        let schema = format!("m{number}");
        let killed = apply(&house, &schema).start().kill_after(moment).await;
        calm(&session).await;
        let case = format!("seed {seed}, moment {number}, after {moment:?}: {killed:?}");
        finish(&house, &session, &schema, &case).await;
    }
}
