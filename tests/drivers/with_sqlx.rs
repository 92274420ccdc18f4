//! sqlx: everything prepared and kept, a pool that tests its connections, transactions that roll
//! back when they are dropped.

use futures_util::TryStreamExt;
use futures_util::future::try_join_all;
use lakegate_tests::{DEADLINE, House};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolCopyExt, PgPoolOptions, PgSslMode};
use sqlx::{Acquire, AssertSqlSafe, Error, PgPool, Row, query, query_scalar, raw_sql};

use crate::road::{Road, Way};

/// 50 MB.
const ROWS: &str = "SELECT repeat(chr(65 + i % 26), 1000) FROM generate_series(1, 50000) i";

/// Where to connect; tables are the suite's.
fn options(house: &House, road: &Road) -> PgConnectOptions {
    let mut options = PgConnectOptions::new_without_pgpass().host(&road.host).port(road.port);
    options = options.username(&road.user).options([("search_path", "sqlx_suite")]);
    if let Some(password) = &road.password {
        options = options.password(password);
    }
    if let Some(database) = &road.database {
        options = options.database(database);
    }
    if road.is_direct() {
        options = options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(house.env("SSL_CERT_FILE"));
    }
    options
}

/// A pool that opens its sessions as they are needed.
fn pool(options: PgConnectOptions, most: u32) -> PgPool {
    let pool = PgPoolOptions::new().max_connections(most).acquire_timeout(DEADLINE);
    pool.connect_lazy_with(options)
}

#[track_caller]
fn check_refusal(error: &Error, code: &str) {
    let refusal = error.as_database_error().unwrap_or_else(|| panic!("no refusal: {error:?}"));
    assert_eq!(refusal.code().as_deref(), Some(code), "{refusal}");
}

#[tokio::test]
async fn finds_the_same() {
    let house = House::open().await;
    house.set_up().await;
    for way in Way::ALL {
        println!("{way:?}"); // Seen when the test fails.
        let road = way.open(&house).await;
        let options = options(&house, &road);
        let pool = pool(options.clone(), 3);
        start(&house, &pool).await.unwrap();
        carries_values(&pool).await.unwrap();
        uses_prepared_statements(&pool).await.unwrap();
        commits_and_rolls_back(&pool).await.unwrap();
        goes_on_after_errors(&pool).await.unwrap();
        copies(&pool).await.unwrap();
        streams(&pool).await.unwrap();
        listens(&pool).await.unwrap();
        is_ended_by_its_time_limit(options.clone()).await.unwrap();
        works_at_once(options.clone()).await.unwrap();
        keeps_what_a_session_starts_with_and_sets(options).await.unwrap();
        pool.close().await;
        road.close().await;
    }
}

async fn start(house: &House, pool: &PgPool) -> Result<(), Error> {
    let own = query("SELECT current_user::text, current_database()::text").fetch_one(pool).await?;
    let own: (&str, &str) = (own.get(0), own.get(1));
    assert_eq!(own, (house.principal(), house.env("POSTGRES_DB")));
    let script = "DROP SCHEMA IF EXISTS sqlx_suite CASCADE; CREATE SCHEMA sqlx_suite;
        CREATE TABLE kept (id integer PRIMARY KEY); CREATE TABLE copied (id integer, word text);
        CREATE TABLE worked (worker integer, turn integer)";
    raw_sql(script).execute(pool).await?;
    Ok(())
}

async fn carries_values(pool: &PgPool) -> Result<(), Error> {
    let bytes: Vec<u8> = (0..=255).collect();
    let words = vec![Some("a".to_owned()), None, Some("{,}".to_owned())];
    let text = "Grüße, 世界\n";
    for _ in 0..3 {
        let row = query("SELECT $1::bool, $2::int4, $3::int8, $4::float8, $5, $6, $7, $8::int4")
            .bind(true)
            .bind(i32::MAX)
            .bind(i64::MIN)
            .bind(0.1)
            .bind(text)
            .bind(&bytes)
            .bind(&words)
            .bind(None::<i32>)
            .fetch_one(pool)
            .await?;
        let numbers: (bool, i32, i64, f64) = (row.get(0), row.get(1), row.get(2), row.get(3));
        assert_eq!(numbers, (true, i32::MAX, i64::MIN, 0.1));
        assert_eq!((row.get::<&str, _>(4), row.get::<&[u8], _>(5)), (text, bytes.as_slice()));
        assert_eq!(
            (row.get::<Vec<Option<String>>, _>(6), row.get(7)),
            (words.clone(), None::<i32>)
        );
    }
    Ok(())
}

async fn uses_prepared_statements(pool: &PgPool) -> Result<(), Error> {
    let (mut one, mut other) = (pool.acquire().await?, pool.acquire().await?);
    let add = "SELECT $1 + 1";
    for turn in 0..12 {
        // The one that stays in a transaction keeps its connection from the other.
        std::mem::swap(&mut one, &mut other);
        let mut stays = one.begin().await?;
        let sum: i32 = query_scalar(add).bind(turn).fetch_one(&mut *stays).await?;
        assert_eq!(sum, turn + 1);
        let sum: i32 = query_scalar(add).bind(turn).fetch_one(&mut *other).await?;
        assert_eq!(sum, turn + 1);
        stays.commit().await?;
    }
    // More than sqlx keeps: it closes the oldest while others run.
    for turn in 0..250 {
        let text = format!("SELECT $1 -- {turn}");
        let number = query_scalar(AssertSqlSafe(text)).bind(turn);
        let found: i32 = number.fetch_one(&mut *one).await?;
        assert_eq!(found, turn);
    }
    Ok(())
}

async fn count(pool: &PgPool, table: &str) -> Result<i64, Error> {
    let text = format!("SELECT count(*) FROM {table}");
    query_scalar(AssertSqlSafe(text)).fetch_one(pool).await
}

async fn commits_and_rolls_back(pool: &PgPool) -> Result<(), Error> {
    let mut transaction = pool.begin().await?;
    query("INSERT INTO kept VALUES ($1)").bind(1).execute(&mut *transaction).await?;
    assert_eq!(count(pool, "kept").await?, 0);
    transaction.commit().await?;
    assert_eq!(count(pool, "kept").await?, 1);
    let mut transaction = pool.begin().await?;
    query("INSERT INTO kept VALUES ($1)").bind(2).execute(&mut *transaction).await?;
    // It rolls back before the session is used again.
    drop(transaction);
    assert_eq!(count(pool, "kept").await?, 1);
    Ok(())
}

async fn goes_on_after_errors(pool: &PgPool) -> Result<(), Error> {
    let mut session = pool.acquire().await?;
    let error = query("SELECT 1 / $1").bind(0).execute(&mut *session).await.unwrap_err();
    check_refusal(&error, "22012");
    let error = query("SELECT $1 FROM nowhere").bind(0).execute(&mut *session).await.unwrap_err();
    check_refusal(&error, "42P01");
    let script = "SELECT 1; SELEC; SELECT 2";
    check_refusal(&raw_sql(script).execute(&mut *session).await.unwrap_err(), "42601");
    let mut transaction = session.begin().await?;
    let mut savepoint = transaction.begin().await?;
    let again = query("INSERT INTO kept VALUES (1)").execute(&mut *savepoint).await;
    check_refusal(&again.unwrap_err(), "23505");
    savepoint.rollback().await?;
    query("INSERT INTO kept VALUES (3)").execute(&mut *transaction).await?;
    transaction.commit().await?;
    assert_eq!(count(pool, "kept").await?, 2);
    Ok(())
}

async fn copies(pool: &PgPool) -> Result<(), Error> {
    let rows: String = (0..20_000).map(|id| format!("{id}\tword {id}\n")).collect();
    let mut copy = pool.copy_in_raw("COPY copied FROM STDIN").await?;
    for chunk in rows.as_bytes().chunks(10_000) {
        copy.send(chunk).await?;
    }
    assert_eq!(copy.finish().await?, 20_000);
    let out = pool.copy_out_raw("COPY (TABLE copied ORDER BY id) TO STDOUT").await?;
    let out: Vec<_> = out.try_collect().await?;
    assert_eq!(out.concat(), rows.as_bytes());
    let mut wrong = pool.copy_in_raw("COPY copied FROM STDIN").await?;
    wrong.send(&b"no number\n"[..]).await?;
    check_refusal(&wrong.finish().await.unwrap_err(), "22P02");
    let mut given_up = pool.copy_in_raw("COPY copied FROM STDIN").await?;
    given_up.send(&b"1\tnever\n"[..]).await?;
    given_up.abort("given up").await?;
    assert_eq!(count(pool, "copied").await?, 20_000);
    Ok(())
}

async fn streams(pool: &PgPool) -> Result<(), Error> {
    let rows = query_scalar::<_, String>(ROWS).fetch(pool);
    let length = rows.try_fold(0, async |sum, text| Ok(sum + text.len())).await?;
    assert_eq!(length, 50_000_000);
    // Given up in the middle.
    assert_eq!(query_scalar::<_, String>(ROWS).fetch_one(pool).await?.len(), 1_000);
    assert_eq!(count(pool, "kept").await?, 2);
    Ok(())
}

async fn listens(pool: &PgPool) -> Result<(), Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen("news").await?;
    for turn in 0..3 {
        let payload = format!("turn {turn}");
        query("SELECT pg_notify('news', $1)").bind(&payload).execute(pool).await?;
        let heard = listener.recv().await?;
        assert_eq!((heard.channel(), heard.payload()), ("news", payload.as_str()));
    }
    Ok(())
}

async fn is_ended_by_its_time_limit(options: PgConnectOptions) -> Result<(), Error> {
    let pool = pool(options.options([("statement_timeout", "50")]), 1);
    let mut session = pool.acquire().await?;
    let asleep = query("SELECT pg_sleep(600)").execute(&mut *session).await;
    check_refusal(&asleep.unwrap_err(), "57014");
    // On a busy machine anything may take longer than that.
    let limit = loop {
        match query_scalar::<_, String>("SHOW statement_timeout").fetch_one(&mut *session).await {
            Ok(limit) => break limit,
            Err(error) => check_refusal(&error, "57014"),
        }
    };
    assert_eq!(limit, "50ms");
    drop(session);
    pool.close().await;
    Ok(())
}

async fn works_at_once(options: PgConnectOptions) -> Result<(), Error> {
    let pool = pool(options, 20);
    // All are there before one works, and until all have worked.
    let mut sessions = try_join_all((0..20).map(|_| pool.acquire())).await?;
    let works = sessions.iter_mut().zip(0..).map(async |(session, worker): (_, i32)| {
        for turn in 0..15 {
            let mut transaction = session.begin().await?;
            let insert = query("INSERT INTO worked VALUES ($1, $2)").bind(worker).bind(turn);
            insert.execute(&mut *transaction).await?;
            let count = query_scalar("SELECT count(*)::integer FROM worked WHERE worker = $1");
            let found: i32 = count.bind(worker).fetch_one(&mut *transaction).await?;
            assert_eq!(found, turn + 1);
            transaction.commit().await?;
        }
        Ok::<_, Error>(())
    });
    try_join_all(works).await?;
    drop(sessions);
    assert_eq!(count(&pool, "worked").await?, 300);
    pool.close().await;
    Ok(())
}

async fn keeps_what_a_session_starts_with_and_sets(options: PgConnectOptions) -> Result<(), Error> {
    let shows = "SELECT concat_ws('|', current_setting('TimeZone'), current_setting('work_mem'),
        application_name, to_regclass('own')) FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let started = options.application_name("of its own").options([("work_mem", "5MB")]);
    let pool = pool(started, 2);
    let (mut own, mut other) = (pool.acquire().await?, pool.acquire().await?);
    let sets = "SET TimeZone = 'Europe/Rome'; SET work_mem = '7MB'; SET application_name = 'set';
        CREATE TEMPORARY TABLE own (id integer)";
    raw_sql(sets).execute(&mut *own).await?;
    for _ in 0..3 {
        let found: String = query_scalar(shows).fetch_one(&mut *own).await?;
        assert_eq!(found, "Europe/Rome|7MB|set|own");
        let found: String = query_scalar(shows).fetch_one(&mut *other).await?;
        assert_eq!(found, "UTC|5MB|of its own");
    }
    // A session with what was set is not for others.
    own.close().await?;
    other.close().await?;
    let found: String = query_scalar(shows).fetch_one(&pool).await?;
    assert_eq!(found, "UTC|5MB|of its own");
    pool.close().await;
    Ok(())
}
