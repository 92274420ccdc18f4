//! Promise 6: the first start authenticates as the service principal, creates the schema, the
//! default privileges and all tables.

use expect_test::expect;
use lakegate_tests::House;
use serde_json::Value;

/// Two migrations, with a body that no splitter of statements survives.
fn write_migrations(house: &House) {
    house.write(
        "migrations/0001_customers.sql",
        "CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);\n\
         CREATE FUNCTION greet(name text) RETURNS text LANGUAGE plpgsql AS $$\n\
         BEGIN RETURN 'hello; ' || name; END $$;\n",
    );
    house.write(
        "migrations/0002_orders.sql",
        "CREATE TABLE orders (id serial, customer int REFERENCES customers);",
    );
}

fn steps(changes: &Value) -> String {
    let steps = changes["steps"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().trim().to_owned();
    steps.map(|step| format!("-- {}\n{};\n", text(&step["title"]), text(&step["sql"]))).collect()
}

#[tokio::test]
async fn with_the_sql_of_the_page() {
    let house = House::open().await;
    house.set_up().await;
    write_migrations(&house);
    let run = house.lakegate(["bootstrap", "plan", "--json"]).run().await.exits(3);
    expect![[r#"
        -- create schema "app_ontos"
        CREATE SCHEMA "app_ontos";
        -- create the ledger of migrations
        CREATE TABLE "app_ontos"."lakegate_migrations" (
          version bigint PRIMARY KEY,
          name text NOT NULL,
          sha256 text NOT NULL,
          applied_at timestamptz NOT NULL,
          applied_by text NOT NULL,
          milliseconds bigint,
          lakegate text NOT NULL
        );
        -- default privileges on future tables for "$SP"
        ALTER DEFAULT PRIVILEGES IN SCHEMA "app_ontos" GRANT ALL ON TABLES TO "$SP";
        -- default privileges on future sequences for "$SP"
        ALTER DEFAULT PRIVILEGES IN SCHEMA "app_ontos" GRANT ALL ON SEQUENCES TO "$SP";
        -- run 0001_customers.sql
        CREATE TABLE customers (id serial PRIMARY KEY, name text NOT NULL);
        CREATE FUNCTION greet(name text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN RETURN 'hello; ' || name; END $$;;
        -- run 0002_orders.sql
        CREATE TABLE orders (id serial, customer int REFERENCES customers);;
    "#]]
    .assert_eq(&house.told(&steps(&run.json())));
}

#[tokio::test]
async fn and_leaves_what_an_application_needs() {
    let house = House::open().await;
    house.set_up().await;
    write_migrations(&house);
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    expect![[r#"
        done: create schema "app_ontos"
        done: create the ledger of migrations
        done: default privileges on future tables for "$SP"
        done: default privileges on future sequences for "$SP"
        done: run 0001_customers.sql
        done: run 0002_orders.sql
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
        service principal: $SP
        an admin may now run: lakegate tighten --grant-to '$SP'
    "#]]
    .assert_eq(&house.told(&run.stdout));

    let session = house.login(&house.credential().await).await.unwrap();
    let seen = session
        .query_one(
            "SELECT json_build_object(
               'schema', (SELECT nspowner::regrole::text FROM pg_namespace
                          WHERE nspname = 'app_ontos'),
               'tables', (SELECT json_agg(tablename || ' of ' || tableowner ORDER BY tablename)
                          FROM pg_tables WHERE schemaname = 'app_ontos'),
               'defaults', (SELECT json_agg(d.defaclobjtype::text || ' ' || d.defaclacl::text
                                            ORDER BY d.defaclobjtype)
                            FROM pg_default_acl d JOIN pg_namespace n ON n.oid = defaclnamespace
                            WHERE nspname = 'app_ontos'),
               'ledger', (SELECT json_agg(concat_ws(' ', version, name, applied_by, lakegate)
                                          ORDER BY version)
                          FROM app_ontos.lakegate_migrations),
               'call', app_ontos.greet('world')
             )::text",
            &[],
        )
        .await
        .unwrap();
    // Since Postgres 17 `ALL` is one letter more: MAINTAIN.
    let seen = seen.get::<_, &str>(0).replace("arwdDxtm", "arwdDxt");
    let seen: Value = serde_json::from_str(&seen).unwrap();
    expect![[r#"
        {
          "call": "hello; world",
          "defaults": [
            "S {\"\\\"$SP\\\"=rwU/\\\"$SP\\\"\"}",
            "r {\"\\\"$SP\\\"=arwdDxt/\\\"$SP\\\"\"}"
          ],
          "ledger": [
            "1 0001_customers.sql $SP 0.1.0",
            "2 0002_orders.sql $SP 0.1.0"
          ],
          "schema": "\"$SP\"",
          "tables": [
            "customers of $SP",
            "lakegate_migrations of $SP",
            "orders of $SP"
          ]
        }
    "#]]
    .assert_eq(&house.told(&format!("{seen:#}\n")));
    session.batch_execute("INSERT INTO app_ontos.customers (name) VALUES ('a')").await.unwrap();

    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    expect![[r#"
        nothing to do: database app_ontos, schema app_ontos are as they should be
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
        service principal: $SP
        an admin may now run: lakegate tighten --grant-to '$SP'
    "#]]
    .assert_eq(&house.told(&run.stdout));
    house.lakegate(["bootstrap", "plan"]).run().await.exits(0);
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
}

#[tokio::test]
async fn and_lets_readers_and_writers_in() {
    let house = House::open().await;
    house.set_up().await;
    write_migrations(&house);
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute(r#"CREATE ROLE reader; CREATE ROLE "wri""ter""#).await.unwrap();
    let grants = ["bootstrap", "apply", "--reader", "reader", "--writer", r#"wri"ter"#];
    house.lakegate(grants).run().await.exits(0);
    // What comes later is theirs as well.
    house.write("migrations/0003_later.sql", "CREATE TABLE later (id int);");
    house.lakegate(grants).run().await.exits(0);
    let session = house.login(&house.credential().await).await.unwrap();
    let may = "SELECT has_table_privilege($1, 'app_ontos.' || t, p)
               FROM unnest(ARRAY['customers', 'later']) t, unnest(ARRAY['SELECT', 'INSERT']) p";
    for (role, expected) in [("reader", [true, false, true, false]), (r#"wri"ter"#, [true; 4])] {
        let rows = session.query(may, &[&role]).await.unwrap();
        let found: Vec<bool> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(found, expected, "{role}");
    }
    house
        .lakegate(grants.into_iter().map(|g| if g == "apply" { "verify" } else { g }))
        .run()
        .await
        .exits(0);
}

#[tokio::test]
async fn a_change_in_the_catalog_is_found() {
    let house = House::open().await;
    house.set_up().await;
    write_migrations(&house);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let session = house.login(&house.credential().await).await.unwrap();
    let role = house.principal();
    let revoke = format!(
        r#"ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos REVOKE ALL ON TABLES FROM "{role}""#
    );
    session.batch_execute(&revoke).await.unwrap();
    let run = house.lakegate(["bootstrap", "verify"]).run().await.exits(3);
    expect![[r#"
        differs: to do: default privileges on future tables for "$SP"
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
    "#]]
    .assert_eq(&house.told(&run.stdout));
}
