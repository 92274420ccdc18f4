//! Promise 9: everybody may only create schemas, only in this database, and only who is
//! authenticated connects.

use expect_test::expect;
use lakegate_tests::{Credential, House, refusal};
use serde_json::{Value, json};
use tokio_postgres::NoTls;

/// Another service principal of the workspace, with a credential of its own.
async fn stranger(house: &House) -> Credential {
    let body = json!({ "kind": "SERVICE_PRINCIPAL" });
    let new = house.emulator("POST /principals", body).await;
    let secret = new["client_secret"].as_str().unwrap();
    house.keep_secret(secret);
    let program = house.lakegate(["token", "--json"]);
    let program = program.env("DATABRICKS_CLIENT_ID", new["name"].as_str().unwrap());
    Credential(program.env("DATABRICKS_CLIENT_SECRET", secret).run().await.exits(0).json())
}

#[tokio::test]
async fn everybody_may_create_schemas_in_this_database_and_no_more() {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_t.sql", "CREATE TABLE secrets (id int);");
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let admin = house.admin_session("postgres").await;
    let public = "SELECT string_agg(datname || ' ' || privilege_type, ', ' ORDER BY 1)
                  FROM pg_database, aclexplode(datacl)
                  WHERE grantee = 0 AND privilege_type = 'CREATE'";
    let found: String = admin.query_one(public, &[]).await.unwrap().get(0);
    assert_eq!(found, "app_ontos CREATE");

    let stranger = stranger(&house).await;
    let session = house.login(&stranger).await.unwrap();
    session.batch_execute("CREATE SCHEMA of_a_stranger").await.unwrap();
    for sql in [
        "CREATE TABLE public.planted (id int)",
        "CREATE TABLE app_ontos.planted (id int)",
        "SELECT * FROM app_ontos.secrets",
        "SELECT * FROM app_ontos.lakegate_migrations",
        "DROP SCHEMA app_ontos CASCADE",
        "CREATE DATABASE another",
        "CREATE ROLE another",
        "GRANT CREATE ON DATABASE postgres TO PUBLIC",
    ] {
        let outcome = session.batch_execute(sql).await;
        // A grant that has no effect is only warned of.
        if !sql.starts_with("GRANT") {
            assert_eq!(refusal(&outcome.unwrap_err()).0, "42501", "{sql}");
        }
    }
    let elsewhere = house.login_to("postgres", &stranger).await.unwrap();
    let refused = elsewhere.batch_execute("CREATE SCHEMA of_a_stranger").await.unwrap_err();
    assert_eq!(refusal(&refused).0, "42501");
}

#[tokio::test]
async fn only_who_is_authenticated_connects() {
    let house = House::open().await;
    house.set_up().await;
    let own = house.credential().await;
    let stranger = stranger(&house).await;
    let with = |user: &str, token: &str| Credential(json!({ "user": user, "token": token }));
    let (claims, signature) = own.token().rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    let forged = format!("{claims}.{other}{}", &signature[1..]);
    let refused = "Invalid authorization for databricks identity login";
    let no_token = "Provided authentication token is not a valid JWT encoding";
    for (credential, words) in [
        (with(own.user(), stranger.token()), refused),
        (with(own.user(), &forged), refused),
        (with(own.user(), house.env("DATABRICKS_CLIENT_SECRET")), no_token),
        (with(own.user(), house.env("EMULATOR_ADMIN_TOKEN")), no_token),
        (with("nobody", own.token()), "password authentication failed for user 'nobody'"),
        (
            with("cloud_admin", "cloud_admin"),
            "password authentication failed for user 'cloud_admin'",
        ),
    ] {
        let error = house.login(&credential).await.err();
        let error = error.unwrap_or_else(|| panic!("{} logged in", credential.user()));
        assert_eq!(refusal(&error), ("28P01", words), "{}", credential.user());
    }
    house.login(&own).await.unwrap();
}

#[tokio::test]
async fn and_nobody_in_clear_text() {
    let house = House::open().await;
    house.set_up().await;
    let own = house.credential().await;
    let mut config = house.server();
    let config = config.user(own.user()).password(own.token()).dbname("app_ontos");
    let refused = config.connect(NoTls).await.err().unwrap();
    expect!["Invalid protocol version: 196608"].assert_eq(refusal(&refused).1);

    // Lakegate does not even offer its password to a server without TLS.
    house.forget().await;
    house.fault_of_postgres(json!({ "no_tls": true })).await;
    let run = house.lakegate(["bootstrap", "plan"]).run().await.exits(1);
    expect![[r#"
        lakegate: error: localhost:$PORT: the TLS handshake failed: server does not support TLS
          No password was sent. Lakebase always does TLS, so what listens at localhost:$PORT is something else: check POSTGRES_HOST and POSTGRES_PORT.
    "#]].assert_eq(&house.told(&run.stderr));
    let counts: Value = house.counts().await;
    assert_eq!((&counts["logins"], &counts["refusals"]), (&json!(0), &json!(0)), "{counts}");
}
