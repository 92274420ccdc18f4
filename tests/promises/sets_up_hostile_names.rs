//! Any name that Postgres takes is set up and tightened as exactly that name, also by what is
//! printed for somebody to paste; any other is refused.

use lakegate_tests::{Credential, House, Run, installed};

/// Names that end quotes, comments, statements and lines where somebody forgot to think of them.
fn names() -> Vec<String> {
    let longest = "é".repeat(31) + "x";
    assert_eq!(longest.len(), 63);
    let names = [
        r#"a"; DROP DATABASE postgres; --"#,
        "two\nlines; CREATE ROLE planted;\r\nthree",
        "🦆 it's $lakegate$ \\' $1 %I :x",
        "public",
        "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        &longest,
    ];
    names.map(str::to_owned).to_vec()
}

#[tokio::test]
async fn as_they_are() {
    let house = House::open().await;
    let admin = house.admin_session("postgres").await;
    for name in names() {
        // Everybody's role cannot be made, and a database may have any name.
        let role = if name == "public" { "Public".to_owned() } else { name.clone() };
        let create: String = admin
            .query_one("SELECT format('CREATE ROLE %I', $1::text)", &[&role])
            .await
            .unwrap()
            .get(0);
        admin.batch_execute(&create).await.unwrap();
        let setup = ["setup", "--database", &name, "--grant-public"];
        house.admin(setup).run().await.exits(0);
        let tighten = ["tighten", "--database", &name, "--grant-to", &role];
        house.admin(tighten).run().await.exits(0);
        house.admin(tighten).run().await.exits(0);
        let creators = "SELECT string_agg(grantee::regrole::text, ' ') FROM pg_database,
                          aclexplode(datacl)
                        WHERE datname = $1 AND privilege_type = 'CREATE' AND grantee <> datdba";
        let found: String = admin.query_one(creators, &[&name]).await.unwrap().get(0);
        let quoted = "SELECT quote_ident($1::text)";
        let expected: String = admin.query_one(quoted, &[&role]).await.unwrap().get(0);
        assert_eq!(found, expected, "{name:?}");
    }
    assert_eq!(planted(&house).await, 0);
}

#[tokio::test]
async fn in_what_somebody_pastes() {
    let house = House::open().await;
    let sp = house.principal();
    let admin = Credential(house.admin(["token", "--json"]).run().await.exits(0).json());
    for name in names() {
        let setup = ["setup", "--database", &name, "--grant-to", sp];
        let left = house.lakegate(setup).run().await.exits(1);
        paste(&house, &admin, "postgres", &left.stdout).await.exits(0);
        house.lakegate(setup).run().await.exits(0).prints(&note(&house));
    }
    assert_eq!(planted(&house).await, 0);
}

#[tokio::test]
async fn in_the_plan_of_a_first_start() {
    let house = House::open().await;
    house.set_up().await;
    let app = house.credential().await;
    for name in names().iter().filter(|name| *name != "public") {
        let plan = ["bootstrap", "plan", "--schema", name];
        let planned = house.lakegate(plan).run().await.exits(3);
        paste(&house, &app, house.env("POSTGRES_DB"), &planned.stdout).await.exits(0);
        house.lakegate(plan).run().await.exits(0);
    }
}

/// What is told when the role that is named is the one that asks.
fn note(house: &House) -> String {
    format!(
        "nothing to do\nnote: \"{}\" is the role of this very login; if the application has \
         another, name that one\n",
        house.principal()
    )
}

/// Runs a text in psql with this credential.
async fn paste(house: &House, credential: &Credential, database: &str, text: &str) -> Run {
    let psql = house.program(installed("psql"));
    psql.env("PGHOST", house.env("POSTGRES_HOST"))
        .env("PGPORT", house.env("POSTGRES_PORT"))
        .env("PGUSER", credential.user())
        .env("PGDATABASE", database)
        .env("PGSSLMODE", "verify-full")
        .env("PGPASSWORD", credential.token())
        .arg("--no-psqlrc")
        .arg("--set=ON_ERROR_STOP=1")
        .input(text)
        .run()
        .await
}

/// How many roles came of a name that was taken for SQL.
async fn planted(house: &House) -> i64 {
    let admin = house.admin_session("postgres").await;
    let count = "SELECT count(*) FROM pg_roles WHERE rolname = 'planted'";
    admin.query_one(count, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn or_not_at_all() {
    let house = House::open().await;
    let too_long = "x".repeat(64);
    let (long_role, long_database) =
        (["setup", "--grant-to", &too_long], ["setup", "--grant-public", "--database", &too_long]);
    house.admin(long_role).run().await.exits(2);
    house.admin(long_database).run().await.exits(2);
    house.admin(["tighten", "--grant-to", &too_long]).run().await.exits(2);
    house.admin(["setup", "--grant-to", ""]).run().await.exits(2);
    assert_eq!(house.statements(house.env("EMULATOR_ADMIN_USER")).await, [""; 0]);
}
