//! A schema that was made in another way is taken over: its migrations are marked as done, and none
//! of them runs.

use expect_test::expect;
use lakegate_tests::House;
use serde_json::{Value, json};

/// A house whose application has made two of three tables by hand.
async fn grown() -> House {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);\n");
    house.write("migrations/0002_b.sql", "CREATE TABLE b (id int);\n");
    house.write("migrations/0003_c.sql", "CREATE TABLE c (id int);\n");
    let session = house.login(&house.credential().await).await.unwrap();
    let tables = "CREATE SCHEMA app_ontos; CREATE TABLE app_ontos.a (id int);
                  CREATE TABLE app_ontos.b (id int);";
    session.batch_execute(tables).await.unwrap();
    house
}

/// What the ledger holds.
async fn ledger(house: &House) -> String {
    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT string_agg(concat_ws(' ', version, name, applied_by, milliseconds = 0,
                                 now() - applied_at < '1 h'), E'\n' ORDER BY version)
               FROM app_ontos.lakegate_migrations";
    house.told(session.query_one(sql, &[]).await.unwrap().get(0))
}

#[tokio::test]
async fn up_to_a_version_and_the_rest_runs() {
    let house = grown().await;
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expect![[""]].assert_eq(&house.told(&run.stderr));

    let through = ["bootstrap", "baseline", "--through", "2"];
    let run = house.lakegate([&through[..], &["--plan"]].concat()).run().await.exits(3);
    expect![[""]].assert_eq(&house.told(&run.stdout));
    let run = house.lakegate(through).run().await.exits(0);
    expect![[""]].assert_eq(&house.told(&run.stdout));
    expect![[""]].assert_eq(&ledger(&house).await);

    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    expect![[""]].assert_eq(&house.told(&run.stdout));
    let run = house.lakegate(["bootstrap", "baseline"]).run().await.exits(0);
    expect![[""]].assert_eq(&house.told(&run.stdout));
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
}

#[tokio::test]
async fn with_the_statement_that_the_plan_shows() {
    let house = grown().await;
    let plan = ["bootstrap", "baseline", "--json", "--plan"];
    let plan = house.lakegate(plan).run().await.exits(3).json();
    assert_eq!(plan["applied"], json!(false));
    house.forget().await;
    let done = house.lakegate(["bootstrap", "baseline", "--json"]).run().await.exits(0).json();
    assert_eq!(done["applied"], json!(true));
    assert_eq!((&done["statements"], &done["steps"]), (&plan["statements"], &plan["steps"]));
    let sent = house.statements(house.principal()).await;
    assert_eq!(json!(sent[1..]), plan["statements"], "after the one that looks");
    assert_eq!(house.counts().await["round_trips"], json!(2));
}

#[tokio::test]
async fn not_where_it_would_contradict() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);\n");
    let check = async |arguments: &[&str], code: i32| {
        let arguments = [&["bootstrap", "baseline"], arguments].concat();
        let run = house.lakegate(arguments).run().await.exits(code).prints("");
        house.told(&run.stderr)
    };
    expect![[""]].assert_eq(&check(&[], 1).await);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id bigint);\n");
    expect![[""]].assert_eq(&check(&[], 1).await);
    expect![[""]].assert_eq(&check(&["--through", "4"], 2).await);
    let run = house.lakegate(["bootstrap", "verify", "--json"]).run().await.exits(3).json();
    let findings = run["findings"].as_array().unwrap().iter();
    let drifts = findings.filter(|finding| finding["drift"] == Value::Bool(true));
    assert_eq!(drifts.count(), 1, "the ledger was left alone: {run}");
}

#[tokio::test]
async fn by_many_at_once() {
    let house = grown().await;
    let runs: Vec<_> = (0..4)
        .map(|_| house.lakegate(["bootstrap", "baseline", "--json", "--through", "2"]).start())
        .collect();
    let mut busy = 0;
    for run in runs {
        let done = run.end().await.exits(0).json();
        busy += usize::from(done["steps"] != json!([]));
    }
    assert_eq!(busy, 1);
}
