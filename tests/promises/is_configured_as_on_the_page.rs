//! Promise 8: the settings of the page, by their names there; flags, environment and file in this
//! order; and passwords in LOCAL mode.

use std::sync::Arc;

use expect_test::expect;
use lakegate_tests::{House, Program};
use rustls::pki_types::ServerName;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

/// What a credential says of where it logs in.
async fn check(program: Program, expected: [&str; 4]) {
    let found = program.run().await.exits(0).json();
    let port = found["port"].to_string();
    let text = |name: &str| found[name].as_str().unwrap_or_default().to_owned();
    assert_eq!([text("host"), port, text("database"), text("schema")], expected);
}

#[tokio::test]
async fn names_and_their_precedence() {
    let house = House::open().await;
    let token = || {
        let program = house.lakegate(["token", "--json"]);
        program.without("POSTGRES_PORT").without("POSTGRES_DB_SCHEMA")
    };
    check(token(), ["localhost", "5432", "app_ontos", "public"]).await;

    house.write("lakegate.toml", "postgres_port = 1\npostgres_db_schema = 'f'\npgdatabase = 'f'\n");
    check(token(), ["localhost", "1", "app_ontos", "f"]).await;
    let other_names = token().without("POSTGRES_HOST").without("POSTGRES_DB");
    let other_names = other_names.env("PGHOST", "h").env("PGPORT", "2").env("PGDATABASE", "d");
    check(other_names.env("PGSCHEMA", "s"), ["h", "2", "d", "s"]).await;
    // The first name wins, and an empty value is none.
    check(
        token().env("POSTGRES_PORT", "3").env("PGPORT", "2"),
        ["localhost", "3", "app_ontos", "f"],
    )
    .await;
    check(
        token().env("POSTGRES_PORT", "").env("PGPORT", " "),
        ["localhost", "1", "app_ontos", "f"],
    )
    .await;
    let flags = token().env("POSTGRES_PORT", "3").env("POSTGRES_DB_SCHEMA", "e");
    let flags = flags.arg("--port").arg("4").arg("--schema").arg("g");
    check(flags, ["localhost", "4", "app_ontos", "g"]).await;
}

#[tokio::test]
async fn each_is_shown_with_where_it_came_from() {
    let house = House::open().await;
    house.set_up().await;
    house.write("lakegate.toml", "lakegate_spread = true\n");
    let run = house.lakegate(["doctor", "--schema", "s"]).run().await.exits(0);
    let (settings, _) = run.stdout.split_once("checks\n").unwrap();
    expect![[r#"
        settings
          ENV                             PROD  (environment)
          POSTGRES_HOST                   localhost  (environment)
          POSTGRES_PORT                   $PORT  (environment)
          POSTGRES_DB                     app_ontos  (environment)
          POSTGRES_DB_SCHEMA              s  (flag)
          LAKEBASE_INSTANCE_NAME          lakegate-demo  (environment)
          DATABRICKS_HOST                 $WORKSPACE  (environment)
          DATABRICKS_CLIENT_ID            $SP  (environment)
          DATABRICKS_CLIENT_SECRET        (set)  (secret)
          DATABRICKS_CONFIG_FILE          ~/.databrickscfg  (default)
          LAKEGATE_LOCK_TIMEOUT           30  (default)
          LAKEGATE_STATEMENT_TIMEOUT      600  (default)
          LAKEGATE_SPREAD                 true  (lakegate.toml)
    "#]]
    .assert_eq(&house.told(settings).replace(house.env("POSTGRES_PORT"), "$PORT"));
}

/// A Postgres as developers have it: on this machine, in clear text, with a password. It is the
/// emulator's own, behind a tunnel that does the TLS.
pub(crate) async fn plain_postgres(house: &House, tls: rustls::ClientConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = format!("127.0.0.1:{}", house.env("POSTGRES_PORT"));
    let tls = TlsConnector::from(Arc::new(tls));
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let name = ServerName::try_from("localhost").unwrap();
            let stream = TcpStream::connect(&server).await.unwrap();
            let mut server = tls.connect(name, stream).await.unwrap();
            // Either side may hang up.
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
    });
    port.to_string()
}

#[tokio::test]
async fn local_mode_logs_in_with_a_password_and_asks_no_workspace() {
    let house = House::open().await;
    house.set_up().await;
    let password = "a password of a developer";
    house.keep_secret(password);
    let admin = house.admin_session("app_ontos").await;
    let role = format!("CREATE ROLE developer LOGIN PASSWORD '{password}'");
    admin.batch_execute(&role).await.unwrap();
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");
    house.forget().await;

    let port = plain_postgres(&house, house.tls()).await;
    let local = |arguments: &[&'static str], password: &str| {
        house
            .lakegate(arguments.iter().copied())
            .env("ENV", "LOCAL")
            .env("POSTGRES_PORT", &port)
            .env("POSTGRES_USER", "developer")
            .env("POSTGRES_PASSWORD", password)
            .without("DATABRICKS_HOST")
            .without("DATABRICKS_CLIENT_ID")
            .without("DATABRICKS_CLIENT_SECRET")
    };
    let run = local(&["bootstrap", "apply", "--json"], password).run().await.exits(0);
    assert_eq!(run.json()["role"], "developer");
    local(&["bootstrap", "verify"], password).run().await.exits(0);
    local(&["token"], password).run().await.exits(0).prints(&format!("{password}\n"));
    let run = local(&["bootstrap", "plan"], "another password").run().await.exits(1);
    expect![[r#"
        lakegate: error: localhost refused the login of "developer" to database "app_ontos": password authentication failed for user 'developer' (SQLSTATE 28P01); it looks like there is no role of that name
          Check POSTGRES_USER and POSTGRES_PASSWORD, and that localhost is the server you mean. A database of Databricks takes tokens: set ENV=PROD for those.
    "#]].assert_eq(&run.stderr);
    assert_eq!(house.counts().await["requests"], json!({}));
}
