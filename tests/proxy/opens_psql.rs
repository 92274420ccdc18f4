//! `lakegate psql` is psql on the database, with nothing to configure.

use lakegate_tests::House;

#[tokio::test]
async fn with_all_arguments_of_its_own() {
    let house = House::open().await;
    house.set_up().await;
    let who = house.lakegate(["psql", "-Atc", "SELECT current_user"]).run().await.exits(0);
    who.prints(&format!("{}\n", house.principal()));

    // Lakegate has a -v and a -q as well.
    let options = ["psql", "-v", "answer=42", "-q", "-At"];
    house.lakegate(options).input("SELECT :answer;").run().await.exits(0).prints("42\n");

    // State of a session lives as long as the session.
    let session = "CREATE TEMPORARY TABLE t AS SELECT 7 AS n; BEGIN; COMMIT;\nSELECT n FROM t;";
    house.lakegate(["psql", "-qAt"]).input(session).run().await.exits(0).prints("7\n");
}

#[tokio::test]
async fn and_its_exit_code() {
    let house = House::open().await;
    house.set_up().await;
    let strict = ["psql", "-v", "ON_ERROR_STOP=1"];
    let run = house.lakegate(strict).input("SELECT 1/0;").run().await.exits(3);
    assert!(run.stderr.contains("division by zero"), "{}", run.stderr);
}

#[tokio::test]
async fn or_the_way_to_get_it() {
    let house = House::open().await;
    house.set_up().await;
    let run = house.lakegate(["psql"]).env("PATH", house.folder()).run().await.exits(127);
    let mut lines = run.stderr.lines();
    assert_eq!(lines.next(), Some("lakegate: error: psql was not found"));
    assert!(lines.next().is_some_and(|line| line.contains("postgresql-client")), "{}", run.stderr);
}
