//! The binary: what it prints, whom it runs, and that nothing of it stays.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use tokio_postgres::{Config, NoTls};

fn emulator() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lakebase-emulator"));
    command.stdin(Stdio::null());
    command
}

#[test]
fn a_command_gets_the_variables_and_gives_its_code() {
    let script = r#"
        test "$POSTGRES_DB:$POSTGRES_DB_SCHEMA:$ENV" = app_ontos:app_ontos:PROD || exit 1
        test -z "$DATABRICKS_TOKEN" || exit 2
        grep -q 'BEGIN CERTIFICATE' "$SSL_CERT_FILE" || exit 3
        dirname "$SSL_CERT_FILE"
        exit 7"#;
    let mut command = emulator();
    command.args(["--", "sh", "-c", script]).env("DATABRICKS_TOKEN", "of-a-real-workspace");
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    let folder = String::from_utf8(output.stdout).unwrap();
    assert!(!Path::new(folder.trim()).exists());
}

#[test]
fn a_stop_is_passed_on_to_the_command() {
    // In short pauses: a long one in the background would outlive the script when it gets its signal
    // between `fork` and `exec`, where a shell only takes it down.
    let script = r#"
        trap 'exit 9' TERM
        kill -TERM "$PPID"
        while [ $((i += 1)) -le 600 ]; do sleep 0.1; done"#;
    let status = emulator().args(["--", "sh", "-c", script]).status().unwrap();
    assert_eq!(status.code(), Some(9));
}

#[test]
fn a_stop_is_heard_as_soon_as_a_variable_is_told() {
    // More than a pipe holds: it is not done with telling before we have read.
    let schema = "s".repeat(100_000);
    let mut command = emulator();
    command.args(["--json", "--schema", &schema]).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdout = process.stdout.take().unwrap();
    stdout.read_exact(&mut [0]).unwrap();
    kill_process(Pid::from_child(&process), Signal::TERM).unwrap();
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(0));
}

#[test]
fn what_is_missing_is_told_in_one_line() {
    let empty = tempfile::tempdir().unwrap();
    let output = emulator().arg("--postgres-bin").arg(empty.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let folder = empty.path().display();
    let expected =
        format!("lakebase-emulator: `{folder}` does not hold both `postgres` and `initdb`\n");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), expected);
}

#[tokio::test]
async fn postgres_dies_with_the_emulator_even_when_it_is_killed() {
    let mut process = emulator().arg("--json").stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let variables: BTreeMap<String, String> = serde_json::from_str(&line).unwrap();
    let folder = Path::new(&variables["SSL_CERT_FILE"]).parent().unwrap().to_owned();

    let socket = folder.join("pg/socket");
    let config = Config::new().host_path(&socket).user("cloud_admin").dbname("postgres").to_owned();
    let (session, connection) = config.connect(NoTls).await.unwrap();
    process.kill().unwrap();
    process.wait().unwrap();
    // The session lives on the private socket, so only the server's own end ends it.
    connection.await.unwrap_err();
    assert!(session.is_closed());
}
