//! Who wants in, and as whom: few words of the servers, and many causes.

use super::*;
use crate::is_configured_as_on_the_page::plain_postgres;

#[tokio::test]
async fn a_token_that_was_revoked() {
    let house = ready(&[]).await;
    let revoked = "dapi00000000000000000000revoked";
    house.keep_secret(revoked);
    let doctor = || house.admin(["doctor"]).env("DATABRICKS_TOKEN", revoked);
    check(&house, doctor, 1, ["identity", "dead-token"], expect![[""]]).await;
}

#[tokio::test]
async fn a_credential_that_is_over_when_it_comes() {
    for flags in [&[][..], &["--autoscaling"]] {
        let house = ready(flags).await;
        house.emulator("POST /tokens", json!({ "credential_lifetime_s": 0 })).await;
        let doctor = || house.lakegate(["doctor"]);
        let run = house.hurry(doctor().arg("--json").start()).await.exits(1).json();
        let login = run["checks"].as_array().unwrap().iter();
        let login: Vec<_> = login.filter(|check| check["name"] == "login").collect();
        assert_eq!(login[0]["cause"], "dead-token", "{login:#?}");
    }
}

#[tokio::test]
async fn a_secret_that_is_wrong() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor"]).env("DATABRICKS_CLIENT_SECRET", "an-old-secret");
    check(&house, doctor, 1, ["workspace-token", "unknown-client"], expect![[""]]).await;
}

#[tokio::test]
async fn a_token_of_somebody_else() {
    let house = ready(&[]).await;
    let me = json!({ "userName": "somebody@example.com" });
    let route = "GET /api/2.0/preview/scim/v2/Me";
    house.fault(json!({ "route": route, "status": 200, "body": me })).await;
    let person = || house.admin(["doctor"]);
    check(&house, person, 1, ["login", "wrong-identity"], expect![[""]]).await;
    let client = || house.lakegate(["doctor"]);
    check(&house, client, 1, ["identity", "wrong-identity"], expect![[""]]).await;
}

/// Somebody new in the workspace, who runs `lakegate doctor`.
async fn newcomer(house: &House) -> (String, String) {
    let new = json!({ "kind": "SERVICE_PRINCIPAL", "role": "none" });
    let new = house.emulator("POST /principals", new).await;
    let field = |name: &str| new[name].as_str().unwrap().to_owned();
    house.keep_secret(&field("client_secret"));
    (field("name"), field("client_secret"))
}

fn as_newcomer(house: &House, (name, secret): &(String, String)) -> Program {
    house
        .lakegate(["doctor"])
        .env("DATABRICKS_CLIENT_ID", name)
        .env("DATABRICKS_CLIENT_SECRET", secret)
}

#[tokio::test]
async fn nobody_made_a_role() {
    for flags in [&[][..], &["--autoscaling"]] {
        let house = ready(flags).await;
        let new = newcomer(&house).await;
        let doctor = || as_newcomer(&house, &new);
        check(&house, doctor, 1, ["login", "no-role"], expect![[""]]).await;
    }
}

#[tokio::test]
async fn a_role_of_another_type() {
    let house = ready(&[]).await;
    let new = newcomer(&house).await;
    let roles = "/api/2.0/database/instances/lakegate-demo/roles";
    let request = house.http.post(format!("{}{roles}", house.env("DATABRICKS_HOST")));
    let request = request.bearer_auth(house.env("EMULATOR_ADMIN_TOKEN"));
    let role = json!({ "name": new.0, "identity_type": "USER" });
    assert!(request.json(&role).send().await.unwrap().status().is_success());
    let doctor = || as_newcomer(&house, &new);
    check(&house, doctor, 1, ["login", "wrong-role-type"], expect![[""]]).await;
}

#[tokio::test]
async fn a_personal_access_token_for_a_password() {
    let house = ready(&[]).await;
    let port = plain_postgres(&house, house.tls()).await;
    let token = house.env("EMULATOR_ADMIN_TOKEN");
    let local = || {
        house
            .lakegate(["doctor"])
            .env("ENV", "LOCAL")
            .env("POSTGRES_PORT", &port)
            .env("POSTGRES_USER", house.env("EMULATOR_ADMIN_USER"))
            .env("POSTGRES_PASSWORD", token)
    };
    check(&house, local, 1, ["login", "pat-as-password"], expect![[""]]).await;
    // In OAuth mode it is not used, and does no harm.
    let oauth = || house.lakegate(["doctor"]).env("POSTGRES_PASSWORD", token);
    check(&house, oauth, 0, ["configuration", "pat-as-password"], expect![[""]]).await;
}
