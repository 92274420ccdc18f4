//! What is read out of which settings, as tables.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use expect_test::{Expect, expect};

use super::*;
use crate::edge::Origin;

mod identity;

/// Settings as a person would list them: `NAME=value` is the environment, `flag NAME=value` and
/// `file NAME=value` the other layers; `secret NAME` and `exists PATH` are there.
struct Given(Vec<String>);

impl Given {
    fn new(lines: &str) -> Self {
        Self(lines.split('|').map(|line| line.trim_start().to_owned()).collect())
    }

    fn has(&self, line: &str) -> bool {
        self.0.iter().any(|own| own.trim() == line)
    }
}

impl Lookup for Given {
    fn setting(&self, origin: Origin, name: &str) -> Option<String> {
        let layer = match origin {
            Origin::Flag => "flag ",
            Origin::Environment => "",
            Origin::File => "file ",
        };
        let start = format!("{layer}{name}=");
        self.0.iter().find_map(|line| line.strip_prefix(&*start)).map(ToOwned::to_owned)
    }

    fn has_secret(&self, name: &str) -> bool {
        self.has(&format!("secret {name}"))
    }

    fn readable(&self, path: &str) -> bool {
        self.has(&format!("exists {path}"))
    }
}

fn from<T>(value: &Sourced<T>) -> String {
    format!("{}, {}", value.name, origin_name(value.origin))
}

/// The configuration, one line a part.
fn said(lines: &str) -> String {
    let config = match Config::load(&Given::new(lines)) {
        Ok(config) => config,
        Err(error) => {
            let problem = error.problem();
            let message = problem.message.replace("; ", "\n");
            return format!("{message}\n-> {}\n", problem.advice.replace('\n', "\n-> "));
        }
    };
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    match &config.access {
        Access::Password(access) => {
            line(format!("host {} ({})", access.host.value, from(&access.host)));
            line(format!("user {} password in {}", access.user.value, access.password));
            line(format!("plaintext {}", access.plaintext()));
        }
        Access::OAuth(access) => {
            let host = access.host.as_ref();
            let workspace = access.workspace.as_ref();
            line(format!("at {:?}", workspace.map(|it| it.value.as_str())));
            line(format!("host {:?}", host.map(|it| (&*it.value, it.name))));
            line(format!("instance {:?}", access.instance.as_ref().map(|it| &*it.value)));
            line(format!("endpoint {:?}", access.endpoint.as_ref().map(|it| it.value.as_str())));
            line(format!("app {:?}", access.app.as_ref().map(|it| &*it.value)));
        }
    }
    line(format!("port {} ({})", config.port.value, from(&config.port)));
    line(format!("database {} ({})", config.database.value, from(&config.database)));
    line(format!("schema {} ({})", config.schema.value, from(&config.schema)));
    config.warnings.iter().for_each(|warning| line(format!("! {warning}")));
    out
}

#[track_caller]
fn check(lines: &str, expected: Expect) {
    expected.assert_eq(&said(lines));
}

const CLIENT: &str =
    "DATABRICKS_HOST=w.example|DATABRICKS_CLIENT_ID=me|secret DATABRICKS_CLIENT_SECRET";

fn with_client(lines: &str) -> String {
    format!("{CLIENT}|POSTGRES_DB=app|{lines}")
}

#[test]
fn reads_the_seed_page() {
    check(
        &format!(
            "{CLIENT}|ENV=PROD|POSTGRES_HOST=h.example|POSTGRES_PORT=5432|POSTGRES_DB=app_ontos|\
             POSTGRES_DB_SCHEMA=app_ontos"
        ),
        expect![[r#"
            at Some("https://w.example")
            host Some(("h.example", "POSTGRES_HOST"))
            instance None
            endpoint None
            app None
            port 5432 (POSTGRES_PORT, environment)
            database app_ontos (POSTGRES_DB, environment)
            schema app_ontos (POSTGRES_DB_SCHEMA, environment)
        "#]],
    );
    check(
        "ENV=local_dev|PGHOST=localhost|PGDATABASE=app|PGUSER=me|secret PGPASSWORD",
        expect![[r#"
        host localhost (PGHOST, environment)
        user me password in PGPASSWORD
        plaintext true
        port 5432 (POSTGRES_PORT, default)
        database app (PGDATABASE, environment)
        schema public (POSTGRES_DB_SCHEMA, default)
    "#]],
    );
    check(
        "ENV=Local|PGHOST=h.example|PGDATABASE=app|POSTGRES_USER=me|PGUSER=you|secret POSTGRES_PASSWORD|secret PGPASSWORD",
        expect![[r#"
            host h.example (PGHOST, environment)
            user me password in POSTGRES_PASSWORD
            plaintext false
            port 5432 (POSTGRES_PORT, default)
            database app (PGDATABASE, environment)
            schema public (POSTGRES_DB_SCHEMA, default)
        "#]],
    );
}

#[test]
fn the_stronger_layer_beats_the_earlier_name() {
    check(
        &with_client(
            "file POSTGRES_HOST=file.example|PGHOST=env.example|flag PGPORT=1|POSTGRES_PORT=2|\
             POSTGRES_DB_SCHEMA= |PGSCHEMA=s|file POSTGRES_DB=other",
        ),
        expect![[r#"
            at Some("https://w.example")
            host Some(("env.example", "PGHOST"))
            instance None
            endpoint None
            app None
            port 1 (PGPORT, flag)
            database app (POSTGRES_DB, environment)
            schema s (PGSCHEMA, environment)
        "#]],
    );
}

#[test]
fn tells_everything_that_is_wrong() {
    check(
        "",
        expect![[r#"
        the database (POSTGRES_DB or PGDATABASE) is not set
        an identity (DATABRICKS_CLIENT_ID, DATABRICKS_TOKEN, …) is not set
        the workspace (DATABRICKS_HOST) is not set
        the host (POSTGRES_HOST or PGHOST) is not set
        -> Set POSTGRES_DB to the name of the database, such as app_ontos.
        -> Set DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET (a service principal), or DATABRICKS_TOKEN, or DATABRICKS_OIDC_TOKEN or DATABRICKS_OIDC_TOKEN_FILEPATH (federation; GitHub Actions needs only `permissions: id-token: write`), or DATABRICKS_CONFIG_PROFILE (a profile of ~/.databrickscfg), or DATABRICKS_AUTH_TYPE=databricks-cli (who logged in with `databricks auth login`).
        -> Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
        -> Set POSTGRES_HOST to the name of the server alone, such as instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint path that Databricks Apps give.
    "#]],
    );
    check(
        "ENV=LOCAL",
        expect![[r#"
            the database (POSTGRES_DB or PGDATABASE) is not set
            the host (POSTGRES_HOST or PGHOST) is not set
            the login of LOCAL mode (POSTGRES_USER and POSTGRES_PASSWORD) is not set
            -> Set POSTGRES_DB to the name of the database, such as app_ontos.
            -> Set POSTGRES_HOST to the name of the server, such as localhost.
            -> LOCAL mode logs in with a password: set POSTGRES_USER and POSTGRES_PASSWORD. To log in with tokens, set ENV=PROD.
        "#]],
    );
    check(
        &format!(
            "DATABRICKS_HOST=http://w.example|DATABRICKS_CLIENT_ID=me|POSTGRES_HOST=https://me:pw@h.example|\
             file PGPORT=70000|flag POSTGRES_DB={}|LAKEGATE_SPREAD=maybe|LAKEBASE_INSTANCE_NAME=a.b|\
             PGSCHEMA=s ",
            "x".repeat(64)
        ),
        expect![[r#"
            PGPORT (lakegate.toml) is `70000`: it is not a port from 1 to 65535
            POSTGRES_DB (flag) is `xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx`: a name in Postgres has 1 to 63 bytes
            PGSCHEMA (environment) is `s `: it begins or ends with a blank
            LAKEGATE_SPREAD (environment) is `maybe`: it is neither true nor false
            DATABRICKS_CLIENT_ID is set, but DATABRICKS_CLIENT_SECRET is not
            DATABRICKS_HOST (environment) is `http://w.example`: http would send secrets in the clear
            LAKEBASE_INSTANCE_NAME (environment) is `a.b`: it looks like a host, not like the name of an instance
            POSTGRES_HOST (environment): it is a URL, not a host
            -> Set POSTGRES_PORT to the server's TCP port, usually 5432.
            -> Set POSTGRES_DB to the name of the database, such as app_ontos.
            -> Set POSTGRES_DB_SCHEMA to the name of the schema, such as app_ontos.
            -> Set LAKEGATE_SPREAD to true or false.
            -> Set DATABRICKS_CLIENT_SECRET (or DATABRICKS_CLIENT_SECRET_FILE) to an OAuth secret of that service principal.
            -> Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
            -> Set LAKEBASE_INSTANCE_NAME to the name of the Provisioned instance. A host goes to POSTGRES_HOST, an endpoint path to LAKEBASE_ENDPOINT.
            -> Set POSTGRES_HOST to the name of the server alone, such as instance-….database.cloud.databricks.com (the port goes to POSTGRES_PORT), or to the endpoint path that Databricks Apps give.
        "#]],
    );
}

#[test]
fn reads_endpoints() {
    let path = "projects/p/branches/b/endpoints/primary";
    check(
        &with_client(&format!("POSTGRES_HOST={path}")),
        expect![[r#"
        at Some("https://w.example")
        host None
        instance None
        endpoint Some("projects/p/branches/b/endpoints/primary")
        app None
        port 5432 (POSTGRES_PORT, default)
        database app (POSTGRES_DB, environment)
        schema public (POSTGRES_DB_SCHEMA, default)
    "#]],
    );
    check(
        &with_client(&format!("LAKEBASE_ENDPOINT={path}|PGHOST=ep-1-pooler.database.example")),
        expect![[r#"
            at Some("https://w.example")
            host Some(("ep-1-pooler.database.example", "PGHOST"))
            instance None
            endpoint Some("projects/p/branches/b/endpoints/primary")
            app None
            port 5432 (POSTGRES_PORT, default)
            database app (POSTGRES_DB, environment)
            schema public (POSTGRES_DB_SCHEMA, default)
            ! PGHOST names Lakebase's own pooler, which refuses OAuth roles. Use the host without `-pooler`.
        "#]],
    );
    check(
        &with_client("POSTGRES_HOST=projects/p/branches/b"),
        expect![[r#"
        POSTGRES_HOST (environment) is `projects/p/branches/b`: it is not the path of an endpoint
        -> An endpoint is given as projects/PROJECT/branches/BRANCH/endpoints/ENDPOINT.
    "#]],
    );
    check(
        &with_client("POSTGRES_HOST=projects/p/branches/b/endpoints/ep-cool-1"),
        expect![[r#"
        at Some("https://w.example")
        host None
        instance None
        endpoint Some("projects/p/branches/b/endpoints/ep-cool-1")
        app None
        port 5432 (POSTGRES_PORT, default)
        database app (POSTGRES_DB, environment)
        schema public (POSTGRES_DB_SCHEMA, default)
        ! POSTGRES_HOST ends in `ep-…`, which looks like the endpoint's uid. The API knows it by its id, which is usually `primary`.
    "#]],
    );
    check(
        &with_client(&format!(
            "POSTGRES_HOST={path}|LAKEBASE_ENDPOINT=projects/p/branches/c/endpoints/e|LAKEBASE_INSTANCE_NAME=i"
        )),
        expect![[r#"
            only one may be set: LAKEBASE_ENDPOINT `projects/p/branches/c/endpoints/e` and POSTGRES_HOST `projects/p/branches/b/endpoints/primary`
            only one may be set: LAKEBASE_INSTANCE_NAME and LAKEBASE_ENDPOINT
            -> Remove one of them, or set both to the same endpoint.
            -> Remove LAKEBASE_INSTANCE_NAME for an Autoscaling endpoint, or the endpoint for a Provisioned instance.
        "#]],
    );
}

#[test]
fn ignores_users_in_oauth_mode() {
    // Databricks Apps set PGUSER to the client id: nothing to warn of.
    check(
        &with_client("PGHOST=h.example|PGUSER=me"),
        expect![[r#"
        at Some("https://w.example")
        host Some(("h.example", "PGHOST"))
        instance None
        endpoint None
        app None
        port 5432 (POSTGRES_PORT, default)
        database app (POSTGRES_DB, environment)
        schema public (POSTGRES_DB_SCHEMA, default)
    "#]],
    );
    check(
        &with_client("PGHOST=h.example|PGUSER=you|file POSTGRES_USER=me"),
        expect![[r#"
        at Some("https://w.example")
        host Some(("h.example", "PGHOST"))
        instance None
        endpoint None
        app None
        port 5432 (POSTGRES_PORT, default)
        database app (POSTGRES_DB, environment)
        schema public (POSTGRES_DB_SCHEMA, default)
        ! POSTGRES_USER (lakegate.toml) is ignored: in OAuth mode the user is whoever mints the token. Remove it.
        ! PGUSER (environment) is ignored: in OAuth mode the user is whoever mints the token. Remove it.
    "#]],
    );
}

#[test]
fn the_login_of_the_databricks_cli_is_for_a_workspace_or_a_profile() {
    check(
        "PGHOST=h.example|POSTGRES_DB=app|DATABRICKS_AUTH_TYPE=databricks-cli",
        expect![[r#"
        DATABRICKS_AUTH_TYPE is set, but DATABRICKS_HOST or DATABRICKS_CONFIG_PROFILE is not
        the workspace (DATABRICKS_HOST) is not set
        -> databricks-cli asks for DATABRICKS_HOST or DATABRICKS_CONFIG_PROFILE. Set that too, or remove it.
        -> Set DATABRICKS_HOST to the address of the workspace, such as https://adb-1234567890123456.7.azuredatabricks.net.
    "#]],
    );
}

#[test]
fn a_profile_may_name_the_workspace() {
    check(
        "PGHOST=h.example|POSTGRES_DB=app|DATABRICKS_CONFIG_PROFILE=p",
        expect![[r#"
        at None
        host Some(("h.example", "PGHOST"))
        instance None
        endpoint None
        app None
        port 5432 (POSTGRES_PORT, default)
        database app (POSTGRES_DB, environment)
        schema public (POSTGRES_DB_SCHEMA, default)
    "#]],
    );
}

#[test]
fn lists_sources_without_secrets() {
    let given = Given::new(
        "flag PGHOST=h|file POSTGRES_HOST=i|secret PGPASSWORD|DATABRICKS_HOST=https://me:pw@h",
    );
    let listed: Vec<String> = sources(&given)
        .into_iter()
        .filter(|source| source.value != Shown::NotSet)
        .map(|source| {
            format!("{} {:?} ({})", source.name, source.value, origin_name(source.origin))
        })
        .collect();
    expect![[r#"
        ENV Text("PROD") (default)
        PGHOST Text("h") (flag)
        POSTGRES_PORT Text("5432") (default)
        POSTGRES_DB_SCHEMA Text("public") (default)
        PGPASSWORD Set (default)
        DATABRICKS_HOST Set (environment)
        DATABRICKS_CONFIG_FILE Text("~/.databrickscfg") (default)
        LAKEGATE_LOCK_TIMEOUT Text("30") (default)
        LAKEGATE_STATEMENT_TIMEOUT Text("600") (default)
        LAKEGATE_SPREAD Text("false") (default)"#]]
    .assert_eq(&listed.join("\n"));
}

#[test]
fn reads_what_a_bootstrap_is_told() {
    #[track_caller]
    fn check(lines: &str, expected: &str) {
        let lines = format!("{CLIENT}|PGHOST=h.example|POSTGRES_DB=app|{lines}");
        let said = match Config::load(&Given::new(&lines)) {
            Ok(config) => {
                let (lock, statement) = (config.lock_limit.value, config.statement_limit.value);
                format!("{lock:?} {statement:?} {:?} {:?}", config.readers, config.writers)
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(said, expected, "{lines}");
    }
    check("", "30s 600s [] []");
    check("LAKEGATE_LOCK_TIMEOUT=1|file LAKEGATE_STATEMENT_TIMEOUT=2147483", "1s 2147483s [] []");
    check("LAKEGATE_READERS=a, b \"c\"|LAKEGATE_WRITERS=w", r#"30s 600s ["a", "b \"c\""] ["w"]"#);
    check("LAKEGATE_READERS= |LAKEGATE_WRITERS=", "30s 600s [] []");
    for number in ["0", "-1", "1.5", "30s", "2147484", "99999999999999999999"] {
        check(
            &format!("LAKEGATE_STATEMENT_TIMEOUT={number}"),
            &format!(
                "LAKEGATE_STATEMENT_TIMEOUT (environment) is `{number}`: it is no number of seconds \
                 from 1 to 2147483"
            ),
        );
    }
    check(
        "LAKEGATE_WRITERS=a,,b",
        "LAKEGATE_WRITERS (environment) is `a,,b`: a name in Postgres has 1 to 63 bytes",
    );
}
