//! What belongs to somebody else is told, with its owner and with what an admin would run, and it
//! stays as it is.

use expect_test::expect;
use lakegate_tests::{Credential, House, Run};
use serde_json::json;
use tokio_postgres::Client;

/// Everything in the catalog that could be taken from its owner, one line each.
async fn catalog(admin: &Client) -> Vec<String> {
    let all = "SELECT concat_ws(' ', 'database', datname, datdba::regrole, datacl) FROM pg_database
               UNION ALL
               SELECT concat_ws(' ', 'schema', nspname, nspowner::regrole, nspacl)
               FROM pg_namespace WHERE nspname !~ '^pg_'
               UNION ALL
               SELECT concat_ws(' ', 'relation', c.oid, relname, relowner::regrole, relacl)
               FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
               WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
               UNION ALL
               SELECT concat_ws(' ', 'default', defaclrole::regrole, defaclobjtype, defaclacl)
               FROM pg_default_acl
               UNION ALL
               SELECT concat_ws(' ', 'member', roleid::regrole, member::regrole)
               FROM pg_auth_members
               ORDER BY 1";
    admin.query(all, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// The command fails and changes nothing: what it said of whose, and what would mend it.
async fn refuses(house: &House, admin: &Client, command: &[&str], words: &[&str]) -> Run {
    let before = catalog(admin).await;
    let run = house.lakegate(command.iter().copied()).run().await.exits(1);
    let told = house.told(&run.stderr);
    for word in words {
        assert!(told.contains(word), "{command:?} does not say {word}:\n{told}");
    }
    assert!(!told.contains("DROP"), "{told}");
    assert_eq!(catalog(admin).await, before);
    run
}

async fn ready() -> (House, Client) {
    let house = House::open().await;
    house.set_up().await;
    let admin = house.admin_session("app_ontos").await;
    house.write("migrations/0001_init.sql", "CREATE TABLE mine (id int);");
    (house, admin)
}

#[tokio::test]
async fn a_schema() {
    let (house, admin) = ready().await;
    let foreign = "CREATE SCHEMA app_ontos; CREATE TABLE app_ontos.theirs (id serial);
                   ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos GRANT SELECT ON TABLES TO PUBLIC";
    admin.batch_execute(foreign).await.unwrap();
    let hand_over = r#"ALTER SCHEMA "app_ontos" OWNER TO "$SP";"#;
    let words = [r#"belongs to "admin@example.com""#, hand_over];
    for command in ["plan", "apply"] {
        refuses(&house, &admin, &["bootstrap", command], &words).await;
    }
    // Though the application may use it, and create in it.
    let share = format!(r#"GRANT ALL ON SCHEMA app_ontos TO "{}""#, house.principal());
    admin.batch_execute(&share).await.unwrap();
    refuses(&house, &admin, &["bootstrap", "apply"], &words).await;
    let before = catalog(&admin).await;
    let verify = house.lakegate(["bootstrap", "verify"]).run().await.exits(3);
    assert!(verify.stdout.contains(words[0]), "{}", verify.stdout);
    assert_eq!(catalog(&admin).await, before);
}

/// The application's schema, in which the admin may create too.
async fn shared() -> (House, Client) {
    let (house, admin) = ready().await;
    let session = house.login(&house.credential().await).await.unwrap();
    let share = r#"CREATE SCHEMA app_ontos; GRANT ALL ON SCHEMA app_ontos TO "admin@example.com""#;
    session.batch_execute(share).await.unwrap();
    (house, admin)
}

#[tokio::test]
async fn the_ledger() {
    let (house, admin) = shared().await;
    let ledger = "CREATE TABLE app_ontos.lakegate_migrations (version bigint)";
    admin.batch_execute(ledger).await.unwrap();
    let words = [r#"which belongs to "admin@example.com""#];
    refuses(&house, &admin, &["bootstrap", "apply"], &words).await;
}

#[tokio::test]
async fn a_table_and_default_privileges() {
    let (house, admin) = shared().await;
    let foreign = "CREATE TABLE app_ontos.theirs (id serial); CREATE ROLE reader;
                   ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos GRANT SELECT ON TABLES TO PUBLIC";
    admin.batch_execute(foreign).await.unwrap();
    let theirs = |lines: Vec<String>| -> Vec<String> {
        let is_theirs = |line: &String| {
            line.contains("theirs") || line.starts_with("default \"admin@example.com\"")
        };
        lines.into_iter().filter(is_theirs).collect()
    };
    let before = theirs(catalog(&admin).await);
    assert_eq!(before.len(), 3, "a table, its sequence, a default: {before:#?}");
    house.lakegate(["bootstrap", "apply", "--reader", "reader"]).run().await.exits(0);
    assert_eq!(theirs(catalog(&admin).await), before);
}

#[tokio::test]
async fn a_database() {
    let house = House::open().await;
    let body = json!({ "kind": "USER", "name": "other@example.com", "role": "superuser" });
    let other = house.emulator("POST /principals", body).await;
    let token = other["token"].as_str().unwrap();
    house.keep_secret(token);
    let as_other = |program: lakegate_tests::Program| program.env("DATABRICKS_TOKEN", token);
    as_other(house.admin(["setup", "--grant-public"])).run().await.exits(0);

    let admin = house.admin_session("postgres").await;
    let before = catalog(&admin).await;
    let sp = house.principal();
    let setup = ["setup", "--grant-to", sp];
    let run = house.admin(setup).run().await.exits(1);
    expect![[r#"
        -- let "$SP" create schemas in "app_ontos"
        GRANT CREATE, CONNECT ON DATABASE "app_ontos" TO "$SP";
        -- any role can now plant a schema in database "app_ontos"; once the application has started, run `lakegate tighten`
    "#]].assert_eq(&house.told(&run.stdout));
    expect![[r#"
        lakegate: error: database "app_ontos" belongs to "other@example.com", and "admin@example.com" may not say who creates schemas in it
          Nothing of what is on standard output was done. It is left for somebody who may: in psql, on any database of the server.
    "#]].assert_eq(&house.told(&run.stderr));
    let tighten = ["tighten", "--grant-to", sp];
    let left = house.admin(tighten).run().await.exits(1);
    house.admin(tighten).arg("--plan").run().await.exits(1).prints(&left.stdout);
    assert_eq!(catalog(&admin).await, before);

    // What was printed is what its owner runs.
    let credential = as_other(house.admin(["token", "--json"])).run().await.exits(0);
    let session = house.login_to("postgres", &Credential(credential.json())).await.unwrap();
    session.batch_execute(&left.stdout).await.unwrap();
    house.admin(tighten).run().await.exits(0).prints("nothing to do\n");
}
