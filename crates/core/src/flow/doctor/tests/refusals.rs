//! Refused logins: the same words of the server, told apart by what else is known.

use super::*;

/// How the check of the login ends after these tries.
#[track_caller]
fn check_login<const N: usize>(
    edge: FakeEdge,
    knocks: [(&'static str, DatabaseError); N],
    expected: Expect,
) {
    edge.expect_logins(knocks.map(|(login, error)| (login, Err(error))));
    let connector = Connector::new(edge.clone());
    let checks = edge.run(connector.examine());
    let login: Vec<_> = checks.into_iter().filter(|check| check.name == LOGIN).collect();
    expected.assert_eq(&told(&login));
    assert_eq!(edge.notices().len(), N - 1);
    edge.end();
}

/// A world with this credential, in which the workspace tells of roles like this.
fn selling(credential: &str, status: u16, roles: &str) -> FakeEdge {
    let edge = oauth();
    edge.set_clock(THEN);
    edge.expect([grant("W1"), me("W1", "me"), instance(AVAILABLE), buy("W1", credential)]);
    let request = "GET https://w.example/api/2.0/database/instances/demo/roles Bearer W1";
    edge.expect([turn(request, status, &format!(r#"{{"database_instance_roles":[{roles}]}}"#))]);
    edge
}

const OWN: &str = r#"{"name":"me","identity_type":"SERVICE_PRINCIPAL"}"#;

fn unauthorized() -> DatabaseError {
    refused("28P01", "Invalid authorization for databricks identity login")
}

#[test]
fn the_workspace_knows_why() {
    // {"sub":"a@b.example"}, {"exp":784111000} and {}
    let others = "e30.eyJzdWIiOiJhQGIuZXhhbXBsZSJ9.c2ln";
    check_login(
        selling(others, 200, OWN),
        [("me:e30.eyJzdWIiOiJhQGIuZXhhbXBsZSJ9.c2ln@h.example:5432/app", unauthorized())],
        expect![[r#"
            Failed login (wrong-identity): h.example refused the login of "me" to database "app": Invalid authorization for databricks identity login (SQLSTATE 28P01); the token is of `a@b.example`
              A token logs in only as its owner. Configure the identity of "me", or let an admin of the database give `a@b.example` a role:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('a@b.example', 'USER');
        "#]],
    );
    let over = "e30.eyJleHAiOjc4NDExMTAwMH0.c2ln";
    check_login(
        selling(over, 200, OWN),
        [("me:e30.eyJleHAiOjc4NDExMTAwMH0.c2ln@h.example:5432/app", unauthorized())],
        expect![[r#"
            Failed login (dead-token): h.example refused the login of "me" to database "app": Invalid authorization for databricks identity login (SQLSTATE 28P01); the token ended 777 s ago, by the workspace's clock
              It was bought a moment ago, so the workspace gives tokens that are over. Try again, and if it stays so report it to Databricks.
        "#]],
    );
    const LOGIN: &str = "me:e30.e30.c2ln@h.example:5432/app";
    for (status, roles, expected) in [
        (
            200,
            "",
            expect![[r#"
            Failed login (no-role): h.example refused the login of "me" to database "app": Invalid authorization for databricks identity login (SQLSTATE 28P01); the workspace lists no such role
              Roles are kept per branch, so one made on another branch does not count. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('me', 'SERVICE_PRINCIPAL');
        "#]],
        ),
        (
            200,
            r#"{"name":"me","identity_type":"USER"}"#,
            expect![[r#"
            Failed login (wrong-role-type): h.example refused the login of "me" to database "app": Invalid authorization for databricks identity login (SQLSTATE 28P01); the role is of type USER, which lets no SERVICE_PRINCIPAL in
              A role keeps its type. Delete it in the workspace, which hands over what it owns, and create it anew. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('me', 'SERVICE_PRINCIPAL');
        "#]],
        ),
        (
            200,
            OWN,
            expect![[r#"
            Failed login (login-refused): h.example refused the login of "me" to database "app": Invalid authorization for databricks identity login (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity
              A token logs in only as the identity that asked for it. Check that "me" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of h.example, and that its role was created for OAuth. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('me', 'SERVICE_PRINCIPAL');
        "#]],
        ),
        (
            403,
            "",
            expect![[r#"
            Failed login (login-refused): h.example refused the login of "me" to database "app": Invalid authorization for databricks identity login (SQLSTATE 28P01); with a fresh token, so it looks like a wrong identity
              A token logs in only as the identity that asked for it. Check that "me" is the client id (for a person, the e-mail address) behind the workspace token, that DATABRICKS_HOST is the workspace of h.example, and that its role was created for OAuth. As an admin of the database:
              CREATE EXTENSION IF NOT EXISTS databricks_auth;
              SELECT databricks_create_role('me', 'SERVICE_PRINCIPAL');
        "#]],
        ),
    ] {
        check_login(selling("e30.e30.c2ln", status, roles), [(LOGIN, unauthorized())], expected);
    }
}

#[test]
fn the_server_says_why() {
    check_login(
        ready(),
        [(APP, refused("3D000", "database \"app\" does not exist"))],
        expect![[r#"
            Failed login (no-database): h.example refused the login of "me" to database "app": database "app" does not exist (SQLSTATE 3D000)
              Run `lakegate setup` as an admin, or:
              CREATE DATABASE "app";
        "#]],
    );
    let text = "Control plane request failed: endpoint is disabled";
    check_login(
        ready(),
        [(APP, refused("XX000", text))],
        expect![[r#"
        Failed login (stopped): h.example refused the login of "me" to database "app": Control plane request failed: endpoint is disabled (SQLSTATE XX000)
          Enable the endpoint, or start the instance, in the workspace.
    "#]],
    );
    let tls = DatabaseError::Tls { detail: "server does not support TLS".into() };
    check_login(
        ready(),
        [(APP, tls)],
        expect![[r#"
            Failed login (no-tls): h.example:5432: the TLS handshake failed: server does not support TLS
              No password was sent. Lakebase always does TLS, so what listens at h.example:5432 is something else: check POSTGRES_HOST and POSTGRES_PORT.
        "#]],
    );
}

#[test]
fn there_is_no_server() {
    let silence = || DatabaseError::Unreachable { detail: "connection refused".into() };
    // It gets a quarter of a minute.
    check_login(
        ready(),
        [(); 5].map(|()| (APP, silence())),
        expect![[r#"
        Failed login (unreachable): h.example:5432: no connection: connection refused
          Check POSTGRES_HOST and POSTGRES_PORT, that the instance is started, and that this machine may reach it on port 5432.
    "#]],
    );
}

#[test]
fn it_wakes_up() {
    let edge = ready();
    let starting = || Err(refused("57P03", "the database system is starting up"));
    let awake = Ok(answers(fixture::complete(json!({}))));
    edge.expect_logins([(APP, starting()), (APP, starting()), (APP, awake)]);
    let connector = Connector::new(edge.clone());
    let checks = edge.run(connector.examine());
    let login: Vec<_> = checks.into_iter().filter(|check| check.name == LOGIN).collect();
    expect![[r#"
        Warning login (asleep): logged in over verified TLS after 3.0 s: it was asleep, or is very busy
          The first login after a pause waits so long. Where that is too long, let the endpoint not scale to zero, or keep a connection open: `lakegate proxy --keep-warm 1`.
    "#]].assert_eq(&told(&login));
    assert_eq!(edge.notices().len(), 2);
    edge.end();
}

#[test]
fn a_token_is_no_password() {
    for (password, login, expected) in [
        (
            "dapi0123",
            "dev:dapi0123@localhost:5432/app plainly",
            expect![[r#"
            Failed login (pat-as-password): localhost refused the login of "dev" to database "app": Provided authentication token is not a valid JWT encoding (SQLSTATE 28P01); POSTGRES_PASSWORD holds what looks like a personal access token
              A token is no password that lasts. Set ENV=PROD, remove POSTGRES_PASSWORD, and set DATABRICKS_HOST with DATABRICKS_TOKEN or a client id and its secret: Lakegate then buys the password, and renews it.
        "#]],
        ),
        (
            "eyJ0.e30.x",
            "dev:eyJ0.e30.x@localhost:5432/app plainly",
            expect![[r#"
            Failed login (token-as-password): localhost refused the login of "dev" to database "app": Provided authentication token is not a valid JWT encoding (SQLSTATE 28P01); POSTGRES_PASSWORD holds what looks like a token, which dies within the hour
              A token is no password that lasts. Set ENV=PROD, remove POSTGRES_PASSWORD, and set DATABRICKS_HOST with DATABRICKS_TOKEN or a client id and its secret: Lakegate then buys the password, and renews it.
        "#]],
        ),
        (
            "hunter2",
            "dev:hunter2@localhost:5432/app plainly",
            expect![[r#"
            Failed login (wrong-password): localhost refused the login of "dev" to database "app": Provided authentication token is not a valid JWT encoding (SQLSTATE 28P01)
              Check POSTGRES_USER and POSTGRES_PASSWORD, and that localhost is the server you mean. A database of Databricks takes tokens: set ENV=PROD for those.
        "#]],
        ),
    ] {
        let edge = local();
        edge.set("POSTGRES_PASSWORD", password);
        let text = "Provided authentication token is not a valid JWT encoding";
        check_login(edge, [(login, refused("28P01", text))], expected);
    }
}
