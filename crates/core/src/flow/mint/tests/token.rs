//! Workspace tokens, and whom they belong to.

use super::*;

const CONFIG: &str = "GET https://w.example/.well-known/databricks-config";
const SERVER: &str = "GET https://w.example/oidc/.well-known/oauth-authorization-server";
const ENDPOINT: &str = r#"{"token_endpoint":"https://w.example/oidc/v1/token","x":[1]}"#;
const GRANT: &str = "POST https://w.example/oidc/v1/token Basic bWU6czM= \
    grant_type=client_credentials&scope=all-apis";
const TOKEN: &str =
    r#"{"access_token":"T","token_type":"Bearer","expires_in":"3600","scope":"all-apis"}"#;

fn discovery() -> [Turn; 2] {
    [
        turn(CONFIG, 200, r#"{"oidc_endpoint":"https://w.example/oidc","account_id":"a"}"#),
        turn(SERVER, 200, ENDPOINT),
    ]
}

#[test]
fn a_client_gets_a_token() {
    let [first, second] = discovery();
    let edge = script(&[W, ID, SECRET, HOST], &[], [first, second, turn(GRANT, 200, TOKEN)]);
    let token = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap();
    assert_eq!(token.token.expose(), "T");
    let claim = ExpiryClaim {
        expires_in: Some("3600".to_owned()),
        expires_at: None,
        date: Some("Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
    };
    assert_eq!(token.claim, Some(claim));
    assert_eq!((token.exchange.sent.wall, token.exchange.received.wall), (20, 30));
    // The client that minted it is the role: nobody is asked.
    assert_eq!(edge.run(discover_user(&edge, &token)).unwrap(), "me");
    // The next mint knows the way.
    edge.expect([turn(GRANT, 200, TOKEN)]);
    edge.run(workspace_token(&edge, &access(&edge), token.endpoint.as_ref())).unwrap();
    edge.end();
}

#[test]
fn discovery_falls_back_and_trusts_nobody_else() {
    #[track_caller]
    fn check<const N: usize>(turns: [Turn; N], expected: Result<(), &str>) {
        let edge = script(&[W, ID, SECRET, HOST], &[], turns);
        let found = edge.run(workspace_token(&edge, &access(&edge), None));
        assert_eq!(found.map(|_| ()).map_err(|e| e.to_string()), expected.map_err(String::from));
        edge.end();
    }
    let missing = r#"{"error_code":"NOT_FOUND","message":"no"}"#;
    let page = "<html><body>sign in</body></html>";
    let usual = || [turn(SERVER, 200, ENDPOINT), turn(GRANT, 200, TOKEN)];
    let [server, grant] = usual();
    check([turn(CONFIG, 404, missing), server, grant], Ok(()));
    let [server, grant] = usual();
    check([turn(CONFIG, 200, page), server, grant], Ok(()));
    let [server, grant] = usual();
    check([turn(CONFIG, 302, ""), server, grant], Ok(()));
    check(
        [turn(CONFIG, 200, r#"{"oidc_endpoint":"https://evil.example/oidc"}"#)],
        Err("the search for the workspace's token endpoint names `https://evil.example/oidc`, \
             which is not at https://w.example"),
    );
    check(
        [
            turn(CONFIG, 404, ""),
            turn(SERVER, 200, r#"{"token_endpoint":"http://w.example/oidc/v1/token"}"#),
        ],
        Err("the search for the workspace's token endpoint names \
             `http://w.example/oidc/v1/token`, which is not at https://w.example"),
    );
    check(
        [turn(CONFIG, 503, "")],
        Err("the search for the workspace's token endpoint failed for now (503)"),
    );
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
    let [first, second] = discovery();
    let named = [W, HOST, ("DATABRICKS_CONFIG_PROFILE", "sp")];
    check(&named, &file, [first, second, turn(GRANT, 200, TOKEN)], "me");

    let exchange = "POST https://w.example/oidc/v1/token \
        grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange&subject_token=J.W.T&\
        subject_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt&scope=all-apis&\
        client_id=me";
    let [first, second] = discovery();
    let federated = [W, HOST, ID, ("DATABRICKS_OIDC_TOKEN_FILEPATH", "/t")];
    check(&federated, &[("/t", "J.W.T\n")], [first, second, turn(exchange, 200, TOKEN)], "me");

    let github = [
        W,
        HOST,
        ID,
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://g.example/t?v=1"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "K"),
    ];
    let ask = "GET https://g.example/t?v=1&audience=https%3A%2F%2Fw.example%2Foidc%2Fv1%2Ftoken \
        Bearer K";
    let [first, second] = discovery();
    let answer = turn(ask, 200, r#"{"value":"J.W.T"}"#);
    check(&github, &[], [first, second, answer, turn(exchange, 200, TOKEN)], "me");
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

#[test]
fn a_refused_client_is_told() {
    let [first, second] = discovery();
    let body = r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#;
    let edge = script(&[W, ID, SECRET, HOST], &[], [first, second, turn(GRANT, 401, body)]);
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
    let [first, second] = discovery();
    let echo = r#"{"error":"invalid_client","error_description":"no dose0123456789abcdef here"}"#;
    let edge = script(&[W, ID, SECRET, HOST], &[], [first, second, turn(GRANT, 401, echo)]);
    let error = edge.run(workspace_token(&edge, &access(&edge), None)).unwrap_err();
    let all = format!("{error} {error:?} {:?}", error.problem());
    assert!(!all.contains("dose0123456789abcdef") && !all.contains("s3"), "{all}");
}
