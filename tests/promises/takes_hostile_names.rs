//! Whatever a schema, a database or a role is called: it ends as exactly that name, or is refused in
//! clear words before anything is done. Nothing is cut, trimmed, folded or run.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use lakegate_tests::House;
use tokio_postgres::Client;

/// What stays untouched by names that contain its end.
const VICTIM: &str = "victim";

/// Programs at a time.
const AT_ONCE: usize = 4;

/// Names that Postgres takes.
const PLAIN: [&str; 88] = [
    // Written as nobody should have to quote them.
    "app",
    "App",
    "APP_ONTOS",
    "a b",
    "a-b",
    "a.b",
    "a,b",
    "a;b",
    "a:b",
    "a/b",
    "a|b",
    "a=b",
    "1",
    "007",
    "-",
    "--",
    "-- comment",
    "/* comment */",
    "_",
    ".",
    "..",
    "*",
    "?",
    "#",
    "%",
    "%s%n",
    "%I",
    "~",
    "`a`",
    "(",
    "{}",
    "[0]",
    "<b>",
    "&amp;",
    "!",
    "@",
    "^",
    "+",
    // Quotes of all kinds, and what ends them.
    "\"",
    "\"\"",
    "'",
    "''",
    "a\"b",
    "a'b",
    "a\\b",
    "\\",
    "\\'",
    "\\\"",
    "$",
    "$$",
    "$1",
    "$tag$",
    "$lakegate$",
    "$lakegate1$",
    "E'a'",
    "U&\"a\"",
    "”",
    "‚a‘",
    // What would do harm if it were run.
    "a\"; DROP SCHEMA victim CASCADE; --",
    "a'; DROP SCHEMA victim CASCADE; --",
    "a$lakegate$; DROP TABLE victim.t; --",
    "\"; COMMIT; DROP SCHEMA victim CASCADE",
    "a\nb",
    "a\r\nb",
    "--\nDROP SCHEMA victim CASCADE;",
    "a\tb",
    "\u{1}",
    "\u{7f}",
    "\u{1b}[31mred",
    "\\i file",
    "\\connect x",
    // Words of SQL.
    "select",
    "table",
    "user",
    "current_user",
    "null",
    "default",
    "all",
    "order",
    "none2",
    "template",
    "postgres2",
    // People, services and other scripts.
    "6f8a2f0e-3a0e-4a8e-9a55-0a2b7c1d9e01",
    "jane.o'neil+test@example.com",
    "日本語",
    "العربية",
    "a\u{202e}b",
    "İstanbul",
];

/// All names that Postgres takes.
fn taken() -> Vec<String> {
    let edges = [
        "x".repeat(63),
        format!("{}x", "é".repeat(31)),
        format!("{}xyz", "🦆".repeat(15)),
        "\"".repeat(63),
        "'".repeat(63),
        "\\".repeat(63),
        format!("{}\"", "y".repeat(62)),
        "🦆".to_owned(),
        "e\u{301}".to_owned(),
        "\u{feff}".to_owned(),
    ];
    PLAIN.into_iter().map(str::to_owned).chain(edges).collect()
}

/// Names that it does not, or would change silently, and what Lakegate says to them.
fn refused() -> Vec<(String, &'static str)> {
    vec![
        ("x".repeat(64), "a name in Postgres has 1 to 63 bytes"),
        ("é".repeat(32), "a name in Postgres has 1 to 63 bytes"),
        (format!("{}é", "x".repeat(62)), "a name in Postgres has 1 to 63 bytes"),
        ("🦆".repeat(16), "a name in Postgres has 1 to 63 bytes"),
        ("a ".to_owned(), "it begins or ends with a blank"),
        (" a".to_owned(), "it begins or ends with a blank"),
        ("a\n".to_owned(), "it begins or ends with a blank"),
        ("\u{3000}a".to_owned(), "it begins or ends with a blank"),
    ]
}

/// As SQL quotes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn ready() -> House {
    let house = House::open().await;
    house.set_up().await;
    house.write("migrations/0001_t.sql", "CREATE TABLE t (id serial PRIMARY KEY);\n");
    house
}

/// The one text of a query, which is a JSON array of texts.
async fn set(session: &Client, query: &str) -> BTreeSet<String> {
    let row = session.query_one(query, &[]).await.unwrap();
    let texts: Vec<String> = serde_json::from_str(row.get(0)).unwrap();
    texts.into_iter().collect()
}

/// The schemas of the application that are complete: the ledger, the table, its sequence.
async fn schemas(session: &Client) -> BTreeSet<String> {
    let query = "SELECT COALESCE(json_agg(nspname), '[]')::text FROM pg_namespace n
                 WHERE nspowner = current_user::regrole AND ARRAY['lakegate_migrations', 't', 't_id_seq']::name[]
                 <@ ARRAY(SELECT relname FROM pg_class WHERE relnamespace = n.oid)";
    set(session, query).await
}

#[tokio::test]
async fn as_the_schema() {
    let house = ready().await;
    let session = house.login(&house.credential().await).await.unwrap();
    let apply =
        |name: &str| house.lakegate(["bootstrap", "apply"]).env("POSTGRES_DB_SCHEMA", name).run();
    apply(VICTIM).await.exits(0);
    let names = taken();
    stream::iter(&names)
        .for_each_concurrent(AT_ONCE, async |name| {
            let run = apply(name).await.exits(0);
            let first = format!("done: create schema {}\n", quoted(name));
            assert!(run.stdout.starts_with(&first), "{name:?}: {run:#?}");
        })
        .await;
    let expected: BTreeSet<_> = names.iter().cloned().chain([VICTIM.to_owned()]).collect();
    assert_eq!(expected.len(), names.len() + 1, "no name is there twice");
    assert_eq!(schemas(&session).await, expected);
    // What is there is found again.
    stream::iter(names.iter().filter(|name| !name.chars().all(char::is_alphanumeric)))
        .for_each_concurrent(AT_ONCE, async |name| {
            let verify = house.lakegate(["bootstrap", "verify"]).env("POSTGRES_DB_SCHEMA", name);
            verify.run().await.exits(0);
        })
        .await;

    let reserved = [
        ("pg_mine", "belong to Postgres"),
        ("information_schema", "belongs to"),
        ("public", "may not create"),
    ];
    let reserved = reserved.map(|(name, words)| (name.to_owned(), words));
    let all: Vec<_> = refused().into_iter().chain(reserved).collect();
    assert!(100 <= names.len() + all.len());
    for (name, words) in &all {
        let run = apply(name).await;
        assert!(matches!(run.code, Some(1 | 2)), "{name:?}: {run:#?}");
        assert!(run.stderr.contains(words), "{name:?}: {run:#?}");
    }
    // No variable can hold it, but a file can.
    house.write("lakegate.toml", r#"postgres_db_schema = "a\u0000b""#);
    let run =
        house.lakegate(["bootstrap", "apply"]).without("POSTGRES_DB_SCHEMA").run().await.exits(2);
    assert!(run.stderr.contains("a name in Postgres holds no NUL"), "{run:#?}");
    assert_eq!(schemas(&session).await, expected, "a refusal comes before the first change");
}

#[tokio::test]
async fn as_the_database() {
    let house = ready().await;
    let admin = house.admin_session("postgres").await;
    let databases = "SELECT json_agg(datname)::text FROM pg_database
                     WHERE pg_get_userbyid(datdba) = current_user";
    let before = set(&admin, databases).await;
    // Making a database takes its time: some of each kind are enough.
    let names: Vec<_> = taken().into_iter().filter(|name| name.len() != 1).step_by(4).collect();
    for name in &names {
        let setup = house.admin(["setup", "--grant-public"]).env("POSTGRES_DB", name);
        let run = setup.run().await.exits(0);
        let first = format!("done: create database {}\n", quoted(name));
        assert!(run.stdout.starts_with(&first), "{name:?}: {run:#?}");
        let apply = house.lakegate(["bootstrap", "apply", "--schema", "s", "--json"]);
        let report = apply.env("POSTGRES_DB", name).run().await.exits(0).json();
        assert_eq!(report["database"], *name);
    }
    for (name, words) in refused() {
        let setup = house.admin(["setup", "--grant-public"]).env("POSTGRES_DB", &name);
        let run = setup.run().await.exits(2);
        assert!(run.stderr.contains(words), "{name:?}: {run:#?}");
    }
    let expected: BTreeSet<_> = names.into_iter().chain(before).collect();
    assert_eq!(set(&admin, databases).await, expected);
}

#[tokio::test]
async fn as_a_role_that_something_is_granted_to() {
    let house = ready().await;
    let admin = house.admin_session("app_ontos").await;
    let names = taken();
    for name in &names {
        admin.batch_execute(&format!("CREATE ROLE {}", quoted(name))).await.unwrap();
    }
    let grants = |verb| {
        let program = house.lakegate(["bootstrap", verb]);
        names.iter().fold(program, |program, name| program.arg(format!("--writer={name}")))
    };
    let missing = "nobody\"; DROP ROLE app; --";
    let run = grants("apply").arg(format!("--reader={missing}")).run().await.exits(2);
    assert!(run.stderr.contains(&format!("there is no role {}", quoted(missing))), "{run:#?}");
    let session = house.login(&house.credential().await).await.unwrap();
    assert_eq!(schemas(&session).await, BTreeSet::new());

    grants("apply").run().await.exits(0);
    grants("verify").run().await.exits(0);
    let holders = |privilege: &str, relation: &str| {
        format!(
            "SELECT json_agg(pg_get_userbyid(grantee))::text FROM pg_class, aclexplode(relacl)
             WHERE oid = 'app_ontos.{relation}'::regclass AND privilege_type = '{privilege}' AND grantee <> relowner"
        )
    };
    let expected: BTreeSet<_> = names.into_iter().collect();
    for (privilege, relation) in [("INSERT", "t"), ("SELECT", "t"), ("USAGE", "t_id_seq")] {
        assert_eq!(
            set(&session, &holders(privilege, relation)).await,
            expected,
            "{privilege} on {relation}"
        );
    }
    // A role whose name ends in a blank can be meant, for a flag is taken as it is.
    for (name, _) in refused().iter().filter(|(name, _)| 63 < name.len()) {
        let apply = house.lakegate(["bootstrap", "apply"]).arg(format!("--reader={name}"));
        let run = apply.run().await.exits(2);
        assert!(run.stderr.contains("has at most 63 bytes, this one has 64"), "{name:?}: {run:#?}");
    }
}

#[tokio::test]
async fn as_a_role_that_may_create_when_nobody_else_may() {
    let house = ready().await;
    let admin = house.admin_session("postgres").await;
    let mut expected = BTreeSet::new();
    for name in taken().into_iter().filter(|name| 1 < name.len()).step_by(8) {
        admin.batch_execute(&format!("CREATE ROLE {}", quoted(&name))).await.unwrap();
        house.admin(["tighten"]).arg(format!("--grant-to={name}")).run().await.exits(0);
        expected.insert(name);
        let may_create = "SELECT json_agg(pg_get_userbyid(grantee))::text
                          FROM pg_database, aclexplode(datacl) WHERE datname = 'app_ontos'
                            AND privilege_type = 'CREATE' AND grantee <> datdba";
        assert_eq!(set(&admin, may_create).await, expected);
    }
}
