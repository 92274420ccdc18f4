//! A login that is refused costs one new token at most, and ends with a reason.

use std::time::{Duration, Instant};

use expect_test::{Expect, expect};
use lakegate_tests::{DEADLINE, House, Running};
use serde_json::json;

/// Brings a `lakegate` to where it holds a token that is fresh no more, and is about to try its
/// login again: Lakebase is waking up.
async fn with_a_used_token(house: &House) -> Running {
    house.forget().await;
    let asleep = json!({ "suspend": { "wake_ms": 3_600_000, "meanwhile": "refuse" } });
    house.fault_of_postgres(asleep).await;
    let running = house.lakegate(["bootstrap", "plan"]).start();
    running.says("trying again").await;
    house.pass(Duration::from_secs(45));
    running
}

#[tokio::test]
async fn a_used_token_is_replaced_once_and_the_login_tried_once_more() {
    let house = House::open().await;
    house.set_up().await;
    let running = with_a_used_token(&house).await;
    assert_eq!(house.counts().await["credentials"], 1);
    house.fault_of_postgres(json!({ "refuse_logins": { "times": 1 } })).await;
    house.pass(Duration::from_secs(20));
    // The refusal is taken before the sleep is looked at, and then it still sleeps.
    let start = Instant::now();
    while house.counts().await["credentials"] == 1 {
        assert!(start.elapsed() < DEADLINE, "no second token was asked for");
    }
    house.heal().await;
    running.end().await.exits(3);
    let counts = house.counts().await;
    assert_eq!((&counts["credentials"], &counts["logins"]), (&json!(2), &json!(1)), "{counts}");
}

/// It ends by itself: no time passes in which a fresh token would grow old.
async fn check_refused_for_ever(house: &House, running: Running, mints: u64, expected: Expect) {
    let run = running.end().await.exits(1);
    let last = run.stderr.find("lakegate: error").map_or("", |start| &run.stderr[start..]);
    expected.assert_eq(&house.told(last));
    assert_eq!(house.counts().await["credentials"], mints);
}

#[tokio::test]
async fn a_login_refused_for_ever_costs_one_more_token() {
    let house = House::open().await;
    house.set_up().await;
    let running = with_a_used_token(&house).await;
    house.fault_of_postgres(json!({ "refuse_logins": {} })).await;
    house.pass(Duration::from_secs(20));
    check_refused_for_ever(&house, running, 2, expect![[r#"
        lakegate: error: localhost refused the login of "$SP" to database "app_ontos": External authorization failed (SQLSTATE 28000); with a fresh token, so it looks like a wrong identity
          A token logs in only as the identity that asked for it. Check that "$SP" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of localhost, and that its role was created for OAuth. As an admin of the database:
          CREATE EXTENSION IF NOT EXISTS databricks_auth;
          SELECT databricks_create_role('$SP', 'SERVICE_PRINCIPAL');
    "#]]).await;
}

#[tokio::test]
async fn a_fresh_token_is_not_replaced_at_all() {
    let house = House::open().await;
    house.set_up().await;
    let words = |words: &str| json!({ "refuse_logins": { "code": "28P01", "message": words } });
    let provisioned = "Invalid authorization for databricks identity login";
    for (fault, expected) in [
        (
            words(provisioned),
            expect![[r#"
            lakegate: error: localhost refused the login of "$SP" to database "app_ontos": Invalid authorization for databricks identity login (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity
              A token logs in only as the identity that asked for it. Check that "$SP" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of localhost, and that its role was created for OAuth. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('$SP', 'SERVICE_PRINCIPAL');
        "#]],
        ),
        (
            words("OAuth: User is not authorized"),
            expect![[r#"
            lakegate: error: localhost refused the login of "$SP" to database "app_ontos": OAuth: User is not authorized (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity
              A token logs in only as the identity that asked for it. Check that "$SP" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of localhost, and that its role was created for OAuth. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('$SP', 'SERVICE_PRINCIPAL');
        "#]],
        ),
        (
            words("JWT token has expired"),
            expect![[r#"
            lakegate: error: localhost refused the login of "$SP" to database "app_ontos": JWT token has expired (SQLSTATE 28P01); with a fresh token, so it looks like a server whose clock is wrong
              The token was minted a moment ago. Check the clock of localhost, and report it to whoever runs it.
        "#]],
        ),
        (
            words("password authentication failed for user 'x'"),
            expect![[r#"
            lakegate: error: localhost refused the login of "$SP" to database "app_ontos": password authentication failed for user 'x' (SQLSTATE 28P01); it looks like there is no role of that name
              Roles are kept per branch, so one made on another branch does not count. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('$SP', 'SERVICE_PRINCIPAL');
        "#]],
        ),
    ] {
        house.fault_of_postgres(fault).await;
        house.forget().await;
        let running = house.lakegate(["bootstrap", "plan"]).start();
        check_refused_for_ever(&house, running, 1, expected).await;
    }
}
