//! Answers that are none end with a reason, and a server that cannot be trusted gets no secret.

use expect_test::{Expect, expect};
use lakegate_tests::{House, Program};
use serde_json::{Value, json};

/// A fault that stays, and how `lakegate token` ends because of it.
async fn check(house: &House, rule: Value, expected: Expect) {
    house.fault(rule).await;
    let running = house.lakegate(["token"]).start();
    let run = house.hurry(running).await.exits(1).prints("");
    expected.assert_eq(&house.told(&run.stderr));
    house.heal().await;
}

#[tokio::test]
async fn of_the_token_endpoint() {
    let house = House::open().await;
    let route = "POST /oidc/v1/token";
    for (rule, expected) in [
        (
            json!({ "route": route, "reply": "garbage" }),
            expect![[r#"
            lakegate: error: the workspace token for client `$SP` was answered with something else than JSON (200)
              Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.
        "#]],
        ),
        (
            json!({ "route": route, "reply": "html" }),
            expect![[r#"
            lakegate: error: the workspace token for client `$SP` was answered with something else than JSON (200)
              Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.
        "#]],
        ),
        (
            json!({ "route": route, "status": 200, "body": {} }),
            expect![[r#"
                lakegate: error: the workspace token for client `$SP` was answered with JSON of another shape, at its field `access_token`
                  Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.
            "#]],
        ),
        (
            json!({ "route": route, "status": 400, "body": { "error": "invalid_request" } }),
            expect![[r#"
                lakegate: error: the workspace token for client `$SP` was refused (400): invalid_request
                  Check that `$SP` is the application id of a service principal of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its OAuth secrets and has not expired. A new secret is used at the next try.
            "#]],
        ),
        (
            json!({ "route": route, "status": 302 }),
            expect![[r#"
            lakegate: error: the workspace token for client `$SP` was redirected (302)
              Set DATABRICKS_HOST to the address of the workspace itself, not of the account console or of a page in it.
        "#]],
        ),
        (
            json!({ "route": route, "status": 503 }),
            expect![[r#"
            lakegate: error: the workspace token for client `$SP` failed for now (503): TEMPORARILY_UNAVAILABLE: The service is temporarily unavailable.
              It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
        "#]],
        ),
        (
            json!({ "route": route, "reply": "drop" }),
            expect![[r#"
            lakegate: error: the workspace token for client `$SP` got no answer: the server closed the connection midway
              It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
        "#]],
        ),
    ] {
        check(&house, rule, expected).await;
    }
}

#[tokio::test]
async fn of_the_credentials_api() {
    let house = House::open().await;
    let route = "POST /api/2.0/database/credentials";
    for (rule, expected) in [
        (
            json!({ "route": route, "reply": "garbage" }),
            expect![[r#"
            lakegate: error: the credential for instance `lakegate-demo` was answered with something else than JSON (200)
              Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.
        "#]],
        ),
        (
            json!({ "route": route, "reply": "html" }),
            expect![[r#"
            lakegate: error: the credential for instance `lakegate-demo` was answered with something else than JSON (200)
              Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.
        "#]],
        ),
        (
            json!({ "route": route, "status": 200, "body": { "token": 7 } }),
            expect![[r#"
                lakegate: error: the credential for instance `lakegate-demo` was answered with JSON of another shape, at its field `token`
                  Something between here and the workspace may have answered in its place, such as a proxy or a login page. Check DATABRICKS_HOST and the network.
            "#]],
        ),
        (
            json!({ "route": route, "status": 403 }),
            expect![[r#"
            lakegate: error: the credential for instance `lakegate-demo` was denied (403): PERMISSION_DENIED: The caller does not have permission.
              Give the identity the right to use the database: attach it to the app as a resource, or grant CAN USE (Provisioned) or CAN MANAGE on the project (Autoscaling). Its Postgres role must exist too.
        "#]],
        ),
    ] {
        check(&house, rule, expected).await;
    }
}

#[tokio::test]
async fn of_an_instance_or_endpoint_that_does_not_exist() {
    for (flags, name, value, expected) in [
        (
            &[][..],
            "LAKEBASE_INSTANCE_NAME",
            "nope",
            expect![[r#"
            lakegate: error: the credential for instance `nope` found nothing (404): NOT_FOUND: Database instance nope does not exist
              Check the name `nope` (LAKEBASE_INSTANCE_NAME). If it is an Autoscaling project, it is asked for elsewhere: set LAKEBASE_ENDPOINT=projects/nope/branches/production/endpoints/primary with its own branch and endpoint.
        "#]],
        ),
        (
            &["--autoscaling"],
            "LAKEBASE_ENDPOINT",
            "projects/nope/branches/production/endpoints/primary",
            expect![[r#"
                lakegate: error: the credential for endpoint `projects/nope/branches/production/endpoints/primary` found nothing (404): NOT_FOUND: endpoint id not found [TraceId: $UUID]
                  Check the project, the branch and the endpoint in LAKEBASE_ENDPOINT; the defaults are branch `production` and endpoint `primary`. For a Provisioned instance, set LAKEBASE_INSTANCE_NAME instead.
            "#]],
        ),
    ] {
        let house = House::with(flags).await;
        let run = house.lakegate(["token"]).env(name, value).run().await.exits(1).prints("");
        expected.assert_eq(&house.told(&run.stderr));
    }
}

/// A server whose certificate is wrong gets no secret: nothing comes to an exchange or a login.
async fn check_untrusted(house: &House, program: Program, asked: bool, expected: Expect) {
    house.forget().await;
    let run = house.hurry(program.start()).await.exits(1).prints("");
    expected.assert_eq(&house.told(&run.stderr));
    let counts = house.counts().await;
    assert_eq!(counts["requests"] != json!({}), asked, "{counts}");
    assert_eq!((&counts["logins"], &counts["refusals"]), (&json!(0), &json!(0)), "{counts}");
}

#[tokio::test]
async fn of_a_workspace_that_is_not_trusted() {
    let (house, other) = (House::open().await, House::open().await);
    let program = house.lakegate(["token"]).env("SSL_CERT_FILE", other.env("SSL_CERT_FILE"));
    check_untrusted(&house, program, false, expect![[r#"
        lakegate: error: the workspace token for client `$SP` got no answer: the TLS handshake failed: invalid peer certificate: BadSignature
          Nothing was sent. Trust the certificate's issuer (SSL_CERT_FILE) if it is your own proxy's, and let the program talk to DATABRICKS_HOST.
    "#]]).await;
}

#[tokio::test]
async fn of_a_postgres_that_is_not_trusted() {
    let house = House::open().await;
    house.set_up().await;
    for (certificate, expected) in [
        (
            "wrong_name",
            expect![[r#"
            lakegate: error: localhost:$PORT: the TLS handshake failed: invalid peer certificate: certificate not valid for name "localhost"; certificate is only valid for DnsName("another-host.example.com")
              No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.
        "#]],
        ),
        (
            "unknown_authority",
            expect![[r#"
            lakegate: error: localhost:$PORT: the TLS handshake failed: invalid peer certificate: BadSignature
              No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.
        "#]],
        ),
        (
            "expired",
            expect![[r#"
                lakegate: error: localhost:$PORT: the TLS handshake failed: invalid peer certificate: certificate expired: verification time $NUMBER (UNIX), but certificate is not valid after $NUMBER ($NUMBER seconds ago)
                  No password was sent. Check that localhost is the server you mean; if a private authority signed its certificate, name that authority's file in SSL_CERT_FILE.
            "#]],
        ),
    ] {
        house.fault_of_postgres(json!({ "certificate": certificate })).await;
        check_untrusted(&house, house.lakegate(["bootstrap", "plan"]), true, expected).await;
    }
}
