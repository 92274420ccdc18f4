//! Replicas of two releases start at once, and some only look: all end well, and every file ran
//! once, in its order.

use lakegate_tests::{House, Run};
use serde_json::Value;
use tokio::task::JoinSet;

const REPLICAS: usize = 32;

/// The files of two releases: each adds itself to the trace.
async fn ready(older: &[i64], newer: &[i64]) -> House {
    let house = House::open().await;
    house.set_up().await;
    for (release, files) in [("older", older), ("newer", newer)] {
        for number in files {
            let first =
                if *number == 1 { "CREATE TABLE trace (at serial, file bigint);\n" } else { "" };
            let text = format!("{first}INSERT INTO trace (file) VALUES ({number});");
            house.write(&format!("{release}/{number:04}_f.sql"), &text);
        }
    }
    house
}

/// Starts as many as there are, `arguments` telling each what to do by its number.
async fn together<'a>(house: &House, arguments: impl Fn(usize) -> Vec<&'a str>) -> Vec<Run> {
    let mut replicas = JoinSet::new();
    for number in 0..REPLICAS {
        replicas.spawn(house.lakegate(arguments(number)).run());
    }
    replicas.join_all().await
}

/// The files in the order in which they ran, and those that the ledger knows.
async fn ran(house: &House) -> (String, String) {
    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT (SELECT string_agg(file::text, ' ' ORDER BY at) FROM app_ontos.trace),
                      (SELECT string_agg(version::text, ' ' ORDER BY version)
                       FROM app_ontos.lakegate_migrations WHERE milliseconds IS NOT NULL)";
    let row = session.query_one(sql, &[]).await.unwrap();
    (row.get(0), row.get(1))
}

#[tokio::test]
async fn where_one_has_a_file_more() {
    let house = ready(&[1, 2, 3, 4, 5], &[1, 2, 3, 4, 5, 6]).await;
    let release = |number| if number % 2 == 0 { "older" } else { "newer" };
    let runs = together(&house, |number| {
        vec!["bootstrap", "apply", "--json", "--migrations", release(number)]
    });
    let done = |run: Run| -> usize {
        let report: Value = run.exits(0).json();
        let done = report["done"].as_array().unwrap().iter();
        done.filter(|step| step.as_str().unwrap().starts_with("run ")).count()
    };
    assert_eq!(runs.await.into_iter().map(done).sum::<usize>(), 6, "each file was somebody's");
    assert_eq!(ran(&house).await, ("1 2 3 4 5 6".to_owned(), "1 2 3 4 5 6".to_owned()));
}

#[tokio::test]
async fn where_half_of_them_only_look() {
    let house = ready(&[1, 2], &[1, 2, 3]).await;
    let verb = |number| if number % 2 == 0 { "plan" } else { "apply" };
    let runs = together(&house, |number| vec!["bootstrap", verb(number), "--migrations", "newer"]);
    for run in runs.await {
        // A look finds something to do, or nothing.
        assert!(matches!(run.code, Some(0 | 3)), "{run:#?}");
        assert!(run.code == Some(0) || run.stdout.starts_with("-- "), "{run:#?}");
    }
    assert_eq!(ran(&house).await, ("1 2 3".to_owned(), "1 2 3".to_owned()));
}

#[tokio::test]
async fn where_a_file_comes_late() {
    let house = ready(&[1, 3], &[1, 2, 3]).await;
    let release = |number| if number % 2 == 0 { "older" } else { "newer" };
    let runs = together(&house, |number| {
        vec!["bootstrap", "apply", "--out-of-order", "--migrations", release(number)]
    });
    for run in runs.await {
        run.exits(0);
    }
    let (order, ledger) = ran(&house).await;
    assert!(["1 2 3", "1 3 2"].contains(&order.as_str()), "{order}");
    assert_eq!(ledger, "1 2 3");
}
