//! A request that cannot be carried out is told so, with what to do, before anything is changed.

use expect_test::{Expect, expect};
use lakegate_tests::{ADMIN, Answer, House, Serving, TOKEN};
use serde_json::{Value, json};

use crate::raw;

const LIMIT: usize = 4 << 20;

#[track_caller]
fn check(answer: &Answer, expected: Expect) {
    expected.assert_eq(answer.told());
}

/// A body as it is, said to be JSON.
async fn send(function: &Serving<'_>, route: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = function.request(ADMIN, route).header("content-type", "application/json");
    function.send(request.body(body)).await
}

#[tokio::test]
async fn what_is_no_json_or_too_large() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let function = house.serve().await;
    let post = || function.request(ADMIN, "POST /bootstrap");
    let text = function.send(post().header("content-type", "text/plain").body("{}")).await;
    check(
        &text,
        expect![[r#"
        415
        content-type: application/problem+json
        {
          "advice": "Send it with the header `Content-Type: application/json`.",
          "detail": "the body is not said to be JSON",
          "status": 415,
          "title": "The body is not JSON",
          "type": "urn:lakegate:problem:unsupported-media-type"
        }
    "#]],
    );
    function.send(post().body("{}")).await.has(415);
    function.send(post().header("content-type", "").body("{}")).await.has(415);
    let form = post().header("content-type", "application/x-www-form-urlencoded");
    function.send(form.body("migrations=")).await.has(415);

    // Refused for the length that is said, before it comes.
    let head = raw::head(&function, ADMIN, "POST /bootstrap");
    let large = format!("{head}X-Request-Id: large\r\nContent-Length: {}\r\n\r\n", LIMIT + 1);
    let answer = raw::exchange(&function, large.as_bytes()).await;
    let (_, problem) = answer.split_once("\r\n\r\n").unwrap();
    expect![[r#"{"type":"urn:lakegate:problem:too-large","title":"The body is too large","status":413,"detail":"the body is larger than 4194304 bytes","advice":"Mount migrations that are larger, or leave out those that were applied long ago.","request_id":"large"}"#]].assert_eq(problem);
    // What has no length said before is counted while it is read.
    let chunk = [b"100000\r\n".to_vec(), vec![b' '; LIMIT / 4], b"\r\n".to_vec()].concat();
    let head =
        raw::head(&function, ADMIN, "POST /setup?plan") + "Transfer-Encoding: chunked\r\n\r\n";
    let body = [head.as_bytes(), &chunk.repeat(5), b"0\r\n\r\n"].concat();
    assert_eq!(raw::status(&raw::exchange(&function, &body).await), Some(413));
    assert_eq!(house.counts().await["requests"], json!({}), "nobody was asked for anything");
    function.stop().await;
}

#[tokio::test]
async fn a_body_of_just_the_size_that_is_taken() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let frame = r#"{"migrations":[{"name":"0001_a.sql","sql":"-- "}]}"#;
    let (head, tail) = frame.split_at(frame.len() - 4);
    let body = format!("{head}{}{tail}", "x".repeat(LIMIT - frame.len()));
    assert_eq!(body.len(), LIMIT);
    let done = send(&function, "POST /bootstrap", body).await.has(200).json();
    assert!(done["done"].as_array().unwrap().contains(&json!("run 0001_a.sql")));
    function.stop().await;
}

/// What is said of a body that cannot be right, with what to do.
async fn misfit(function: &Serving<'_>, route: &str, body: Value) -> String {
    let said = function.ask(ADMIN, route, body.clone()).await.has(422).json();
    assert_eq!(said["type"], "urn:lakegate:problem:invalid", "{said}");
    let words = |member: &str| said[member].as_str().unwrap().to_owned();
    format!("{route} {body}\n  {}\n  {}\n", words("detail"), words("advice"))
}

#[tokio::test]
async fn what_does_not_fit() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let function = house.serve().await;
    let file = |name: &str| json!({ "name": name, "sql": "--" });
    let mut told = String::new();
    for (route, body) in [
        ("POST /bootstrap", json!({ "migration": [] })),
        ("POST /bootstrap", json!({ "migrations": [file("customers.sql")] })),
        ("POST /bootstrap", json!({ "migrations": [file("../0001_a.sql")] })),
        ("POST /bootstrap", json!({ "migrations": [file("0001_a")] })),
        ("POST /bootstrap", json!({ "migrations": [file("1_a.sql"), file("01_b.sql")] })),
        ("POST /bootstrap", json!({ "migrations": [{ "name": "0001_a.sql" }] })),
        ("POST /bootstrap", json!({ "grants": [{ "role": "", "access": "read" }] })),
        ("POST /bootstrap", json!({ "grants": [{ "role": "r", "access": "all" }] })),
        ("POST /bootstrap", json!({ "grants": [{ "role": "a\0b", "access": "read" }] })),
        ("POST /bootstrap", json!([])),
        ("POST /bootstrap?plan", Value::Null),
        ("GET /bootstrap?x", Value::Null),
        ("POST /setup?plna", Value::Null),
        ("POST /setup", json!({ "grant_to": "a", "grant_public": true })),
        ("POST /setup", json!({ "grant_to": "x".repeat(64) })),
        ("POST /setup", json!({ "admin": { "user": "a" } })),
        ("POST /setup", json!({ "admin": { "user": "a", "token": "two\nlines" } })),
        ("POST /tighten", json!({ "grant_public": true })),
        ("POST /tighten", json!({ "grant_to": 7 })),
    ] {
        told.push_str(&misfit(&function, route, body).await);
    }
    expect![[r#"
        POST /bootstrap {"migration":[]}
          the body does not fit at line 1, column 12: expected one of `migrations`, `grants`, `out_of_order`
          The description of this route is at /openapi.json.
        POST /bootstrap {"migrations":[{"name":"customers.sql","sql":"--"}]}
          "customers.sql" is no name for a migration
          Nothing was run. Name migration files like `20260101120000_init.sql`, `V1__init.sql` or `0001_init.sql`, all in one style, or have one `schema.sql`.
        POST /bootstrap {"migrations":[{"name":"../0001_a.sql","sql":"--"}]}
          "../0001_a.sql" is no name for a migration
          Nothing was run. Name migration files like `20260101120000_init.sql`, `V1__init.sql` or `0001_init.sql`, all in one style, or have one `schema.sql`.
        POST /bootstrap {"migrations":[{"name":"0001_a","sql":"--"}]}
          the name of a migration does not end in `.sql`
          Nothing was run. Name it like `0001_init.sql`.
        POST /bootstrap {"migrations":[{"name":"1_a.sql","sql":"--"},{"name":"01_b.sql","sql":"--"}]}
          `01_b.sql` and `1_a.sql` are both version 1
          Nothing was run. Give one of them a higher number.
        POST /bootstrap {"migrations":[{"name":"0001_a.sql"}]}
          the body does not fit at line 1, column 36: missing field `sql`
          The description of this route is at /openapi.json.
        POST /bootstrap {"grants":[{"access":"read","role":""}]}
          a name in Postgres cannot be empty
          Choose another name: 1 to 63 bytes, without NUL.
        POST /bootstrap {"grants":[{"access":"all","role":"r"}]}
          the body does not fit at line 1, column 26: expected `read` or `write`
          The description of this route is at /openapi.json.
        POST /bootstrap {"grants":[{"access":"read","role":"a\u0000b"}]}
          a name in Postgres cannot contain a NUL character
          Choose another name: 1 to 63 bytes, without NUL.
        POST /bootstrap []
          the body does not fit at line 1, column 0: expected an object
          The description of this route is at /openapi.json.
        POST /bootstrap?plan null
          this route knows nothing in its query
          Nothing was done.
        GET /bootstrap?x null
          this route knows nothing in its query
          Nothing was done.
        POST /setup?plna null
          this route knows only `plan` in its query
          Nothing was done.
        POST /setup {"grant_public":true,"grant_to":"a"}
          `grant_to` names one role, and `grant_public` means all
          Send one of the two.
        POST /setup {"grant_to":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}
          a name in Postgres has at most 63 bytes, this one has 64
          Choose another name: 1 to 63 bytes, without NUL.
        POST /setup {"admin":{"user":"a"}}
          the body does not fit at line 1, column 21: missing field `token`
          The description of this route is at /openapi.json.
        POST /setup {"admin":{"token":"two\nlines","user":"a"}}
          `admin.token` is no database credential
          Copy the whole credential from the workspace's page, and nothing else.
        POST /tighten {"grant_public":true}
          the body does not fit at line 1, column 15: expected `grant_to` or `admin`
          The description of this route is at /openapi.json.
        POST /tighten {"grant_to":7}
          the body does not fit at line 1, column 13: expected a string
          The description of this route is at /openapi.json.
    "#]].assert_eq(&told);
    assert_eq!(house.counts().await["requests"], json!({}), "nobody was asked for anything");
    function.stop().await;
}

#[tokio::test]
async fn what_postgres_refuses() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let migrations = |sql: &str| json!({ "migrations": [{ "name": "0001_a.sql", "sql": sql }] });
    let sql = "CREATE TABLE a (id int);\nCREATE TABLE b (id itn);";
    let answer = function.ask(ADMIN, "POST /bootstrap", migrations(sql)).await;
    check(
        &answer,
        expect![[r#"
        422
        content-type: application/problem+json
        {
          "advice": "Everything is undone: the database is as it was.",
          "detail": "0001_a.sql:2:20: type \"itn\" does not exist (SQLSTATE 42704)",
          "sqlstate": "42704",
          "status": 422,
          "title": "Postgres refused a statement",
          "type": "urn:lakegate:problem:statement"
        }
    "#]],
    );
    // One that raises an error of its own, with all its words.
    let sql = "DO $$ BEGIN RAISE 'no' USING DETAIL = 'so', HINT = 'do', ERRCODE = 'P7777'; END $$";
    let answer = function.ask(ADMIN, "POST /bootstrap", migrations(sql)).await;
    check(
        &answer,
        expect![[r#"
            422
            content-type: application/problem+json
            {
              "advice": "In PL/pgSQL function inline_code_block line 1 at RAISE. so do Everything is undone: the database is as it was.",
              "detail": "0001_a.sql: no (SQLSTATE P7777)",
              "sqlstate": "P7777",
              "status": 422,
              "title": "Postgres refused a statement",
              "type": "urn:lakegate:problem:statement"
            }
        "#]],
    );
    let plan = function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200).json();
    let first = plan["steps"][0]["title"].as_str().unwrap();
    assert_eq!(first, r#"create schema "app_ontos""#, "nothing was changed");
    let answer = function.ask(ADMIN, "POST /tighten", json!({ "grant_to": "nobody" })).await;
    check(
        &answer,
        expect![[r#"
        409
        content-type: application/problem+json
        {
          "advice": "Check the id. On Lakebase, the role of a service principal is created with:\n  CREATE EXTENSION IF NOT EXISTS databricks_auth; SELECT databricks_create_role('nobody', 'SERVICE_PRINCIPAL');",
          "detail": "there is no role \"nobody\"",
          "status": 409,
          "title": "The database is in a state that may not be changed",
          "type": "urn:lakegate:problem:conflict"
        }
    "#]],
    );
    let answer = function.ask(ADMIN, "POST /tighten", Value::Null).await;
    check(
        &answer,
        expect![[r#"
            409
            content-type: application/problem+json
            {
              "advice": "Nothing of this was done. It is left for somebody who may, in psql on any database of the server:\nDO $lakegate$\nBEGIN\n  REVOKE CREATE ON DATABASE \"app_ontos\" FROM PUBLIC;\n  GRANT CREATE ON DATABASE \"app_ontos\" TO \"$SP\";\n  IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('$SP', 'app_ontos', 'CREATE') THEN\n    RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';\n  END IF;\nEND\n$lakegate$;",
              "detail": "database \"app_ontos\" belongs to \"admin@example.com\", and \"$SP\" may not say who creates schemas in it",
              "status": 409,
              "title": "The database is in a state that may not be changed",
              "type": "urn:lakegate:problem:conflict"
            }
        "#]],
    );
    function.stop().await;
}

#[tokio::test]
async fn a_database_that_somebody_else_made() {
    let house = House::open().await;
    house.set_up().await;
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute("CREATE SCHEMA app_ontos").await.unwrap();
    let function = house.serve().await;
    let foreign = function.ask(ADMIN, "POST /bootstrap", Value::Null).await;
    check(
        &foreign,
        expect![[r#"
        409
        content-type: application/problem+json
        {
          "advice": "Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:\n  ALTER SCHEMA \"app_ontos\" OWNER TO \"$SP\";\nTables in it stay with \"admin@example.com\" until each is handed over too.",
          "detail": "schema \"app_ontos\" belongs to \"admin@example.com\", not to \"$SP\"",
          "status": 409,
          "title": "The database is in a state that may not be changed",
          "type": "urn:lakegate:problem:conflict"
        }
    "#]],
    );
    admin.batch_execute("DROP SCHEMA app_ontos").await.unwrap();

    let file = |sql: &str| json!({ "migrations": [{ "name": "0001_a.sql", "sql": sql }] });
    function.ask(ADMIN, "POST /bootstrap", file("SELECT 1")).await.has(200);
    let changed = function.ask(ADMIN, "POST /bootstrap", file("SELECT 2")).await;
    check(
        &changed,
        expect![[r#"
            409
            content-type: application/problem+json
            {
              "advice": "Nothing was changed. Put the old content back and write the change as a new migration. If the change means nothing to the database, accept it with `lakegate bootstrap repair`, or:\n  UPDATE \"app_ontos\".\"lakegate_migrations\" SET name = '0001_a.sql', sha256 = 'ebbb5b332060a3ede7047bd7528883b0a560e729848f9feb8ff742145e909b01' WHERE version = 1;",
              "detail": "`0001_a.sql` was changed after it ran: it was e004ebd5b5532a4b85984a62f8ad48a81aa3460c1ca07701f386135d72cdecf5, it is ebbb5b332060a3ede7047bd7528883b0a560e729848f9feb8ff742145e909b01",
              "status": 409,
              "title": "The database is in a state that may not be changed",
              "type": "urn:lakegate:problem:conflict"
            }
        "#]],
    );
    function.stop().await;
}

/// What is wrong in several ways is told the first: route, method, key, query, media type, size,
/// body.
#[tokio::test]
async fn in_the_same_order_always() {
    let house = House::open().await;
    let function = house.serve().await;
    let wrong = async |key: &str, route: &str, media: &str, size: usize| {
        let head = raw::head(&function, key, route).replace("application/json", media);
        // What is too large is refused for what it says, before it comes.
        let request = format!("{head}Content-Length: {size}\r\n\r\nno JSON");
        raw::status(&raw::exchange(&function, request.as_bytes()).await)
    };
    let large = LIMIT + 1;
    for (key, route, media, size, status) in [
        ("nobody's", "PUT /nowhere?x", "text/plain", large, 404),
        ("nobody's", "PUT /setup?x", "text/plain", large, 405),
        ("nobody's", "POST /setup?x", "text/plain", large, 401),
        (TOKEN, "POST /setup?x", "text/plain", large, 403),
        (ADMIN, "POST /setup?x", "text/plain", large, 422),
        (ADMIN, "POST /setup?plan", "text/plain", large, 415),
        (ADMIN, "POST /setup?plan", "application/json", large, 413),
        (ADMIN, "POST /setup?plan", "application/json", 7, 422),
    ] {
        let found = wrong(key, route, media, size).await;
        assert_eq!(found, Some(status), "{route} {media} {size}");
    }
    function.stop().await;
}
