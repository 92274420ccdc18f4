//! Administrators' plans as whole texts.

use alloc::string::ToString;

use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::*;
use crate::bootstrap::AdminError;
use crate::json::FromJson;

/// A server with the database of somebody who may act for its owner, and the role `it's`, which may
/// connect and nothing else; with these changes.
fn server(changes: &str) -> ObservedServer {
    let mut server = json!({
        "role": "admin", "may_create_database": true, "auth_installed": false,
        "auth_available": false, "identities": null,
        "database": {
            "owner": "owner", "acts_as": "owner", "may_grant": true,
            "public": ["CONNECT", "TEMPORARY"], "public_grantors": [], "creators": [],
        },
        "roles": [role("it's")],
    });
    for change in changes.split_whitespace() {
        let (place, value) = match change {
            "no-database" => ("/database", Value::Null),
            "no-createdb" => ("/may_create_database", json!(false)),
            "no-role" => ("/roles", json!([])),
            "two-roles" => ("/roles", json!([role("it's"), role("other")])),
            "auth" => ("/auth_installed", json!(true)),
            "auth-available" => ("/auth_available", json!(true)),
            "nobody-known" => ("/identities", json!([])),
            "a-user" => ("/identities", json!([{"name": "it's", "kind": "USER"}])),
            "foreign" => {
                *server.pointer_mut("/database/acts_as").unwrap() = json!("admin");
                ("/database/may_grant", json!(false))
            }
            "everybody" => {
                *server.pointer_mut("/database/public_grantors").unwrap() = json!(["owner"]);
                ("/database/public", json!(["CONNECT", "CREATE", "TEMPORARY"]))
            }
            "by-another" => ("/database/public_grantors", json!(["owner", "an\"other"])),
            "revoked-all" => ("/database/public", json!([])),
            "creators" => ("/database/creators", json!(["it's", "x", "y"])),
            "granted" => ("/roles/0/creates_as", json!("it's")),
            "member" => ("/roles/0/creates_as", json!("group")),
            "no-connect" => ("/roles/0/may_connect", json!(false)),
            "no-login" => ("/roles/0/login", json!(false)),
            other => panic!("{other}"),
        };
        *server.pointer_mut(place).unwrap() = value;
    }
    ObservedServer::from_json(server).unwrap()
}

fn role(name: &str) -> Value {
    json!({"name": name, "login": true, "may_connect": true, "creates_as": null})
}

fn roles(names: &[&str]) -> Vec<Ident> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

fn database() -> Ident {
    "app_ontos".parse().unwrap()
}

#[track_caller]
fn check(plan: Result<AdminPlan, AdminError>, expected: Expect) {
    expected.assert_eq(&match plan {
        Ok(AdminPlan { steps, notes, obstacles }) => {
            let mut text = String::new();
            steps.iter().for_each(|step| text.push_str(&format!("{};\n", step.sql)));
            notes.iter().for_each(|note| text.push_str(&format!("# {note}\n")));
            obstacles.iter().for_each(|obstacle| text.push_str(&format!("! {obstacle}\n")));
            text
        }
        Err(error) => error.to_string(),
    });
}

#[track_caller]
fn check_setup(names: &[&str], changes: &str, expected: Expect) {
    let setup = Setup { database: database(), grantees: Grantees::Roles(roles(names)) };
    check(setup.plan(&server(changes)), expected);
}

#[track_caller]
fn check_public(changes: &str, expected: Expect) {
    let setup = Setup { database: database(), grantees: Grantees::Public };
    check(setup.plan(&server(changes)), expected);
}

#[track_caller]
fn check_tighten(names: &[&str], changes: &str, expected: Expect) {
    let tighten = Tighten { database: database(), roles: roles(names) };
    check(tighten.plan(&server(changes)), expected);
}

const IT: &[&str] = &["it's"];

#[test]
fn setup_creates_what_is_missing() {
    check_setup(
        IT,
        "no-database",
        expect![[r#"
        CREATE DATABASE "app_ontos";
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
    "#]],
    );
    check_setup(
        IT,
        "",
        expect![[r#"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
    "#]],
    );
    check_setup(
        IT,
        "granted no-connect",
        expect![[r#"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
    "#]],
    );
    check_setup(IT, "granted", expect![[r#""#]]);
    check_setup(
        &["it's", "other"],
        "two-roles granted",
        expect![[r#"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "other";
    "#]],
    );
    check_public(
        "no-database no-role",
        expect![[r#"
        CREATE DATABASE "app_ontos";
        GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC;
        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`
    "#]],
    );
    check_public(
        "everybody",
        expect![[r##"
        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`
    "##]],
    );
}

#[test]
fn setup_makes_the_role_of_an_identity() {
    check_setup(IT, "no-role", expect![[r#"there is no role "it's""#]]);
    check_setup(
        IT,
        "no-role auth",
        expect![[r#"
        DO $lakegate$
        BEGIN
          PERFORM databricks_create_role('it''s', 'SERVICE_PRINCIPAL');
        END
        $lakegate$;
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
    "#]],
    );
    check_setup(
        &["it's", "a@b.example"],
        "no-role auth-available",
        expect![[r#"
        CREATE EXTENSION IF NOT EXISTS databricks_auth;
        DO $lakegate$
        BEGIN
          PERFORM databricks_create_role('it''s', 'SERVICE_PRINCIPAL');
        END
        $lakegate$;
        DO $lakegate$
        BEGIN
          PERFORM databricks_create_role('a@b.example', 'USER');
        END
        $lakegate$;
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "a@b.example";
    "#]],
    );
}

#[test]
fn setup_tells_what_a_person_should_know() {
    check_setup(
        IT,
        "granted everybody",
        expect![[r##"
        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`
    "##]],
    );
    check_setup(
        IT,
        "member revoked-all no-login",
        expect![[r##"
        # not everybody may connect to database "app_ontos", which REVOKE ALL leads to; roles of Lakebase itself connect as everybody does. Its owner gives it back with: GRANT CONNECT ON DATABASE "app_ontos" TO PUBLIC;
        # role "it's" may not log in
        # "it's" creates schemas in "app_ontos" by the right of "group"
    "##]],
    );
    check_setup(
        IT,
        "granted nobody-known",
        expect![[r##"
        # role "it's" was not made by databricks_create_role, so no token logs in as it
    "##]],
    );
    check_setup(
        IT,
        "granted a-user",
        expect![[r##"
        # role "it's" was made as that of a user: a token of the service principal does not log in as it
    "##]],
    );
}

#[test]
fn setup_leaves_to_others_what_this_admin_may_not_do() {
    check_setup(
        IT,
        "no-database no-createdb no-role auth",
        expect![[r#"
        DO $lakegate$
        BEGIN
          PERFORM databricks_create_role('it''s', 'SERVICE_PRINCIPAL');
        END
        $lakegate$;
        CREATE DATABASE "app_ontos";
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
        ! role "admin" may not create databases
    "#]],
    );
    check_setup(
        IT,
        "foreign",
        expect![[r#"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
        ! database "app_ontos" belongs to "owner", and "admin" may not say who creates schemas in it
    "#]],
    );
    check_setup(IT, "foreign granted", expect![[r#""#]]);
    check_public(
        "foreign",
        expect![[r#"
        GRANT CREATE ON DATABASE "app_ontos" TO PUBLIC;
        # any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`
        ! database "app_ontos" belongs to "owner", and "admin" may not say who creates schemas in it
    "#]],
    );
}

#[test]
fn tighten_revokes_create_and_nothing_else() {
    check_tighten(
        IT,
        "everybody",
        expect![[r#"
        DO $lakegate$
        BEGIN
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
          GRANT CREATE ON DATABASE "app_ontos" TO "it's";
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('it''s', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$;
    "#]],
    );
    check_tighten(
        IT,
        "everybody granted",
        expect![[r#"
        DO $lakegate$
        BEGIN
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('it''s', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$;
    "#]],
    );
    check_tighten(
        &["it's", "other"],
        "two-roles member",
        expect![[r#"
        DO $lakegate$
        BEGIN
          GRANT CREATE ON DATABASE "app_ontos" TO "other";
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('it''s', 'app_ontos', 'CREATE') OR NOT pg_catalog.has_database_privilege('other', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$;
        # "it's" creates schemas in "app_ontos" by the right of "group"
    "#]],
    );
    check_tighten(IT, "granted", expect![[r#""#]]);
    check_tighten(
        IT,
        "granted creators revoked-all",
        expect![[r##"
        # by grants of their own may also create schemas in database "app_ontos": "x", "y"
        # not everybody may connect to database "app_ontos", which REVOKE ALL leads to; roles of Lakebase itself connect as everybody does. Its owner gives it back with: GRANT CONNECT ON DATABASE "app_ontos" TO PUBLIC;
    "##]],
    );
}

#[test]
fn tighten_refuses_before_it_changes_anything() {
    check_tighten(IT, "everybody no-role", expect![[r#"there is no role "it's""#]]);
    check_tighten(IT, "no-database", expect![[r#"there is no database "app_ontos""#]]);
    check_tighten(
        IT,
        "everybody foreign",
        expect![[r#"
        DO $lakegate$
        BEGIN
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
          GRANT CREATE ON DATABASE "app_ontos" TO "it's";
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('it''s', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$;
        ! database "app_ontos" belongs to "owner", and "admin" may not say who creates schemas in it
    "#]],
    );
    check_tighten(
        IT,
        "everybody by-another",
        expect![[r#"
        DO $lakegate$
        BEGIN
          SET LOCAL ROLE "an""other";
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
        END
        $lakegate$;
        DO $lakegate$
        BEGIN
          REVOKE CREATE ON DATABASE "app_ontos" FROM PUBLIC;
          GRANT CREATE ON DATABASE "app_ontos" TO "it's";
          IF EXISTS (SELECT FROM pg_catalog.pg_database d, LATERAL pg_catalog.aclexplode(d.datacl) a WHERE d.datname = 'app_ontos' AND a.grantee = 0 AND a.privilege_type = 'CREATE') OR NOT pg_catalog.has_database_privilege('it''s', 'app_ontos', 'CREATE') THEN
            RAISE EXCEPTION USING ERRCODE = 'LG002', MESSAGE = 'the privileges did not change', HINT = 'Only the owner of the database can do this.';
          END IF;
        END
        $lakegate$;
        ! "an""other" let everybody create schemas in "app_ontos", and only "an""other" takes that back
    "#]],
    );
}

#[test]
fn a_refusal_holds_what_is_left_to_do() {
    let setup = Setup { database: database(), grantees: Grantees::Roles(roles(IT)) };
    assert_eq!(setup.plan(&server("")).unwrap().refusal(), None);
    let refusal = setup.plan(&server("no-database no-createdb")).unwrap().refusal().unwrap();
    expect![[r#"
        role "admin" may not create databases
        Nothing of this was done. It is left for somebody who may, in psql on any database of the server:
        CREATE DATABASE "app_ontos";
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "it's";
    "#]].assert_eq(&format!("{}\n{}\n", refusal.message, refusal.advice));
}

#[test]
fn asks_for_names_as_they_are() {
    let tighten = Tighten { database: "d\n'".parse().unwrap(), roles: roles(&["a\"b", "🦆"]) };
    let expected = [Some("d\n'".to_string()), Some(r#"["a\"b","🦆"]"#.to_string())];
    assert_eq!(tighten.parameters(), expected);
    let setup = Setup { database: database(), grantees: Grantees::Public };
    assert_eq!(setup.parameters(), [Some("app_ontos".to_string()), Some("[]".to_string())]);
}
