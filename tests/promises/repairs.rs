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
    expect![[r#"
        lakegate: error: 0002_index.sql: column "nope" does not exist (SQLSTATE 42703)
          `0002_index.sql` runs outside of transactions: its statements before this one stay done, and the ledger keeps it as unfinished.
    "#]]
    .assert_eq(&house.told(&run.stderr));
    house
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
    expect![[r#"
        lakegate: error: `0001_first.sql` was changed after it ran: it was c2de7559380e5ebf65caa7d59e166558e80243cf7e70006cc98d1593d94203c1, it is 6ed0b0e527260d64eb4f89c62fe1cffb311dd2dfa046e37d4768de0f46e926e2
          Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it with `lakegate bootstrap repair`, or:
            UPDATE "app_ontos"."lakegate_migrations" SET name = '0001_first.sql', sha256 = '6ed0b0e527260d64eb4f89c62fe1cffb311dd2dfa046e37d4768de0f46e926e2' WHERE version = 1;
    "#]].assert_eq(&house.told(&run.stderr));

    let run = house.lakegate(["bootstrap", "repair", "--plan"]).run().await.exits(3);
    expect![[r#"
        -- 1 step in database app_ontos, as role $SP
        --  1. accept 0001_first.sql as it is

        DO $lakegate1$
        #variable_conflict use_column
        DECLARE
          lakegate_version bigint;
          lakegate_name text;
          lakegate_sha256 text;
          lakegate_script text;
          lakegate_start timestamptz;
          lakegate_missing text;
        BEGIN
          RESET ROLE;
          RESET ALL;
          PERFORM pg_catalog.set_config('statement_timeout', '600000ms', false);
          PERFORM pg_catalog.set_config('search_path', 'pg_catalog', true);
          PERFORM pg_catalog.set_config('lock_timeout', '5000ms', true);
          PERFORM pg_catalog.pg_advisory_xact_lock($NUMBER);
          PERFORM pg_catalog.set_config('lock_timeout', '30000ms', true);
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "app_ontos"."lakegate_migrations") <> 'd81553342283f05dc219e19e06f50971db2bd3d8ad2e7626d3991468a5aba3eb' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          EXECUTE $lakegate$UPDATE "app_ontos"."lakegate_migrations" SET name = '0001_first.sql', sha256 = '6ed0b0e527260d64eb4f89c62fe1cffb311dd2dfa046e37d4768de0f46e926e2' WHERE version = 1$lakegate$;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "app_ontos"."lakegate_migrations") <> '92778e7b5a2c946afcadb32606d3f270d093fb75e8620c9aa1a13515084e2899' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
        END
        $lakegate1$;
    "#]].assert_eq(&house.told(&run.stdout));
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
    expect![[r#"
        lakegate: error: `0002_index.sql` was started by $SP at $MOMENT and has not ended
          Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run `lakegate bootstrap repair --finished 2`, or:
            UPDATE "app_ontos"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2;
          Or undo it by hand, then run `lakegate bootstrap repair --again 2`, or:
            DELETE FROM "app_ontos"."lakegate_migrations" WHERE version = 2;
    "#]].assert_eq(&without_moment(&house.told(&run.stderr)));
    let run = house.lakegate(["bootstrap", "repair"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: `0002_index.sql` was started by $SP at $MOMENT and has not ended
          Nothing was changed. Another replica may be at it: try again later. If none is, it was cut off; its statements before that stay done. Finish it by hand, then run `lakegate bootstrap repair --finished 2`, or:
            UPDATE "app_ontos"."lakegate_migrations" SET milliseconds = 0 WHERE version = 2;
          Or undo it by hand, then run `lakegate bootstrap repair --again 2`, or:
            DELETE FROM "app_ontos"."lakegate_migrations" WHERE version = 2;
    "#]].assert_eq(&without_moment(&house.told(&run.stderr)));
    let run = house.lakegate(["bootstrap", "repair", "--finished", "1"]).run().await.exits(1);
    assert!(run.stderr.contains("0002_index.sql"), "1 was finished long ago, 2 is open: {run:?}");
    let run = house.lakegate(["bootstrap", "repair", "--again", "1"]).run().await.exits(2);
    expect![[r#"
        lakegate: error: the ledger does not say that version 1 was cut off
          Nothing was changed. Only a migration with the line `-- lakegate: no-transaction` can be, and `lakegate bootstrap plan` names it then.
    "#]].assert_eq(&house.told(&run.stderr));

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
