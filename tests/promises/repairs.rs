//! A ledger that no longer fits is put right, and nothing is guessed.

use expect_test::expect;
use lakegate_tests::House;
use serde_json::json;

/// A house with one migration that ran in a transaction, and one that fails half-way outside of it.
async fn cut_off() -> House {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);\n");
    house.write(
        "migrations/0002_index.sql",
        "-- lakegate: no-transaction\nCREATE TABLE b (id int);\n\n\
         CREATE INDEX CONCURRENTLY i ON b (nope);\n",
    );
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expect![[""]].assert_eq(&failure(&house.told(&run.stderr)));
    house
}

/// The words of the failure, without progress.
fn failure(text: &str) -> String {
    text.lines()
        .filter(|line| !line.starts_with("lakegate: waiting"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The moment at which a migration started is another one in each run.
fn without_moment(text: &str) -> String {
    let Some((before, rest)) = text.split_once(" at 20") else { return text.to_owned() };
    let (_, after) = rest.split_once(" and has not ended").unwrap();
    format!("{before} at $MOMENT and has not ended{after}")
}

#[tokio::test]
async fn by_accepting_a_file_that_changed() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);\n");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    std::fs::remove_file(house.folder().join("migrations/0001_a.sql")).unwrap();
    house.write("migrations/0001_first.sql", "-- The first one.\nCREATE TABLE a (id int);\n");
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expect![[""]].assert_eq(&house.told(&run.stderr));

    let run = house.lakegate(["bootstrap", "repair", "--plan"]).run().await.exits(3);
    expect![[""]].assert_eq(&house.told(&run.stdout));
    let plan = ["bootstrap", "repair", "--plan", "--json"];
    let plan = house.lakegate(plan).run().await.exits(3).json();
    house.forget().await;
    let run = house.lakegate(["bootstrap", "repair"]).run().await.exits(0);
    run.prints("done: accept 0001_first.sql as it is\n");
    let sent = house.statements(house.principal()).await;
    assert_eq!(json!(sent[1..]), plan["statements"], "after the one that looks");

    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let run = house.lakegate(["bootstrap", "repair"]).run().await.exits(0);
    run.prints("nothing to do: the ledger of schema app_ontos in app_ontos is right\n");
}

#[tokio::test]
async fn by_a_word_on_what_was_finished() {
    let house = cut_off().await;
    let run = house.lakegate(["bootstrap", "apply", "--lock-timeout", "1"]).run().await.exits(1);
    expect![[""]].assert_eq(&without_moment(&house.told(&run.stderr)));
    let run = house.lakegate(["bootstrap", "repair"]).run().await.exits(1);
    expect![[""]].assert_eq(&without_moment(&house.told(&run.stderr)));
    let run = house.lakegate(["bootstrap", "repair", "--finished", "1"]).run().await.exits(1);
    assert!(run.stderr.contains("0002_index.sql"), "1 was finished long ago, 2 is open: {run:?}");
    let run = house.lakegate(["bootstrap", "repair", "--again", "1"]).run().await.exits(2);
    expect![[""]].assert_eq(&house.told(&run.stderr));

    let session = house.login(&house.credential().await).await.unwrap();
    session.batch_execute("CREATE INDEX CONCURRENTLY i ON app_ontos.b (id)").await.unwrap();
    let right = "-- lakegate: no-transaction\nCREATE TABLE b (id int);\n\n\
                 CREATE INDEX CONCURRENTLY i ON b (id);\n";
    house.write("migrations/0002_index.sql", right);
    let finished = ["bootstrap", "repair", "--finished", "2"];
    let run = house.lakegate(finished).run().await.exits(0);
    run.prints("done: mark 0002_index.sql as done\ndone: accept 0002_index.sql as it is\n");
    house.lakegate(finished).run().await.exits(0);
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
}

#[tokio::test]
async fn by_a_word_on_what_was_undone() {
    let house = cut_off().await;
    let session = house.login(&house.credential().await).await.unwrap();
    session.batch_execute("DROP TABLE app_ontos.b").await.unwrap();
    house.write("migrations/0002_index.sql", "CREATE TABLE b (id int);\n");
    let again = ["bootstrap", "repair", "--again", "2"];
    let run = house.lakegate(again).run().await.exits(0);
    run.prints("done: forget 0002_index.sql, so that it runs again\n");
    house.lakegate(again).run().await.exits(0);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    session.batch_execute("INSERT INTO app_ontos.b VALUES (1)").await.unwrap();
}
