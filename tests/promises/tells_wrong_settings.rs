//! Wrong or missing configuration: all of it at once, each with its name and its fix, exit code 2,
//! and nothing was sent anywhere.

use expect_test::{Expect, expect};
use lakegate_tests::{House, Program};
use serde_json::json;

async fn check(house: &House, program: Program, expected: Expect) {
    let run = program.run().await.exits(2).prints("");
    expected.assert_eq(&house.told(&run.stderr));
    let counts = house.counts().await;
    assert_eq!(counts["requests"], json!({}), "a request was sent");
    assert_eq!(counts["connections"], 0, "a connection was opened");
}

#[tokio::test]
async fn that_are_missing_are_told_by_each_command() {
    let house = House::open().await;
    let bare = |arguments: &[&'static str]| {
        house
            .lakegate(arguments.iter().copied())
            .without("DATABRICKS_HOST")
            .without("DATABRICKS_CLIENT_ID")
            .env("DATABRICKS_CLIENT_SECRET", "")
            .without("LAKEBASE_INSTANCE_NAME")
            .without("POSTGRES_HOST")
            .without("POSTGRES_DB")
    };
    let first = bare(&["token"]).run().await.exits(2).prints("");
    expect![[r#"
        lakegate: error: the database (POSTGRES_DB or PGDATABASE) is not set; an identity (DATABRICKS_CLIENT_ID, DATABRICKS_TOKEN, …) is not set; the workspace (DATABRICKS_HOST) is not set; the host (POSTGRES_HOST or PGHOST) is not set
          Set POSTGRES_DB to the name of the database, such as app_ontos.
          Set DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET (a service principal), or DATABRICKS_TOKEN, or DATABRICKS_OIDC_TOKEN or DATABRICKS_OIDC_TOKEN_FILEPATH (federation; GitHub Actions needs only `permissions: id-token: write`), or DATABRICKS_CONFIG_PROFILE (a profile of ~/.databrickscfg), or DATABRICKS_AUTH_TYPE=databricks-cli (who logged in with `databricks auth login`).
          Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
          Set POSTGRES_HOST to the name of the server alone, such as instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint path that Databricks Apps give.
    "#]].assert_eq(&first.stderr);
    for arguments in [
        &["bootstrap", "plan"],
        &["bootstrap", "apply"],
        &["bootstrap", "verify"],
        &["setup", "--grant-public"],
        &["tighten", "--grant-to=x"],
    ] {
        bare(arguments).run().await.exits(2).prints("").complains(&first.stderr);
    }
    assert_eq!(house.counts().await["requests"], json!({}));
}

#[tokio::test]
async fn that_cannot_be() {
    let house = House::open().await;
    let token = || house.lakegate(["token"]);
    let url = "postgres://me:hunter2hunter2@db.example.com/app";
    house.keep_secret("hunter2hunter2");
    for (program, expected) in [
        (
            token().env("POSTGRES_PORT", "65536"),
            expect![[r#"
            lakegate: error: POSTGRES_PORT (environment) is `65536`: it is not a port from 1 to 65535
              Set POSTGRES_PORT to the server's TCP port, usually 5432.
        "#]],
        ),
        (
            token().env("POSTGRES_HOST", "https://db.example.com"),
            expect![[r#"
            lakegate: error: POSTGRES_HOST (environment) is `https://db.example.com`: it is a URL, not a host
              Set POSTGRES_HOST to the name of the server alone, such as instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint path that Databricks Apps give.
        "#]],
        ),
        (
            token().env("POSTGRES_HOST", url),
            expect![[r#"
            lakegate: error: POSTGRES_HOST (environment): it is a URL, not a host
              Set POSTGRES_HOST to the name of the server alone, such as instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint path that Databricks Apps give.
        "#]],
        ),
        (
            token().env("POSTGRES_DB", "x".repeat(64)),
            expect![[r#"
            lakegate: error: POSTGRES_DB (environment) is `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`: a name in Postgres has 1 to 63 bytes
              Set POSTGRES_DB to the name of the database, such as app_ontos.
        "#]],
        ),
        (
            token().env("LAKEBASE_INSTANCE_NAME", "a.b"),
            expect![[r#"
            lakegate: error: LAKEBASE_INSTANCE_NAME (environment) is `a.b`: it looks like a host, not like the name of an instance
              Set LAKEBASE_INSTANCE_NAME to the name of the Provisioned instance. A host goes to POSTGRES_HOST, an endpoint path to LAKEBASE_ENDPOINT.
        "#]],
        ),
        (
            token().env("DATABRICKS_HOST", "http://w.example.com"),
            expect![[r#"
            lakegate: error: DATABRICKS_HOST (environment) is `http://w.example.com`: http would send secrets in the clear
              Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
        "#]],
        ),
        (
            token().env("DATABRICKS_AUTH_TYPE", "magic"),
            expect![[r#"
            lakegate: error: DATABRICKS_AUTH_TYPE (environment) is `magic`: Lakegate does not know this kind of identity
              Set DATABRICKS_AUTH_TYPE to pat, oauth-m2m, env-oidc, file-oidc, github-oidc, databricks-cli or profile, or remove it. For any other login, set DATABRICKS_TOKEN to a token of the workspace.
        "#]],
        ),
        (
            token().env("ENV", "local-dev"),
            expect![[r#"
            lakegate: error: the login of LOCAL mode (POSTGRES_USER and POSTGRES_PASSWORD) is not set
              LOCAL mode logs in with a password: set POSTGRES_USER and POSTGRES_PASSWORD. To log in with tokens, set ENV=PROD.
        "#]],
        ),
        (
            token().env("DATABRICKS_CLIENT_ID", ""),
            expect![[r#"
            lakegate: error: DATABRICKS_CLIENT_SECRET is set, but DATABRICKS_CLIENT_ID is not
              Set DATABRICKS_CLIENT_ID to the application id of the service principal.
        "#]],
        ),
        (
            token().env("DATABRICKS_CLIENT_SECRET", ""),
            expect![[r#"
            lakegate: error: DATABRICKS_CLIENT_ID is set, but DATABRICKS_CLIENT_SECRET is not
              Set DATABRICKS_CLIENT_SECRET (or DATABRICKS_CLIENT_SECRET_FILE) to an OAuth secret of that service principal.
        "#]],
        ),
        (
            token().arg("--config").arg("absent.toml"),
            expect![[r#"
            lakegate: error: absent.toml cannot be read: No such file or directory (os error 2)
        "#]],
        ),
    ] {
        check(&house, program, expected).await;
    }
}

#[tokio::test]
async fn that_exclude_each_other() {
    let house = House::open().await;
    let token = || house.lakegate(["token"]);
    let pat = house.env("EMULATOR_ADMIN_TOKEN");
    let path = "projects/p/branches/b/endpoints/e";
    for (program, expected) in [
        (
            token().env("DATABRICKS_TOKEN", pat),
            expect![[r#"
            lakegate: error: only one may be set: DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET and DATABRICKS_TOKEN
              Remove all but one of them, or set DATABRICKS_AUTH_TYPE to the one to use: pat, oauth-m2m, env-oidc, file-oidc, github-oidc, databricks-cli or profile.
        "#]],
        ),
        (
            token().env("LAKEBASE_ENDPOINT", path),
            expect![[r#"
            lakegate: error: only one may be set: LAKEBASE_INSTANCE_NAME and LAKEBASE_ENDPOINT
              Remove LAKEBASE_INSTANCE_NAME for an Autoscaling endpoint, or the endpoint for a Provisioned instance.
        "#]],
        ),
        (
            token().env("DATABRICKS_CLIENT_SECRET_FILE", "secret"),
            expect![[r#"
            lakegate: error: only one may be set: DATABRICKS_CLIENT_SECRET and DATABRICKS_CLIENT_SECRET_FILE
              Remove one of them.
        "#]],
        ),
    ] {
        check(&house, program, expected).await;
    }
}

#[tokio::test]
async fn in_the_file() {
    let house = House::open().await;
    let secret = house.env("DATABRICKS_CLIENT_SECRET");
    let file = house.folder().join("safe/wrong.toml");
    for (text, expected) in [
        (
            "postgres_hots = 'h'".to_owned(),
            expect![[r#"
            lakegate: error: the configuration file sets `postgres_hots`, which is no setting; `lakegate doctor` lists them
        "#]],
        ),
        (
            format!("databricks_client_secret = '{secret}'"),
            expect![[r#"
            lakegate: error: in $HOME/safe/wrong.toml: `databricks_client_secret` is a secret and must not be in this file; set DATABRICKS_CLIENT_SECRET in the environment, or put it into a file of its own (DATABRICKS_CLIENT_SECRET_FILE, DATABRICKS_OIDC_TOKEN_FILEPATH)
        "#]],
        ),
        // Not even when it is not yet written to its end.
        (
            format!("postgres_db = 'd'\ndatabricks_client_secret = '{secret}"),
            expect![[r#"
            lakegate: error: in $HOME/safe/wrong.toml: line 2: invalid literal string, expected `'`
        "#]],
        ),
        (
            "postgres_port = [5432]".to_owned(),
            expect![[r#"
            lakegate: error: in $HOME/safe/wrong.toml: `postgres_port` must be a text, a number or true/false, not array
        "#]],
        ),
        (
            "postgres_host = ".to_owned(),
            expect![[r#"
                lakegate: error: in $HOME/safe/wrong.toml: line 1: string values must be quoted, expected literal string
            "#]],
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let program = house.lakegate(["token", "--config", file.to_str().unwrap()]);
        check(&house, program, expected).await;
    }
}
