//! What a person reads when a script fails, as tables.

use alloc::vec::Vec;

use super::*;
use crate::migrations::Place;

#[track_caller]
fn check(origin: Origin, error: ServerError, done: usize, message: &str, advice: &str) {
    let statement = Statement { sql: "SELECT\n  é, x".into(), steps: Vec::new(), origin };
    let problem = explain(&error, &statement, done);
    assert_eq!(problem.message, message);
    assert_eq!(problem.advice, advice);
}

fn error(code: &str) -> ServerError {
    ServerError { code: code.into(), message: "no".into(), ..Default::default() }
}

#[test]
fn names_file_line_and_column() {
    let script = "-- lakegate: script 1_ä.sql\nSELECT\n  x";
    let position = script.chars().count() as u32;
    check(
        Origin::Block,
        ServerError {
            internal_query: Some(script.into()),
            internal_position: Some(position),
            hint: Some("Look.".into()),
            ..error("42703")
        },
        0,
        "1_ä.sql:2:3: no (SQLSTATE 42703)",
        "Look. Everything is undone: the database is as it was.",
    );
    check(
        Origin::File { name: "1_a.sql".into(), start: Place { line: 4, column: 7 } },
        ServerError { position: Some(13), ..error("42703") },
        2,
        "1_a.sql:5:6: no (SQLSTATE 42703)",
        "`1_a.sql` runs outside of transactions: its statements before this one stay done, \
         and the ledger keeps it as unfinished.",
    );
    check(
        Origin::File { name: "1_a.sql".into(), start: Place { line: 4, column: 7 } },
        ServerError { position: Some(1), ..error("42703") },
        2,
        "1_a.sql:4:7: no (SQLSTATE 42703)",
        "`1_a.sql` runs outside of transactions: its statements before this one stay done, \
         and the ledger keeps it as unfinished.",
    );
}

#[test]
fn names_at_least_the_file() {
    let context = "PL/pgSQL function f() line 1\nSQL statement \"-- lakegate: script 2_b.sql\n\
                   SELECT f()\"\nPL/pgSQL function inline_code_block line 9 at EXECUTE";
    check(
        Origin::Block,
        ServerError {
            context: Some(context.into()),
            internal_query: Some("SELECT 1/0".into()),
            ..error("22012")
        },
        1,
        "2_b.sql: no (SQLSTATE 22012)",
        "In PL/pgSQL function f() line 1. Everything since the last commit is undone; the migrations that the ledger names stay.",
    );
    check(
        Origin::Block,
        error("42501"),
        0,
        "the bootstrap failed: no (SQLSTATE 42501)",
        "The role lacks a privilege that the owner of the object or an administrator can grant. \
         Everything is undone: the database is as it was.",
    );
}

/// A block that runs this script, as it would be sent.
fn block(name: &str, script: &str) -> Statement {
    let desired = crate::bootstrap::fixture::desired(&[(name, script)]);
    let answer = crate::bootstrap::fixture::empty(serde_json::json!({}));
    let observed = crate::bootstrap::Observed::read(Some(&answer)).unwrap();
    crate::bootstrap::plan::plan(&observed, &desired).unwrap().statements.remove(0)
}

/// The number of the character where `word` begins, as Postgres counts.
fn number(text: &str, word: &str) -> Option<u32> {
    let at = text.find(word).unwrap();
    Some(u32::try_from(text[..at].chars().count() + 1).unwrap())
}

#[track_caller]
fn check_message(statement: &Statement, error: ServerError, message: &str) {
    assert_eq!(explain(&error, statement, 0).message, message);
}

#[test]
fn finds_the_place_within_a_block_of_a_script() {
    let script = "SELECT 1;\nDO $$ BEGIN\n  PERFORM 1;\n  é := nope(1);\nEND $$;\n";
    let context = "PL/pgSQL function inline_code_block line 3 at assignment\n\
                   SQL statement \"-- lakegate: script 1_a.sql\nSELECT 1;…\"";
    let error = |query: &str| ServerError {
        internal_query: Some(query.into()),
        internal_position: number(query, "nope"),
        context: Some(context.into()),
        ..error("42883")
    };
    let statement = block("1_a.sql", script);
    check_message(&statement, error("é := nope(1)"), "1_a.sql:4:8: no (SQLSTATE 42883)");
    let performed = block("1_a.sql", "DO $$ BEGIN\n  perform nope(1);\nEND $$;");
    check_message(&performed, error("SELECT nope(1)"), "1_a.sql:2:11: no (SQLSTATE 42883)");
    // A statement that Postgres has rewritten otherwise is not found, and one that stands there twice
    // is any of both.
    check_message(&statement, error("SELECT nope(1)"), "1_a.sql: no (SQLSTATE 42883)");
    let twice = block("1_a.sql", "DO $$ BEGIN x := nope(1); END $$; -- x := nope(1)");
    check_message(&twice, error("x := nope(1)"), "1_a.sql: no (SQLSTATE 42883)");
    let advice = explain(&error("SELECT nope(1)"), &statement, 0).advice;
    assert_eq!(
        advice,
        "In PL/pgSQL function inline_code_block line 3 at assignment. Everything is undone: the \
         database is as it was."
    );
}

#[test]
fn finds_the_place_that_postgres_moved() {
    let script = "SELECT 'é';\nCREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\n\
                  BEGIN\n  RETURN nope nope;\nEND $$;\n";
    let statement = block("1_a.sql", script);
    let moved = |word: &str, message: &str| ServerError {
        message: message.into(),
        internal_query: Some(alloc::format!("-- lakegate: script 1_a.sql\n{script}\n;SELECT")),
        internal_position: number(&statement.sql, word),
        context: Some("PL/pgSQL function inline_code_block line 22 at EXECUTE".into()),
        ..error("42601")
    };
    let message = r#"syntax error at or near "nope""#;
    check_message(
        &statement,
        moved("nope;", message),
        "1_a.sql:4:15: syntax error at or near \"nope\" (SQLSTATE 42601)",
    );
    // Long before, so that the number could mean a place in the script as well.
    let long = alloc::format!("{}{script}", "-- filler\n".repeat(500));
    let statement = block("1_a.sql", &long);
    let query = alloc::format!("-- lakegate: script 1_a.sql\n{long}\n;SELECT");
    let moved = ServerError {
        message: message.into(),
        internal_position: number(&statement.sql, "nope;"),
        internal_query: Some(query.clone()),
        ..error("42601")
    };
    check_message(
        &statement,
        moved,
        "1_a.sql:504:15: syntax error at or near \"nope\" (SQLSTATE 42601)",
    );
    let plain = ServerError {
        message: message.into(),
        internal_position: number(&query, "nope;"),
        internal_query: Some(query),
        ..error("42601")
    };
    check_message(
        &statement,
        plain,
        "1_a.sql:504:15: syntax error at or near \"nope\" (SQLSTATE 42601)",
    );
}

#[test]
fn finds_the_place_within_a_block_that_runs_alone() {
    let statement = Statement {
        sql: "DO $$ BEGIN\n  x := 1/0;\nEND $$".into(),
        steps: Vec::new(),
        origin: Origin::File { name: "1_a.sql".into(), start: Place { line: 4, column: 7 } },
    };
    let error = ServerError {
        internal_query: Some("x := 1/0".into()),
        internal_position: Some(6),
        ..error("22012")
    };
    check_message(&statement, error, "1_a.sql:5:8: no (SQLSTATE 22012)");
}
