//! Setup, bootstrap and tighten over HTTP: shown first, then done, then nothing is left to do.

use expect_test::{Expect, expect};
use lakegate_tests::{ADMIN, House, Serving, refusal};
use serde_json::{Value, json};

use crate::by_admin;

async fn check(function: &Serving<'_>, route: &str, body: Value, expected: Expect) {
    let answer = function.ask(ADMIN, route, body).await;
    expected.assert_eq(answer.told());
}

/// A route of the administrator: shown first, done as it was shown, and then nothing is left to do.
async fn check_admin(function: &Serving<'_>, route: &str, request: Value, expected: Expect) {
    let planned = function.ask(ADMIN, &format!("{route}?plan"), request.clone()).await;
    expected.assert_eq(planned.told());
    let mut planned = planned.json();
    planned["applied"] = json!(true);
    let done = function.ask(ADMIN, route, request.clone()).await.has(200).json();
    assert_eq!(done, planned);
    let again = function.ask(ADMIN, route, request).await.has(200).json();
    assert_eq!(again["steps"], json!([]));
}

/// The steps of a plan as a script.
fn steps(plan: &Value) -> String {
    let steps = plan["steps"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    steps.map(|step| format!("-- {}\n{};\n", text(&step["title"]), text(&step["sql"]))).collect()
}

#[tokio::test]
async fn from_an_empty_server_to_a_tight_database() {
    let house = House::open().await;
    house.write("migrations/0001_customers.sql", "CREATE TABLE customers (id int);");
    let function = house.serve().await;
    check(&function, "GET /bootstrap", Value::Null, expect![[r#"
        502
        content-type: application/problem+json
        {
          "advice": "Run `lakegate setup` as an admin, or:\nCREATE DATABASE \"app_ontos\";",
          "detail": "localhost refused the login of \"$SP\" to database \"app_ontos\": database \"app_ontos\" does not exist",
          "status": 502,
          "title": "Postgres refused the login",
          "type": "urn:lakegate:problem:login"
        }
    "#]]).await;

    let setup = by_admin(&house, json!({ "grant_public": true })).await;
    check_admin(&function, "POST /setup", setup, expect![[r#"
        200
        content-type: application/json
        {
          "applied": false,
          "remarks": [
            "any role can now plant a schema in database \"app_ontos\"; once the application has started, run `lakegate tighten`"
          ],
          "steps": [
            {
              "sql": "CREATE DATABASE \"app_ontos\"",
              "title": "create database \"app_ontos\""
            },
            {
              "sql": "GRANT CREATE ON DATABASE \"app_ontos\" TO PUBLIC",
              "title": "let everybody create schemas in \"app_ontos\""
            }
          ]
        }
    "#]]).await;

    let plan = function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200).json();
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
        CREATE TABLE customers (id int);;
    "#]]
    .assert_eq(&house.told(&steps(&plan)));
    check(&function, "POST /bootstrap", Value::Null, expect![[r#"
        200
        content-type: application/json
        {
          "database": "app_ontos",
          "done": [
            "create schema \"app_ontos\"",
            "create the ledger of migrations",
            "default privileges on future tables for \"$SP\"",
            "default privileges on future sequences for \"$SP\"",
            "run 0001_customers.sql"
          ],
          "notes": [
            "every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"
          ],
          "public_may_create": true,
          "role": "$SP",
          "schema": "app_ontos",
          "tighten_command": "lakegate tighten --grant-to '$SP'",
          "tighten_sql": "REVOKE CREATE ON DATABASE \"app_ontos\" FROM PUBLIC;\nGRANT CREATE ON DATABASE \"app_ontos\" TO \"$SP\";"
        }
    "#]]).await;
    check(&function, "POST /bootstrap", Value::Null, expect![[r#"
        200
        content-type: application/json
        {
          "database": "app_ontos",
          "done": [],
          "notes": [
            "every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"
          ],
          "public_may_create": true,
          "role": "$SP",
          "schema": "app_ontos",
          "tighten_command": "lakegate tighten --grant-to '$SP'",
          "tighten_sql": "REVOKE CREATE ON DATABASE \"app_ontos\" FROM PUBLIC;\nGRANT CREATE ON DATABASE \"app_ontos\" TO \"$SP\";"
        }
    "#]]).await;
    check(
        &function,
        "GET /bootstrap",
        Value::Null,
        expect![[r#"
        200
        content-type: application/json
        {
          "database": "app_ontos",
          "notes": [
            "every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"
          ],
          "role": "$SP",
          "schema": "app_ontos",
          "statements": [],
          "steps": []
        }
    "#]],
    )
    .await;

    // Who is meant is who is configured, unless somebody else is named.
    let tighten = by_admin(&house, json!({})).await;
    check_admin(&function, "POST /tighten", tighten, expect![[r#"
        200
        content-type: application/json
        {
          "applied": false,
          "remarks": [],
          "steps": [
            {
              "sql": "DO $lakegate$\nBEGIN\n  REVOKE CREATE ON DATABASE \"app_ontos\" FROM PUBLIC;\n  GRANT CREATE ON DATABASE \"app_ontos\" TO \"$SP\";\n  IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('$SP', 'app_ontos', 'CREATE') THEN\n    RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';\n  END IF;\nEND\n$lakegate$",
              "title": "let \"$SP\" alone create schemas in \"app_ontos\""
            }
          ]
        }
    "#]]).await;
    function.stop().await;
}

#[tokio::test]
async fn a_plan_of_an_admin_changes_nothing() {
    let house = House::open().await;
    let function = house.serve().await;
    let setup = by_admin(&house, json!({ "grant_to": house.principal() })).await;
    house.forget().await;
    let planned = function.ask(ADMIN, "POST /setup?plan", setup.clone()).await.has(200).json();
    let statements = async || {
        let mut sent = house.statements(house.env("EMULATOR_ADMIN_USER")).await;
        sent.retain(|sql| !sql.starts_with("WITH"));
        sent
    };
    assert_eq!(statements().await, [""; 0]);
    let done = function.ask(ADMIN, "POST /setup", setup).await.has(200).json();
    assert_eq!((&planned["applied"], &done["applied"]), (&json!(false), &json!(true)));
    let sql = |answer: &Value| -> Vec<String> {
        let steps = answer["steps"].as_array().unwrap().iter();
        steps.map(|step| step["sql"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(sql(&planned), sql(&done));
    assert_eq!(statements().await, sql(&planned));
    // The application itself asks for nothing there.
    assert_eq!(house.statements(house.principal()).await, [""; 0]);
    function.stop().await;
}

#[tokio::test]
async fn the_configured_identity_may_be_the_admin() {
    let house = House::open().await;
    let program = house.function().without("DATABRICKS_CLIENT_ID");
    let program = program.without("DATABRICKS_CLIENT_SECRET");
    let program = program.env("DATABRICKS_TOKEN", house.env("EMULATOR_ADMIN_TOKEN"));
    let function = house.serving(program).await;
    check(&function, "POST /tighten", Value::Null, expect![[r#"
        422
        content-type: application/problem+json
        {
          "advice": "Name the service principal in `grant_to`; POST /bootstrap answers it as `role`.",
          "detail": "nobody is named who keeps the right to create schemas",
          "status": 422,
          "title": "The request cannot be carried out as it is",
          "type": "urn:lakegate:problem:invalid"
        }
    "#]]).await;
    let done = function.ask(ADMIN, "POST /setup", Value::Null).await.has(200).json();
    // Nobody is named, so everybody is meant, and that is remarked.
    expect![[r#"
        [
          "any role can now plant a schema in database \"app_ontos\"; once the application has started, run `lakegate tighten`"
        ]"#]].assert_eq(&format!("{:#}", done["remarks"]));
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let keep = json!({ "grant_to": house.principal() });
    let done = function.ask(ADMIN, "POST /tighten", keep).await.has(200).json();
    assert_eq!(done["steps"].as_array().unwrap().len(), 1);
    let app = house.login(&house.credential().await).await.unwrap();
    app.batch_execute("CREATE SCHEMA own").await.unwrap();
    function.stop().await;
}

/// The statements of a plan, and those that were sent to do it besides the one question.
async fn planned_and_sent(house: &House, function: &Serving<'_>) -> (Vec<String>, Vec<String>) {
    let plan = function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200).json();
    let statements = plan["statements"].as_array().unwrap().iter();
    let planned = statements.map(|statement| statement.as_str().unwrap().to_owned()).collect();
    house.forget().await;
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    let sent = house.statements(house.principal()).await;
    let (question, rest) = sent.split_first().unwrap();
    assert!(question.starts_with("WITH\n"), "the first statement looks: {question}");
    (planned, rest.to_vec())
}

#[tokio::test]
async fn what_is_planned_is_sent_byte_for_byte() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE \"$lakegate$ é\" (id int);\n-- the end");
    let function = house.serve().await;
    let (planned, sent) = planned_and_sent(&house, &function).await;
    assert_eq!(planned.len(), 1, "all in one statement");
    assert_eq!(planned, sent);
    assert_eq!(planned_and_sent(&house, &function).await, (vec![], vec![]));

    house.write("migrations/0002_mood.sql", "CREATE TYPE mood AS ENUM ('sad');");
    house.write(
        "migrations/0003_own.sql",
        "-- lakegate: new-transaction\nALTER TYPE mood ADD VALUE 'happy';",
    );
    house.write(
        "migrations/0004_none.sql",
        "-- lakegate: no-transaction\nCREATE INDEX CONCURRENTLY i ON \"$lakegate$ é\" (id);",
    );
    let (planned, sent) = planned_and_sent(&house, &function).await;
    assert!(1 < planned.len(), "{planned:?}");
    assert_eq!(planned, sent);
    // The command line and the function mean the same database.
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
    function.stop().await;
}

#[tokio::test]
async fn a_body_brings_its_own_migrations_and_grants() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_mounted.sql", "CREATE TABLE mounted (id int);");
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute(r#"CREATE ROLE reader; CREATE ROLE "wri""ter""#).await.unwrap();
    let function = house.serve().await;
    let brought = json!({
        "migrations": [
            // In any order: their numbers count.
            { "name": "0002_b.sql", "sql": "CREATE TABLE b AS SELECT * FROM a" },
            { "name": "0001_a.sql", "sql": "CREATE TABLE a (id int)" },
        ],
        "grants": [
            { "role": "reader", "access": "read" },
            { "role": "wri\"ter", "access": "write" },
        ],
    });
    check(&function, "POST /bootstrap", brought, expect![[r#"
        200
        content-type: application/json
        {
          "database": "app_ontos",
          "done": [
            "create schema \"app_ontos\"",
            "create the ledger of migrations",
            "default privileges on future tables for \"$SP\"",
            "default privileges on future sequences for \"$SP\"",
            "default privileges on future tables for \"reader\"",
            "default privileges on future sequences for \"reader\"",
            "default privileges on future tables for \"wri\"\"ter\"",
            "default privileges on future sequences for \"wri\"\"ter\"",
            "let \"reader\" use schema \"app_ontos\"",
            "let \"wri\"\"ter\" use schema \"app_ontos\"",
            "run 0001_a.sql",
            "run 0002_b.sql"
          ],
          "notes": [
            "every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"
          ],
          "public_may_create": true,
          "role": "$SP",
          "schema": "app_ontos",
          "tighten_command": "lakegate tighten --grant-to '$SP'",
          "tighten_sql": "REVOKE CREATE ON DATABASE \"app_ontos\" FROM PUBLIC;\nGRANT CREATE ON DATABASE \"app_ontos\" TO \"$SP\";"
        }
    "#]]).await;
    let may = "SELECT string_agg(concat_ws(' ', r, t, p), ', ' ORDER BY r, t, p)
               FROM unnest(ARRAY['reader', 'wri\"ter']) r, unnest(ARRAY['a', 'b']) t,
                    unnest(ARRAY['SELECT', 'INSERT']) p
               WHERE has_table_privilege(r, 'app_ontos.' || t, p)";
    let app = house.login(&house.credential().await).await.unwrap();
    let found: String = app.query_one(may, &[]).await.unwrap().get(0);
    expect![[r#"reader a SELECT, reader b SELECT, wri"ter a INSERT, wri"ter a SELECT, wri"ter b INSERT, wri"ter b SELECT"#]].assert_eq(&found);
    let error = app.batch_execute("SELECT FROM app_ontos.mounted").await.unwrap_err();
    assert_eq!(refusal(&error).0, "42P01", "the mounted ones were not asked for");

    // An empty list is no list at all: nothing is to be run, but the schema is looked at.
    let none = json!({ "migrations": [] });
    check(&function, "POST /bootstrap", none, expect![[r#"
        200
        content-type: application/json
        {
          "database": "app_ontos",
          "done": [],
          "notes": [
            "2 of the applied migrations are not among the files, the last is `0002_b.sql`: is this an older release?",
            "every role may create schemas in database \"app_ontos\"; `lakegate tighten` ends that"
          ],
          "public_may_create": true,
          "role": "$SP",
          "schema": "app_ontos",
          "tighten_command": "lakegate tighten --grant-to '$SP'",
          "tighten_sql": "REVOKE CREATE ON DATABASE \"app_ontos\" FROM PUBLIC;\nGRANT CREATE ON DATABASE \"app_ontos\" TO \"$SP\";"
        }
    "#]]).await;
    function.stop().await;
}

#[tokio::test]
async fn one_that_comes_too_late_is_run_only_when_that_is_meant() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let file = |name: &str, sql: &str| json!({ "name": name, "sql": sql });
    let second = file("0002_b.sql", "CREATE TABLE b (id int)");
    let body = json!({ "migrations": [second] });
    function.ask(ADMIN, "POST /bootstrap", body).await.has(200);
    let first = file("0001_a.sql", "CREATE TABLE a (id int)");
    let mut late = json!({ "migrations": [first, second] });
    check(&function, "POST /bootstrap", late.clone(), expect![[r#"
        409
        content-type: application/problem+json
        {
          "advice": "Nothing was changed. Give the file a higher number, or allow it with `--out-of-order`.",
          "detail": "`0001_a.sql` has not run, but the later `0002_b.sql` has",
          "status": 409,
          "title": "The database is in a state that may not be changed",
          "type": "urn:lakegate:problem:conflict"
        }
    "#]]).await;
    late["out_of_order"] = json!(true);
    let done = function.ask(ADMIN, "POST /bootstrap", late).await.has(200).json();
    assert_eq!(done["done"], json!(["run 0001_a.sql"]));
    function.stop().await;
}

#[tokio::test]
async fn for_the_roles_and_within_the_limits_of_the_settings() {
    let house = House::open().await;
    house.set_up().await;
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute("CREATE ROLE reader").await.unwrap();
    let settings = "lakegate_statement_timeout = 7\n[grants]\nreaders = ['reader']\n";
    house.write("lakegate.toml", settings);
    let function = house.serve().await;
    let plan = function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200).json();
    let steps = plan["steps"].as_array().unwrap().iter();
    let titles: Vec<_> = steps.map(|step| step["title"].as_str().unwrap()).collect();
    expect![[r#"
        create schema "app_ontos"
        default privileges on future tables for "$SP"
        default privileges on future sequences for "$SP"
        default privileges on future tables for "reader"
        default privileges on future sequences for "reader"
        let "reader" use schema "app_ontos""#]]
    .assert_eq(&house.told(&titles.join("\n")));
    assert!(plan["statements"][0].as_str().unwrap().contains("'statement_timeout', '7000ms'"));
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    let plan = function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200).json();
    assert_eq!(plan["steps"], json!([]));
    function.stop().await;
}
