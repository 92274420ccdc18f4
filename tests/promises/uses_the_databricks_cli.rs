//! Who logged in with the Databricks CLI is who they are here, when they say so, and never else.

use std::process::Command;

use expect_test::{Expect, expect};
use lakegate_tests::{House, Program, installed};
use serde_json::json;

/// Puts a program `databricks` before all others. It writes down what it was given.
fn install(house: &House, script: &str) -> String {
    let text =
        format!("#!/bin/sh\necho \"$*\" >> \"$HOME/asked\"\nenv >> \"$HOME/given\"\n{script}\n");
    let folder = house.folder().join("bin");
    // Not written by this process: what another test starts at that moment would have the file open
    // for writing as well, and a program that is open for writing cannot be run.
    let mut install = Command::new(installed("install"));
    install.args(["-D", "-m755"]).arg(house.write("databricks.sh", &text));
    assert!(install.arg(folder.join("databricks")).status().unwrap().success());
    format!("{}:{}", folder.display(), std::env::var("PATH").unwrap())
}

/// The login of the admin, for an hour.
fn log_in(house: &House) -> String {
    let token = house.env("EMULATOR_ADMIN_TOKEN");
    let answer = json!({
        "access_token": token, "token_type": "Bearer", "expiry": "2999-01-01T00:00:00.123456789Z",
    });
    house.write_secret("answer", &format!("{answer:#}"));
    install(house, "cat \"$HOME/safe/answer\"")
}

fn asked(house: &House) -> String {
    house.told(&std::fs::read_to_string(house.folder().join("asked")).unwrap_or_default())
}

fn profiles(house: &House) -> Program {
    let text =
        format!("[me]\nhost = {}\nauth_type = databricks-cli\n", house.env("DATABRICKS_HOST"));
    house.write(".databrickscfg", &text);
    let program = house.lakegate(["token", "--json"]).without("DATABRICKS_HOST");
    program.without("DATABRICKS_CLIENT_ID").without("DATABRICKS_CLIENT_SECRET")
}

#[tokio::test]
async fn for_the_workspace_when_it_is_asked_for() {
    let house = House::open().await;
    let path = log_in(&house);
    // The application's own secrets are set as well, and are nobody's business there: whatever the
    // program was given is searched for them.
    let setup = ["setup", "--grant-to", house.principal(), "--auth-type", "databricks-cli"];
    house.lakegate(setup).env("PATH", &path).run().await.exits(0);
    assert_eq!(asked(&house), "auth token --host=$WORKSPACE\n");
    let given = std::fs::read_to_string(house.folder().join("given")).unwrap();
    assert!(given.contains("HOME=") && !given.contains("DATABRICKS_"), "{given}");
    let sent = house.statements(house.env("EMULATOR_ADMIN_USER")).await;
    assert_eq!(sent.iter().filter(|sql| sql.starts_with("CREATE DATABASE")).count(), 1);

    let run = house.lakegate(["token", "--json"]).env("PATH", &path).run().await.exits(0);
    assert_eq!(run.json()["user"], house.principal(), "a program that is there is not used");
}

#[tokio::test]
async fn for_a_profile_that_says_so() {
    let house = House::open().await;
    let path = log_in(&house);
    let person = house.env("EMULATOR_ADMIN_USER");
    let named = profiles(&house).arg("--profile").arg("me").env("PATH", &path);
    assert_eq!(named.run().await.exits(0).json()["user"], person);
    assert_eq!(asked(&house), "auth token --profile=me\n");
    let other = house.write("profiles", "[me]\nhost = w.example\nauth_type = databricks-cli\n");
    let elsewhere = profiles(&house).arg("--profile").arg("me").env("PATH", &path);
    let elsewhere = elsewhere.env("DATABRICKS_HOST", house.env("DATABRICKS_HOST"));
    let run = elsewhere.env("DATABRICKS_CONFIG_FILE", other).run().await.exits(2);
    expect![[r#"
        lakegate: error: profile `me` is for https://w.example, but DATABRICKS_HOST is $WORKSPACE
          A login is good for one workspace: remove DATABRICKS_HOST, or name the profile of that workspace.
    "#]].assert_eq(&house.told(&run.stderr));
}

#[tokio::test]
async fn and_mixes_nobody_up() {
    let house = House::open().await;
    let path = log_in(&house);
    drop(profiles(&house));
    let both = house.lakegate(["token", "--profile", "me"]).env("PATH", &path);
    let run = both.run().await.exits(2);
    expect![[r#"
        lakegate: error: only one may be set: DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET and DATABRICKS_CONFIG_PROFILE
          Remove all but one of them, or set DATABRICKS_AUTH_TYPE to the one to use: pat, oauth-m2m, env-oidc, file-oidc, github-oidc, databricks-cli or profile.
    "#]].assert_eq(&house.told(&run.stderr));
    assert_eq!(asked(&house), "", "nobody was asked");
}

#[tokio::test]
async fn and_says_why_there_is_no_token() {
    let house = House::open().await;
    let check = async |path: String, code: i32, expected: Expect| {
        let program = house.lakegate(["token", "--auth-type", "databricks-cli"]);
        let run = program.env("PATH", path).run().await.exits(code).prints("");
        expected.assert_eq(&house.told(&run.stderr));
    };
    check("/nowhere".to_owned(), 2, expect![[r#"
        lakegate: error: `databricks auth token --host=$WORKSPACE` gave no token: it is not installed, or may not be run here
          Install the Databricks CLI (0.205 or newer) where PATH finds it as `databricks`, or use another identity: DATABRICKS_TOKEN, or a service principal.
    "#]]).await;
    let login = "echo 'Error: A new access token could not be retrieved because the refresh token \
                 is invalid.' >&2; exit 1";
    check(install(&house, login), 1, expect![[r#"
        lakegate: error: `databricks auth token --host=$WORKSPACE` gave no token: A new access token could not be retrieved because the refresh token is invalid.
          Run `databricks auth login --host=$WORKSPACE`, then try again.
    "#]]).await;
    check(install(&house, "exit 7"), 1, expect![[r#"
        lakegate: error: `databricks auth token --host=$WORKSPACE` gave no token: it ended with exit status: 7
          Run `databricks auth login --host=$WORKSPACE`, then try again.
    "#]]).await;
    check(install(&house, "echo '<html>not found</html>'"), 2, expect![[r#"
        lakegate: error: `databricks auth token --host=$WORKSPACE` gave no token: what it printed is no token
          Install the Databricks CLI (0.205 or newer) where PATH finds it as `databricks`, or use another identity: DATABRICKS_TOKEN, or a service principal.
    "#]]).await;
    let over = r#"echo '{"access_token":"x","expiry":"2001-01-01T00:00:00Z"}'"#;
    check(install(&house, over), 1, expect![[r#"
        lakegate: error: `databricks auth token --host=$WORKSPACE` gave no token: its token ended at 2001-01-01T00:00:00Z
          Run `databricks auth login --host=$WORKSPACE`, then try again.
    "#]]).await;
}
