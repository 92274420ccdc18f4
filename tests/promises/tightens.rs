//! Promise 7: nobody but the service principal keeps the right to create schemas.

use expect_test::expect;
use lakegate_tests::{Credential, House, refusal};
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
        -- "$SP" is the role of this very login; if the application has another, name that one
    "#]].assert_eq(&house.told(&run.stdout));
    expect![[r#"
        lakegate: error: database "app_ontos" belongs to "admin@example.com", and "$SP" may not say who creates schemas in it
          Nothing of what is on standard output was done. It is left for somebody who may: in psql, on any database of the server.
    "#]].assert_eq(&house.told(&run.stderr));
    let refused = app.batch_execute("CREATE DATABASE mine").await.unwrap_err();
    assert_eq!(refusal(&refused).0, "42501");
}

/// Who may do what with the database, one line each.
async fn privileges(house: &House) -> Vec<String> {
    let privileges =
        "SELECT concat_ws(' ', coalesce(pg_get_userbyid(nullif(grantee, 0)), 'PUBLIC'),
                               privilege_type, is_grantable, pg_get_userbyid(grantor))
                      FROM pg_database, aclexplode(datacl) WHERE datname = 'app_ontos' ORDER BY 1";
    let admin = house.admin_session("postgres").await;
    admin.query(privileges, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn and_touches_no_other_privilege() {
    let house = House::open().await;
    house.set_up().await;
    let admin = house.admin_session("postgres").await;
    admin
        .batch_execute(
            "CREATE ROLE reader; CREATE ROLE builder;
             GRANT CONNECT ON DATABASE app_ontos TO databricks_control_plane, databricks_monitor,
               databricks_gateway, databricks_replicator;
             GRANT CONNECT, TEMPORARY ON DATABASE app_ontos TO reader WITH GRANT OPTION;
             GRANT CREATE ON DATABASE app_ontos TO builder",
        )
        .await
        .unwrap();
    let before = privileges(&house).await;
    let run = house.admin(["tighten", "--grant-to", house.principal()]).run().await.exits(0);
    expect![[r#"
        done: let "$SP" alone create schemas in "app_ontos"
        note: by grants of their own may also create schemas in database "app_ontos": "builder"
    "#]]
    .assert_eq(&house.told(&run.stdout));
    let mut after = privileges(&house).await;
    let owner = house.env("EMULATOR_ADMIN_USER");
    after.retain(|line| *line != format!("{} CREATE f {owner}", house.principal()));
    after.push(format!("PUBLIC CREATE f {owner}"));
    after.sort();
    assert_eq!(after, before);
}

#[tokio::test]
async fn for_several_roles_as_planned_byte_for_byte() {
    let house = House::open().await;
    house.set_up().await;
    let (sp, person) = (house.principal(), house.env("EMULATOR_ADMIN_USER"));
    let admin = house.admin_session("postgres").await;
    let group = format!(
        r#"CREATE ROLE builders; CREATE ROLE "o'neil"; GRANT builders TO "{sp}";
           GRANT CREATE ON DATABASE app_ontos TO builders"#
    );
    admin.batch_execute(&group).await.unwrap();
    // One has the right as a member, one as the owner, and one has none.
    let tighten =
        ["tighten", "--grant-to", sp, "--grant-to", person, "--grant-to", "o'neil", "--json"];
    let plan = house.admin(tighten).arg("--plan").run().await.exits(3).json();
    house.forget().await;
    let run = house.admin(tighten).run().await.exits(0).json();
    let mut sent = house.statements(person).await;
    sent.retain(|sql| !sql.starts_with("WITH"));
    assert_eq!(sent, [plan["steps"][0]["sql"].as_str().unwrap()]);
    assert_eq!(plan["steps"].as_array().unwrap().len(), 1);
    assert_eq!(run["steps"], plan["steps"]);
    expect![[r#"
        [
          "by grants of their own may also create schemas in database \"app_ontos\": \"builders\"",
          "\"$SP\" creates schemas in \"app_ontos\" by the right of \"builders\""
        ]
    "#]]
    .assert_eq(&house.told(&format!("{:#}\n", run["remarks"])));
    let grants = sent[0].lines().map(str::trim).filter(|line| line.contains(" ON DATABASE "));
    let expected = [
        r#"REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;"#,
        r#"GRANT CREATE ON DATABASE "app_ontos" TO "o'neil";"#,
    ];
    assert_eq!(grants.collect::<Vec<_>>(), expected);
    house.admin(tighten).run().await.exits(0);
}

#[tokio::test]
async fn on_an_autoscaling_endpoint_as_well() {
    let house = House::with(&["--autoscaling"]).await;
    house.set_up().await;
    let tighten = ["tighten", "--grant-to", house.principal()];
    house.admin(tighten).run().await.exits(0);
    house.admin(tighten).run().await.exits(0).prints("nothing to do\n");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
}

#[tokio::test]
async fn though_two_admins_do_it_at_once() {
    let house = House::open().await;
    house.set_up().await;
    let tighten = ["tighten", "--grant-to", house.principal()];
    let (one, other) = tokio::join!(house.admin(tighten).run(), house.admin(tighten).run());
    one.exits(0);
    other.exits(0);
    house.admin(tighten).run().await.exits(0).prints("nothing to do\n");
}

#[tokio::test]
async fn or_leaves_to_another_what_only_that_one_takes_back() {
    let house = House::open().await;
    house.set_up().await;
    let body = json!({ "kind": "USER", "name": "other@example.com", "role": "superuser" });
    let other = house.emulator("POST /principals", body).await;
    let token = other["token"].as_str().unwrap();
    house.keep_secret(token);
    let admin = house.admin_session("postgres").await;
    admin
        .batch_execute(
            r#"GRANT CREATE ON DATABASE app_ontos TO "other@example.com" WITH GRANT OPTION"#,
        )
        .await
        .unwrap();
    let setup = house.admin(["token", "--json"]).env("DATABRICKS_TOKEN", token);
    let credential = Credential(setup.run().await.exits(0).json());
    let session = house.login_to("postgres", &credential).await.unwrap();
    session.batch_execute("GRANT CREATE ON DATABASE app_ontos TO PUBLIC").await.unwrap();
    let before = privileges(&house).await;
    let run = house.admin(["tighten", "--grant-to", house.principal()]).run().await.exits(1);
    expect![[r#"
        -- take back what "other@example.com" gave to everybody
        DO $lakegate$
        BEGIN
          SET LOCAL ROLE "other@example.com";
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
        END
        $lakegate$;
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
        -- by grants of their own may also create schemas in database "app_ontos": "other@example.com"
    "#]].assert_eq(&house.told(&run.stdout));
    expect![[r#"
        lakegate: error: "other@example.com" let everybody create schemas in "app_ontos", and only "other@example.com" takes that back
          Nothing of what is on standard output was done. It is left for somebody who may: in psql, on any database of the server.
    "#]].assert_eq(&house.told(&run.stderr));
    assert_eq!(privileges(&house).await, before);
}
