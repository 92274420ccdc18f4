//! Migrations make what `psql -f` makes of the same files: a whole shop, of 100 tables in 32 files,
//! compared by `pg_dump` and by the catalog.

use std::collections::BTreeSet;
use std::path::PathBuf;

use lakegate_tests::{Credential, House, Program, installed, root};

/// Both databases have the schema of this name, so that their dumps can be compared as they are.
const SCHEMA: &str = "shop";

/// Who makes it in which.
const DATABASES: [&str; 2] = ["by_lakegate", "by_psql"];

/// What the files expect to be there.
const ROLES: [&str; 3] = ["shop_web", "shop_reports", "shop_support"];

fn files() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join("tests/promises/shop")).unwrap();
    let files: BTreeSet<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.into_iter().collect()
}

/// A database of this name that everybody may create schemas in.
async fn set_up(house: &House, database: &str) {
    let setup = house.admin(["setup", "--grant-public", "--database", database]);
    setup.run().await.exits(0);
}

fn bootstrap(house: &House, verb: &str, database: &str) -> Program {
    house.lakegate(["bootstrap", verb, "--database", database, "--schema", SCHEMA])
}

/// A program of Postgres, logged in as the application.
fn client(house: &House, program: &str, database: &str, credential: &Credential) -> Program {
    house
        .program(installed(program))
        .env("PGHOST", house.env("POSTGRES_HOST"))
        .env("PGPORT", house.env("POSTGRES_PORT"))
        .env("PGUSER", credential.user())
        .env("PGPASSWORD", credential.token())
        .env("PGDATABASE", database)
        .env("PGSSLMODE", "verify-full")
        .env("PGOPTIONS", format!(r#"-csearch_path="{SCHEMA}""#))
}

/// What a database holds besides the ledger, which psql does not write.
async fn dump(house: &House, database: &str, credential: &Credential, part: &str) -> Vec<String> {
    let program = client(house, "pg_dump", database, credential).arg(part);
    let program = program.arg("--enable-row-security").arg("--exclude-table=*.lakegate_migrations");
    let run = program.run().await.exits(0);
    // A key that is drawn anew for each dump.
    let lines = run.stdout.lines().filter(|line| !line.contains("restrict "));
    let mut lines: Vec<_> = lines.map(str::to_owned).collect();
    // Which of a table's free places a row gets depends on when transactions ended.
    for rows in lines.split_mut(|line| line.starts_with("COPY ") || line == "\\.") {
        rows.sort();
    }
    lines
}

/// What the catalog says of a database, one line a thing, and the digests of all rows.
async fn catalog(house: &House, database: &str, credential: &Credential) -> Vec<String> {
    let session = house.login_to(database, credential).await.unwrap();
    session.batch_execute("SET search_path = pg_catalog").await.unwrap();
    let row = session.query_one(include_str!("catalog.sql"), &[]).await.unwrap();
    serde_json::from_str(row.get(0)).unwrap()
}

/// Where two dumps begin to differ, with what comes before and after.
fn difference(ours: &[String], theirs: &[String]) -> Option<String> {
    let line = ours.iter().zip(theirs).position(|(own, other)| own != other);
    let line = line.or((ours.len() != theirs.len()).then(|| ours.len().min(theirs.len())))?;
    let around = |dump: &[String]| {
        let lines = dump.iter().enumerate().skip(line.saturating_sub(12)).take(16);
        lines.map(|(number, text)| format!("{number}: {text}\n")).collect::<String>()
    };
    Some(format!("lakegate:\n{}\npsql:\n{}", around(ours), around(theirs)))
}

/// Both must be the same, and have more lines than would be there by chance.
#[track_caller]
fn check(what: &str, least: usize, [ours, theirs]: [Vec<String>; 2]) {
    assert!(least < ours.len(), "{what}: only {} lines", ours.len());
    if let Some(difference) = difference(&ours, &theirs) {
        panic!("{what} differs\n{difference}");
    }
}

/// Whether this machine's `pg_dump` reads such a server: it does not read newer ones.
async fn dumps(house: &House, database: &str, credential: &Credential) -> bool {
    let version = house.program(installed("pg_dump")).arg("--version").run().await.exits(0).stdout;
    let own = version.split(' ').nth(2).and_then(|number| number.split('.').next()).unwrap();
    let session = house.login_to(database, credential).await.unwrap();
    let row = session.query_one("SHOW server_version", &[]).await.unwrap();
    let server = row.get::<_, &str>(0).split('.').next().unwrap();
    let reads = server.parse::<u32>().unwrap() <= own.parse().unwrap();
    if !reads {
        println!("pg_dump {own} does not read Postgres {server}: the catalog alone was compared");
    }
    reads
}

#[tokio::test]
async fn for_a_whole_shop() {
    let house = House::open().await;
    let admin = house.admin_session("postgres").await;
    for role in ROLES {
        admin.batch_execute(&format!("CREATE ROLE {role}")).await.unwrap();
    }
    let credential = house.credential().await;

    set_up(&house, "by_psql").await;
    // The schema and its default privileges, which no file makes.
    bootstrap(&house, "apply", "by_psql").run().await.exits(0);
    for file in files() {
        let psql = client(&house, "psql", "by_psql", &credential);
        let psql = psql.arg("--no-psqlrc").arg("--quiet").arg("-vON_ERROR_STOP=1").arg("-f");
        psql.arg(file).run().await.exits(0);
    }

    set_up(&house, "by_lakegate").await;
    for file in files() {
        let name = format!("migrations/{}", file.file_name().unwrap().to_str().unwrap());
        house.write(&name, &std::fs::read_to_string(file).unwrap());
    }
    bootstrap(&house, "apply", "by_lakegate").run().await.exits(0);

    let mut catalogs = [vec![], vec![]];
    for (catalog_of, database) in catalogs.iter_mut().zip(DATABASES) {
        *catalog_of = catalog(&house, database, &credential).await;
    }
    check("the catalog", 2_000, catalogs);
    if dumps(&house, DATABASES[0], &credential).await {
        for (part, least) in [("--schema-only", 6_000), ("--data-only", 12_000)] {
            let mut both = [vec![], vec![]];
            for (dump_of, database) in both.iter_mut().zip(DATABASES) {
                *dump_of = dump(&house, database, &credential, part).await;
            }
            check(part, least, both);
        }
    }
    bootstrap(&house, "verify", "by_lakegate").run().await.exits(0);
}
