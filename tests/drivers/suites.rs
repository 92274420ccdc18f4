//! The suites that are programs of their own.

use std::path::{Path, PathBuf};

use lakegate_tests::{DEADLINE, House, Program, installed, node, python, root};

use crate::road::Way;

/// How long a suite may take on a busy machine: each of its promises has [`DEADLINE`] at most.
const LONG: u32 = 4;

/// Runs a suite on every way. Directly first: what it finds there, it must find on all of them.
async fn finds_the_same(driver: &str, suite: impl Fn(&House) -> Program) {
    let house = House::open().await;
    house.set_up().await;
    let mut promises = None;
    for way in Way::ALL {
        let road = way.open(&house).await;
        let running = road.lead(&house, suite(&house)).start();
        let run = running.end_within(LONG * DEADLINE).await;
        assert_eq!(run.code, Some(0), "{driver}, {way:?}:\n{}{}", run.stdout, run.stderr);
        let kept = run.stdout.lines().filter(|line| line.starts_with("kept: ")).count();
        assert!(10 <= kept, "{driver}, {way:?}: only {kept} promises were tried");
        assert_eq!(*promises.get_or_insert(kept), kept, "{driver}, {way:?}");
        road.close().await;
    }
}

/// A file beside this one.
fn own(path: &str) -> PathBuf {
    root().join("tests/drivers").join(path)
}

fn in_python(house: &House, file: &str) -> Program {
    // No compiled files beside the sources.
    let python = house.program(python("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    python.arg(own("python").join(file))
}

fn in_javascript(house: &House, package: &str, file: &str) -> Program {
    let packages = node(package).parent().unwrap().to_owned();
    let node = house.program(node("node/bin/node")).env("NODE_PATH", packages);
    node.arg(own("js").join(file))
}

/// pgJDBC, where Debian's package has it.
const JDBC: &str = "/usr/share/java/postgresql.jar";

fn in_java(house: &House, file: &str) -> Program {
    let is_there = Path::new(JDBC).is_file();
    assert!(is_there, "pgJDBC is missing ({JDBC}): run cargo xtask setup");
    house.program(installed("java")).arg("-cp").arg(JDBC).arg(own("java").join(file))
}

#[tokio::test]
async fn psql() {
    installed("psql");
    let suite = |house: &House| house.program(installed("bash")).arg(own("shell/psql.sh"));
    finds_the_same("psql", suite).await;
}

#[tokio::test]
async fn psycopg() {
    finds_the_same("psycopg", |house| in_python(house, "psycopg_suite.py")).await;
}

#[tokio::test]
async fn asyncpg() {
    finds_the_same("asyncpg", |house| in_python(house, "asyncpg_suite.py")).await;
}

#[tokio::test]
async fn sqlalchemy() {
    finds_the_same("SQLAlchemy", |house| in_python(house, "sqlalchemy_suite.py")).await;
}

#[tokio::test]
async fn node_pg() {
    finds_the_same("node-pg", |house| in_javascript(house, "pg", "node_pg_suite.cjs")).await;
}

#[tokio::test]
async fn postgres_js() {
    let file = "postgres_js_suite.cjs";
    finds_the_same("postgres.js", |house| in_javascript(house, "postgres", file)).await;
}

#[tokio::test]
async fn pgjdbc() {
    finds_the_same("pgJDBC", |house| in_java(house, "PgJdbc.java")).await;
}
