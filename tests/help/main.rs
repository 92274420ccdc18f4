//! What the commands say of themselves: every `--help` word for word, what wrong usage is told, the
//! manual pages and the completions, which all have one source.
//!
//! After a change of the texts: `TRYCMD=overwrite cargo test --workspace --test help`
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod completions;
mod pages;

use std::process::Command;

use lakegate_tests::binary;

/// What `lakegate` prints with nothing in its environment.
fn lakegate(arguments: &[&str]) -> String {
    let output = Command::new(binary("lakegate")).args(arguments).env_clear().output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn an_empty_variable_counts_as_absent() {
    let mut lakegate = Command::new(binary("lakegate"));
    let empty = [("LAKEGATE_CONFIG", ""), ("LAKEGATE_LOG_FORMAT", "")];
    let output = lakegate.args(["app-yaml", "--database=d"]).env_clear().envs(empty).output();
    assert!(output.as_ref().unwrap().status.success(), "{output:?}");
}

#[test]
fn every_text_is_as_written() {
    let cases = trycmd::TestCases::new();
    cases
        .register_bin("lakegate", binary("lakegate"))
        .register_bin("lakebase-emulator", binary("lakebase-emulator"))
        // The emulator's help shows what it holds.
        .env("EMULATOR_POSTGRES_BIN", "")
        .insert_var("[VERSION]", env!("CARGO_PKG_VERSION"))
        .unwrap()
        .case("help/*.md");
}
