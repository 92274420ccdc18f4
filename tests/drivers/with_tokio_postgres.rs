//! tokio-postgres: statements prepared by name, pipelines by polling at once, portals, COPY as a
//! sink and a stream. deadpool and Lakegate's own client are this one below.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;

use futures_util::future::{join_all, try_join_all};
use futures_util::{SinkExt, StreamExt, TryStreamExt};
use lakegate_tests::{House, refusal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::road::{Road, Way};

/// 50 MB.
const ROWS: &str = "SELECT repeat(chr(65 + i % 26), 1000) FROM generate_series(1, 50000) i";

/// Opens sessions, whose tables are the suite's.
struct Door<'a> {
    house: &'a House,
    road: &'a Road,
}

impl Door<'_> {
    async fn session(&self) -> Client {
        self.listener().await.0
    }

    /// A session with what the server says unasked.
    async fn listener(&self) -> (Client, UnboundedReceiver<AsyncMessage>) {
        let mut config = self.road.config();
        config.options("-csearch_path=tokio_postgres_suite");
        self.connect(&config).await
    }

    async fn connect(&self, config: &Config) -> (Client, UnboundedReceiver<AsyncMessage>) {
        if self.road.is_direct() {
            let tls = MakeRustlsConnect::new(self.house.tls());
            let (client, connection) = config.connect(tls).await.unwrap();
            (client, attend(connection))
        } else {
            let (client, connection) = config.connect(NoTls).await.unwrap();
            (client, attend(connection))
        }
    }

    async fn cancel(&self, client: &Client) {
        let token = client.cancel_token();
        if self.road.is_direct() {
            token.cancel_query(MakeRustlsConnect::new(self.house.tls())).await.unwrap();
        } else {
            token.cancel_query(NoTls).await.unwrap();
        }
    }
}

/// Drives a connection to its end, which comes with the client's.
fn attend<S>(
    mut connection: tokio_postgres::Connection<Socket, S>,
) -> UnboundedReceiver<AsyncMessage>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let (said, heard) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(Ok(message)) = poll_fn(|cx| connection.poll_message(cx)).await {
            _ = said.send(message); // Most sessions listen to nothing.
        }
    });
    heard
}

/// The only value of the only row.
async fn value<T>(client: &Client, query: &str) -> T
where
    T: for<'a> FromSql<'a>,
{
    client.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn finds_the_same() {
    let house = House::open().await;
    house.set_up().await;
    for way in Way::ALL {
        println!("{way:?}"); // Seen when the test fails.
        let road = way.open(&house).await;
        let door = Door { house: &house, road: &road };
        start(&door).await;
        carries_values(&door).await;
        uses_a_prepared_statement(&door).await;
        commits_and_rolls_back(&door).await;
        goes_on_after_errors(&door).await;
        has_an_answer_for_each_of_a_pipeline(&door).await;
        copies(&door).await;
        streams(&door).await;
        listens(&door).await;
        cancels(&door).await;
        works_at_once(&door).await;
        keeps_what_a_session_starts_with_sets_and_makes(&door).await;
        road.close().await;
    }
}

async fn start(door: &Door<'_>) {
    let client = door.session().await;
    let own: String = value(&client, "SELECT current_user || ' ' || current_database()").await;
    assert_eq!(own, format!("{} {}", door.house.principal(), door.house.env("POSTGRES_DB")));
    let script = "DROP SCHEMA IF EXISTS tokio_postgres_suite CASCADE;
        CREATE SCHEMA tokio_postgres_suite; CREATE TABLE kept (id integer PRIMARY KEY);
        CREATE TABLE copied (id integer, word text);
        CREATE TABLE worked (worker integer, turn integer)";
    client.batch_execute(script).await.unwrap();
}

async fn carries_values(door: &Door<'_>) {
    let client = door.session().await;
    let bytes: Vec<u8> = (0..=255).collect();
    let words = vec![Some("a"), None, Some("{,}")];
    let sent = (true, -7i16, i32::MAX, i64::MIN, 0.5f32, 0.1f64, "Grüße, 世界\n", &bytes, &words);
    let query = "SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::float4, $6::float8, $7::text,
        $8::bytea, $9::text[], $10::text IS NULL";
    let none: Option<&str> = None;
    let parameters: &[&(dyn ToSql + Sync)] =
        &[&sent.0, &sent.1, &sent.2, &sent.3, &sent.4, &sent.5, &sent.6, &sent.7, &sent.8, &none];
    let row = client.query_one(query, parameters).await.unwrap();
    let numbers = (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4), row.get(5));
    assert_eq!(numbers, (sent.0, sent.1, sent.2, sent.3, sent.4, sent.5));
    let texts = (row.get::<_, &str>(6), row.get::<_, Vec<u8>>(7), row.get(8), row.get(9));
    assert_eq!(texts, (sent.6, bytes, words, true));
}

async fn uses_a_prepared_statement(door: &Door<'_>) {
    let mut clients = [door.session().await, door.session().await];
    let statements =
        join_all(clients.iter().map(|client| client.prepare("SELECT $1::integer + 1"))).await;
    let statements: Vec<_> = statements.into_iter().map(Result::unwrap).collect();
    for turn in 0..12 {
        // The one that stays in a transaction keeps its connection from the other.
        clients.reverse();
        let first = turn as usize % 2;
        let [stays, goes] = &mut clients;
        let transaction = stays.transaction().await.unwrap();
        let sum = transaction.query_one(&statements[1 - first], &[&turn]).await.unwrap();
        assert_eq!(sum.get::<_, i32>(0), turn + 1);
        let sum = goes.query_one(&statements[first], &[&turn]).await.unwrap();
        assert_eq!(sum.get::<_, i32>(0), turn + 1);
        transaction.commit().await.unwrap();
    }
    // Statements come and go: more than anybody keeps.
    for turn in 0..600 {
        let query = format!("SELECT $1::integer -- {turn}");
        let row = clients[0].query_one(&query, &[&turn]).await.unwrap();
        assert_eq!(row.get::<_, i32>(0), turn);
    }
}

async fn commits_and_rolls_back(door: &Door<'_>) {
    let (mut writer, reader) = (door.session().await, door.session().await);
    let count = "SELECT count(*) FROM kept";
    let transaction = writer.transaction().await.unwrap();
    transaction.execute("INSERT INTO kept VALUES (1)", &[]).await.unwrap();
    assert_eq!(value::<i64>(&reader, count).await, 0);
    transaction.commit().await.unwrap();
    assert_eq!(value::<i64>(&reader, count).await, 1);
    let transaction = writer.transaction().await.unwrap();
    transaction.execute("INSERT INTO kept VALUES (2)", &[]).await.unwrap();
    // It says ROLLBACK, and nobody waits for it.
    drop(transaction);
    assert_eq!(value::<i64>(&writer, count).await, 1);
}

async fn goes_on_after_errors(door: &Door<'_>) {
    let mut client = door.session().await;
    let error = client.query("SELECT 1 / 0", &[]).await.unwrap_err();
    assert_eq!(refusal(&error), ("22012", "division by zero"));
    let error = client.batch_execute("SELECT 1; SELEC; SELECT 2").await.unwrap_err();
    assert_eq!(refusal(&error).0, "42601");
    let error = client.prepare("SELECT $1 FROM nowhere").await.unwrap_err();
    assert_eq!(refusal(&error).0, "42P01");
    let mut transaction = client.transaction().await.unwrap();
    let savepoint = transaction.transaction().await.unwrap();
    let error = savepoint.execute("INSERT INTO kept VALUES (1)", &[]).await.unwrap_err();
    assert_eq!(refusal(&error).0, "23505");
    savepoint.rollback().await.unwrap();
    transaction.execute("INSERT INTO kept VALUES (3)", &[]).await.unwrap();
    transaction.commit().await.unwrap();
    assert_eq!(value::<i64>(&client, "SELECT count(*) FROM kept").await, 2);
}

async fn has_an_answer_for_each_of_a_pipeline(door: &Door<'_>) {
    let client = door.session().await;
    let part = client.prepare("SELECT 100 / $1::integer").await.unwrap();
    let numbers: Vec<_> = (0..500).map(|n| n % 10).collect();
    let asked = numbers.iter().map(async |n| client.query_one(&part, &[n]).await);
    for (n, answer) in numbers.iter().zip(join_all(asked).await) {
        match answer {
            Ok(row) => assert_eq!(row.get::<_, i32>(0), 100 / n),
            Err(error) => assert_eq!((*n, refusal(&error).0), (0, "22012")),
        }
    }
}

async fn copies(door: &Door<'_>) {
    let client = door.session().await;
    let rows: Vec<_> = (0..20_000).map(|id| format!("{id}\tword {id}\n")).collect();
    let mut sink = pin!(client.copy_in("COPY copied FROM STDIN").await.unwrap());
    for rows in rows.chunks(1_000) {
        sink.send(VecDeque::from(rows.concat().into_bytes())).await.unwrap();
    }
    assert_eq!(sink.finish().await.unwrap(), 20_000);
    let out = client.copy_out("COPY (TABLE copied ORDER BY id) TO STDOUT").await.unwrap();
    let out: Vec<_> = out.try_collect().await.unwrap();
    assert_eq!(out.concat(), rows.concat().as_bytes());
    let mut wrong = pin!(client.copy_in("COPY copied FROM STDIN").await.unwrap());
    wrong.send(&b"no number\n"[..]).await.unwrap();
    assert_eq!(refusal(&wrong.finish().await.unwrap_err()).0, "22P02");
    {
        let mut given_up = pin!(client.copy_in("COPY copied FROM STDIN").await.unwrap());
        given_up.send(&b"1\tnever\n"[..]).await.unwrap();
    }
    assert_eq!(value::<i64>(&client, "SELECT count(*) FROM copied").await, 20_000);
}

async fn streams(door: &Door<'_>) {
    let mut client = door.session().await;
    let none: [&str; 0] = [];
    let mut rows = pin!(client.query_raw(ROWS, none).await.unwrap());
    let mut length = 0;
    while let Some(row) = rows.next().await {
        length += row.unwrap().get::<_, &str>(0).len();
    }
    let transaction = client.transaction().await.unwrap();
    let portal = transaction.bind(ROWS, &[]).await.unwrap();
    loop {
        let page = transaction.query_portal(&portal, 7_000).await.unwrap();
        length += page.iter().map(|row| row.get::<_, &str>(0).len()).sum::<usize>();
        if page.len() < 7_000 {
            break;
        }
    }
    transaction.commit().await.unwrap();
    assert_eq!(length, 100_000_000);
}

async fn listens(door: &Door<'_>) {
    let ((listener, mut heard), speaker) = (door.listener().await, door.session().await);
    listener.batch_execute("LISTEN news").await.unwrap();
    for turn in 0..3 {
        let payload = format!("turn {turn}");
        speaker.execute("SELECT pg_notify('news', $1)", &[&payload]).await.unwrap();
        let Some(AsyncMessage::Notification(news)) = heard.recv().await else {
            panic!("not what was notified")
        };
        assert_eq!((news.channel(), news.payload()), ("news", payload.as_str()));
        assert_eq!(value::<i32>(&listener, "SELECT 1").await, 1);
    }
}

async fn cancels(door: &Door<'_>) {
    let (client, watcher) = (door.session().await, door.session().await);
    // Not only active: that it is while it is prepared, when nothing can be cancelled.
    let sleepers = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'
        AND query LIKE '%tokio sleeps%'";
    let asleep = client.query("SELECT pg_sleep(600) /* tokio sleeps */", &[]);
    let cancel = async {
        while value::<i64>(&watcher, sleepers).await == 0 {}
        door.cancel(&client).await;
    };
    let (ended, ()) = tokio::join!(asleep, cancel);
    assert_eq!(refusal(&ended.unwrap_err()).0, "57014");
    let limited = "BEGIN; SET LOCAL statement_timeout = 50; SELECT pg_sleep(600)";
    assert_eq!(refusal(&client.batch_execute(limited).await.unwrap_err()).0, "57014");
    client.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(value::<String>(&client, "SHOW statement_timeout").await, "0");
}

async fn works_at_once(door: &Door<'_>) {
    // All are there before one works, and until all have worked.
    let mut clients = join_all((0..20).map(|_| door.session())).await;
    let work = async |(worker, client): (usize, &mut Client)| {
        let worker = i32::try_from(worker).unwrap();
        for turn in 0..15 {
            let transaction = client.transaction().await?;
            let insert = "INSERT INTO worked VALUES ($1, $2)";
            transaction.execute(insert, &[&worker, &turn]).await?;
            let count = "SELECT count(*)::integer FROM worked WHERE worker = $1";
            let row = transaction.query_one(count, &[&worker]).await?;
            assert_eq!(row.get::<_, i32>(0), turn + 1);
            transaction.commit().await?;
        }
        Ok::<_, tokio_postgres::Error>(())
    };
    try_join_all(clients.iter_mut().enumerate().map(work)).await.unwrap();
    assert_eq!(value::<i64>(&clients[0], "SELECT count(*) FROM worked").await, 300);
}

async fn keeps_what_a_session_starts_with_sets_and_makes(door: &Door<'_>) {
    let shows = "SELECT concat_ws('|', current_setting('TimeZone'), current_setting('work_mem'),
        application_name, to_regclass('own')) FROM pg_stat_activity WHERE pid = pg_backend_pid()";
    let mut config = door.road.config();
    config.application_name("of its own").options("-cwork_mem=5MB -cTimeZone=Asia/Kolkata");
    let (own, other) = (door.connect(&config).await.0, door.connect(&config).await.0);
    let sets = "SET TimeZone = 'Europe/Rome'; SET work_mem = '7MB'; SET application_name = 'set';
        CREATE TEMPORARY TABLE own (id integer)";
    own.batch_execute(sets).await.unwrap();
    for _ in 0..3 {
        assert_eq!(value::<String>(&own, shows).await, "Europe/Rome|7MB|set|own");
        assert_eq!(value::<String>(&other, shows).await, "Asia/Kolkata|5MB|of its own");
    }
    own.batch_execute("DISCARD ALL").await.unwrap();
    assert_eq!(value::<String>(&own, shows).await, "Asia/Kolkata|5MB|of its own");
}
