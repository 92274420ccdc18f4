//! What a person reads, for each way in which a start can fail.

use alloc::boxed::Box;
use alloc::vec;

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::bootstrap::fixture;
use crate::edge::{DatabaseError, ServerError};
use crate::flow::fake::chain::{buy, buy_answer, grant, grant_answer, local, me, oauth, person};
use crate::flow::fake::{Exchange, FakeEdge, Turn};

const APP: &str = "me:P1@h.example:5432/app";
const DEV: &str = "dev:pw@localhost:5432/app plainly";

/// All checks as lines, the advice below its check.
#[track_caller]
fn check(edge: FakeEdge, expected: Expect) {
    let connector = Connector::new(edge.clone());
    check_again(&edge, &connector, expected);
}

#[track_caller]
fn check_again(edge: &FakeEdge, connector: &Connector<FakeEdge>, expected: Expect) {
    let mut text = String::new();
    for Check { name, outcome, found, advice } in edge.run(connector.examine()) {
        text.push_str(&format!("{outcome:?} {name}: {found}\n"));
        for line in advice.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    expected.assert_eq(&text);
}

/// A world whose login leads to this inspection of the database.
fn inspected(answer: String) -> FakeEdge {
    let edge = ready();
    let inspection: Exchange = ("WITH\n  me AS", Ok(Some(answer)));
    edge.expect_logins([(APP, Ok(vec![inspection]))]);
    edge
}

/// A world with both tokens.
fn ready() -> FakeEdge {
    let edge = oauth();
    edge.expect([grant("W1"), buy("W1", "P1")]);
    edge
}

fn refused(code: &str, message: &str) -> DatabaseError {
    let report = ServerError { code: code.into(), message: message.into(), ..Default::default() };
    DatabaseError::Server(Box::new(report))
}

#[test]
fn all_is_well() {
    let edge = inspected(fixture::complete(json!({})));
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Passed login: logged in over verified TLS
        Passed database: schema "s" is ready for "app"
    "#]],
    );
    edge.end();
}

#[test]
fn the_first_start_is_still_to_come() {
    let edge = inspected(fixture::empty(json!({})));
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Passed login: logged in over verified TLS
        Passed database: schema "s" lacks 3 steps: `lakegate bootstrap apply` does them
    "#]],
    );
    edge.end();
}

#[test]
fn local_mode_needs_no_workspace() {
    let edge = local();
    let inspection: Exchange = ("WITH\n  me AS", Ok(Some(fixture::complete(json!({})))));
    edge.expect_logins([(DEV, Ok(vec![inspection]))]);
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: LOCAL mode, database app, schema s
        Passed workspace: not needed in LOCAL mode
        Passed credential: role "dev" at localhost:5432 with a password
        Passed login: logged in on this machine
        Passed database: schema "s" is ready for "app"
    "#]],
    );
    edge.end();
}

#[test]
fn what_a_person_should_look_at_is_told_once_and_stops_nothing() {
    let public = json!({"public_privileges": ["CREATE", "CONNECT", "TEMPORARY"]});
    let edge = inspected(fixture::complete(public));
    edge.set("POSTGRES_USER", "somebody");
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Warning configuration: POSTGRES_USER (environment) is ignored: in OAuth mode the user is whoever mints the token. Remove it.
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Passed login: logged in over verified TLS
        Passed database: schema "s" is ready for "app"
        Warning database: every role may create schemas in database "db"; `lakegate tighten` ends that
    "#]],
    );
    edge.end();
}

#[test]
fn a_renewal_that_failed_is_a_warning() {
    let edge = inspected(fixture::complete(json!({})));
    let connector = Connector::new(edge.clone());
    edge.run(connector.current()).unwrap();
    edge.expect([buy_answer("W1", "demo", 503, ""), grant("W2")]);
    edge.run(connector.renewed(1)).unwrap_err();
    check_again(
        &edge,
        &connector,
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 9 minutes
        Warning credential: its last renewal failed: the credential for instance `demo` failed for now (503)
          It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
        Passed login: logged in over verified TLS
        Passed database: schema "s" is ready for "app"
    "#]],
    );
    edge.end();
}

#[test]
fn settings_are_wrong() {
    let edge = oauth();
    edge.unset("DATABRICKS_CLIENT_SECRET");
    edge.set("POSTGRES_PORT", "x");
    check(
        edge.clone(),
        expect![[r#"
        Failed configuration: POSTGRES_PORT (environment) is `x`: it is not a port from 1 to 65535; DATABRICKS_CLIENT_ID is set, but DATABRICKS_CLIENT_SECRET is not
          Set POSTGRES_PORT to the server's TCP port, usually 5432.
          Set DATABRICKS_CLIENT_SECRET (or DATABRICKS_CLIENT_SECRET_FILE) to an OAuth secret of that service principal.
        Skipped workspace: not tried
        Skipped credential: not tried
        Skipped login: not tried
        Skipped database: not tried
    "#]],
    );
    edge.end();
}

#[test]
fn the_workspace_says_no() {
    let edge = oauth();
    edge.expect([grant_answer(401, r#"{"error":"invalid_client"}"#)]);
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Failed workspace: the workspace token for client `me` was denied (401): invalid_client
          Check that `me` is the application id of a service principal of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its OAuth secrets and has not expired. A new secret is used at the next try.
        Skipped credential: not tried
        Skipped login: not tried
        Skipped database: not tried
    "#]],
    );
    edge.end();
}

#[test]
fn there_is_no_credential() {
    #[track_caller]
    fn check_sale(edge: FakeEdge, sale: Turn, expected: Expect) {
        edge.expect([sale]);
        check(edge.clone(), expected);
        assert_eq!(edge.seconds(), 0, "a person waits");
        edge.end();
    }
    let edge = oauth();
    edge.expect([grant("W1")]);
    check_sale(
        edge,
        buy_answer("W1", "demo", 503, ""),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Failed credential: the credential for instance `demo` failed for now (503)
          It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
        Skipped login: not tried
        Skipped database: not tried
    "#]],
    );
    let asked = Turn { answer: buy_answer("", "", 403, "").answer, ..me("dapi1", "") };
    check_sale(
        person("dapi1"),
        asked,
        expect![[r#"
            Passed configuration: OAuth mode, database app, schema s
            Passed workspace: a token for https://w.example is configured
            Failed credential: the question who we are was denied (403)
              Every member of a workspace may ask that: add the identity to the workspace of DATABRICKS_HOST, or use a service principal with DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, whose role is known without asking.
            Skipped login: not tried
            Skipped database: not tried
        "#]],
    );
}

#[test]
fn there_is_no_way_in() {
    #[track_caller]
    fn check_login<const N: usize>(errors: [DatabaseError; N], expected: Expect) {
        let edge = ready();
        edge.expect_logins(errors.map(|error| (APP, Err(error))));
        check(edge.clone(), expected);
        assert_eq!(edge.notices().len(), N - 1);
        edge.end();
    }
    check_login(
        [refused("3D000", "database \"app\" does not exist")],
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Failed login: h.example refused the login of "me" to database "app": database "app" does not exist (SQLSTATE 3D000)
          Run `lakegate setup` as an admin, or:
          CREATE DATABASE "app";
        Skipped database: not tried
    "#]],
    );
    check_login(
        [refused("28P01", "role \"me\" does not exist")],
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Failed login: h.example refused the login of "me" to database "app": role "me" does not exist (SQLSTATE 28P01); it looks like there is no role of that name
          Roles are kept per branch, so one made on another branch does not count. As an admin of the database:
          CREATE EXTENSION IF NOT EXISTS databricks_auth;
          SELECT databricks_create_role('me', 'SERVICE_PRINCIPAL');
        Skipped database: not tried
    "#]],
    );
    let unreachable = || DatabaseError::Unreachable { detail: "connection refused".into() };
    // A sleeping endpoint gets a quarter of a minute.
    check_login(
        [(); 5].map(|()| unreachable()),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Failed login: h.example:5432: no connection: connection refused
          Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this machine may reach it on port 5432.
        Skipped database: not tried
    "#]],
    );
}

#[test]
fn the_database_is_not_as_it_must_be() {
    let edge = inspected(fixture::empty(json!({"can_create": false})));
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Passed login: logged in over verified TLS
        Failed database: role "app" may not create a schema in database "db"
          Nothing was changed. An administrator has to run:
            GRANT CREATE ON DATABASE "db" TO "app";
          `lakegate setup` does that.
    "#]],
    );
    edge.end();
    let foreign = json!({"schema": {"owner": "other", "usage": true, "create": true}});
    let edge = inspected(fixture::empty(foreign));
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace: https://w.example issued a token
        Passed credential: role "me" at h.example:5432 with a token for 59 minutes
        Passed login: logged in over verified TLS
        Failed database: schema "s" belongs to "other", not to "app"
          Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
            ALTER SCHEMA "s" OWNER TO "app";
          Tables in it stay with "other" until each is handed over too.
    "#]],
    );
    edge.end();
}

#[test]
fn every_source_is_shown_and_no_secret() {
    let edge = oauth();
    let sources = Connector::new(edge.clone()).sources();
    let text = format!("{sources:?}");
    assert!(text.contains("POSTGRES_HOST") && text.contains("h.example"));
    assert!(!text.contains("s3"));
    edge.end();
}
