//! A Postgres that runs already takes the place of the emulator's own.

use std::process::Command;

use crate::client::{ADMIN, Local, SP, refusal};

/// The URL of the server that `local` has started, for its superuser: what any server is that lets
/// everybody in.
fn url(local: &Local) -> String {
    let socket = local.emulator.folder().join("pg/socket");
    format!("postgres://cloud_admin@/postgres?host={}", socket.display())
}

#[tokio::test]
async fn it_becomes_a_lakebase_and_goes_on_running() {
    let owner = Local::start(&[]).await;
    let url = url(&owner);
    for _ in 0..2 {
        let local = Local::start(&["--postgres-url", &url]).await;
        let admin = local.admin_session("databricks_postgres").await;
        let create = "CREATE EXTENSION IF NOT EXISTS databricks_auth";
        admin.batch_execute(create).await.unwrap();
        let app = local.login(SP, &local.app_credential().await, "postgres").await.unwrap();
        let row = app.query_one("SELECT session_user::text, current_user::text", &[]).await;
        let row = row.unwrap();
        assert_eq!((row.get(0), row.get(1)), (SP, SP));
        let stranger = local.login("stranger", "x", "postgres").await.err().unwrap();
        assert_eq!(refusal(&stranger).0, "28P01");
        local.emulator.stop().await.unwrap();
    }
    owner.login(SP, &owner.app_credential().await, "postgres").await.unwrap();
    // Whom the other emulator knew was noted in the server that they share.
    let admin = owner.admin_session("databricks_postgres").await;
    let known = "SELECT databricks_create_role($1, 'USER')";
    assert_eq!(refusal(&admin.query(known, &[&ADMIN]).await.unwrap_err()).0, "42710");
}

#[tokio::test]
async fn it_is_refused_when_it_cannot_be_one() {
    let owner = Local::start(&[]).await;
    let url = url(&owner);
    let admin = owner.admin_session("postgres").await;
    admin.batch_execute("CREATE ROLE plain LOGIN").await.unwrap();
    let using = "using the postgres that runs already:";
    let plain = "`plain` is not a superuser of that server; name one that is";
    check(&url.replace("cloud_admin", "plain"), &format!("{using} {plain}"));
    check("me:opensesame@localhost", "the URL of postgres is not one; write postgres://");
    let nowhere = "postgres://me@/postgres?host=/no/such/folder";
    check(nowhere, &format!("{using} the server does not let `me` in: "));

    let rules = owner.emulator.folder().join("pg/data/pg_hba.conf");
    std::fs::write(rules, "local all cloud_admin trust\nlocal all all scram-sha-256\n").unwrap();
    owner.tell("POST /postgres/restart", "").await;
    check(&url, &format!("that server asks the role `{SP}` for a password, and the emulator has"));
}

/// Runs an emulator on the server at `url`, which must fail in words that begin like this.
#[track_caller]
fn check(url: &str, expected: &str) {
    let mut emulator = Command::new(env!("CARGO_BIN_EXE_lakebase-emulator"));
    emulator.args(["--client-id", SP, "--postgres-url", url, "--", "true"]);
    let run = emulator.output().unwrap();
    let said = String::from_utf8(run.stderr).unwrap();
    assert!(said.starts_with(&format!("lakebase-emulator: {expected}")), "{said}");
    assert!(!said.contains("opensesame"), "{said}");
    assert_eq!(run.status.code(), Some(1));
}
