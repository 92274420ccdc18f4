//! Promise 5: an admin sets the database up, once, with the SQL of the page.

use expect_test::expect;
use lakegate_tests::{Credential, House};
use serde_json::json;

const SETUP: [&str; 2] =
    [r#"CREATE DATABASE "app_ontos""#, r#"GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC"#];

/// What the admin sent, without the questions.
async fn changes(house: &House) -> Vec<String> {
    let mut sent = house.statements(house.env("EMULATOR_ADMIN_USER")).await;
    sent.retain(|sql| !sql.starts_with("SELECT"));
    sent
}

#[tokio::test]
async fn with_the_sql_of_the_page() {
    let house = House::open().await;
    let plan = ["setup", "--grant-public", "--plan"];
    let run = house.admin(plan).run().await.exits(3);
    expect![[r#"
        -- create database "app_ontos"
        CREATE DATABASE "app_ontos";
        -- let everybody create schemas in "app_ontos"
        GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC;
        -- any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!(changes(&house).await, [""; 0], "a plan changes nothing");

    house.admin(["setup", "--grant-public"]).run().await.exits(0);
    assert_eq!(changes(&house).await, SETUP);
    let again = house.admin(["setup", "--grant-public", "--json"]).run().await.exits(0);
    assert_eq!(again.json()["steps"], json!([]));
    house.admin(plan).run().await.exits(0);
    assert_eq!(changes(&house).await, SETUP, "once");
}

#[tokio::test]
async fn for_everybody_while_the_service_principal_is_unknown_and_else_for_it_alone() {
    let house = House::open().await;
    let run = house.admin(["setup", "--plan", "--json"]).run().await.exits(3);
    assert_eq!(run.json()["steps"][1]["sql"], SETUP[1]);

    let sp = house.principal();
    let to_it = format!(r#"GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "{sp}""#);
    let run = house.admin(["setup", "--grant-to", sp]).run().await;
    run.exits(0);
    assert_eq!(changes(&house).await, [SETUP[0], &to_it]);
    let run = house.lakegate(["bootstrap", "apply", "--json"]).run().await.exits(0);
    assert_eq!(run.json()["public_may_create"], false);
}

#[tokio::test]
async fn with_a_token_that_a_person_pastes() {
    let house = House::open().await;
    let person = house.env("EMULATOR_ADMIN_USER");
    let run = house.admin(["token", "--json"]).run().await.exits(0);
    let credential = Credential(run.json());
    let run = house
        .lakegate(["setup", "--grant-public", "--user", person])
        .without("DATABRICKS_CLIENT_ID")
        .without("DATABRICKS_CLIENT_SECRET")
        .without("DATABRICKS_HOST")
        .input(&format!("{}\n", credential.token()))
        .run()
        .await;
    run.exits(0);
    assert_eq!(changes(&house).await, SETUP);
}

#[tokio::test]
async fn though_two_admins_do_it_at_once() {
    let house = House::open().await;
    let (one, other) = tokio::join!(
        house.admin(["setup", "--grant-public"]).run(),
        house.admin(["setup", "--grant-public"]).run(),
    );
    one.exits(0);
    other.exits(0);
}

#[tokio::test]
async fn and_creates_the_role_of_a_service_principal_that_has_none() {
    let house = House::open().await;
    let body = json!({ "kind": "SERVICE_PRINCIPAL", "role": "none" });
    let new = house.emulator("POST /principals", body).await;
    let (sp, secret) = (new["name"].as_str().unwrap(), new["client_secret"].as_str().unwrap());
    house.keep_secret(secret);
    house.admin(["setup", "--grant-to", sp]).run().await.exits(0);
    let apply = house.lakegate(["bootstrap", "apply", "--json"]);
    let apply = apply.env("DATABRICKS_CLIENT_ID", sp).env("DATABRICKS_CLIENT_SECRET", secret);
    assert_eq!(apply.run().await.exits(0).json()["role"], sp);
}

#[tokio::test]
async fn or_tells_who_may_when_this_one_may_not() {
    let house = House::open().await;
    let run = house.lakegate(["setup", "--grant-public"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: role "$SP" may not create database "app_ontos"
          Run this as an administrator, or have one run:
            ALTER ROLE "$SP" CREATEDB;
    "#]]
    .assert_eq(&house.told(&run.stderr));
    assert_eq!(changes(&house).await, [""; 0]);
}
