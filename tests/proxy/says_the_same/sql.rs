//! The SQL of the scripts. Whatever differs from run to run by its nature is chosen away: times,
//! process ids, object ids (a column of a new table would carry one), the order of rows.

use fastrand::Rng;

use super::{SCHEMA, script::Place};

/// One of these texts.
fn one<'a>(rng: &mut Rng, texts: &[&'a str]) -> &'a str {
    rng.choice(texts).expect("there is always a choice")
}

/// A statement that leaves nothing behind but rows.
pub(super) fn plain(rng: &mut Rng, place: &Place) -> String {
    let table = &place.table;
    let n = rng.u32(0..6);
    match rng.u32(0..19) {
        0..3 => one(rng, QUERIES).to_owned(),
        3 => one(rng, EMPTY).to_owned(),
        4 => one(rng, WRONG).to_owned(),
        5 => format!("SELECT repeat('x', {})", 10_usize.pow(n.min(5))),
        6 => {
            format!("SELECT g, repeat('y', 90) FROM generate_series(1, {}) g", 10_u32.pow(n.min(3)))
        }
        7 => format!("INSERT INTO {table} VALUES ({n}, 'note {n}')"),
        8 => format!(
            "INSERT INTO {table} SELECT g, 'n' || g FROM generate_series(10, 10 + {n}) g ON CONFLICT DO NOTHING"
        ),
        9 => format!("UPDATE {table} SET note = note || '!' WHERE id <= {n}"),
        10 => format!("DELETE FROM {table} WHERE id = {n} RETURNING id, note"),
        11 => format!("SELECT * FROM {table} ORDER BY id"),
        12 => format!("DO $$ BEGIN RAISE NOTICE 'notice {n}'; END $$"),
        13 => format!(
            "DO $$ BEGIN RAISE {} 'said {n}' USING HINT = 'h', DETAIL = 'd'; END $$",
            one(rng, &["WARNING", "EXCEPTION", "INFO", "LOG"])
        ),
        14 => format!("SELECT 1 / ({n} - g) FROM generate_series(1, 5) g"),
        15 => format!("COPY (SELECT g, 'v' || g FROM generate_series(1, {n}) g) TO STDOUT"),
        16 => format!("COPY (SELECT * FROM {table} ORDER BY id) TO STDOUT (FORMAT csv)"),
        17 => format!("SET LOCAL work_mem = '{}MB'", n + 1),
        _ => "SHOW work_mem".to_owned(),
    }
}

const QUERIES: &[&str] = &[
    "SELECT 1",
    "SELECT NULL, '', 'text', 1.5, true, '\\x00ff'::bytea, ARRAY[1, NULL, 3]",
    "SELECT 'ä€😀' AS \"ü\"",
    "SELECT g FROM generate_series(1, 20) g",
    "SELECT 1 WHERE false",
    "SELECT",
    "VALUES (1, 'a'), (2, 'b')",
    "SELECT current_user = session_user, current_schemas(false)",
];
const EMPTY: &[&str] = &["", ";", " ;; ", "-- nothing", "/* nothing */"];
const WRONG: &[&str] = &[
    "SELEC 1",
    "SELECT 1 / 0",
    "SELECT no_such_column",
    "SELECT * FROM no_such_table",
    "SELECT 'a'::int4",
    "SELECT 'open",
    "COPY no_such_table FROM STDIN",
    "FETCH 1 FROM no_such_cursor",
    "VACUUM (NO_SUCH_OPTION)",
];

/// A statement that begins, ends or divides a transaction.
pub(super) fn transaction(rng: &mut Rng) -> String {
    one(
        rng,
        &[
            "BEGIN",
            "BEGIN",
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            "START TRANSACTION",
            "COMMIT",
            "COMMIT",
            "ROLLBACK",
            "COMMIT AND CHAIN",
            "ROLLBACK AND CHAIN",
            "SAVEPOINT a",
            "ROLLBACK TO a",
            "RELEASE a",
            "SET TRANSACTION READ ONLY",
        ],
    )
    .to_owned()
}

/// A statement whose effect outlives its transaction, and one that shows it.
pub(super) fn session(rng: &mut Rng, place: &Place) -> String {
    let key = place.seed;
    let n = rng.u32(1..4);
    match rng.u32(0..22) {
        0 => "SET TimeZone = 'Asia/Kathmandu'".to_owned(),
        1 => "SHOW TimeZone".to_owned(),
        2 => "SET DateStyle = 'German'; SELECT '2001-02-03'::date".to_owned(),
        3 => "SET application_name = 'said by the script'".to_owned(),
        4 => "SELECT current_setting('application_name'), current_setting('IntervalStyle')"
            .to_owned(),
        5 => "SET IntervalStyle = 'iso_8601'; SELECT '1 day 2 hours'::interval".to_owned(),
        6 => "RESET TimeZone".to_owned(),
        7 => "RESET ALL".to_owned(),
        8 => format!("SET statement_timeout = '{n}0min'"),
        9 => "SHOW statement_timeout".to_owned(),
        10 => format!("CREATE TEMPORARY TABLE own_{n} AS SELECT {n} AS v"),
        11 => format!("SELECT v + 0 FROM own_{n}"),
        12 => format!("LISTEN said_{key}"),
        13 => format!("NOTIFY said_{key}, 'load {n}'"),
        14 => format!("PREPARE by_hand_{n} (int4) AS SELECT $1 * {n}"),
        15 => format!("EXECUTE by_hand_{n} (7)"),
        16 => format!("SELECT pg_advisory_lock({key}, {n}), pg_advisory_unlock({key}, {n})"),
        17 => "DECLARE kept CURSOR WITH HOLD FOR SELECT g FROM generate_series(1, 9) g".to_owned(),
        18 => "FETCH 4 FROM kept".to_owned(),
        19 => "SET search_path = pg_catalog; SHOW search_path".to_owned(),
        20 => "DISCARD ALL".to_owned(),
        _ => format!(
            "SELECT set_config('my.own', '{n}', false), set_config('TimeZone', 'Europe/Rome', false)"
        ),
    }
}

/// A statement with parameters: its text, and the parameters that fit, as text.
pub(super) fn with_parameters(rng: &mut Rng, place: &Place) -> (String, Vec<Option<Vec<u8>>>) {
    let table = &place.table;
    let text = |text: &str| Some(text.as_bytes().to_vec());
    match rng.u32(0..9) {
        0 => ("SELECT $1::int4 + 1".to_owned(), vec![text("41")]),
        1 => ("SELECT $1::text || $2::text, $1".to_owned(), vec![text("a"), None]),
        2 => (
            "SELECT g, $2::text FROM generate_series(1, $1::int4) g".to_owned(),
            vec![text("7"), text("row")],
        ),
        3 => (format!("INSERT INTO {table} VALUES ($1, $2)"), vec![text("3"), text("given")]),
        4 => (format!("SELECT note FROM {table} WHERE id = $1"), vec![text("3")]),
        5 => ("SELECT 10 / $1::int4".to_owned(), vec![text(one(rng, &["0", "5", "many"]))]),
        6 => (
            "SELECT octet_length($1::bytea)".to_owned(),
            vec![Some(vec![b'z'; rng.usize(0..40_000)])],
        ),
        7 => (transaction(rng), vec![]),
        _ => (plain(rng, place), vec![]),
    }
}

/// What the table of a script is called.
pub(super) fn table(slot: usize) -> String {
    format!("{SCHEMA}.slot_{slot}")
}
