//! Who may take up whose credentials.

use super::*;
use crate::flow::mint::owner;

const ASK: (&str, &str) = ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://gh.example/ask");
const KEY: (&str, &str) = ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ghs");
const FILE: (&str, &str) = ("DATABRICKS_OIDC_TOKEN_FILEPATH", "/id");
const PROFILE: (&str, &str) = ("DATABRICKS_CONFIG_PROFILE", "p");

fn owner_with(
    settings: &[(&'static str, &'static str)],
    files: &[(&'static str, &'static str)],
) -> Option<String> {
    let edge = script(settings, files, []);
    edge.run(owner(&edge, &access(&edge)))
}

#[test]
fn names_all_that_decides_and_no_secret() {
    #[track_caller]
    fn check(settings: &[(&'static str, &'static str)], expected: &str) {
        assert_eq!(owner_with(settings, &[("/id", "jwt")]).unwrap(), expected);
    }
    check(
        &[W, HOST, ID, SECRET, ("DATABRICKS_APP_NAME", "an \"app\"")],
        r#"{"workspace":"https://w.example","endpoint":null,"instance":null,"host":"h.example","app":"an \"app\"","identity":"client","client":"me","secret":null}"#,
    );
    check(
        &[W, ("LAKEBASE_INSTANCE_NAME", "demo"), PAT],
        r#"{"workspace":"https://w.example","endpoint":null,"instance":"demo","host":null,"app":null,"identity":"token","client":null,"secret":"36ca7c600300390d0e98761a35f2abd1"}"#,
    );
    check(
        &[W, ("LAKEBASE_ENDPOINT", "projects/p/branches/b/endpoints/e"), FILE, ID],
        r#"{"workspace":"https://w.example","endpoint":"projects/p/branches/b/endpoints/e","instance":null,"host":null,"app":null,"identity":"federated","client":"me","secret":null}"#,
    );
    check(
        &[W, HOST, ASK, KEY, ID],
        r#"{"workspace":"https://w.example","endpoint":null,"instance":null,"host":"h.example","app":null,"identity":"github","client":"me","secret":null}"#,
    );
}

#[test]
fn another_login_is_another_owner() {
    let client = "[p]\nclient_id = me\nclient_secret = s3\n";
    let of =
        |settings: &[_], text| owner_with(settings, &[("/id", text), ("~/.databrickscfg", text)]);
    let owners = [
        of(&[W, HOST, ID, SECRET], ""),
        of(&[("DATABRICKS_HOST", "v.example"), HOST, ID, SECRET], ""),
        of(&[W, ("POSTGRES_HOST", "g.example"), ID, SECRET], ""),
        of(&[W, HOST, ("DATABRICKS_CLIENT_ID", "you"), SECRET], ""),
        of(&[W, HOST, PAT], ""),
        of(&[W, HOST, ("DATABRICKS_TOKEN", "dapi2")], ""),
        of(&[W, HOST, FILE], "jwt 1"),
        of(&[W, HOST, FILE], "jwt 2"),
        of(&[W, HOST, FILE, ID], "jwt 1"),
        of(&[W, HOST, ASK, KEY], ""),
        of(&[W, HOST, PROFILE], "[p]\ntoken = dapi3\n"),
    ];
    for (number, owner) in owners.iter().enumerate() {
        assert!(owner.is_some(), "{number}");
        let first = owners.iter().position(|other| other == owner);
        assert_eq!(first, Some(number), "{owner:?}");
    }
    // A new secret of the same client, wherever it is from, is the same owner.
    assert_eq!(of(&[W, HOST, ID, ("DATABRICKS_CLIENT_SECRET", "s4")], ""), owners[0]);
    assert_eq!(of(&[W, HOST, PROFILE], client), owners[0]);
    assert_eq!(of(&[W, HOST, FILE, ID], "jwt 2"), owners[8]);
    // Who is behind a login of the Databricks CLI shows only in its token.
    let cli = ("DATABRICKS_AUTH_TYPE", "databricks-cli");
    assert_eq!(of(&[W, HOST, cli], ""), None);
    assert_eq!(of(&[W, HOST, PROFILE], "[p]\nauth_type = databricks-cli\n"), None);
    // What cannot be used belongs to nobody.
    assert_eq!(of(&[W, HOST, FILE], " "), None);
}
