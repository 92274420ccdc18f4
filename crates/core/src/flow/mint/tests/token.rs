//! Workspace tokens, and whom they belong to.

use super::*;
use crate::problem::Kind;

const CONFIG: &str = "GET https://w.example/.well-known/databricks-config";
const SERVER: &str = "GET https://w.example/oidc/.well-known/oauth-authorization-server";
const ENDPOINT: &str = r#"{"token_endpoint":"https://w.example/oidc/v2/token","x":[1]}"#;
const GRANT: &str = "POST https://w.example/oidc/v1/token Basic bWU6czM= \
    grant_type=client_credentials&scope=all-apis";
const ELSEWHERE: &str = "POST https://w.example/oidc/v2/token Basic bWU6czM= \
    grant_type=client_credentials&scope=all-apis";
const OTHER: &str = "POST https://v.example/oidc/v1/token Basic bWU6czM= \
    grant_type=client_credentials&scope=all-apis";
const TOKEN: &str =
    r#"{"access_token":"T","token_type":"Bearer","expires_in":"3600","scope":"all-apis"}"#;

#[test]
fn a_client_gets_a_token_from_the_usual_endpoint() {
    let edge = script(&[W, ID, SECRET, HOST], &[], [turn(GRANT, 200, TOKEN)]);
    let token = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap();
    assert_eq!(token.token.expose(), "T");
    let claim = ExpiryClaim {
        expires_in: Some("3600".to_owned()),
        expires_at: None,
        date: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
    };
    assert_eq!(token.claim, Some(claim));
    assert_eq!((token.exchange.sent.wall, token.exchange.received.wall), (0, 10));
    // The client that minted it is the role: nobody is asked.
    assert_eq!(edge.run(discover_user(&edge, &token)).unwrap(), "me");
    edge.end();
}

/// Whether a token came, once the usual endpoint had answered this and those came after it.
#[track_caller]
fn check_search<const N: usize>(usual: (u16, &str), then: [Turn; N], expected: Result<(), &str>) {
    let edge = script(&[W, ID, SECRET, HOST], &[], [turn(GRANT, usual.0, usual.1)]);
    edge.expect(then);
    let found = edge.run(workspace_token(&edge, &access(&edge), None));
    assert_eq!(found.map(|_| ()).map_err(|e| e.to_string()), expected.map_err(String::from));
    edge.end();
}

const MISSING: &str = r#"{"error_code":"NOT_FOUND","message":"no"}"#;
const PAGE: &str = "<html><body>sign in</body></html>";

#[test]
fn searches_when_nobody_issues_tokens_at_the_usual_endpoint() {
    for usual in [(404, MISSING), (405, ""), (302, ""), (200, PAGE), (200, "{}")] {
        let config = turn(CONFIG, 200, r#"{"oidc_endpoint":"https://w.example/oidc"}"#);
        let found = [config, turn(SERVER, 200, ENDPOINT), turn(ELSEWHERE, 200, TOKEN)];
        check_search(usual, found, Ok(()));
    }
    let refused = r#"{"error":"invalid_client","error_description":"no"}"#;
    for (status, expected) in [
        (400, "the workspace token for client `me` was refused (400): invalid_client: no"),
        (401, "the workspace token for client `me` was denied (401): invalid_client: no"),
        (403, "the workspace token for client `me` was denied (403): invalid_client: no"),
        (404, "the workspace token for client `me` found nothing (404): invalid_client: no"),
        (429, "the workspace token for client `me` was throttled (429)"),
        (503, "the workspace token for client `me` failed for now (503): invalid_client: no"),
    ] {
        check_search((status, refused), [], Err(expected));
    }
}

#[test]
fn the_search_falls_back_and_trusts_nobody_else() {
    let nowhere = (404, MISSING);
    let found = || [turn(SERVER, 200, ENDPOINT), turn(ELSEWHERE, 200, TOKEN)];
    for config in [turn(CONFIG, 404, MISSING), turn(CONFIG, 200, PAGE), turn(CONFIG, 302, "")] {
        let [server, grant] = found();
        check_search(nowhere, [config, server, grant], Ok(()));
    }
    check_search(
        nowhere,
        [turn(CONFIG, 200, r#"{"oidc_endpoint":"https://evil.example/oidc"}"#)],
        Err("the search for the workspace's token endpoint names `https://evil.example/oidc`, \
             which is not at https://w.example"),
    );
    check_search(
        nowhere,
        [
            turn(CONFIG, 404, ""),
            turn(SERVER, 200, r#"{"token_endpoint":"http://w.example/oidc/v1/token"}"#),
        ],
        Err("the search for the workspace's token endpoint names \
             `http://w.example/oidc/v1/token`, which is not at https://w.example"),
    );
    check_search(
        nowhere,
        [turn(CONFIG, 503, "")],
        Err("the search for the workspace's token endpoint failed for now (503)"),
    );
    // It leads to where nothing was: asking there once more would change nothing.
    let usual = r#"{"token_endpoint":"https://w.example/oidc/v1/token"}"#;
    check_search(
        nowhere,
        [turn(CONFIG, 404, ""), turn(SERVER, 200, usual)],
        Err("the workspace token for client `me` found nothing (404): NOT_FOUND: no"),
    );
}

#[test]
fn a_known_endpoint_is_asked_first_and_only_if_it_is_the_workspaces_own() {
    let edge = script(&[W, ID, SECRET, HOST], &[], [turn(GRANT, 404, MISSING)]);
    edge.expect([turn(CONFIG, 404, ""), turn(SERVER, 200, ENDPOINT), turn(ELSEWHERE, 200, TOKEN)]);
    let first = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap();
    edge.expect([turn(ELSEWHERE, 200, TOKEN)]);
    edge.run(workspace_token(&edge, &access(&edge), first.endpoint.as_ref())).unwrap();
    edge.set("DATABRICKS_HOST", "v.example");
    edge.expect([turn(OTHER, 200, TOKEN)]);
    edge.run(workspace_token(&edge, &access(&edge), first.endpoint.as_ref())).unwrap();
    edge.end();
}

#[test]
fn other_identities_get_a_token() {
    #[track_caller]
    fn check<const N: usize>(
        settings: &[(&'static str, &'static str)],
        files: &[(&'static str, &'static str)],
        turns: [Turn; N],
        user: &str,
    ) {
        let edge = script(settings, files, turns);
        let token = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap();
        assert_eq!(edge.run(discover_user(&edge, &token)).unwrap(), user);
        edge.end();
    }
    const ME: &str = r#"{"userName":"a@b.example","emails":[{"value":"x"}]}"#;
    const ASK: &str = "GET https://w.example/api/2.0/preview/scim/v2/Me Bearer dapi1";
    check(&[W, PAT, HOST], &[], [turn(ASK, 200, ME)], "a@b.example");
    // The configured client did not mint this token, so it is not the role.
    check(&[W, PAT, ID, HOST], &[], [turn(ASK, 200, ME)], "a@b.example");

    let profile = "[DEFAULT]\nhost = https://w.example\ntoken = dapi1\n\
        [sp]\nhost = https://v.example\nclient_id = me\nclient_secret = s3\n";
    let file = [("~/.databrickscfg", profile)];
    check(&[HOST], &file, [turn(ASK, 200, ME)], "a@b.example");
    let named = [W, HOST, ("DATABRICKS_CONFIG_PROFILE", "sp")];
    check(&named, &file, [turn(GRANT, 200, TOKEN)], "me");

    let exchange = "POST https://w.example/oidc/v1/token \
        grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=J.W.T&\
        subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&scope=all-apis&\
        client_id=me";
    let federated = [W, HOST, ID, ("DATABRICKS_OIDC_TOKEN_FILEPATH", "/t")];
    check(&federated, &[("/t", "J.W.T\n")], [turn(exchange, 200, TOKEN)], "me");

    let github = [
        W,
        HOST,
        ID,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://g.example/t?v=1"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "K"),
    ];
    let ask = "GET https://g.example/t?v=1&audience=https%3A%2F%2Fw.example%2Foidc%2Fv1%2Ftoken \
        Bearer K";
    let answer = turn(ask, 200, r#"{"value":"J.W.T"}"#);
    check(&github, &[], [answer, turn(exchange, 200, TOKEN)], "me");
}

#[test]
fn secrets_are_read_at_each_mint() {
    #[track_caller]
    fn check(
        settings: &[(&'static str, &'static str)],
        files: &[(&'static str, &'static str)],
        expected: &str,
        permanent: bool,
    ) {
        let edge = script(settings, files, []);
        let error = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.permanent(), permanent, "{expected}");
    }
    let file = [W, ID, HOST, ("DATABRICKS_CLIENT_SECRET_FILE", "/s")];
    check(
        &file,
        &[],
        "`/s` (DATABRICKS_CLIENT_SECRET_FILE) was not read: there is no such file",
        true,
    );
    check(&file, &[("/s", " \n")], "`/s` (DATABRICKS_CLIENT_SECRET_FILE) is empty", false);
    let profile = [HOST, ("DATABRICKS_CONFIG_PROFILE", "p")];
    check(
        &profile,
        &[("~/.databrickscfg", "[q]\ntoken=t")],
        "`~/.databrickscfg` cannot be used: the file has no profile `p`",
        true,
    );
    check(
        &profile,
        &[("~/.databrickscfg", "[p]\ntoken=t")],
        "profile `p` names no host, and DATABRICKS_HOST is not set",
        true,
    );
    // Gone since the configuration was read.
    let edge = script(&[W, PAT, HOST], &[], []);
    let access = access(&edge);
    let edge = script(&[W, HOST], &[], []);
    let error = edge.run(workspace_token(&edge, &access, None)).unwrap_err();
    assert_eq!(error.to_string(), "the secret DATABRICKS_TOKEN is no longer set");
}

const CLI: (&str, &str) = ("DATABRICKS_AUTH_TYPE", "databricks-cli");
const BY_HOST: &str = "databricks-cli:--host=https://w.example";
const BY_PROFILE: &str = "databricks-cli:--profile=p q";
const ANSWER: &str =
    r#"{"access_token":"U2M","token_type":"Bearer","expiry":"1970-01-01T01:00:00.5+01:00"}"#;

#[test]
fn the_databricks_cli_gives_the_token_of_a_person() {
    #[track_caller]
    fn check(
        settings: &[(&'static str, &'static str)],
        files: &[(&'static str, &'static str)],
        expected: Result<&str, &str>,
    ) {
        let edge = script(settings, files, []);
        let token = edge.run(workspace_token(&edge, &access(&edge), None));
        let found = token.as_ref().map(|token| (token.token.expose(), token.client.as_deref()));
        let found = found.map_err(ToString::to_string);
        let expected = expected.map(|token| (token, None)).map_err(ToOwned::to_owned);
        assert_eq!(found, expected);
        edge.end();
    }
    let profile = "[p q]\nhost = w.example\nauth_type = databricks-cli\n";
    let profile = ("~/.databrickscfg", profile);
    let named = ("DATABRICKS_CONFIG_PROFILE", "p q");
    // Neither the client nor the access token beside it is used.
    check(&[W, HOST, CLI, ID, SECRET, PAT], &[(BY_HOST, ANSWER)], Ok("U2M"));
    check(&[HOST, named], &[profile, (BY_PROFILE, ANSWER)], Ok("U2M"));
    check(&[W, HOST, CLI, named], &[profile, (BY_PROFILE, ANSWER)], Ok("U2M"));
    check(
        &[("DATABRICKS_HOST", "v.example"), HOST, named],
        &[profile, (BY_PROFILE, ANSWER)],
        Err("profile `p q` is for https://w.example, but DATABRICKS_HOST is https://v.example"),
    );
    let what = "`databricks auth token --host=https://w.example` gave no token: ";
    let failed = |answer, why: &str| {
        check(&[W, HOST, CLI], &[(BY_HOST, answer)], Err(&format!("{what}{why}")));
    };
    failed("", "what it printed is no token");
    failed("Opening a browser …", "what it printed is no token");
    failed(r#"{"access_token":" "}"#, "what it printed is no token");
    failed(r#"{"access_token":["x"]}"#, "what it printed is no token");
    failed(
        r#"{"access_token":"x","expiry":"1970-01-01T00:00:00Z"}"#,
        "its token ended at 1970-01-01T00:00:00Z",
    );
    let absent = format!("{what}it is not installed, or may not be run here");
    check(&[W, HOST, CLI], &[], Err(&absent));
}

#[test]
fn a_login_of_the_databricks_cli_that_fails_says_what_to_run() {
    let login = CliLogin::Profile("p".to_owned());
    let reason = CliError::Failed { detail: "no login".to_owned() };
    let error = MintError::Cli { login, reason };
    let problem = error.problem();
    assert_eq!((error.permanent(), problem.kind), (true, Kind::Denied), "a person has to act");
    assert_eq!(problem.advice, "Run `databricks auth login --profile=p`, then try again.");
}

#[test]
fn a_refused_client_is_told() {
    let body = r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#;
    let edge = script(&[W, ID, SECRET, HOST], &[], [turn(GRANT, 401, body)]);
    let error = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap_err();
    assert!(!error.workspace_token_refused());
    assert_eq!(
        error.problem().message,
        "the workspace token for client `me` was denied (401): invalid_client: Client \
         authentication failed"
    );
    assert!(error.permanent());
}

#[test]
fn no_error_shows_a_secret() {
    let echo = r#"{"error":"invalid_client","error_description":"no dose0123456789abcdef here"}"#;
    let edge = script(&[W, ID, SECRET, HOST], &[], [turn(GRANT, 401, echo)]);
    let error = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap_err();
    let all = format!("{error} {error:?} {:?}", error.problem());
    assert!(!all.contains("dose0123456789abcdef") && !all.contains("s3"), "{all}");
}
