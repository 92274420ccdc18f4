//! An error of a script names the file, the line and the column, also inside of functions and blocks,
//! and says what was undone.

use expect_test::{Expect, expect};
use lakegate_tests::House;

/// How a bootstrap with this second migration fails.
async fn check(text: &str, expected: Expect) {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int PRIMARY KEY);\n");
    house.write("migrations/0002_b.sql", text);
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(1);
    expected.assert_eq(&house.told(&run.stderr));
}

#[tokio::test]
async fn in_the_file_itself() {
    check("SELECT 1;\n\nSELECT 'é', nope FROM a;\n", expect![[""]]).await;
    check("\u{feff}-- é\r\nSELECT 1;\r\n  SELEKT 2;\r\n", expect![[""]]).await;
    check("INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (1);\n", expect![[""]]).await;
}

#[tokio::test]
async fn in_the_body_of_a_function() {
    let filler = "-- A line that makes the script long.\n".repeat(200);
    check(
        &format!(
            "{filler}CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  \
             RETURN 1 +* nope nope;\nEND $$;\n"
        ),
        expect![[""]],
    )
    .await;
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  IF THEN;\nEND $$;\n",
        expect![[""]],
    )
    .await;
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$\n  SELECT id\n  FROM nope\n$$;\n",
        expect![[""]],
    )
    .await;
    check(
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN (SELECT nope FROM \
         a);\nEND $$;\nSELECT f();\n",
        expect![[""]],
    )
    .await;
}

#[tokio::test]
async fn in_a_block() {
    check("DO $$ BEGIN\n  PERFORM 1;\n  INSERT INTO nope VALUES (1);\nEND $$;\n", expect![[""]])
        .await;
    check(
        "DO $$ BEGIN\n  RAISE EXCEPTION 'not like this'\n  USING HINT = 'Like that.';\nEND $$;\n",
        expect![[""]],
    )
    .await;
    check("DO $$ BEGIN\n  PERFORM 1 / (SELECT count(*) FROM a);\nEND $$;\n", expect![[""]]).await;
}

#[tokio::test]
async fn outside_of_a_transaction() {
    check(
        "-- lakegate: no-transaction\nCREATE TABLE b (id int);\nVACUUM a;\r\n  CREATE TABLE b (é int, é int);\n",
        expect![[""]],
    )
    .await;
    check(
        "-- lakegate: no-transaction\nVACUUM a;\nDO $$ BEGIN\n  INSERT INTO nope VALUES (1);\nEND $$;\n",
        expect![[""]],
    )
    .await;
}

#[tokio::test]
async fn with_what_to_write_instead() {
    check("CREATE TYPE mood AS ENUM ('sad');\nALTER TYPE mood ADD VALUE 'happy';\n", expect![[""]])
        .await;
    check("CREATE INDEX CONCURRENTLY i ON a (id);\n", expect![[""]]).await;
}
