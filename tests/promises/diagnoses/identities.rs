//! Who wants in, and as whom: few words of the servers, and many causes.

use super::*;
use crate::is_configured_as_on_the_page::plain_postgres;

#[tokio::test]
async fn a_token_that_was_revoked() {
    let house = ready(&[]).await;
    let revoked = "dapi00000000000000000000revoked";
    house.keep_secret(revoked);
    let doctor = || house.admin(["doctor"]).env("DATABRICKS_TOKEN", revoked);
    check(&house, doctor, 1, ["identity", "dead-token"], expect![[r#"
          failed   identity (dead-token): the question who we are was denied (403): 403: Invalid access token. [ReqId: $UUID]
                   → The workspace does not accept the token. Check that it is of this workspace (DATABRICKS_HOST), that DATABRICKS_TOKEN is not revoked or expired, and that the service principal is a member of the workspace.
    "#]]).await;
}

#[tokio::test]
async fn a_credential_that_is_over_when_it_comes() {
    for flags in [&[][..], &["--autoscaling"]] {
        let house = ready(flags).await;
        house.emulator("POST /tokens", json!({ "credential_lifetime_s": -60 })).await;
        let doctor = || house.lakegate(["doctor"]);
        let run = doctor().arg("--json").run().await.exits(1).json();
        let login = run["checks"].as_array().unwrap().iter();
        let login: Vec<_> = login.filter(|check| check["name"] == "login").collect();
        assert_eq!(login[0]["cause"], "dead-token", "{login:#?}");
    }
}

#[tokio::test]
async fn a_secret_that_is_wrong() {
    let house = ready(&[]).await;
    let doctor = || house.lakegate(["doctor"]).env("DATABRICKS_CLIENT_SECRET", "an-old-secret");
    check(&house, doctor, 1, ["workspace-token", "unknown-client"], expect![[r#"
          failed   workspace-token (unknown-client): the workspace token for client `$SP` was denied (401): invalid_client: Client authentication failed
                   → Check that `$SP` is the application id of a service principal of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its OAuth secrets and has not expired. A new secret is used at the next try.
    "#]]).await;
}

#[tokio::test]
async fn a_token_of_somebody_else() {
    let house = ready(&[]).await;
    let me = json!({ "userName": "somebody@example.com" });
    let route = "GET /api/2.0/preview/scim/v2/Me";
    house.fault(json!({ "route": route, "status": 200, "body": me })).await;
    let person = || house.admin(["doctor"]);
    check(&house, person, 1, ["login", "wrong-identity"], expect![[r#"
          failed   login (wrong-identity): localhost refused the login of "somebody@example.com" to database "app_ontos": password authentication failed for user 'somebody@example.com' (SQLSTATE 28P01); the token is of `admin@example.com`
                   → A token logs in only as its owner. Configure the identity of "somebody@example.com", or let an admin of the database give `admin@example.com` a role:
                   → CREATE EXTENSION IF NOT EXISTS databricks_auth;
                   → SELECT databricks_create_role('admin@example.com', 'USER');
    "#]]).await;
    let client = || house.lakegate(["doctor"]);
    check(&house, client, 1, ["identity", "wrong-identity"], expect![[r#"
          failed   identity (wrong-identity): the token that `$SP` asked for belongs to `somebody@example.com`
                   → A token logs in only as its owner, and the role is taken to be "$SP". Set DATABRICKS_CLIENT_ID to the application id of the identity that the secret or the federation policy is of.
          warning  privileges (public-create): every role may create schemas in database "app_ontos"
                   → As an admin, once the application has started: `lakegate tighten`.
    "#]]).await;
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
        check(&house, doctor, 1, ["login", "no-role"], expect![[r#"
              failed   login (no-role): localhost refused the login of "$UUID" to database "app_ontos": password authentication failed for user '$UUID' (SQLSTATE 28P01); the workspace lists no such role
                       → Roles are kept per branch, so one made on another branch does not count. As an admin of the database:
                       → CREATE EXTENSION IF NOT EXISTS databricks_auth;
                       → SELECT databricks_create_role('$UUID', 'SERVICE_PRINCIPAL');
        "#]]).await;
    }
}

#[tokio::test]
async fn a_role_of_another_type() {
    let house = ready(&[]).await;
    let new = newcomer(&house).await;
    let role = json!({ "name": new.0, "identity_type": "USER" });
    house.workspace("POST /api/2.0/database/instances/lakegate-demo/roles", role).await;
    let doctor = || as_newcomer(&house, &new);
    check(&house, doctor, 1, ["login", "wrong-role-type"], expect![[r#"
          failed   login (wrong-role-type): localhost refused the login of "$UUID" to database "app_ontos": Invalid authorization for databricks identity login (SQLSTATE 28P01); the role is of type USER, which lets no SERVICE_PRINCIPAL in
                   → A role keeps its type. Delete it in the workspace, which hands over what it owns, and create it anew. As an admin of the database:
                   → CREATE EXTENSION IF NOT EXISTS databricks_auth;
                   → SELECT databricks_create_role('$UUID', 'SERVICE_PRINCIPAL');
    "#]]).await;
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
    check(&house, local, 1, ["login", "pat-as-password"], expect![[r#"
          warning  credential (pat-as-password): POSTGRES_PASSWORD holds what looks like a personal access token
                   → A token is no password that lasts. Set ENV=PROD, remove POSTGRES_PASSWORD, and set DATABRICKS_HOST with DATABRICKS_TOKEN or a client id and its secret: Lakegate then buys the password, and renews it.
          failed   login (pat-as-password): localhost refused the login of "admin@example.com" to database "app_ontos": Provided authentication token is not a valid JWT encoding (SQLSTATE 28P01); POSTGRES_PASSWORD holds what looks like a personal access token
                   → A token is no password that lasts. Set ENV=PROD, remove POSTGRES_PASSWORD, and set DATABRICKS_HOST with DATABRICKS_TOKEN or a client id and its secret: Lakegate then buys the password, and renews it.
    "#]]).await;
    // In OAuth mode it is not used, and does no harm.
    let oauth = || house.lakegate(["doctor"]).env("POSTGRES_PASSWORD", token);
    check(&house, oauth, 0, ["configuration", "pat-as-password"], expect![[r#"
          warning  configuration (pat-as-password): POSTGRES_PASSWORD is set and not used: in OAuth mode the password is bought
                   → Remove POSTGRES_PASSWORD. A personal access token goes to DATABRICKS_TOKEN.
          warning  privileges (public-create): every role may create schemas in database "app_ontos"
                   → As an admin, once the application has started: `lakegate tighten`.
    "#]]).await;
}
