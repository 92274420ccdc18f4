//! The emulator is a Lakebase to software that nobody wrote for it: Databricks' own clients, and the
//! page's way with SQLAlchemy.
//!
//! Their versions are pinned in `requirements.txt` and by `cargo xtask setup`; nothing of them is
//! changed, and all they are told is what an app on Databricks is told: the environment. A suite is
//! a program in its language, as in `tests/drivers`, whose helpers it uses.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

use std::path::PathBuf;

use lakegate_tests::{DEADLINE, House, Program, node, python, root};

/// How long a suite may take on a busy machine: each of its promises has [`DEADLINE`] at most.
const LONG: u32 = 4;

/// Runs a suite to its end; it must have tried as many promises as it has.
async fn accepts(house: &House, suite: Program, promises: usize) {
    let suite = suite
        .env("APP", "lakegate-demo")
        .env("ADMIN_TOKEN", house.env("EMULATOR_ADMIN_TOKEN"))
        .env("LOGIN_ROLE", house.principal())
        .env("LOGIN_DATABASE", house.env("POSTGRES_DB"));
    let run = suite.start().end_within(LONG * DEADLINE).await.exits(0);
    let kept: Vec<_> = run.stdout.lines().filter(|line| line.starts_with("kept: ")).collect();
    assert_eq!(kept.len(), promises, "{kept:#?}");
}

fn in_python(house: &House, file: &str) -> Program {
    // No compiled files beside the sources.
    let python = house.program(python("python")).env("PYTHONDONTWRITEBYTECODE", "1");
    python.env("PYTHONPATH", own("drivers/python")).arg(own("accepted/python").join(file))
}

fn in_javascript(house: &House, package: &str, file: &str) -> Program {
    let packages = node(package).ancestors().nth(2).unwrap().to_owned(); // Below its owner's name.
    let node = house.program(node("node/bin/node")).env("NODE_PATH", packages);
    // As on Databricks, where the first database resource gives these.
    let node = node
        .env("PGHOST", house.env("POSTGRES_HOST"))
        .env("PGPORT", house.env("POSTGRES_PORT"))
        .env("PGDATABASE", "databricks_postgres")
        .env("PGSSLMODE", "require");
    node.arg(own("accepted/js").join(file))
}

fn own(path: &str) -> PathBuf {
    root().join("tests").join(path)
}

#[tokio::test]
async fn databricks_sdk_on_provisioned() {
    let house = House::open().await;
    accepts(&house, in_python(&house, "databricks_suite.py"), 8).await;
    accepts(&house, in_python(&house, "provisioned_suite.py"), 6).await;
}

#[tokio::test]
async fn databricks_sdk_on_autoscaling() {
    let house = House::with(&["--autoscaling"]).await;
    accepts(&house, in_python(&house, "databricks_suite.py"), 8).await;
    accepts(&house, in_python(&house, "autoscaling_suite.py"), 11).await;
}

#[tokio::test]
async fn databricks_lakebase() {
    let house = House::with(&["--autoscaling"]).await;
    accepts(&house, in_javascript(&house, "@databricks/lakebase", "lakebase_suite.cjs"), 9).await;
}

#[tokio::test]
async fn the_page_in_sqlalchemy() {
    let house = House::open().await;
    accepts(&house, in_python(&house, "page_suite.py"), 5).await;
}
