//! What is wrong in the database or the migrations is told with its place, and every refusal comes
//! before the first change.

use expect_test::{Expect, expect};
use lakegate_tests::House;

async fn ready() -> House {
    let house = House::open().await;
    house.set_up().await;
    house
}

/// How `bootstrap apply` ends, with the words of all but progress.
async fn check(house: &House, code: i32, expected: Expect) {
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(code).prints("");
    expected.assert_eq(&house.told(&run.stderr));
}

/// The schemas and tables that the application could have made.
async fn made(house: &House) -> String {
    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT coalesce(string_agg(nspname || ' of ' || nspowner::regrole, ', '), 'nothing')
               FROM pg_namespace WHERE nspname = 'app_ontos'";
    house.told(session.query_one(sql, &[]).await.unwrap().get(0))
}

#[tokio::test]
async fn a_missing_database() {
    let house = House::open().await;
    check(&house, 1, expect![[r#"
        lakegate: error: localhost refused the login of "$SP" to database "app_ontos": database "app_ontos" does not exist (SQLSTATE 3D000)
          Run `lakegate setup` as an admin, or:
          CREATE DATABASE "app_ontos";
    "#]]).await;
}

#[tokio::test]
async fn a_schema_of_somebody_else() {
    let house = ready().await;
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute("CREATE SCHEMA app_ontos; CREATE TABLE app_ontos.t ()").await.unwrap();
    house.write("migrations/0001_init.sql", "CREATE TABLE mine (id int);");
    check(&house, 1, expect![[r#"
        lakegate: error: schema "app_ontos" belongs to "admin@example.com", not to "$SP"
          Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
            ALTER SCHEMA "app_ontos" OWNER TO "$SP";
          Tables in it stay with "admin@example.com" until each is handed over too.
    "#]]).await;
    expect![[r#"app_ontos of "admin@example.com""#]].assert_eq(&made(&house).await);
    let tables = "SELECT string_agg(tablename, ',') FROM pg_tables WHERE schemaname = 'app_ontos'";
    assert_eq!(admin.query_one(tables, &[]).await.unwrap().get::<_, String>(0), "t");
}

#[tokio::test]
async fn a_migration_that_changed() {
    let house = ready().await;
    house.write("migrations/0001_init.sql", "CREATE TABLE a (id int);\n");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    // Line endings and a byte-order mark are no change.
    house.write("migrations/0001_init.sql", "\u{feff}CREATE TABLE a (id int);\r\n");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.write("migrations/0001_init.sql", "CREATE TABLE a (id bigint);\n");
    check(&house, 1, expect![[r#"
        lakegate: error: `0001_init.sql` was changed after it ran: it was c2de7559380e5ebf65caa7d59e166558e80243cf7e70006cc98d1593d94203c1, it is 923d7eb167e53a46e8c3aea822a44a1ba964d34454fb01df1545ff8ab8426fa5
          Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it with `lakegate bootstrap repair`, or:
            UPDATE "app_ontos"."lakegate_migrations" SET name = '0001_init.sql', sha256 = '923d7eb167e53a46e8c3aea822a44a1ba964d34454fb01df1545ff8ab8426fa5' WHERE version = 1;
    "#]]).await;
    house.lakegate(["bootstrap", "plan"]).run().await.exits(1);
}

#[tokio::test]
async fn a_migration_that_comes_late() {
    let house = ready().await;
    house.write("migrations/0002_b.sql", "CREATE TABLE b (id int);");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");
    check(
        &house,
        1,
        expect![[r#"
        lakegate: error: `0001_a.sql` has not run, but the later `0002_b.sql` has
          Nothing was changed. Give the file a higher number, or allow it with `--out-of-order`.
    "#]],
    )
    .await;
    house.lakegate(["bootstrap", "apply", "--out-of-order"]).run().await.exits(0);
}

#[tokio::test]
async fn a_migration_that_is_not_sql() {
    for (text, expected) in [
        (
            "CREATE TABLE a (id int);\n\\i other.sql\n",
            expect![[r#"
            lakegate: error: 0001_init.sql:2: `\i` is a command of psql, not SQL
              Nothing was run. Write it in SQL; for an included file, paste its content or make it a migration of its own.
        "#]],
        ),
        (
            "SELECT 1;\n\n  COPY a FROM STDIN;\n",
            expect![[r#"
            lakegate: error: 0001_init.sql:3: COPY from or to the client is not possible here
              Nothing was run. Write the rows as INSERT statements.
        "#]],
        ),
        (
            "CREATE TABLE a (id int);\nCOMMIT;\n",
            expect![[r#"
            lakegate: error: 0001_init.sql:2: `COMMIT` would break the transaction that a migration runs in
              Nothing was run. Remove it: all migrations run in one transaction. Where Postgres wants a commit between two files, start the second with the line `-- lakegate: new-transaction`.
        "#]],
        ),
        (
            "SELECT 'never ends",
            expect![[r#"
            lakegate: error: 0001_init.sql:1: a quote or comment that begins here never ends
              Nothing was run. Close it.
        "#]],
        ),
        (
            "-- lakegate: transaction\nSELECT 1;",
            expect![[r#"
            lakegate: error: 0001_init.sql:1: there is no directive `transaction`
              Nothing was run. A first line may say `-- lakegate: new-transaction` or `-- lakegate: no-transaction`.
        "#]],
        ),
    ] {
        let house = ready().await;
        house.write("migrations/0001_init.sql", text);
        check(&house, 2, expected).await;
        assert_eq!(made(&house).await, "nothing");
    }
}

#[tokio::test]
async fn a_script_that_fails() {
    let house = ready().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);\n");
    house.write("migrations/0002_b.sql", "CREATE TABLE b (id int);\n\nSELECT nope FROM a;\n");
    check(
        &house,
        1,
        expect![[r#"
        lakegate: error: 0002_b.sql:3:8: column "nope" does not exist (SQLSTATE 42703)
          Everything is undone: the database is as it was.
    "#]],
    )
    .await;
    assert_eq!(made(&house).await, "nothing", "everything is undone");
    house.write("migrations/0002_b.sql", "CREATE TABLE b (id int);\n\nSELECT id FROM a;\n");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
}
