//! Database credentials, and every way not to get one.

use super::*;

/// The workspace token and a target, without asking anybody.
fn ready(edge: &FakeEdge) -> (WorkspaceToken, Target) {
    let access = access(edge);
    let token = edge.run(workspace_token(edge, &access, None)).unwrap();
    let target = edge.run(discover_target(edge, &access, &token)).unwrap();
    (token, target)
}

const INSTANCE: (&str, &str) = ("LAKEBASE_INSTANCE_NAME", "demo");
const BUY: &str = "POST https://w.example/api/2.0/database/credentials Bearer dapi1 \
    {\"request_id\":\"r-1\",\"instance_names\":[\"demo\"]}";

#[test]
fn buys_credentials() {
    #[track_caller]
    fn check(settings: [(&'static str, &'static str); 4], turns: [Turn; 1], at: Option<&str>) {
        let edge = script(&settings, &[], turns);
        let (token, target) = ready(&edge);
        let credential = edge.run(credential(&edge, &token, &target, "r-1")).unwrap();
        assert_eq!(credential.token.expose(), "T");
        assert_eq!(credential.claim.expires_at.as_deref(), at);
        edge.end();
    }
    let at = "2026-02-06T17:07:00Z";
    check(
        [W, PAT, HOST, INSTANCE],
        [turn(BUY, 200, r#"{"token":"T","expiration_time":"2026-02-06T17:07:00Z"}"#)],
        Some(at),
    );
    check([W, PAT, HOST, INSTANCE], [turn(BUY, 200, r#"{"token":"T"}"#)], None);
    check(
        [W, PAT, HOST, ("LAKEBASE_ENDPOINT", "projects/p/branches/b/endpoints/primary")],
        [turn(
            "POST https://w.example/api/2.0/postgres/credentials Bearer dapi1 \
             {\"endpoint\":\"projects/p/branches/b/endpoints/primary\"}",
            200,
            r#"{"token":"T","expire_time":"2026-02-06T17:07:00Z","group_name":null}"#,
        )],
        Some(at),
    );
}

#[test]
fn tells_refusals_apart() {
    #[track_caller]
    fn check(answer: Result<Response, SendError>, permanent: bool, advice: &str) {
        let turns = [Turn { request: BUY.to_owned(), answer }];
        let edge = script(&[W, PAT, HOST, INSTANCE], &[], turns);
        let (token, target) = ready(&edge);
        let error = edge.run(credential(&edge, &token, &target, "r-1")).unwrap_err();
        let problem = error.problem();
        assert_eq!(error.permanent(), permanent, "{problem}");
        assert!(problem.advice.starts_with(advice), "{problem}\n{}", problem.advice);
    }
    let say = |status, body| turn("", status, body).answer;
    check(say(400, "{}"), true, "Check the name `demo`");
    check(say(401, "{}"), true, "The workspace does not accept the token.");
    check(say(403, "{}"), true, "Give the identity the right to use the database");
    check(
        say(403, r#"{"message":"Unauthorized network access to workspace 1"}"#),
        true,
        "Connect from a network with a private link",
    );
    check(
        say(403, "Source IP 1.2.3.4 is blocked by Databricks IP ACL for workspace"),
        true,
        "Add this machine's outgoing address",
    );
    check(
        say(404, r#"{"message":"Database instance demo does not exist"}"#),
        true,
        "Check the name `demo`",
    );
    check(say(418, ""), true, "Set DATABRICKS_HOST");
    for status in [408, 409, 429, 500, 502, 503, 504] {
        check(say(status, ""), false, "It is tried again by itself.");
    }
    check(say(200, "<html>"), false, "Something between here and the workspace");
    check(say(200, r#"{"expiration_time":"x"}"#), false, "Something between here");
    check(say(302, ""), true, "Set DATABRICKS_HOST");
    check(Err(SendError::Timeout), false, "It is tried again by itself.");
    let detail = || "why".to_owned();
    check(Err(SendError::Unreachable { detail: detail() }), false, "It is tried again");
    check(Err(SendError::Tls { detail: detail() }), true, "Nothing was sent.");
    check(Err(SendError::Forbidden { detail: detail() }), true, "Nothing was sent.");
    let mut redirect = turn("", 303, "").answer.unwrap();
    let login = "https://w.example/login.html?error=private-link-validation-error:1";
    redirect.headers.push(("location".to_owned(), login.to_owned()));
    check(Ok(redirect), true, "Connect from a network with a private link");
}

#[test]
fn a_throttled_mint_says_when_to_come_back() {
    let mut throttled = turn(BUY, 429, r#"{"error_code":"REQUEST_LIMIT_EXCEEDED"}"#);
    let wait = ("retry-after".to_owned(), "Sun, 06 Nov 1994 08:50:07 GMT".to_owned());
    throttled.answer.as_mut().unwrap().headers.push(wait);
    let edge = script(&[W, PAT, HOST, INSTANCE], &[], [throttled]);
    let (token, target) = ready(&edge);
    let error = edge.run(credential(&edge, &token, &target, "r-1")).unwrap_err();
    assert_eq!(error.retry_after(), Some(core::time::Duration::from_secs(30)));
}

#[test]
fn a_refused_workspace_token_is_told() {
    let edge = script(&[W, PAT, HOST, INSTANCE], &[], [turn(BUY, 401, "")]);
    let (token, target) = ready(&edge);
    let error = edge.run(credential(&edge, &token, &target, "r-1")).unwrap_err();
    assert!(error.workspace_token_refused());
}
