//! What a person reads, for each way in which a start can fail.

use alloc::boxed::Box;
use alloc::vec;

use expect_test::{Expect, expect};
use serde_json::json;

use super::*;
use crate::bootstrap::fixture;
use crate::edge::{DatabaseError, ServerError};
use crate::flow::fake::chain::{buy, buy_answer, grant, grant_answer, local, me, oauth, person};
use crate::flow::fake::{Exchange, FakeEdge, Turn, turn};

mod names;
mod refusals;

const APP: &str = "me:P1@h.example:5432/app";
const DEV: &str = "dev:pw@localhost:5432/app plainly";

/// When every answer of the workspace is dated, in seconds since 1970.
const THEN: i64 = 784_111_777;

/// All checks as lines, the advice below its check.
#[track_caller]
fn check(edge: FakeEdge, expected: Expect) {
    let connector = Connector::new(edge.clone());
    expected.assert_eq(&told(&edge.run(connector.examine())));
}

fn told(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { name, outcome, cause, found, advice, .. } in checks {
        let cause = cause.map(|cause| format!(" ({})", cause.as_str())).unwrap_or_default();
        text.push_str(&format!("{outcome:?} {name}{cause}: {found}\n"));
        for line in advice.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

/// The instance, as the workspace tells of it.
fn instance(fields: &str) -> Turn {
    let request = "GET https://w.example/api/2.0/database/instances/demo Bearer W1";
    turn(request, 200, &format!(r#"{{"name":"demo"{fields}}}"#))
}

const AVAILABLE: &str = r#","read_write_dns":"h.example","state":"AVAILABLE""#;

/// What the database answers to both questions.
fn answers(inspection: String) -> Vec<Exchange> {
    let now: Exchange = ("SELECT (extract(epoch", Ok(Some(format!("{}", THEN * 1000))));
    vec![now, ("WITH\n  me AS", Ok(Some(inspection)))]
}

/// A world with both tokens, whose clock is right.
fn ready() -> FakeEdge {
    let edge = oauth();
    edge.set_clock(THEN);
    edge.expect([grant("W1"), me("W1", "me"), instance(AVAILABLE), buy("W1", "P1")]);
    edge
}

/// A world whose login leads to this inspection of the database.
fn inspected(answer: String) -> FakeEdge {
    let edge = ready();
    edge.expect_logins([(APP, Ok(answers(answer)))]);
    edge
}

#[test]
fn all_is_well() {
    let edge = inspected(fixture::complete(json!({"member_of": ["a"], "create_role": true})));
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Passed workspace-token: https://w.example issued a token
        Passed identity: service principal me
        Passed instance: Provisioned instance `demo` is AVAILABLE
        Passed credential: role "me" at h.example:5432 with a token for 60 minutes
        Passed login: logged in over verified TLS
        Passed role: "app" on PostgreSQL 17, may create roles, member of "a"
        Passed privileges: CONNECT and CREATE on database "db"; schema "s" is its own
        Passed bootstrap: schema "s" is ready
        Passed clock: this machine's clock is as the workspace's and as the database's
    "#]],
    );
    edge.end();
}

#[test]
fn the_first_start_is_still_to_come() {
    let edge = inspected(fixture::empty(json!({})));
    let connector = Connector::new(edge.clone());
    let checks = edge.run(connector.examine());
    let database = told(&checks[7..]);
    expect![[r#"
        Passed privileges: CONNECT and CREATE on database "db"; schema "s" is still to be created
        Passed bootstrap: schema "s" lacks 3 steps: `lakegate bootstrap apply` does them
        Passed clock: this machine's clock is as the workspace's and as the database's
    "#]]
    .assert_eq(&database);
    let at = |check: &Check| check.at.as_ref().map(|at| format!("{} {}", check.name, at.host));
    let places: Vec<_> = checks.iter().filter_map(at).collect();
    assert_eq!(places, ["workspace-token w.example", "login h.example"]);
    edge.end();
}

#[test]
fn an_hour_is_told_though_a_second_began_before_the_answer_was_dated() {
    let edge = oauth();
    edge.set_clock(THEN);
    let body = r#"{"token":"P1","expiration_time":"1994-11-06T09:49:36Z"}"#;
    let bought = buy_answer("W1", "demo", 200, body);
    edge.expect([grant("W1"), me("W1", "me"), instance(AVAILABLE), bought]);
    edge.expect_logins([(APP, Ok(answers(fixture::complete(json!({})))))]);
    let checks = edge.run(Connector::new(edge.clone()).examine());
    let credential = checks.iter().find(|check| check.name == CREDENTIAL).unwrap();
    let found = r#"role "me" at h.example:5432 with a token for 60 minutes"#;
    assert_eq!(credential.found, found);
    edge.end();
}

#[test]
fn local_mode_needs_no_workspace() {
    let edge = local();
    edge.set_clock(THEN);
    edge.expect_logins([(DEV, Ok(answers(fixture::complete(json!({"role": "dev"})))))]);
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: LOCAL mode, database app, schema s
        Skipped workspace-token: not needed in LOCAL mode
        Skipped identity: not needed in LOCAL mode
        Skipped instance: not needed in LOCAL mode
        Passed credential: role "dev" at localhost:5432 with a password
        Passed login: logged in on this machine
        Passed role: "dev" on PostgreSQL 17, logged in as "app"
        Failed privileges (foreign-schema): schema "s" belongs to "app", not to "dev"
          Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
            ALTER SCHEMA "s" OWNER TO "dev";
          Tables in it stay with "app" until each is handed over too.
        Skipped bootstrap: not tried: privileges failed
        Passed clock: this machine's clock is as the database's
    "#]],
    );
    edge.end();
}

#[test]
fn what_a_person_should_look_at_stops_nothing() {
    let edge = inspected(fixture::complete(json!({
        "public_privileges": ["CREATE", "TEMPORARY"],
        "can_create": false,
        "ledger": ledger(json!(12)),
    })));
    edge.set("POSTGRES_USER", "somebody");
    edge.set("PGPASSWORD", "dapi0123");
    edge.set_clock(THEN - 3_600);
    check(
        edge.clone(),
        expect![[r#"
        Passed configuration: OAuth mode, database app, schema s
        Warning configuration (settings): POSTGRES_USER (environment) is ignored: in OAuth mode the user is whoever mints the token. Remove it.
        Warning configuration (pat-as-password): PGPASSWORD is set and not used: in OAuth mode the password is bought
          Remove PGPASSWORD. A personal access token goes to DATABRICKS_TOKEN.
        Passed workspace-token: https://w.example issued a token
        Passed identity: service principal me
        Passed instance: Provisioned instance `demo` is AVAILABLE
        Passed credential: role "me" at h.example:5432 with a token for 60 minutes
        Passed login: logged in over verified TLS
        Passed role: "app" on PostgreSQL 17
        Passed privileges: CONNECT on database "db"; schema "s" is its own
        Warning privileges (public-create): every role may create schemas in database "db"
          As an admin, once the application has started: `lakegate tighten`.
        Warning privileges (public-connect-revoked): nobody may connect to database "db" who was not named
          Lakebase's own roles (databricks_writer_…, databricks_reader_…) need that right. If it was not taken on purpose, as an admin of the database:
          GRANT CONNECT ON DATABASE "db" TO PUBLIC;
        Passed bootstrap: schema "s" is ready, migrations: 1, the last `7_x.sql`
        Warning clock (clock-off): this machine's clock is 3599 s behind the workspace's and 3599 s behind the database's
          Let the clock be set by NTP. Lakegate measures the lives of tokens without it, but certificates and identity tokens are judged by it.
    "#]],
    );
    edge.end();
}

/// One migration that took so long.
fn ledger(milliseconds: serde_json::Value) -> serde_json::Value {
    json!({"owner": "app", "rows": [{
        "version": 7, "name": "7_x.sql", "sha256": "0", "applied_at": "2026-01-01T12:00:00Z",
        "applied_by": "app", "milliseconds": milliseconds, "lakegate": "0.1.0",
    }]})
}

#[test]
fn a_migration_that_did_not_end_is_a_failure() {
    let edge = inspected(fixture::complete(json!({"ledger": ledger(json!(null))})));
    let checks = edge.run(Connector::new(edge.clone()).examine());
    let bootstrap = checks.iter().find(|check| check.name == BOOTSTRAP).unwrap();
    assert_eq!(bootstrap.outcome, Outcome::Failed);
    assert_eq!(bootstrap.cause, Some(Cause::UnfinishedMigration));
    edge.end();
}

#[test]
fn a_renewal_that_failed_is_a_warning() {
    let edge = oauth();
    edge.expect([grant("W1"), buy("W1", "P1")]);
    let connector = Connector::new(edge.clone());
    edge.run(connector.current()).unwrap();
    edge.expect([buy_answer("W1", "demo", 503, ""), grant("W2")]);
    edge.run(connector.renewed(1)).unwrap_err();
    edge.expect([grant("W1"), me("W1", "me"), instance(AVAILABLE), buy("W1", "P1")]);
    edge.expect_logins([(APP, Ok(answers(fixture::complete(json!({})))))]);
    let checks = edge.run(connector.examine());
    let credential: Vec<_> = checks.into_iter().filter(|check| check.name == CREDENTIAL).collect();
    expect![[r#"
        Passed credential: role "me" at h.example:5432 with a token for 60 minutes
        Warning credential (renewal-failed): the last renewal here failed: the credential for instance `demo` failed for now (503)
          It is tried again by itself. If it stays so, check DATABRICKS_HOST, the network and the workspace's status page.
    "#]].assert_eq(&told(&credential));
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
        Failed configuration (settings): POSTGRES_PORT (environment) is `x`: it is not a port from 1 to 65535; DATABRICKS_CLIENT_ID is set, but DATABRICKS_CLIENT_SECRET is not
          Set POSTGRES_PORT to the server's TCP port, usually 5432.
          Set DATABRICKS_CLIENT_SECRET (or DATABRICKS_CLIENT_SECRET_FILE) to an OAuth secret of that service principal.
        Skipped workspace-token: not tried: configuration failed
        Skipped identity: not tried: configuration failed
        Skipped instance: not tried: configuration failed
        Skipped credential: not tried: configuration failed
        Skipped login: not tried: configuration failed
        Skipped role: not tried: configuration failed
        Skipped privileges: not tried: configuration failed
        Skipped bootstrap: not tried: configuration failed
        Skipped clock: not tried: configuration failed
    "#]],
    );
    edge.end();
}

#[test]
fn the_workspace_says_no() {
    #[track_caller]
    fn check_grant(answer: Turn, expected: Expect) {
        let edge = oauth();
        edge.set_clock(THEN);
        edge.expect([answer]);
        let connector = Connector::new(edge.clone());
        expected.assert_eq(&told(&edge.run(connector.examine())[1..3]));
        edge.end();
    }
    check_grant(
        grant_answer(401, r#"{"error":"invalid_client"}"#),
        expect![[r#"
        Failed workspace-token (unknown-client): the workspace token for client `me` was denied (401): invalid_client
          Check that `me` is the application id of a service principal of this workspace (not its name, not its numeric id), and that DATABRICKS_CLIENT_SECRET is one of its OAuth secrets and has not expired. A new secret is used at the next try.
        Skipped identity: not tried: workspace-token failed
    "#]],
    );
    let blocked = r#"{"error_code":"PERMISSION_DENIED",
        "message":"Source IP address: 10.0.0.1 is blocked by Databricks IP ACL"}"#;
    check_grant(
        grant_answer(403, blocked),
        expect![[r#"
        Failed workspace-token (network-blocked): the workspace token for client `me` was denied (403): PERMISSION_DENIED: Source IP address: 10.0.0.1 is blocked by Databricks IP ACL
          Add this machine's outgoing address to the workspace's IP access list.
        Skipped identity: not tried: workspace-token failed
    "#]],
    );
}

#[test]
fn the_identity_is_another() {
    let edge = oauth();
    edge.set_clock(THEN);
    edge.expect([grant("W1"), me("W1", "other"), instance(AVAILABLE)]);
    edge.expect([buy_answer("W1", "demo", 403, "")]);
    let connector = Connector::new(edge.clone());
    expect![[r#"
        Failed identity (wrong-identity): the token that `me` asked for belongs to `other`
          A token logs in only as its owner, and the role is taken to be "me". Set DATABRICKS_CLIENT_ID to the application id of the identity that the secret or the federation policy is of.
        Passed instance: Provisioned instance `demo` is AVAILABLE
        Failed credential (no-permission): the credential for instance `demo` was denied (403)
          Give the identity the right to use the database: attach it to the app as a resource, or grant CAN USE (Provisioned) or CAN MANAGE on the project (Autoscaling). Its Postgres role must exist too.
        Skipped login: not tried: credential failed
    "#]].assert_eq(&told(&edge.run(connector.examine())[2..6]));
    assert_eq!(edge.seconds(), 0, "a person waits");
    edge.end();
}

#[test]
fn a_person_is_not_known() {
    let edge = person("dapi1");
    edge.set_clock(THEN);
    let unknown = r#"{"error_code":"403","message":"Invalid access token."}"#;
    edge.expect([Turn { answer: turn("", 403, unknown).answer, ..me("dapi1", "") }]);
    check(
        edge.clone(),
        expect![[r#"
            Passed configuration: OAuth mode, database app, schema s
            Passed workspace-token: a token for https://w.example is configured
            Failed identity (dead-token): the question who we are was denied (403): 403: Invalid access token.
              The workspace does not accept the token. Check that it is of this workspace (DATABRICKS_HOST), that DATABRICKS_TOKEN is not revoked or expired, and that the service principal is a member of the workspace.
            Skipped instance: not tried: identity failed
            Skipped credential: not tried: identity failed
            Skipped login: not tried: identity failed
            Skipped role: not tried: identity failed
            Skipped privileges: not tried: identity failed
            Skipped bootstrap: not tried: identity failed
            Passed clock: this machine's clock is as the workspace's
        "#]],
    );
    edge.end();
}

#[test]
fn the_database_is_not_as_it_must_be() {
    #[track_caller]
    fn check_database(answer: String, expected: Expect) {
        let edge = inspected(answer);
        let connector = Connector::new(edge.clone());
        expected.assert_eq(&told(&edge.run(connector.examine())[6..]));
        edge.end();
    }
    check_database(
        fixture::empty(json!({"can_create": false})),
        expect![[r#"
        Passed role: "app" on PostgreSQL 17
        Failed privileges (no-create): role "app" may not create a schema in database "db"
          Nothing was changed. An administrator has to run:
            GRANT CREATE ON DATABASE "db" TO "app";
          `lakegate setup` does that.
        Skipped bootstrap: not tried: privileges failed
        Passed clock: this machine's clock is as the workspace's and as the database's
    "#]],
    );
    let foreign = json!({"schema": {"owner": "other", "usage": true, "create": true}});
    check_database(
        fixture::empty(foreign),
        expect![[r#"
        Passed role: "app" on PostgreSQL 17
        Failed privileges (foreign-schema): schema "s" belongs to "other", not to "app"
          Nothing was changed. Choose another schema (POSTGRES_DB_SCHEMA), or have an administrator who may act for both roles hand it over:
            ALTER SCHEMA "s" OWNER TO "app";
          Tables in it stay with "other" until each is handed over too.
        Skipped bootstrap: not tried: privileges failed
        Passed clock: this machine's clock is as the workspace's and as the database's
    "#]],
    );
    check_database(
        fixture::empty(json!({"read_only": true})),
        expect![[r#"
        Passed role: "app" on PostgreSQL 17
        Passed privileges: CONNECT and CREATE on database "db"; schema "s" is still to be created
        Failed bootstrap (read-only): database "db" is read-only here
          Nothing was changed. Connect to the primary, not to a read-only endpoint.
        Passed clock: this machine's clock is as the workspace's and as the database's
    "#]],
    );
    check_database(
        "{}".into(),
        expect![[r#"
        Failed role (inspection): the database gave an unexpected answer to the inspection: nothing usable in its field `role`
          If the schema has a table `lakegate_migrations` that is not Lakegate's, rename it; otherwise please report this as a bug of Lakegate.
        Skipped privileges: not tried: role failed
        Skipped bootstrap: not tried: role failed
        Passed clock: this machine's clock is as the workspace's and as the database's
    "#]],
    );
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

fn refused(code: &str, message: &str) -> DatabaseError {
    let report = ServerError { code: code.into(), message: message.into(), ..Default::default() };
    DatabaseError::Server(Box::new(report))
}
