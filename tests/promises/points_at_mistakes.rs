//! An error of a script names the file, the line and the column, also inside of functions and blocks,
//! and says what was undone.

use expect_test::{Expect, expect};
use lakegate_tests::House;

/// How a bootstrap with this second migration fails.
async fn check(text: &str, expected: Expect) {
    let house = House::open().await;
    house.set_up().await;
    let first = "CREATE TABLE a (id int PRIMARY KEY); CREATE TYPE mood AS ENUM ('sad');\n";
    house.write("migrations/0001_a.sql", first);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.write("migrations/0002_b.sql", text);
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expected.assert_eq(&house.told(&run.stderr));
}

#[tokio::test]
async fn in_the_file_itself() {
    check(
        "SELECT 1;\n\nSELECT 'é', nope FROM a;\n",
        expect![[r#"
        lakegate: error: 0002_b.sql:3:13: column "nope" does not exist (SQLSTATE 42703)
          Everything is undone: the database is as it was.
    "#]],
    )
    .await;
    check(
        "\u{feff}-- é\r\nSELECT 1;\r\n  SELEKT 2;\r\n",
        expect![[r#"
        lakegate: error: 0002_b.sql:3:3: syntax error at or near "SELEKT" (SQLSTATE 42601)
          Everything is undone: the database is as it was.
    "#]],
    )
    .await;
    check("INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1);\n", expect![[r#"
        lakegate: error: 0002_b.sql: duplicate key value violates unique constraint "a_pkey" (SQLSTATE 23505)
          Key (id)=(1) already exists. Everything is undone: the database is as it was.
    "#]]).await;
}

#[tokio::test]
async fn in_the_body_of_a_function() {
    let filler = "-- A line that makes the script long.\n".repeat(200);
    check(
        &format!(
            "{filler}CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  \
             SELEKT 1 FROM nope;\nEND $$;\n"
        ),
        expect![[r#"
            lakegate: error: 0002_b.sql:203:3: syntax error at or near "SELEKT" (SQLSTATE 42601)
              Everything is undone: the database is as it was.
        "#]],
    )
    .await;
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  IF THEN;\nEND $$;\n",
        expect![[r#"
            lakegate: error: 0002_b.sql:3:6: missing expression at or near "THEN" (SQLSTATE 42601)
              Everything is undone: the database is as it was.
        "#]],
    )
    .await;
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT id\n  FROM nope\n$$;\n",
        expect![[r#"
            lakegate: error: 0002_b.sql:3:8: relation "nope" does not exist (SQLSTATE 42P01)
              Everything is undone: the database is as it was.
        "#]],
    )
    .await;
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN (SELECT nope FROM \
         a);\nEND $$;\nSELECT f();\n",
        expect![[r#"
            lakegate: error: 0002_b.sql:3:18: column "nope" does not exist (SQLSTATE 42703)
              Everything is undone: the database is as it was.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn in_a_block() {
    check(
        "DO $$ BEGIN\n  PERFORM 1;\n  INSERT INTO nope VALUES (1);\nEND $$;\n",
        expect![[r#"
        lakegate: error: 0002_b.sql:3:15: relation "nope" does not exist (SQLSTATE 42P01)
          Everything is undone: the database is as it was.
    "#]],
    )
    .await;
    check(
        "DO $$ BEGIN\n  RAISE EXCEPTION 'not like this'\n  USING HINT = 'Like that.';\nEND $$;\n",
        expect![[r#"
            lakegate: error: 0002_b.sql: not like this (SQLSTATE P0001)
              In PL/pgSQL function inline_code_block line 2 at RAISE. Like that. Everything is undone: the database is as it was.
        "#]],
    )
    .await;
    check("DO $$ BEGIN\n  PERFORM 1 / (SELECT count(*) FROM a);\nEND $$;\n", expect![[r#"
        lakegate: error: 0002_b.sql: division by zero (SQLSTATE 22012)
          In PL/pgSQL function inline_code_block line 2 at PERFORM. Everything is undone: the database is as it was.
    "#]]).await;
}

#[tokio::test]
async fn outside_of_a_transaction() {
    check(
        "-- lakegate: no-transaction\nCREATE TABLE b (id int);\nVACUUM a;\r\n  CREATE TABLE b (é int, é int);\n",
        expect![[r#"
            lakegate: error: 0002_b.sql: column "é" specified more than once (SQLSTATE 42701)
              `0002_b.sql` runs outside of transactions: its statements before this one stay done, and the ledger keeps it as unfinished.
        "#]],
    )
    .await;
    check(
        "-- lakegate: no-transaction\nVACUUM a;\nDO $$ BEGIN\n  INSERT INTO nope VALUES (1);\nEND $$;\n",
        expect![[r#"
            lakegate: error: 0002_b.sql:4:15: relation "nope" does not exist (SQLSTATE 42P01)
              `0002_b.sql` runs outside of transactions: its statements before this one stay done, and the ledger keeps it as unfinished.
        "#]],
    )
    .await;
}

#[tokio::test]
async fn with_what_to_write_instead() {
    check(
        "ALTER TYPE mood ADD VALUE 'happy';\nCREATE TABLE b AS SELECT 'happy'::mood AS now;\n",
        expect![[r#"
            lakegate: error: 0002_b.sql:2:26: unsafe use of new value "happy" of enum type mood (SQLSTATE 55P04)
              New enum values must be committed before they can be used. Postgres wants a commit before this: start the file with the line `-- lakegate: new-transaction`. Everything is undone: the database is as it was.
        "#]],
    )
    .await;
    check("CREATE INDEX CONCURRENTLY i ON a (id);\n", expect![[r#"
        lakegate: error: 0002_b.sql: CREATE INDEX CONCURRENTLY cannot be executed from a function (SQLSTATE 25001)
          Postgres runs this only outside of a transaction: start the file with the line `-- lakegate: no-transaction`. Everything is undone: the database is as it was.
    "#]]).await;
}
