//! A folder may have 1,000 migrations and 32 MiB; one more of either is refused before anything is
//! asked of anybody.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use lakegate_tests::{DEADLINE, House};
use serde_json::json;

const FILES: usize = 1_000;

const BYTES: usize = 32 << 20;

/// What the process may take, at most, for a folder of 32 MiB: a few copies of it on its way from
/// the files to Postgres, and the engine.
const MOST_MEMORY_KB: u64 = 400 << 10;

/// `count` migrations that have `bytes` together. Each makes a table and fills it.
fn write(house: &House, count: usize, bytes: usize) {
    for number in 1..=count {
        let head = format!("CREATE TABLE t{number} AS SELECT '");
        let tail = "'::text AS note;\n";
        let len = bytes / count + usize::from(number <= bytes % count) - head.len() - tail.len();
        let note: String = "Nothing that ends; here. ".chars().cycle().take(len).collect();
        house.write(&format!("migrations/{number:04}_t.sql"), &format!("{head}{note}{tail}"));
    }
}

/// The most memory that a process had so far, in kB.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn of_a_thousand_files_and_32_mib() {
    let house = House::open().await;
    house.set_up().await;
    write(&house, FILES, BYTES);
    let plan =
        house.lakegate(["bootstrap", "plan", "--quiet"]).start().end_within(DEADLINE * 2).await;
    let plan = plan.exits(3);
    assert!(BYTES < plan.stdout.len());

    // It stands still with the answer on its way: by then it has had all of it in its hands.
    house.hold(2, true).await;
    let running = house.lakegate(["bootstrap", "apply"]).start();
    house.until_held().await;
    let peak = peak(running.id());
    println!("{} MiB for {} MiB of migrations", peak >> 10, BYTES >> 20);
    assert!(peak < MOST_MEMORY_KB, "{peak} kB");
    house.heal().await;
    let run = running.end_within(DEADLINE * 2).await.exits(0);
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("done: run ")).count(), FILES);

    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT (SELECT count(*) FROM pg_tables WHERE schemaname = 'app_ontos' AND tablename ~ '^t[0-9]+$'),
                      (SELECT count(milliseconds) FROM app_ontos.lakegate_migrations),
                      (SELECT length(note) FROM app_ontos.t1000)::bigint";
    let row = session.query_one(sql, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1_000, 1_000));
    assert!(20_000 < row.get::<_, i64>(2));

    house.forget().await;
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    assert!(run.stdout.starts_with("nothing to do: "), "{run:#?}");
    assert_eq!(house.counts().await["round_trips"], 1);
}

/// How a folder is refused, whatever was to be done with it, and that nobody was asked for anything.
async fn check(house: &House, expected: Expect) {
    let mut told = BTreeSet::new();
    for verb in ["plan", "apply", "verify"] {
        let run = house.lakegate(["bootstrap", verb]).run().await.exits(2).prints("");
        told.insert(house.told(&run.stderr));
    }
    expected.assert_eq(&told.into_iter().collect::<String>());
    let counts = house.counts().await;
    assert_eq!((&counts["connections"], &counts["requests"]), (&json!(0), &json!({})));
}

#[tokio::test]
async fn of_one_file_more_is_refused() {
    let house = House::open().await;
    write(&house, FILES + 1, 100 * (FILES + 1));
    check(
        &house,
        expect![[r#"
        lakegate: error: there are more than 1000 migration files
          Nothing was run. Join old migrations into one, and load data in another way.
    "#]],
    )
    .await;
}

#[tokio::test]
async fn of_one_byte_more_is_refused() {
    let house = House::open().await;
    write(&house, 3, BYTES + 1);
    check(
        &house,
        expect![[r#"
        lakegate: error: the migrations in migrations are $NUMBER bytes; at most $NUMBER are taken
          Nothing was run. Join old migrations into one, and load data in another way.
    "#]],
    )
    .await;
}
