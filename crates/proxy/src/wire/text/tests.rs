//! What is kept for which text.

use super::*;
use crate::wire::parameters::Parameters;
use proptest::prelude::*;

fn parameters() -> Parameters {
    let mut all = Parameters::default();
    for name in ["application_name", "client_encoding", "DateStyle", "TimeZone", "server_version"] {
        all.set(name, b"");
    }
    all.set("standard_conforming_strings", b"on");
    all
}

#[track_caller]
fn check(leaves: State, texts: &[&str]) {
    for text in texts {
        let effect = Reader::whole(text.as_bytes(), &parameters());
        assert_eq!(effect.leaves.reason(), leaves.reason(), "{text}");
    }
}

#[track_caller]
fn check_ends(ends: State, text: &str) {
    assert_eq!(Reader::whole(text.as_bytes(), &parameters()).ends, ends, "{text}");
}

#[test]
fn most_statements_leave_nothing() {
    check(
        State::NONE,
        &[
            "",
            ";;",
            "select 1",
            "SELECT listen, temp, load FROM prepare",
            "INSERT INTO temp VALUES (1)",
            "WITH x AS (INSERT INTO temp SELECT 1 RETURNING *) SELECT * FROM x",
            "UPDATE t SET work_mem = 1",
            "INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET role = 1",
            "ALTER ROLE a SET work_mem = 1",
            "NOTIFY a, 'listen'",
            "UNLISTEN a",
            "BEGIN; INSERT INTO t VALUES ('LISTEN a; SET x = 1'); COMMIT",
            "PREPARE TRANSACTION 'a'",
            "DECLARE c CURSOR FOR SELECT 1",
            "DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1",
            "CREATE TABLE temp (temporary int)",
            "DROP TABLE pg_temp.a",
            "SELECT pg_advisory_xact_lock(1)",
            "RESET work_mem",
            "DISCARD PLANS",
        ],
    );
}

#[test]
fn what_cannot_be_carried_is_found() {
    check(State::LISTEN, &["LISTEN a", "  listen \"b\"", "select 1; /* x */ LISTEN a; select 2"]);
    check(
        State::TEMPORARY,
        &[
            "CREATE TEMP TABLE a (b int)",
            "create local temporary table a (b int)",
            "CREATE OR REPLACE TEMP VIEW a AS SELECT 1",
            "CREATE TEMPORARY SEQUENCE a",
            "SELECT * INTO TEMP a FROM b",
            "SELECT 1 INTO LOCAL TEMPORARY a",
            "CREATE TABLE pg_temp.a (b int)",
            "CREATE TABLE \"pg_temp\".a (b int)",
            "CREATE TEMP TABLE a (b int) ON COMMIT DELETE ROWS",
            "CREATE TEMP TABLE a (b int) ON COMMIT DROP; CREATE TEMP TABLE c (d int)",
            "EXPLAIN ANALYZE CREATE TEMP TABLE a AS SELECT 1",
        ],
    );
    check(State::NONE, &["CREATE TEMP TABLE a (b int) ON COMMIT DROP"]);
    check(
        State::LOCK,
        &["SELECT pg_advisory_lock(1)", "select pg_catalog.PG_TRY_ADVISORY_LOCK_SHARED(1, 2)"],
    );
    check(State::CURSOR, &["DECLARE c CURSOR WITH HOLD FOR SELECT 1"]);
    check(State::PREPARED, &["PREPARE a AS SELECT 1", "prepare transaction_a as select 1"]);
    check(State::LIBRARY, &["LOAD 'auto_explain'"]);
}

#[test]
fn a_setting_that_is_reported_follows_its_client() {
    check(
        State::NONE,
        &[
            "SET timezone = 'UTC'",
            "SET SESSION \"TimeZone\" TO 'UTC'",
            "SET TIME ZONE 'UTC'",
            "SET NAMES 'UTF8'",
            "set application_name to default",
            "SET LOCAL work_mem = '1MB'",
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
            "SET CONSTRAINTS ALL DEFERRED",
            "SET LOCAL ROLE a",
            "SELECT set_config('work_mem', '1MB', true)",
            "SELECT set_config('work_mem', '1MB', is_local => TRUE), f('a', false)",
            "SELECT set_config('TimeZone', 'UTC', false)", // Django
            "SELECT pg_catalog.\"set_config\"(E'timezone', $1, $2), f('a')",
            "SELECT set_config('TimeZone', (SELECT 'U' || lower('TC')), false)",
        ],
    );
    check(
        State::SETTING,
        &[
            "SET work_mem = '1MB'",
            "set session work_mem = '1MB'",
            "SET a.timezone = 1",
            "SET server_version = 1",
            "SET SCHEMA 'a'", // Not reported by this server.
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SET XML OPTION CONTENT",
            "SELECT set_config('work_mem', '1MB', false)",
            "SELECT set_config('work_mem', '1MB', NOT true)",
            "SELECT set_config('work_mem', f(true), $1)",
            "SELECT set_config('Time' || 'Zone', 'UTC', false)",
            "SELECT set_config('TimeZone'::text, 'UTC', false)",
            "SELECT set_config(U&'TimeZone', 'UTC', false)",
            "SELECT set_config($$TimeZone$$, 'UTC', false)",
            "SELECT set_config(E'Time\\Zone', 'UTC', false)",
            "SELECT set_config('server_version', '1', false)",
            "SELECT set_config(lower('TimeZone'), 'UTC', false)",
            "SELECT set_config(new_value => 'TimeZone', setting_name => 'a.b', is_local => false)",
            "SELECT set_config('TimeZone', 'UTC', false), set_config('a.b', '1', false)",
            "SELECT set_config('TimeZone', set_config('a.b', 'UTC', true), false)",
            "SELECT set_config('TimeZone'",
            "BEGIN; SET LOCAL a.b = 1; SET work_mem = 1; ROLLBACK",
        ],
    );
    check(
        State::ROLE,
        &["SET ROLE a", "SET SESSION AUTHORIZATION a", "SET session_authorization = a"],
    );
}

#[test]
fn only_the_statement_is_read() {
    check(
        State::NONE,
        &[
            "-- LISTEN a",
            "/* LISTEN a; /* LISTEN b; */ LISTEN c; */ select 1",
            "select 'it''s; LISTEN a'",
            "select E'\\'; LISTEN a; --'",
            "select $$; LISTEN a;$$, $x$; LISTEN $$ a;$x$",
            "select \"; LISTEN a;\"",
            "select $1; select $2",
            "select \"LISTEN\"; \"LISTEN\" a",
        ],
    );
    check(
        State::LISTEN,
        &[
            "-- a\nLISTEN a",
            "LISTEN a -- the end",
            "select '\\'; LISTEN a",
            "select $1, $x; LISTEN a",
            "select a$$b; LISTEN a",
            "select 1-1/1; LISTEN a",
            "select /**/ 1; LISTEN a",
            "select E'a''\\''; LISTEN a",
            "select $x$ $x$x$; LISTEN a",
        ],
    );
}

#[test]
fn some_texts_end_state() {
    check_ends(State::ALL, "DISCARD ALL");
    check_ends(State::SETTING, "RESET ALL");
    check_ends(State::PREPARED, "DEALLOCATE PREPARE ALL");
    check_ends(State::TEMPORARY, "DISCARD TEMPORARY");
    check_ends(State::NONE, "DISCARD PLANS");
    check_ends(State::NONE, "BEGIN; RESET ALL; ROLLBACK");
    check_ends(State::ALL.without(State::SETTING), "DISCARD ALL; SET work_mem = 1");
    // What asyncpg sends when a connection goes back to its pool.
    let all = State::LOCK.with(State::CURSOR).with(State::LISTEN).with(State::SETTING);
    check_ends(all, "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;");
}

#[test]
fn a_backslash_escapes_where_the_server_says_so() {
    let mut parameters = parameters();
    parameters.set("standard_conforming_strings", b"off");
    let effect = Reader::whole(b"select '\\'; LISTEN a; --'", &parameters);
    assert!(effect.leaves.is_none());
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "SET ", "LISTEN ", "a", "'", "\"", "$$", "$x$", "/*", "*/", "--", "\n", ";", "E'",
                "\\", "(", ")", "set_config", "true", "CREATE ", "TEMP ", "DISCARD ", "ALL", "$",
            ]),
            0..40,
        ),
        cut in 1_u8..7,
    ) {
        let text = words.concat();
        crate::fuzzing::text(&[&[cut], text.as_bytes()].concat());
    }
}
