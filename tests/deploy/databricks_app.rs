//! The app in `deploy/databricks-app/` runs where Databricks would run it: started by its own
//! command without a shell, with its variables and the platform's, and ended within 15 seconds.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lakegate_tests::{House, Program, Running, binary, python, root};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::app_yaml::{FOLDER, app_yaml};
use crate::names::documents;

/// From SIGTERM to SIGKILL.
const GRACE: Duration = Duration::from_secs(15);

/// A copy of the folder as it is deployed.
fn deployed() -> TempDir {
    let folder = TempDir::new().unwrap();
    let source = root().join(FOLDER);
    // Parts of a release that somebody made there are of no use here.
    let pack = "cp -r \"$1\"/[!.]* . && rm -f lakegate.gz.* && \
                gzip -1c \"$2\" | split -b 9m - lakegate.gz.";
    let mut shell = Command::new("sh");
    shell.args(["-c", pack, "sh"]).arg(source).arg(binary("lakegate"));
    assert!(shell.current_dir(folder.path()).status().unwrap().success());
    // They come out of a workspace as plain files.
    let plain =
        Command::new("chmod").args(["-R", "a-x,a+X", "."]).current_dir(folder.path()).status();
    assert!(plain.unwrap().success());
    folder
}

/// The app as the platform starts it; `yields` is what its resource gives to `valueFrom`.
fn start(house: &House, folder: &Path, yields: (&str, &str)) -> Running {
    let file = documents(folder.join("app.yaml").to_str().unwrap()).remove(0);
    let mut words = file["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    let program = house.program(words.next().unwrap()).within(folder);
    let program = words.fold(program, Program::arg);
    variables(house, &file, yields)
        .into_iter()
        .fold(platform(house, program), |program, (name, value)| program.env(&name, value))
        .env("TMPDIR", folder)
        .start()
}

/// What every app has, and what the first Lakebase resource adds; nothing else of the house.
fn platform(house: &House, program: Program) -> Program {
    let ours = ["POSTGRES_HOST", "POSTGRES_PORT", "POSTGRES_DB", "POSTGRES_DB_SCHEMA", "ENV"];
    let instance = ["LAKEBASE_INSTANCE_NAME", "LAKEBASE_ENDPOINT"];
    let program = ours.iter().chain(&instance).fold(program, |program, name| program.without(name));
    let path = std::env::var("PATH").unwrap();
    let interpreter = python("python");
    let interpreter = interpreter.parent().unwrap().display();
    program
        .env("DATABRICKS_APP_NAME", "lakegate-demo")
        .env("DATABRICKS_APP_PORT", "0") // A free one, which it tells.
        .env("PGAPPNAME", "lakegate-demo")
        .env("PGDATABASE", house.env("POSTGRES_DB"))
        .env("PGHOST", house.env("POSTGRES_HOST"))
        .env("PGPORT", house.env("POSTGRES_PORT"))
        .env("PGSSLMODE", "require")
        .env("PGUSER", house.principal())
        .env("PATH", format!("{interpreter}:{path}"))
}

/// The variables of the file, with what the resource yields in place of its key.
fn variables(house: &House, file: &Value, (key, yields): (&str, &str)) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variable = |it: &Value| {
        let value = match it.get("valueFrom") {
            Some(from) => {
                assert_eq!(from, key);
                yields.to_owned()
            }
            // The emulator does not have the port of Lakebase to itself.
            None if it["name"] == "POSTGRES_PORT" => {
                assert_eq!(it["value"], "5432");
                house.env("POSTGRES_PORT").to_owned()
            }
            None => text(&it["value"]),
        };
        (text(&it["name"]), value)
    };
    file["env"].as_array().unwrap().iter().map(variable).collect()
}

/// The body of a page.
async fn page(port: u16) -> String {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    connection.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// Asks it for these visits, ends it, and gives what its log says.
async fn serves(house: &House, mut app: Running, visits: [u32; 2]) -> String {
    let line = app.line().await;
    let port = line.strip_prefix("listening on port ").unwrap().parse().unwrap();
    for number in visits {
        let by = house.principal();
        let expected = format!("visit {number}, kept in schema app_ontos by {by}\n");
        assert_eq!(page(port).await, expected);
    }
    app.signal(Signal::TERM);
    app.end_within(GRACE).await.exits(143).stderr
}

#[tokio::test]
async fn it_runs_on_a_provisioned_instance() {
    let house = House::open().await;
    house.set_up().await;
    let folder = deployed();
    let yields = ("database", house.env("POSTGRES_HOST"));
    let first = serves(&house, start(&house, folder.path(), yields), [1, 2]).await;
    assert!(first.contains("done: run 0001_visits.sql\n"), "{first}");
    let second = serves(&house, start(&house, folder.path(), yields), [3, 4]).await;
    assert!(second.contains("nothing to do: database app_ontos, schema app_ontos"), "{second}");

    // Without its tables it would only fail later, and where nobody looks.
    let wrong = folder.path().join("migrations/0002_wrong.sql");
    std::fs::write(wrong, "ALTER TABLE visitors ADD COLUMN name text;\n").unwrap();
    let third = start(&house, folder.path(), yields).end().await.exits(1).prints("");
    assert!(third.stderr.contains("0002_wrong.sql"), "{}", third.stderr);
}

#[tokio::test]
async fn it_runs_on_an_autoscaling_project() {
    let house = House::with(&["--autoscaling"]).await;
    house.set_up().await;
    let folder = deployed();
    std::fs::write(folder.path().join("app.yaml"), app_yaml("--autoscaling")).unwrap();
    let yields = ("postgres", house.env("LAKEBASE_ENDPOINT"));
    let log = serves(&house, start(&house, folder.path(), yields), [1, 2]).await;
    assert!(log.contains("done: run 0001_visits.sql\n"), "{log}");
}
