//! The way there: names, ports, certificates, and networks that let nobody through.

use super::*;

/// The workspace lets nobody in who comes from here.
async fn block(house: &House, route: &str, message: &str) {
    let body = json!({ "error_code": "PERMISSION_DENIED", "message": message });
    house.fault(json!({ "route": route, "status": 403, "body": body })).await;
}

#[tokio::test]
async fn a_workspace_that_lets_this_network_not_in() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor"]);
    let acl = "Source IP address: 192.0.2.7 is blocked by Databricks IP ACL for workspace: 12";
    block(&house, "POST /oidc/v1/token", acl).await;
    check(&house, doctor, 1, ["workspace-token", "network-blocked"], expect![[""]]).await;
    house.heal().await;
    let link = "Unauthorized network access to workspace: 12";
    block(&house, "POST /api/2.0/database/credentials", link).await;
    check(&house, doctor, 1, ["credential", "network-blocked"], expect![[""]]).await;
}

#[tokio::test]
async fn nobody_listens() {
    let house = ready(&[]).await;
    // The port 1 of this machine is nobody's.
    let workspace = || house.lakegate(["doctor", "--workspace", "https://localhost:1"]);
    check(&house, workspace, 1, ["workspace-tcp", "unreachable"], expect![[""]]).await;
    let database = || house.lakegate(["doctor", "--port", "1"]);
    let run = house.hurry(database().arg("--quiet").start()).await.exits(1);
    expect![[""]].assert_eq(&house.told(&unwell(&run)));
}

#[tokio::test]
async fn a_name_that_leads_nowhere() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor", "--workspace", "https://nowhere.invalid", "--json"]);
    let run = doctor().run().await.exits(1).json();
    let dns = &run["checks"][1];
    assert_eq!((&dns["name"], &dns["cause"]), (&json!("workspace-dns"), &json!("unknown-host")));
    assert_eq!(run["checks"][2]["found"], "not tried: workspace-dns failed");
}

#[tokio::test]
async fn an_authority_that_is_not_trusted() {
    let (house, other) = (ready(&[]).await, House::open().await);
    let doctor = || house.lakegate(["doctor"]).env("SSL_CERT_FILE", other.env("SSL_CERT_FILE"));
    check(&house, doctor, 1, ["workspace-tls", "untrusted-certificate"], expect![[""]]).await;
}

#[tokio::test]
async fn a_database_that_is_not_trusted() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor"]);
    for (fault, cause, expected) in [
        (json!({ "no_tls": true }), "no-tls", expect![[""]]),
        (
            json!({ "no_tls": false, "certificate": "unknown_authority" }),
            "untrusted-certificate",
            expect![[""]],
        ),
        (json!({ "certificate": "wrong_name" }), "wrong-certificate-name", expect![[""]]),
        (json!({ "certificate": "expired" }), "expired-certificate", expect![[""]]),
    ] {
        house.fault_of_postgres(fault).await;
        check(&house, doctor, 1, ["database-tls", cause], expected).await;
    }
}

#[tokio::test]
async fn plaintext_where_tls_is_wanted() {
    let house = ready(&[]).await;
    // LOCAL mode does without TLS on this machine, and Lakebase never does.
    let doctor = || {
        house
            .lakegate(["doctor"])
            .env("ENV", "LOCAL")
            .env("POSTGRES_USER", "developer")
            .env("POSTGRES_PASSWORD", "a password of a developer")
    };
    check(&house, doctor, 1, ["login", "no-tls"], expect![[""]]).await;
}

#[tokio::test]
async fn a_proxy_is_in_between() {
    let house = ready(&[]).await;
    let doctor = house.lakegate(["doctor", "--json"]).env("HTTPS_PROXY", "http://localhost:1");
    let run = house.hurry(doctor.start()).await.exits(1).json();
    let found = "not tried: HTTPS_PROXY is set, so requests go through a proxy";
    assert_eq!(run["checks"][1]["found"], found);
}
