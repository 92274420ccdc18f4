//! Promise 1: who the application is comes from whoever mints the token, never from a setting.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lakegate_tests::{House, Program};
use serde_json::{Value, json};

const ME: &str = "GET /api/2.0/preview/scim/v2/Me";

/// The user of a credential, and how often the workspace was asked who that is.
async fn check(house: &House, program: Program, user: &str, questions: u64) {
    house.forget().await;
    let run = program.run().await.exits(0);
    assert_eq!(run.json()["user"], user);
    assert_eq!(house.requests(ME).await, questions);
}

/// A token of an identity provider. Nobody told the emulator the provider's key.
fn id_token(subject: &str) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let header = part(json!({ "alg": "RS256", "typ": "JWT" }));
    format!("{header}.{}.c2lnbmF0dXJlLW9mLWEtc3RyYW5nZXI", part(json!({ "sub": subject })))
}

#[tokio::test]
async fn a_client_that_mints_is_its_own_user() {
    let house = House::open().await;
    check(&house, house.lakegate(["token", "--json"]), house.principal(), 0).await;
}

#[tokio::test]
async fn the_owner_of_an_access_token_is_asked_for_once() {
    let house = House::open().await;
    let person = house.env("EMULATOR_ADMIN_USER");
    check(&house, house.admin(["token", "--json"]), person, 1).await;
    // A client id beside it mints nothing, so it names nobody.
    let beside = house.admin(["token", "--json"]).env("DATABRICKS_CLIENT_ID", house.principal());
    check(&house, beside, person, 1).await;
}

#[tokio::test]
async fn a_federated_identity_is_the_client_it_names_or_is_asked_for() {
    let house = House::open().await;
    let federated = |token: &str| {
        house.keep_secret(token);
        let program = house.lakegate(["token", "--json"]).without("DATABRICKS_CLIENT_SECRET");
        program.env("DATABRICKS_OIDC_TOKEN", token)
    };
    let of_the_app = federated(&id_token("lakegate-demo"));
    check(&house, of_the_app, house.principal(), 0).await;
    let person = house.env("EMULATOR_ADMIN_USER");
    let of_a_person = federated(&id_token(person)).without("DATABRICKS_CLIENT_ID");
    check(&house, of_a_person, person, 1).await;

    let file = house.write_secret("projected", &id_token("lakegate-demo"));
    let program = house.lakegate(["token", "--json"]).without("DATABRICKS_CLIENT_SECRET");
    let projected = program.env("DATABRICKS_OIDC_TOKEN_FILEPATH", file);
    check(&house, projected, house.principal(), 0).await;
}

#[tokio::test]
async fn a_profile_names_the_workspace_and_the_client() {
    let house = House::open().await;
    let (workspace, id) = (house.env("DATABRICKS_HOST"), house.principal());
    let secret = house.env("DATABRICKS_CLIENT_SECRET");
    let file = house.write_secret(
        "databrickscfg",
        &format!("[work]\nhost = {workspace}\nclient_id = {id}\nclient_secret = {secret}\n"),
    );
    let program = house
        .lakegate(["token", "--json", "--profile", "work"])
        .without("DATABRICKS_HOST")
        .without("DATABRICKS_CLIENT_ID")
        .without("DATABRICKS_CLIENT_SECRET")
        .env("DATABRICKS_CONFIG_FILE", file);
    check(&house, program, id, 0).await;
}

#[tokio::test]
async fn a_configured_user_is_ignored_with_a_warning() {
    let house = House::open().await;
    let run = house.lakegate(["token", "--json"]).env("POSTGRES_USER", "somebody").run().await;
    let run = run.exits(0).complains(
        "lakegate: warning: POSTGRES_USER (environment) is ignored: in OAuth mode the user is \
         whoever mints the token. Remove it.\n",
    );
    assert_eq!(run.json()["user"], house.principal());
    // Databricks Apps set this one to the application's own id.
    let run = house.lakegate(["token", "--json"]).env("PGUSER", house.principal()).run().await;
    run.exits(0).complains("");
}
