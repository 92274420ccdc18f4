//! Promise 5: an admin sets the database up, once, with the SQL of the page.

use expect_test::expect;
use lakegate_tests::{Credential, House};
use serde_json::json;

const SETUP: [&str; 2] =
    [r#"CREATE DATABASE "app_ontos""#, r#"GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC"#];

/// What the admin sent, without the questions.
async fn changes(house: &House) -> Vec<String> {
    let mut sent = house.statements(house.env("EMULATOR_ADMIN_USER")).await;
    sent.retain(|sql| !sql.starts_with("WITH"));
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

    // Where the settings name it, nobody has to.
    let sp = house.principal();
    let to_it = format!(r#"GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "{sp}""#);
    house.write("lakegate.toml", &format!("databricks_client_id = '{sp}'\n"));
    house.admin(["setup"]).run().await.exits(0);
    assert_eq!(changes(&house).await, [SETUP[0], &to_it]);
    let run = house.lakegate(["bootstrap", "apply", "--json"]).run().await.exits(0);
    assert_eq!(run.json()["public_may_create"], false);
}

#[tokio::test]
async fn for_several_roles_as_planned_byte_for_byte() {
    let house = House::open().await;
    let (sp, new) = (house.principal(), house.newcomer().await);
    let person = house.env("EMULATOR_ADMIN_USER");
    let setup = ["setup", "--grant-to", sp, "--grant-to", &new, "--grant-to", person, "--json"];
    let plan = house.admin(setup).arg("--plan").run().await.exits(3).json();
    let planned = plan["steps"].as_array().unwrap().iter().map(|step| &step["sql"]);
    let planned: Vec<_> = planned.map(|sql| sql.as_str().unwrap().to_owned()).collect();
    assert_eq!(planned.len(), 5, "{plan:#}");
    assert_eq!(plan["applied"], false);
    let run = house.admin(setup).run().await.exits(0).json();
    assert_eq!(changes(&house).await, planned);
    assert_eq!((&run["steps"], &run["applied"]), (&plan["steps"], &json!(true)));
    house.admin(setup).run().await.exits(0);
    assert_eq!(changes(&house).await, planned, "once");
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
    let new = house.newcomer().await;
    let setup = ["setup", "--grant-to", &*new];
    let (one, other) = tokio::join!(house.admin(setup).run(), house.admin(setup).run());
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
async fn or_tells_that_the_workspace_knows_no_such_identity() {
    let house = House::open().await;
    let run = house.admin(["setup", "--grant-to", "nobody"]).run().await.exits(1);
    expect![[r#"
        lakegate: create role "nobody"
        lakegate: error: the workspace knows no identity "nobody", so no role was made for it
          Name a service principal by its application id, a person by the e-mail address, and see that it is in the workspace of this server.
    "#]].assert_eq(&run.stderr);
    let run = house.admin(["setup", "--grant-public", "--plan"]).run().await;
    assert_eq!(run.exits(3).stdout.lines().count(), 5, "nothing was done");
}

#[tokio::test]
async fn and_leaves_the_statements_to_somebody_who_may_when_this_one_may_not() {
    let house = House::open().await;
    let new = house.newcomer().await;
    let setup = ["setup", "--grant-to", &*new];
    let run = house.lakegate(setup).run().await.exits(1);
    let told = |text: &str| house.told(&text.replace(&*new, "$NEW"));
    expect![[r#"
        -- create role "$NEW"
        DO $lakegate$
        BEGIN
          PERFORM databricks_create_role('$NEW', 'SERVICE_PRINCIPAL');
        END
        $lakegate$;
        -- create database "app_ontos"
        CREATE DATABASE "app_ontos";
        -- let "$NEW" create schemas in "app_ontos"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "$NEW";
    "#]]
    .assert_eq(&told(&run.stdout));
    expect![[r#"
        lakegate: error: role "$SP" may not create databases
          Nothing of what is on standard output was done. It is left for somebody who may: in psql, on any database of the server.
    "#]].assert_eq(&told(&run.stderr));
    let plan = house.lakegate(setup).arg("--plan").arg("--json").run().await.exits(1).json();
    assert_eq!(plan["obstacles"].as_array().unwrap().len(), 1);
    assert_eq!((plan["steps"].as_array().unwrap().len(), &plan["applied"]), (3, &json!(false)));

    // Whether a role may make roles of identities shows only when it tries.
    let body = json!({ "kind": "SERVICE_PRINCIPAL", "role": "none" });
    let maker = house.emulator("POST /principals", body).await;
    let [id, secret] = ["name", "client_secret"].map(|field| maker[field].as_str().unwrap());
    house.keep_secret(secret);
    let admin = house.admin_session("postgres").await;
    let make = format!(
        r#"SELECT databricks_create_role('{id}', 'SERVICE_PRINCIPAL'); ALTER ROLE "{id}" CREATEDB"#
    );
    admin.batch_execute(&make).await.unwrap();
    let setup = house.lakegate(setup).env("DATABRICKS_CLIENT_ID", id);
    let run = setup.env("DATABRICKS_CLIENT_SECRET", secret).run().await.exits(1);
    assert_eq!(run.stdout.matches(";\n").count(), 4, "all is left: {}", run.stdout);
    expect![[r#"
        lakegate: create role "$NEW"
        lakegate: error: create role "$NEW" failed: permission denied to create role (SQLSTATE 42501)
          Nothing of what is on standard output was done. It is left for somebody who may: in psql, on any database of the server.
    "#]].assert_eq(&told(&run.stderr));
    let found = "SELECT count(*) FROM pg_database WHERE datname = 'app_ontos'";
    assert_eq!(admin.query_one(found, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test]
async fn and_tells_what_else_it_finds() {
    let house = House::open().await;
    let sp = house.principal();
    house.admin(["setup", "--grant-to", sp]).run().await.exits(0);
    let admin = house.admin_session("postgres").await;
    let group = format!(
        r#"REVOKE ALL ON DATABASE app_ontos FROM PUBLIC, "{sp}"; CREATE ROLE builders;
           GRANT CREATE, CONNECT ON DATABASE app_ontos TO builders; GRANT builders TO "{sp}""#
    );
    admin.batch_execute(&group).await.unwrap();
    house.forget().await;
    let run = house.admin(["setup", "--grant-to", sp, "--grant-to", "builders"]).run().await;
    expect![[r#"
        nothing to do
        note: not everybody may connect to database "app_ontos", which REVOKE ALL leads to; roles of Lakebase itself connect as everybody does. Its owner gives it back with: GRANT CONNECT ON DATABASE "app_ontos" TO PUBLIC;
        note: "$SP" creates schemas in "app_ontos" by the right of "builders"
        note: role "builders" may not log in
    "#]].assert_eq(&house.told(&run.exits(0).stdout));
    assert_eq!(changes(&house).await, [""; 0]);
}

#[tokio::test]
async fn and_tells_of_a_role_that_no_token_of_an_application_logs_in_as() {
    let house = House::open().await;
    let (user, plain) = (house.newcomer().await, house.newcomer().await);
    let admin = house.admin_session("postgres").await;
    let make =
        format!(r#"SELECT databricks_create_role('{user}', 'USER'); CREATE ROLE "{plain}" LOGIN"#);
    admin.batch_execute(&make).await.unwrap();
    let setup = ["setup", "--grant-to", &*user, "--grant-to", &*plain];
    let run = house.admin(setup).run().await.exits(0);
    let told = run.stdout.replace(&*user, "$USER").replace(&*plain, "$PLAIN");
    let notes: Vec<_> = told.lines().filter(|line| line.starts_with("note: ")).collect();
    expect![[r#"
        note: role "$USER" was made as that of a user: a token of the service principal does not log in as it
        note: role "$PLAIN" was not made by databricks_create_role, so no token logs in as it"#]].assert_eq(&notes.join("\n"));
}
