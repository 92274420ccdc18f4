//! Behind the gate is a real Postgres with the roles of a Lakebase.

use std::sync::Arc;

use tokio_postgres::SimpleQueryMessage;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::client::{ADMIN, Local, SP, refusal};

#[tokio::test]
async fn a_database_is_set_up_and_tightened_as_documented() {
    let local = Local::start(&[]).await;
    let admin = local.admin_session("databricks_postgres").await;
    admin.batch_execute(r#"CREATE DATABASE "app_ontos""#).await.unwrap();
    let password = local.app_credential().await;
    let app = local.login(SP, &password, "app_ontos").await.unwrap();
    let denied = app.batch_execute("CREATE SCHEMA app").await.unwrap_err();
    assert_eq!(refusal(&denied).0, "42501");
    let grant = r#"GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC"#;
    admin.batch_execute(grant).await.unwrap();
    app.batch_execute("CREATE SCHEMA app; CREATE TABLE app.t (id int)").await.unwrap();
    let tighten = format!(
        r#"REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC; GRANT CREATE ON DATABASE "app_ontos" TO "{SP}""#
    );
    admin.batch_execute(&tighten).await.unwrap();
    let created = "SELECT has_database_privilege($1, 'app_ontos', 'CREATE')";
    let may: bool = admin.query_one(created, &[&SP]).await.unwrap().get(0);
    assert!(may);
}

#[tokio::test]
async fn roles_are_created_as_documented() {
    let local = Local::start(&[]).await;
    let admin = local.admin_session("databricks_postgres").await;
    let new = local.tell("POST /principals", r#"{"kind":"SERVICE_PRINCIPAL","role":"none"}"#).await;
    let name = new.json()["name"].as_str().unwrap().to_owned();
    // A database that is made later has the function too.
    admin.batch_execute("CREATE DATABASE later").await.unwrap();
    let admin = local.admin_session("later").await;
    admin.batch_execute("CREATE EXTENSION IF NOT EXISTS databricks_auth").await.unwrap();
    let create = "SELECT databricks_create_role($1, $2)";
    admin.query(create, &[&name, &"SERVICE_PRINCIPAL"]).await.unwrap();
    for (name, kind, code) in [
        (&*name, "SERVICE_PRINCIPAL", "42710"),
        ("nobody@x.org", "USER", "22023"),
        (SP, "ROBOT", "22023"),
    ] {
        let refused = admin.query(create, &[&name, &kind]).await.unwrap_err();
        assert_eq!(refusal(&refused).0, code, "{name} {kind}");
    }
    let app = local.login(SP, &local.app_credential().await, "later").await.unwrap();
    let refused = app.query(create, &[&"x", &"USER"]).await.unwrap_err();
    assert_eq!(refusal(&refused).0, "42501");
}

#[tokio::test]
async fn a_native_role_has_a_password() {
    let local = Local::start(&[]).await;
    let admin = local.admin_session("postgres").await;
    admin.batch_execute("CREATE ROLE native LOGIN PASSWORD 'right'").await.unwrap();
    local.login("native", "right", "postgres").await.unwrap();
    let refused = local.login("native", "wrong", "postgres").await.err().unwrap();
    assert_eq!(refusal(&refused).1, "password authentication failed for user 'native'");
}

#[tokio::test]
async fn round_trips_and_statements_are_counted() {
    let local = Local::start(&[]).await;
    let app = local.login(SP, &local.app_credential().await, "postgres").await.unwrap();
    local.tell("DELETE /counts", "").await;
    app.batch_execute("SELECT 1; SELECT 2").await.unwrap();
    let statement = app.prepare("SELECT $1::text").await.unwrap();
    app.query(&statement, &[&"x"]).await.unwrap();
    let counts = local.tell("GET /counts", "").await.json();
    assert_eq!(counts["round_trips"], 3); // One batch, one Parse, one Execute.
    let statements = local.tell("GET /statements", "").await.json();
    let expected = serde_json::json!([
        { "role": SP, "database": "postgres", "sql": "SELECT 1; SELECT 2" },
        { "role": SP, "database": "postgres", "sql": "SELECT $1::text" },
    ]);
    assert_eq!(statements, expected);
}

#[tokio::test]
async fn a_running_query_is_cancelled() {
    let local = Local::start(&[]).await;
    let app = Arc::new(local.login(SP, &local.app_credential().await, "postgres").await.unwrap());
    let cancel = app.cancel_token();
    let asked = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.simple_query("SELECT pg_sleep(600)").await }
    });
    // A request that comes before the query runs cancels nothing.
    let admin = local.admin_session("postgres").await;
    let sleeping =
        format!("SELECT 1 FROM pg_stat_activity WHERE usename = '{SP}' AND wait_event = 'PgSleep'");
    while !admin.simple_query(&sleeping).await.unwrap().iter().any(is_row) {}
    cancel.cancel_query(MakeRustlsConnect::new(local.tls.clone())).await.unwrap();
    let ended = asked.await.unwrap().unwrap_err();
    assert_eq!(refusal(&ended).0, "57014");
    assert_eq!(local.tell("GET /counts", "").await.json()["cancels"], 1);
}

fn is_row(message: &SimpleQueryMessage) -> bool {
    matches!(message, SimpleQueryMessage::Row(_))
}

#[tokio::test]
async fn data_outlives_a_restart_and_sessions_do_not() {
    let local = Local::start(&[]).await;
    let admin = local.admin_session("databricks_postgres").await;
    admin.batch_execute("CREATE TABLE kept AS SELECT 42 AS answer").await.unwrap();
    local.tell("POST /postgres/restart", "").await;
    admin.batch_execute("SELECT 1").await.unwrap_err();
    let admin = local.admin_session("databricks_postgres").await;
    let row = admin.query_one("SELECT answer, current_user::text FROM kept", &[]).await.unwrap();
    assert_eq!((row.get::<_, i32>(0), row.get::<_, String>(1)), (42, ADMIN.to_owned()));
}
