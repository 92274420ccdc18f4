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
    expect![[r#"
        lakegate: error: 0001_a.sql: relation "a" already exists (SQLSTATE 42P07)
          Where somebody has made these tables in another way, `lakegate bootstrap baseline` marks their migrations as done. Everything is undone: the database is as it was.
    "#]]
    .assert_eq(&house.told(&run.stderr));

    let through = ["bootstrap", "baseline", "--through", "2"];
    let run = house.lakegate([&through[..], &["--plan"]].concat()).run().await.exits(3);
    expect![[r#"
        -- 3 steps in database app_ontos, as role $SP
        --  1. create the ledger of migrations
        --  2. mark 0001_a.sql as done
        --  3. mark 0002_b.sql as done

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
          IF EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'app_ontos' AND c.relname = 'lakegate_migrations') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG001', MESSAGE = 'the schema changed since it was inspected';
          END IF;
          EXECUTE $lakegate$CREATE TABLE "app_ontos"."lakegate_migrations" (
          version bigint PRIMARY KEY,
          name text NOT NULL,
          sha256 text NOT NULL,
          applied_at timestamptz NOT NULL,
          applied_by text NOT NULL,
          milliseconds bigint,
          lakegate text NOT NULL
        )$lakegate$;
          EXECUTE $lakegate$INSERT INTO "app_ontos"."lakegate_migrations" VALUES (1, '0001_a.sql', 'c2de7559380e5ebf65caa7d59e166558e80243cf7e70006cc98d1593d94203c1', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')$lakegate$;
          EXECUTE $lakegate$INSERT INTO "app_ontos"."lakegate_migrations" VALUES (2, '0002_b.sql', '07bbd90b208c445921accaef655512d2f9ab45bc584c5f71c3b8bc043e290d02', pg_catalog.clock_timestamp(), current_user, 0, '0.1.0')$lakegate$;
          IF (SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(COALESCE(pg_catalog.string_agg(pg_catalog.concat(version, ':', sha256, CASE WHEN milliseconds IS NULL THEN ':running' END), ',' ORDER BY version), ''), 'UTF8')), 'hex') FROM "app_ontos"."lakegate_migrations") <> '3d33e8d047f1b9aa769c35e65857c3970ce1f897a36e5c7dc14c51936dd20160' THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the ledger does not hold what was written to it', HINT = 'A migration must not touch it.';
          END IF;
        END
        $lakegate1$;
    "#]].assert_eq(&house.told(&run.stdout));
    let run = house.lakegate(through).run().await.exits(0);
    expect![[r#"
        done: create the ledger of migrations
        done: mark 0001_a.sql as done
        done: mark 0002_b.sql as done
    "#]]
    .assert_eq(&house.told(&run.stdout));
    expect![[r#"
        1 0001_a.sql $SP t t
        2 0002_b.sql $SP t t"#]]
    .assert_eq(&ledger(&house).await);

    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    expect![[r#"
        done: default privileges on future tables for "$SP"
        done: default privileges on future sequences for "$SP"
        done: run 0003_c.sql
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
        service principal: $SP
        an admin may now run: lakegate tighten --grant-to '$SP'
    "#]]
    .assert_eq(&house.told(&run.stdout));
    let run = house.lakegate(["bootstrap", "baseline"]).run().await.exits(0);
    expect![[r#"
        nothing to do: the ledger of schema app_ontos in app_ontos is right
    "#]]
    .assert_eq(&house.told(&run.stdout));
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
    expect![[r#"
        lakegate: error: there is no schema "app_ontos" that a migration could have been run in
          Nothing was changed. `lakegate bootstrap apply` creates it and runs the migrations. If the tables are in another schema, name that (POSTGRES_DB_SCHEMA).
    "#]].assert_eq(&check(&[], 1).await);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id bigint);\n");
    expect![[r#"
        lakegate: error: `0001_a.sql` was changed after it ran: it was c2de7559380e5ebf65caa7d59e166558e80243cf7e70006cc98d1593d94203c1, it is 923d7eb167e53a46e8c3aea822a44a1ba964d34454fb01df1545ff8ab8426fa5
          Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it with `lakegate bootstrap repair`, or:
            UPDATE "app_ontos"."lakegate_migrations" SET name = '0001_a.sql', sha256 = '923d7eb167e53a46e8c3aea822a44a1ba964d34454fb01df1545ff8ab8426fa5' WHERE version = 1;
    "#]].assert_eq(&check(&[], 1).await);
    expect![[r#"
        lakegate: error: none of the migrations is version 4
          Nothing was changed. Name the version of a file: the number that its name begins with.
    "#]]
    .assert_eq(&check(&["--through", "4"], 2).await);
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
