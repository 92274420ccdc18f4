//! What `plan` shows is byte for byte what `apply` runs, in as few round trips as can be.

use lakegate_tests::House;
use serde_json::{Value, json};

/// The statements of a plan.
async fn planned(house: &House) -> Vec<String> {
    let plan = house.lakegate(["bootstrap", "plan", "--json"]).run().await.json();
    let statements = plan["statements"].as_array().unwrap().iter();
    statements.map(|statement| statement.as_str().unwrap().to_owned()).collect()
}

/// What an apply sends besides its one question, and in how many round trips.
async fn applied(house: &House) -> (Vec<String>, Value) {
    house.forget().await;
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let sent = house.statements(house.principal()).await;
    let (question, rest) = sent.split_first().unwrap();
    assert!(question.starts_with("WITH\n"), "the first statement looks: {question}");
    let counts = house.counts().await;
    assert_eq!(counts["connections"], 1);
    (rest.to_vec(), counts["round_trips"].clone())
}

#[tokio::test]
async fn when_fresh_and_when_there_is_nothing_to_do() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE \"$lakegate$ é\" (id int);\n-- the end");
    let plan = planned(&house).await;
    assert_eq!(plan.len(), 1, "all in one statement");
    assert_eq!(applied(&house).await, (plan, json!(2)));
    assert_eq!(planned(&house).await, [""; 0]);
    assert_eq!(applied(&house).await, (vec![], json!(1)));

    house.write("migrations/0002_b.sql", "CREATE TABLE b (id int);");
    let plan = planned(&house).await;
    assert_eq!(applied(&house).await, (plan, json!(2)));
}

#[tokio::test]
async fn where_a_file_wants_a_transaction_of_its_own_or_none() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_mood.sql", "CREATE TYPE mood AS ENUM ('sad');");
    house.write("migrations/0002_happy.sql", "ALTER TYPE mood ADD VALUE 'happy';");
    house.write(
        "migrations/0003_use.sql",
        "-- lakegate: new-transaction\nCREATE TABLE t AS SELECT 'happy'::mood AS mood;",
    );
    house.write(
        "migrations/0004_index.sql",
        "-- lakegate: no-transaction\nCREATE INDEX CONCURRENTLY i ON t (mood);\nANALYZE t;",
    );
    let plan = planned(&house).await;
    let (sent, _) = applied(&house).await;
    assert_eq!(sent, plan);
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
}

#[tokio::test]
async fn and_each_file_finds_the_session_as_it_was() {
    const SET: &str = "SET timezone = 'Asia/Tokyo'; SET row_security = off; SET lock_timeout = 1;
                       SET statement_timeout = 5000; SET search_path = pg_catalog;";
    const LOOK: &str = "SELECT concat_ws(' ', current_setting('TimeZone') <> 'Asia/Tokyo',
                        current_setting('row_security'), current_setting('lock_timeout'),
                        current_setting('statement_timeout'), current_schema()) AS settings";
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_set.sql", SET);
    house.write("migrations/0002_look.sql", &format!("CREATE TABLE seen AS {LOOK};"));
    house.write("migrations/0003_set.sql", &format!("-- lakegate: no-transaction\n{SET}"));
    house.write("migrations/0004_look.sql", &format!("INSERT INTO seen {LOOK};"));
    let plan = planned(&house).await;
    assert_eq!(applied(&house).await.0, plan);
    let session = house.login(&house.credential().await).await.unwrap();
    let rows = session.query("SELECT settings FROM app_ontos.seen", &[]).await.unwrap();
    let seen: Vec<&str> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(seen, ["t on 30s 10min app_ontos"; 2]);
}
