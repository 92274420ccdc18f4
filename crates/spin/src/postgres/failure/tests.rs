//! How failures of Spin's Postgres are sorted.

use super::*;

#[track_caller]
fn check_login(text: &str, expected: DatabaseError) {
    let error = Error::PgError(PgError::ConnectionFailed(text.to_owned()));
    assert_eq!(of_login(error), expected, "{text}");
}

fn said(message: &str) -> DatabaseError {
    let message = message.to_owned();
    DatabaseError::Server(Box::new(ServerError { message, ..ServerError::default() }))
}

fn tls(detail: &str) -> DatabaseError {
    DatabaseError::Tls { detail: detail.to_owned() }
}

fn unreachable(detail: &str) -> DatabaseError {
    DatabaseError::Unreachable { detail: detail.to_owned() }
}

fn odd(detail: &str) -> DatabaseError {
    DatabaseError::Other { detail: detail.to_owned() }
}

#[test]
fn a_refused_login_is_in_the_words_of_the_server() {
    let chain =
        "Error occurred while creating a new object: db error\n\nCaused by:\n    0: db error\n";
    for (cause, message) in [
        ("    1: FATAL: OAuth: User is not authorized", "OAuth: User is not authorized"),
        ("    1: FATAL: database \"d\" does not exist", "database \"d\" does not exist"),
        ("    1: ERROR: External authorization failed", "External authorization failed"),
        ("    FATAL: sorry, too many clients already", "sorry, too many clients already"),
    ] {
        check_login(&format!("{chain}{cause}"), said(message));
        check_login(&format!("{chain}{cause}\n\nStack backtrace:\n   0: x"), said(message));
    }
    check_login("db error: FATAL: no", said("no"));
}

#[test]
fn details_and_hints_of_a_refusal_are_kept() {
    let text = "db error\n\nCaused by:\n    FATAL: no\n    DETAIL: because\n    HINT: do";
    let DatabaseError::Server(report) = connection_failed(text) else { panic!("no report") };
    assert_eq!(report.message, "no");
    assert_eq!(report.detail.as_deref(), Some("because"));
    assert_eq!(report.hint.as_deref(), Some("do"));
}

#[test]
fn what_is_no_refusal_is_sorted_by_what_to_do_about_it() {
    for (text, expected) in [
        (
            "error performing TLS handshake\n\nCaused by:\n    0: error:0A000086:SSL routines:f:certificate verify failed:../ssl/x.c:1889: (unable to get local issuer certificate)\n    1: error:0A000086:SSL routines:f:certificate verify failed:../ssl/x.c:1889:",
            tls("certificate verify failed: unable to get local issuer certificate"),
        ),
        (
            "error performing TLS handshake\n\nCaused by:\n    error:0A00010B:SSL routines:f:wrong version number:../ssl/x.c:3",
            tls("wrong version number"),
        ),
        (
            "x: error performing TLS handshake\n\nCaused by:\n    server does not support TLS",
            tls("server does not support TLS"),
        ),
        (
            "x: error connecting to server\n\nCaused by:\n    0: error connecting to server\n    1: Connection refused (os error 111)",
            unreachable("Connection refused (os error 111)"),
        ),
        ("too many connections", unreachable("too many connections")),
        (
            "address postgres://h:5432 is not permitted",
            odd("address postgres://h:5432 is not permitted"),
        ),
        ("", unreachable("no reason was given")),
    ] {
        check_login(text, expected);
    }
    let error = PgError::Other("invalid root certificate: not PEM".into());
    let expected = tls("LAKEGATE_POSTGRES_CA: invalid root certificate: not PEM");
    assert_eq!(of_login(Error::PgError(error)), expected);
}

#[test]
fn the_report_of_a_statement_is_whole() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let report = DbError {
        as_text: "message: \"m\", detail: Some(\"d\"), hint: Some(\"h\"), position: Some(Original(3)), where_: None".into(),
        severity: "ERROR".into(),
        code: "42601".into(),
        message: "m".into(),
        detail: Some("d".into()),
        extras: vec![pair("hint", "h"), pair("where_", "w"), pair("file", "x.c")],
    };
    let error = Error::PgError(PgError::QueryFailed(QueryError::DbError(report)));
    let expected = ServerError {
        code: "42601".into(),
        message: "m".into(),
        detail: Some("d".into()),
        hint: Some("h".into()),
        position: Some(3),
        context: Some("w".into()),
        ..ServerError::default()
    };
    assert_eq!(of_statement(error), DatabaseError::Server(Box::new(expected)));
}

#[test]
fn a_statement_whose_connection_broke_may_have_been_committed() {
    let text = |text: &str| {
        of_statement(Error::PgError(PgError::QueryFailed(QueryError::Text(text.to_owned()))))
    };
    for lost in ["Error { kind: Closed, cause: None }", "Error { kind: Io, cause: Some(x) }"] {
        assert_eq!(text(lost), DatabaseError::Lost { detail: lost.to_owned() });
    }
    assert_eq!(text("cannot convert"), odd("cannot convert"));
}
