//! Other roles get what the settings and flags give them, on everything that is there and on what
//! comes later; and what others own is told and left alone.

use expect_test::expect;
use lakegate_tests::House;

/// One object of each kind that holds rows or numbers.
const EVERY_KIND: &str = "
CREATE TABLE plain (id int GENERATED ALWAYS AS IDENTITY, counted serial, name text);
CREATE TABLE parted (id int) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE VIEW seen AS SELECT name FROM plain;
CREATE MATERIALIZED VIEW stored AS SELECT name FROM plain;
CREATE SEQUENCE counter;
";

async fn ready() -> House {
    let house = House::open().await;
    house.set_up().await;
    let admin = house.admin_session("app_ontos").await;
    admin.batch_execute("CREATE ROLE reader; CREATE ROLE writer").await.unwrap();
    house
}

/// What the roles may do with each object: the letters of its access list that are theirs.
async fn shared(house: &House) -> String {
    let session = house.login(&house.credential().await).await.unwrap();
    let sql = "SELECT string_agg(concat_ws(' ', relname, relkind, (
                   SELECT string_agg(a::text, ' ' ORDER BY a::text) FROM unnest(relacl) a
                   WHERE a::text LIKE 'reader=%' OR a::text LIKE 'writer=%')), E'\n' ORDER BY relname)
               FROM pg_class WHERE relnamespace = 'app_ontos'::regnamespace
               AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";
    house.told(session.query_one(sql, &[]).await.unwrap().get(0))
}

#[tokio::test]
async fn with_present_and_future_objects_of_every_kind() {
    let house = ready().await;
    house.write("migrations/0001_all.sql", EVERY_KIND);
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    house.write("lakegate.toml", "[grants]\nreaders = [\"reader\"]\nwriters = [\"writer\"]\n");
    house.write("migrations/0002_more.sql", "CREATE TABLE later (id serial); DROP VIEW seen;");
    let run = house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    expect![[r#"
        done: default privileges on future tables for "reader"
        done: default privileges on future sequences for "reader"
        done: default privileges on future tables for "writer"
        done: default privileges on future sequences for "writer"
        done: let "reader" use schema "app_ontos"
        done: let "writer" use schema "app_ontos"
        done: privileges on 5 tables for "reader"
        done: privileges on 3 sequences for "reader"
        done: privileges on 5 tables for "writer"
        done: privileges on 3 sequences for "writer"
        done: run 0002_more.sql
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
        service principal: $SP
        an admin may now run: lakegate tighten --grant-to '$SP'
    "#]]
    .assert_eq(&house.told(&run.stdout));
    expect![[r#"
        counter S reader=r/"$SP" writer=rwU/"$SP"
        lakegate_migrations r
        later r reader=r/"$SP" writer=arwd/"$SP"
        later_id_seq S reader=r/"$SP" writer=rwU/"$SP"
        part r reader=r/"$SP" writer=arwd/"$SP"
        parted p reader=r/"$SP" writer=arwd/"$SP"
        plain r reader=r/"$SP" writer=arwd/"$SP"
        plain_counted_seq S reader=r/"$SP" writer=rwU/"$SP"
        plain_id_seq S reader=r/"$SP" writer=rwU/"$SP"
        stored m reader=r/"$SP" writer=arwd/"$SP""#]]
    .assert_eq(&shared(&house).await);
    house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
    // Whatever is lacking later on is found, and given.
    let session = house.login(&house.credential().await).await.unwrap();
    for revoke in [
        "REVOKE SELECT ON app_ontos.stored FROM reader",
        "REVOKE UPDATE ON app_ontos.part FROM writer",
        "REVOKE USAGE ON app_ontos.counter FROM writer",
        "REVOKE USAGE ON SCHEMA app_ontos FROM reader",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos REVOKE SELECT ON TABLES FROM reader",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA app_ontos REVOKE UPDATE ON SEQUENCES FROM writer",
    ] {
        session.batch_execute(revoke).await.unwrap();
        house.lakegate(["bootstrap", "verify"]).run().await.exits(3);
        house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
        house.lakegate(["bootstrap", "verify"]).run().await.exits(0);
    }
}

#[tokio::test]
async fn by_flags_the_environment_and_the_function_alike() {
    let house = ready().await;
    house.write("migrations/0001_a.sql", "CREATE TABLE a (id int);");
    let plan = house.lakegate(["bootstrap", "plan", "--json", "--writer", "writer"]);
    let plan = plan.env("LAKEGATE_READERS", "reader").run().await.exits(3).json();
    let titles =
        plan["steps"].as_array().unwrap().iter().map(|step| step["title"].as_str().unwrap());
    let titles: Vec<_> = titles.filter(|title| title.contains("er\"")).collect();
    expect![[r#"
        default privileges on future tables for "reader"
        default privileges on future sequences for "reader"
        default privileges on future tables for "writer"
        default privileges on future sequences for "writer"
        let "reader" use schema "app_ontos"
        let "writer" use schema "app_ontos""#]]
    .assert_eq(&titles.join("\n"));
    // The greater of two counts, once.
    let twice = house.lakegate(["bootstrap", "plan", "--json", "--reader", "writer"]);
    let twice = twice.env("LAKEGATE_WRITERS", "writer").env("LAKEGATE_READERS", "reader");
    assert_eq!(twice.run().await.exits(3).json()["steps"], plan["steps"]);
}

#[tokio::test]
async fn with_nobody_who_is_not_there() {
    let house = ready().await;
    let check = async |flag: &str, role: &str, code: i32| {
        let arguments = ["bootstrap", "apply", flag, role];
        let run = house.lakegate(arguments).run().await.exits(code).prints("");
        house.told(&run.stderr)
    };
    expect![[r#"
        lakegate: error: there is no role "nobody" to grant anything to
          Nothing was changed. Create it, or take it out of the grants. On Lakebase an administrator creates the role of an identity with:
            CREATE EXTENSION IF NOT EXISTS databricks_auth; SELECT databricks_create_role('nobody', 'SERVICE_PRINCIPAL');
    "#]].assert_eq(&check("--reader", "nobody", 2).await);
    expect![[r#"
        lakegate: error: "public" means everybody, and nothing is granted to everybody
          Nothing was changed. Whoever can log in to the database would have it, on every table there will ever be. Name the roles that need it; a group role can stand for many.
    "#]].assert_eq(&check("--writer", "public", 2).await);
    // To oneself it is nothing.
    let own = house.principal().to_owned();
    let run = house.lakegate(["bootstrap", "apply", "--reader", &own]).run().await.exits(0);
    assert!(!run.stdout.contains("use schema"), "{run:?}");
    house.lakegate(["bootstrap", "plan", "--reader", &own]).run().await.exits(0);
}

#[tokio::test]
async fn and_tells_what_it_does_not_own() {
    let house = ready().await;
    house.lakegate(["bootstrap", "apply"]).run().await.exits(0);
    let session = house.login(&house.credential().await).await.unwrap();
    let grant = r#"GRANT ALL ON SCHEMA app_ontos TO "admin@example.com""#;
    session.batch_execute(grant).await.unwrap();
    let admin = house.admin_session("app_ontos").await;
    let theirs =
        "CREATE TABLE app_ontos.theirs (id serial); GRANT ALL ON app_ontos.theirs TO PUBLIC";
    admin.batch_execute(theirs).await.unwrap();
    let grants = ["bootstrap", "apply", "--reader", "reader"];
    let run = house.lakegate(grants).run().await.exits(0);
    expect![[r#"
        done: default privileges on future tables for "reader"
        done: default privileges on future sequences for "reader"
        done: let "reader" use schema "app_ontos"
        note: 2 tables, views and sequences in schema "app_ontos" belong to "admin@example.com", such as "theirs": no grant covers them
        note: every role may create schemas in database "app_ontos"; `lakegate tighten` ends that
        service principal: $SP
        an admin may now run: lakegate tighten --grant-to '$SP'
    "#]].assert_eq(&house.told(&run.stdout));
    expect![[r#"
        theirs r
        theirs_id_seq S"#]]
    .assert_eq(&shared(&house).await);
}
