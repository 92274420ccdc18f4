//! What is told to fail fails, as told and no longer.

use std::time::Duration;

use tokio::time::timeout;

use crate::client::{Local, SP, refusal};

const ME: &str = "GET /api/2.0/preview/scim/v2/Me";

#[tokio::test]
async fn the_control_plane_fails_by_rules() {
    let local = Local::start(&["--http"]).await;
    let token = local.workspace_token().await;
    let path = "/api/2.0/preview/scim/v2/*";
    let rules = format!(
        r#"[{{"route":"GET {path}","status":429,"retry_after":"7","times":1}},
            {{"route":"GET {path}","status":503,"body":"upstream","times":1}},
            {{"route":"GET {path}","reply":"garbage","times":1}},
            {{"route":"GET {path}","reply":"html","times":1}},
            {{"route":"GET {path}","reply":"drop","times":1}},
            {{"route":"GET {path}","reply":"lose","times":1}}]"#
    );
    local.tell("POST /faults", &rules).await;
    let limited = local.call(&token, ME, "").await;
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("7")));
    assert_eq!(limited.json()["error_code"], "REQUEST_LIMIT_EXCEEDED");
    let down = local.call(&token, ME, "").await;
    assert_eq!((down.status, &*down.body), (503, "upstream"));
    let garbage = local.call(&token, ME, "").await;
    assert!(garbage.status == 200 && serde_json::from_str::<()>(&garbage.body).is_err());
    let page = local.call(&token, ME, "").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html")));
    let bearer = format!("Authorization: Bearer {token}\r\n");
    assert!(local.send(ME, &bearer, "").await.is_none());
    assert!(local.send(ME, &bearer, "").await.is_none());
    assert_eq!(local.call(&token, ME, "").await.status, 200);
    let counts = local.tell("GET /counts", "").await.json();
    assert_eq!(counts["requests"][ME], 7);
}

#[tokio::test]
async fn a_hanging_request_hangs_until_the_client_gives_up() {
    let local = Local::start(&["--http"]).await;
    local.tell("POST /faults", r#"{"route":"* *","reply":"hang","times":1}"#).await;
    let request = "GET /.well-known/databricks-config";
    let arrives = async {
        while local.tell("GET /counts", "").await.json()["requests"][request] != 1 {}
        // The rule is used up, and others are answered meanwhile.
        assert_eq!(local.send(request, "", "").await.unwrap().status, 200);
    };
    tokio::select! {
        answer = local.send(request, "", "") => panic!("it was answered: {answer:?}"),
        () = arrives => {}
    }
    assert_eq!(local.send(request, "", "").await.unwrap().status, 200);
}

#[tokio::test]
async fn logins_fail_as_told() {
    let local = Local::start(&[]).await;
    let password = local.app_credential().await;
    let fail = |change: &'static str| local.tell("POST /faults/postgres", change);
    let login = || local.login(SP, &password, "postgres");

    fail(r#"{"refuse_logins":{"message":"no","code":"XX000","times":1}}"#).await;
    let refused = login().await.err().unwrap();
    assert_eq!(refusal(&refused), ("XX000".to_owned(), "no".to_owned()));
    login().await.unwrap();

    fail(r#"{"suspend":{"wake_ms":3600000,"meanwhile":"refuse"}}"#).await;
    assert_eq!(refusal(&login().await.err().unwrap()).0, "57P03");
    local.tell("DELETE /faults", "").await;
    login().await.unwrap();

    fail(r#"{"suspend":{"wake_ms":20}}"#).await;
    login().await.unwrap();

    for change in [
        r#"{"no_tls":true}"#,
        r#"{"certificate":"wrong_name"}"#,
        r#"{"certificate":"unknown_authority"}"#,
        r#"{"certificate":"expired"}"#,
    ] {
        fail(change).await;
        let failed = login().await.err().unwrap();
        assert!(failed.as_db_error().is_none(), "{change}: {failed:?}");
        local.tell("DELETE /faults", "").await;
    }
    login().await.unwrap();
}

#[tokio::test]
async fn open_connections_stall_and_end_as_told() {
    let local = Local::start(&[]).await;
    let password = local.app_credential().await;
    let session = local.login(SP, &password, "postgres").await.unwrap();
    local.tell("POST /faults/postgres", r#"{"stall":true}"#).await;
    let mut answer = std::pin::pin!(session.batch_execute("SELECT 1"));
    assert!(timeout(Duration::from_millis(100), &mut answer).await.is_err());
    local.tell("POST /faults/postgres", r#"{"stall":false}"#).await;
    answer.await.unwrap();
    local.tell("DELETE /connections", "").await;
    session.batch_execute("SELECT 1").await.unwrap_err();
    local.login(SP, &password, "postgres").await.unwrap();
}
