//! Promise 7: nobody but the service principal keeps the right to create schemas.

use expect_test::expect;
use lakegate_tests::{House, refusal};
use serde_json::json;

#[tokio::test]
async fn with_the_sql_of_the_page() {
    let house = House::open().await;
    house.set_up().await;
    // The report of the first start names the command.
    let report = house.lakegate(["bootstrap", "apply", "--json"]).run().await.exits(0).json();
    let sp = house.principal();
    assert_eq!(report["tighten_command"], format!("lakegate tighten --grant-to '{sp}'"));
    expect![[r#"
        REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
        GRANT CREATE ON DATABASE "app_ontos" TO "$SP";"#]]
    .assert_eq(&house.told(report["tighten_sql"].as_str().unwrap()));

    let run = house.admin(["tighten", "--grant-to", sp, "--plan"]).run().await.exits(3);
    expect![[r#"
        -- let "$SP" alone create schemas in "app_ontos"
        DO $lakegate$
        BEGIN
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
          GRANT CREATE ON DATABASE "app_ontos" TO "$SP";
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('$SP', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$;
    "#]].assert_eq(&house.told(&run.stdout));
    house.forget().await;
    let run = house.admin(["tighten", "--grant-to", sp]).run().await.exits(0);
    expect![[r#"
        done: let "$SP" alone create schemas in "app_ontos"
    "#]]
    .assert_eq(&house.told(&run.stdout));

    let privileges = "SELECT string_agg(coalesce(pg_get_userbyid(nullif(grantee, 0)), 'PUBLIC')
                        || ' ' || privilege_type, ', ' ORDER BY grantee, privilege_type)
                      FROM pg_database, aclexplode(datacl)
                      WHERE datname = 'app_ontos' AND grantee <> datdba";
    let admin = house.admin_session("postgres").await;
    let found: String = admin.query_one(privileges, &[]).await.unwrap().get(0);
    expect!["PUBLIC CONNECT, PUBLIC TEMPORARY, $SP CREATE"].assert_eq(&house.told(&found));

    house.admin(["tighten", "--grant-to", sp]).run().await.exits(0).prints("nothing to do\n");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0).complains("");
}

#[tokio::test]
async fn so_that_another_role_can_plant_nothing() {
    let house = House::open().await;
    house.set_up().await;
    let body = json!({ "kind": "SERVICE_PRINCIPAL" });
    let other = house.emulator("POST /principals", body).await;
    let (id, secret) = (other["name"].as_str().unwrap(), other["client_secret"].as_str().unwrap());
    house.keep_secret(secret);
    let other = || {
        let program = house.lakegate(["bootstrap", "apply", "--schema", "planted"]);
        program.env("DATABRICKS_CLIENT_ID", id).env("DATABRICKS_CLIENT_SECRET", secret)
    };
    other().run().await.exits(0);
    house.admin(["tighten", "--grant-to", house.principal()]).run().await.exits(0);
    let refused = house
        .lakegate(["bootstrap", "apply", "--schema", "another"])
        .env("DATABRICKS_CLIENT_ID", id)
        .env("DATABRICKS_CLIENT_SECRET", secret)
        .run()
        .await
        .exits(1);
    expect![[r#"
        lakegate: error: role "$OTHER" may not create a schema in database "app_ontos"
          Nothing was changed. An administrator has to run:
            GRANT CREATE ON DATABASE "app_ontos" TO "$OTHER";
          `lakegate setup` does that.
    "#]]
    .assert_eq(&house.told(&refused.stderr.replace(id, "$OTHER")));
    // What is complete still starts.
    other().run().await.exits(0);
    house.lakegate(["bootstrap", "apply", "--schema", "another"]).run().await.exits(0);
}

#[tokio::test]
async fn or_changes_nothing_for_a_role_that_does_not_exist() {
    let house = House::open().await;
    house.set_up().await;
    let run = house.admin(["tighten", "--grant-to", "nobody"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: there is no role "nobody"
          Check the id. On Lakebase, the role of a service principal is created with:
            CREATE EXTENSION IF NOT EXISTS databricks_auth; SELECT databricks_create_role('nobody', 'SERVICE_PRINCIPAL');
    "#]].assert_eq(&run.stderr);
    let app = house.login(&house.credential().await).await.unwrap();
    app.batch_execute("CREATE SCHEMA still_open").await.unwrap();
    // The application itself is no admin.
    let run = house.lakegate(["tighten"]).run().await.exits(1);
    expect![[r#"
        lakegate: let "$SP" alone create schemas in "app_ontos"
        lakegate: error: let "$SP" alone create schemas in "app_ontos" failed: the privileges did not change (SQLSTATE LG002)
          Only the owner of the database can do this.
    "#]].assert_eq(&house.told(&run.stderr));
    let refused = app.batch_execute("CREATE DATABASE mine").await.unwrap_err();
    assert_eq!(refusal(&refused).0, "42501");
}
