//! Administrators' plans as whole SQL texts.

use expect_test::{Expect, expect};

use super::*;

fn server(changes: &str) -> ObservedServer {
    let mut server = ObservedServer {
        role: "admin".parse().unwrap(),
        may_create_database: true,
        database_exists: true,
        role_exists: true,
        role_may_create: false,
        role_may_connect: true,
        public_may_create: false,
        databricks_auth: false,
    };
    for change in changes.split_whitespace() {
        match change {
            "no-database" => server.database_exists = false,
            "no-createdb" => server.may_create_database = false,
            "no-role" => server.role_exists = false,
            "granted" => server.role_may_create = true,
            "public" => server.public_may_create = true,
            "databricks" => server.databricks_auth = true,
            other => panic!("{other}"),
        }
    }
    server
}

#[track_caller]
fn check(plan: Result<AdminPlan, AdminError>, expected: Expect) {
    expected.assert_eq(&match plan {
        Ok(plan) => {
            let steps: Vec<_> = plan.steps.iter().map(|step| step.sql.as_str()).collect();
            format!("{}\n# {}", steps.join("\n"), plan.notes.join("\n# "))
        }
        Err(error) => format!("{error}"),
    });
}

#[test]
fn setup_creates_what_is_missing() {
    let grantee = Grantee::Role("0a\"b".parse().unwrap());
    let mut setup = Setup { database: "app_ontos".parse().unwrap(), grantee, create_role: false };
    check(
        setup.plan(&server("no-database")),
        expect![[r#"
        CREATE DATABASE "app_ontos"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "0a""b"
        # "#]],
    );
    check(
        setup.plan(&server("")),
        expect![[r#"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "0a""b"
        # "#]],
    );
    check(
        setup.plan(&server("granted")),
        expect![[r#"

        # "#]],
    );
    check(
        setup.plan(&server("granted public")),
        expect![[r#"

        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`"#]],
    );
    check(
        setup.plan(&server("no-database no-createdb")),
        expect![[r#"role "admin" may not create database "app_ontos""#]],
    );
    check(setup.plan(&server("no-role databricks")), expect![[r#"there is no role "0a""b""#]]);
    setup.create_role = true;
    check(setup.plan(&server("no-role")), expect![[r#"there is no role "0a""b""#]]);
    check(
        setup.plan(&server("no-role databricks")),
        expect![[r#"
        CREATE EXTENSION IF NOT EXISTS databricks_auth
        DO $lakegate$
        BEGIN
          PERFORM databricks_create_role('0a"b', 'SERVICE_PRINCIPAL');
        END
        $lakegate$
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "0a""b"
        # "#]],
    );
    setup.grantee = Grantee::Public;
    check(
        setup.plan(&server("no-database no-role")),
        expect![[r#"
        CREATE DATABASE "app_ontos"
        GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC
        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`"#]],
    );
    check(
        setup.plan(&server("public")),
        expect![[r#"

        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`"#]],
    );
}

#[test]
fn tighten_revokes_create_and_nothing_else() {
    let tighten = Tighten { database: "app_ontos".parse().unwrap(), role: "it's".parse().unwrap() };
    check(
        tighten.plan(&server("public")),
        expect![[r#"
        DO $lakegate$
        BEGIN
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
          GRANT CREATE ON DATABASE "app_ontos" TO "it's";
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('it''s', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$
        # "#]],
    );
    check(
        tighten.plan(&server("granted")),
        expect![[r#"

        # "#]],
    );
    check(tighten.plan(&server("public no-role")), expect![[r#"there is no role "it's""#]]);
    check(tighten.plan(&server("no-database")), expect![[r#"there is no database "app_ontos""#]]);
}
