//! `lakegate app-yaml` writes what a Databricks App is started with, and finds what would not start.

use std::path::Path;
use std::process::{Command, Output};

use lakegate_tests::{binary, root};
use serde_json::Value;
use tempfile::TempDir;

/// The app that is deployed.
pub(crate) const FOLDER: &str = "deploy/databricks-app";
const ITS_OWN: &str = "--database app_ontos --bootstrap -- python app.py";

/// What `lakegate app-yaml` says in a folder, with nothing configured and no network to ask.
fn said(folder: &Path, arguments: &str) -> Output {
    let mut lakegate = Command::new(binary("lakegate"));
    lakegate.arg("app-yaml").args(arguments.split(' ')).env_clear().current_dir(folder);
    lakegate.output().unwrap()
}

#[track_caller]
fn ends(output: &Output, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), stdout);
    assert_eq!(String::from_utf8_lossy(&output.stderr), stderr);
}

/// The file of the app for a kind of database.
pub(crate) fn app_yaml(kind: &str) -> String {
    let output = said(&root(), &format!("{kind} {ITS_OWN}"));
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_file_of_the_app_is_one_that_was_written() {
    let folder = root().join(FOLDER);
    let file = std::fs::read_to_string(folder.join("app.yaml")).unwrap();
    assert_eq!(app_yaml("--provisioned"), file);
    let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
    for kind in ["--provisioned", "--autoscaling"] {
        assert!(readme.contains(&format!("lakegate app-yaml {kind} {ITS_OWN} > app.yaml\n")));
    }
}

#[test]
fn it_is_checked_for_the_kind_of_database() {
    let folder = root().join(FOLDER);
    let check = |arguments: &str| said(&folder, arguments);
    ends(&check("--check --provisioned"), 0, "app.yaml: nothing is wrong\n", "");
    let wrong = "app.yaml:9: error: POSTGRES_HOST is taken from `database`, the usual key of a \
                 Provisioned instance\n  Write `valueFrom: \"postgres\"`, or give the resource's key \
                 with --resource.\n";
    ends(&check("--check --autoscaling"), 3, wrong, "");
    let path = "--check app.yaml --endpoint projects/p/branches/b/endpoints/e";
    ends(&check(path), 3, wrong, "");
    // What is not known is no reason to stop a deployment.
    let unknown = "app.yaml:9: warning: POSTGRES_HOST is taken from `database`, which yields the host \
                   of a Provisioned instance, but of an Autoscaling project the path of an \
                   endpoint\n  Say --provisioned or --autoscaling to have this line checked.\n";
    ends(&check("--check"), 0, unknown, "");

    let json = check("--check --json --autoscaling");
    assert_eq!(json.status.code(), Some(3));
    let json: Value = serde_json::from_slice(&json.stdout).unwrap();
    let finding = &json["findings"][0];
    assert_eq!((&json["file"], &finding["line"]), (&"app.yaml".into(), &9.into()));
    assert_eq!((&finding["rule"], &finding["level"]), (&"value-from".into(), &"error".into()));
}

#[test]
fn a_secret_is_found_and_not_shown() {
    let folder = TempDir::new().unwrap();
    let text = "env:\n- name: \"MY_TOKEN\"\n  value: \"a-secret-9f2c\"\n";
    std::fs::write(folder.path().join("app.yaml"), text).unwrap();
    let output = said(folder.path(), "--check");
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(told.contains("app.yaml:2: error: MY_TOKEN holds a secret in clear text\n"), "{told}");
    assert!(!told.contains("9f2c") && output.stderr.is_empty(), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_wrong_usage() {
    let folder = TempDir::new().unwrap();
    let words = "lakegate: error: app.yaml: No such file or directory (os error 2)\n";
    ends(&said(folder.path(), "--check"), 2, "", words);
}

#[test]
fn a_file_that_is_there_is_not_replaced_unasked() {
    let folder = TempDir::new().unwrap();
    let written = || std::fs::read_to_string(folder.path().join("app.yaml")).unwrap();
    let write =
        |more: &str| said(folder.path(), &format!("--provisioned --output app.yaml {more}"));
    ends(&write("--database first"), 0, "", "");
    let first = written();
    let refused = "lakegate: error: app.yaml is there already\n  \
                   Replace it with --force, or check it with --check.\n";
    ends(&write("--database second"), 2, "", refused);
    assert_eq!(written(), first);
    ends(&write("--database second --force"), 0, "", "");
    assert!(first.contains("\"first\"") && written().contains("\"second\""));
}

#[test]
fn what_it_is_not_told_it_does_not_make_up() {
    let missing = "lakegate: error: the database (POSTGRES_DB or PGDATABASE) is not set\n  \
                   Give its name with --database, such as app_ontos.\n";
    ends(&said(&root(), "--provisioned"), 2, "", missing);
    let port = said(&root(), "--provisioned --database d --port 0");
    ends(&port, 2, "", "lakegate: error: the port is no port from 1 to 65535\n");
    let guessed = said(&root(), "--database d");
    let note = "lakegate: note: this is for a Provisioned instance; --autoscaling writes one for an \
                Autoscaling project\n";
    assert_eq!(String::from_utf8_lossy(&guessed.stderr), note);
}
