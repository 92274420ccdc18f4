//! A token opens its own role for an hour, at login only.

use crate::client::{ADMIN, Local, SP, refusal};

#[tokio::test]
async fn an_hour_later_the_session_lives_and_the_token_is_refused() {
    let local = Local::start(&[]).await;
    let workspace = local.workspace_token().await;
    let password = local.credential(&workspace).await;
    let session = local.login(SP, &password, "postgres").await.unwrap();

    local.tell("POST /clock", r#"{"advance_s":3540}"#).await;
    local.login(SP, &password, "postgres").await.unwrap();
    local.tell("POST /clock", r#"{"advance_s":60}"#).await;

    let user: String = session.query_one("SELECT current_user::text", &[]).await.unwrap().get(0);
    assert_eq!(user, SP);
    let refused = local.login(SP, &password, "postgres").await.err().unwrap();
    let words = "Invalid authorization for databricks identity login";
    assert_eq!(refusal(&refused), ("28P01".to_owned(), words.to_owned()));
    let me = local.call(&workspace, "GET /api/2.0/preview/scim/v2/Me", "").await;
    assert_eq!(me.status, 401);

    let fresh = local.app_credential().await;
    local.login(SP, &fresh, "postgres").await.unwrap();
    local.emulator.stop().await.unwrap();
}

#[tokio::test]
async fn logins_are_refused_in_the_words_of_lakebase() {
    let provisioned = Local::start(&["--refusal-code", "28000"]).await;
    let password = provisioned.app_credential().await;
    let pat = {
        let world = provisioned.emulator.lakebase().world();
        world.principals[ADMIN].access_token.as_ref().unwrap().expose().to_owned()
    };
    for (user, password, words) in [
        (ADMIN, &password, "Invalid authorization for databricks identity login"),
        (ADMIN, &pat, "Provided authentication token is not a valid JWT encoding"),
        ("stranger", &password, "password authentication failed for user 'stranger'"),
        ("cloud_admin", &password, "password authentication failed for user 'cloud_admin'"),
    ] {
        let refused = provisioned.login(user, password, "postgres").await.err().unwrap();
        assert_eq!(refusal(&refused), ("28000".to_owned(), words.to_owned()));
    }
    let refused = provisioned.login_in_clear(SP).await;
    assert_eq!(refusal(&refused).1, "Invalid protocol version: 196608");

    let autoscaling = Local::start(&["--autoscaling"]).await;
    let password = autoscaling.app_credential().await;
    let refused = autoscaling.login(ADMIN, &password, "postgres").await.err().unwrap();
    let expected = ("28P01".to_owned(), "OAuth: User is not authorized".to_owned());
    assert_eq!(refusal(&refused), expected);
    // The workspace's token is a password on Provisioned only.
    let workspace = autoscaling.workspace_token().await;
    let refused = autoscaling.login(SP, &workspace, "postgres").await.err().unwrap();
    assert_eq!(refusal(&refused), expected);
    let workspace = provisioned.workspace_token().await;
    provisioned.login(SP, &workspace, "postgres").await.unwrap();
}

#[tokio::test]
async fn tokens_are_made_as_the_policy_says() {
    let local = Local::start(&[]).await;
    let policy =
        r#"{"workspace_lifetime_s":60,"expires_in":"string","expiry":"past","expired_status":403}"#;
    local.tell("POST /tokens", policy).await;
    let form = "grant_type=client_credentials&scope=all-apis";
    let basic = "Authorization: Basic MTIzNDU2NzgtMTIzNC00YWJjLThkZWYtMTIzNDU2Nzg5MGFiOmRvc2Utb2YtdGhlLXRlc3Rz\r\n";
    let answer = local.send("POST /oidc/v1/token", basic, form).await.unwrap().json();
    assert_eq!(answer["expires_in"], "60");
    let token = answer["access_token"].as_str().unwrap();
    let wish = r#"{"instance_names":["lakegate-demo"]}"#;
    let credential = local.call(token, "POST /api/2.0/database/credentials", wish).await.json();
    let stated = credential["expiration_time"].as_str().unwrap();
    assert!(stated < &*local.emulator.lakebase().clock.now().to_string());
    local.tell("POST /clock", r#"{"advance_s":60}"#).await;
    let refused = local.call(token, "GET /api/2.0/preview/scim/v2/Me", "").await;
    assert_eq!(refused.status, 403);
}

#[tokio::test]
async fn a_connection_lasts_a_day_without_a_word_and_three_in_all() {
    let local = Local::start(&[]).await;
    let hours = |hours: i64| {
        let advance = serde_json::json!({ "advance_s": hours * 3_600 }).to_string();
        async { local.tell("POST /clock", &{ advance }).await }
    };
    let password = local.app_credential().await;
    let silent = local.login(SP, &password, "postgres").await.unwrap();
    let busy = local.login(SP, &password, "postgres").await.unwrap();
    hours(23).await;
    busy.batch_execute("SELECT 1").await.unwrap();
    silent.batch_execute("SELECT 1").await.unwrap();
    for _ in 0..2 {
        hours(23).await;
        busy.batch_execute("SELECT 1").await.unwrap();
    }
    ended(&silent).await;
    hours(3).await;
    ended(&busy).await;
    let password = local.app_credential().await;
    local.login(SP, &password, "postgres").await.unwrap();
}

/// Waits until the server has ended a session.
async fn ended(session: &tokio_postgres::Client) {
    while !session.is_closed() {
        tokio::task::yield_now().await;
    }
}
