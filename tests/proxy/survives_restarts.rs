//! Postgres is restarted, connections are cut, the proxy itself is killed, all under load: no query
//! is answered wrongly, none is run twice, nobody hangs, and soon all is well again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::BytesMut;
use futures_util::future::join_all;
use lakegate_tests::{House, Proxy};
use postgres_protocol::message::frontend;
use serde_json::Value;
use tokio_postgres::Client;

use crate::wire::{Message, Wire};
use crate::{loud, until, value};

/// At once.
const CLIENTS: usize = 12;
/// Of each client, after the trouble.
const MORE: usize = 20;

/// Where clients write.
const ROWS: &str = "CREATE SCHEMA kept; CREATE TABLE kept.rows (name text)";

/// What a client was told.
#[derive(Debug, Default)]
struct Told {
    /// The rows that are there.
    done: BTreeSet<String>,
    /// Queries that failed, by SQLSTATE.
    failed: Vec<String>,
}

#[tokio::test]
async fn of_postgres() {
    for mode in ["session", "transaction"] {
        check(mode, "POST /postgres/restart").await;
    }
}

#[tokio::test]
async fn of_connections() {
    for mode in ["session", "transaction"] {
        check(mode, "DELETE /connections").await;
    }
}

/// Clients write rows all the time; meanwhile that happens, three times.
async fn check(mode: &str, trouble: &str) {
    let house = House::open().await;
    house.set_up().await;
    let proxy = loud(&house, &["--pool", mode]).await;
    proxy.connect().await.unwrap().batch_execute(ROWS).await.unwrap();
    let (written, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let clients = (0..CLIENTS).map(|number| write(&house, &proxy, number, &written, &over));
    let making = async {
        for _ in 0..3 {
            let before = written.load(Ordering::Relaxed);
            // In the middle of work, every time.
            until(async || {
                tokio::task::yield_now().await;
                before + CLIENTS * 5 <= written.load(Ordering::Relaxed)
            })
            .await;
            house.emulator(trouble, Value::Null).await;
        }
        over.store(true, Ordering::Relaxed);
    };
    let (told, ()) = tokio::join!(join_all(clients), making);
    let names = names(&proxy.connect().await.unwrap()).await;
    let kept: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(kept.len(), names.len(), "{mode}: a query was run twice");
    for told in &told {
        let lost: Vec<_> = told.done.difference(&kept).collect();
        assert!(lost.is_empty(), "{mode}: {lost:?} were said to be done and are not there");
        // Clear errors, never a socket that just closes.
        for code in &told.failed {
            let clear = ["08006", "08001", "57P01", "57P02", "57P03"].contains(&code.as_str());
            assert!(clear, "{mode}: a client was told {code}");
        }
    }
    let failed: usize = told.iter().map(|told| told.failed.len()).sum();
    println!("{mode}, {trouble}: {} rows written, {failed} queries failed", names.len());
    proxy.stop().await;
}

/// What was written, in the order of Rust.
async fn names(client: &Client) -> Vec<String> {
    let names = client.query("SELECT name FROM kept.rows ORDER BY name COLLATE \"C\"", &[]).await;
    names.unwrap().iter().map(|row| row.get(0)).collect()
}

/// One client, which connects again when it must: it writes rows until the trouble is over, and
/// some more that must all be written.
async fn write(
    house: &House,
    proxy: &Proxy,
    number: usize,
    written: &AtomicUsize,
    over: &AtomicBool,
) -> Told {
    let mut told = Told::default();
    let (mut wire, mut next, mut more) = (None, 0, 0);
    while more < MORE {
        let calm = over.load(Ordering::Relaxed);
        let name = format!("{number}-{next}");
        next += 1;
        match write_one(house, proxy, &mut wire, &name).await {
            Ok(()) => {
                told.done.insert(name);
                written.fetch_add(1, Ordering::Relaxed);
                more += usize::from(calm);
            }
            Err(heard) => {
                let code = heard.iter().find_map(Message::code).unwrap_or("nothing");
                told.failed.push(code.to_owned());
                if heard.last().is_none_or(|message| message.tag != b'Z') {
                    wire = None;
                }
            }
        }
    }
    told
}

/// What was heard instead of an answer.
async fn write_one(
    house: &House,
    proxy: &Proxy,
    wire: &mut Option<Wire>,
    name: &str,
) -> Result<(), Vec<Message>> {
    let ready = |message: &Message| message.tag == b'Z';
    let wire = match wire {
        Some(wire) => wire,
        none => {
            let mut new = Wire::plain(proxy.host(), proxy.port()).await;
            let parameters = [("user", "writer"), ("database", house.env("POSTGRES_DB"))];
            let heard = new.log_in(&parameters, None).await;
            if !heard.last().is_some_and(ready) {
                return Err(heard);
            }
            none.insert(new)
        }
    };
    let mut sql = BytesMut::new();
    frontend::query(&format!("INSERT INTO kept.rows VALUES ('{name}') RETURNING name"), &mut sql)
        .unwrap();
    let heard = wire.talk(&sql, &[], ready).await;
    let rows: Vec<_> = heard.iter().filter(|message| message.tag == b'D').collect();
    let [row] = rows[..] else { return Err(heard) };
    // The answer must be this question's.
    assert!(row.body.ends_with(name.as_bytes()), "a client was given another's answer");
    // A row that is not followed by its `CommandComplete` may not be there.
    let done = heard.iter().any(|message| message.tag == b'C');
    if done && heard.last().is_some_and(ready) { Ok(()) } else { Err(heard) }
}

/// SIGTERM under load: what is under way is done, and everybody is told to go.
#[tokio::test]
async fn of_the_proxy_in_order() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let direct = house.login(&house.credential().await).await.unwrap();
        direct.batch_execute(ROWS).await.unwrap();
        let proxy = loud(&house, &["--pool", mode]).await;
        let written = AtomicUsize::new(0);
        let clients = (0..CLIENTS).map(|number| write_until_told(&house, &proxy, number, &written));
        let stopping = async {
            until(async || {
                tokio::task::yield_now().await;
                CLIENTS * 10 <= written.load(Ordering::Relaxed)
            })
            .await;
            proxy.ask_to_stop();
        };
        let (told, ()) = tokio::join!(join_all(clients), stopping);
        assert!(told.iter().all(|told| told.failed == ["57P01"]), "{mode}: {told:?}");
        let done: BTreeSet<_> = told.into_iter().flat_map(|told| told.done).collect();
        // Not one more: who was told to go knows that nothing was done.
        assert_eq!(names(&direct).await, Vec::from_iter(done), "{mode}");
        proxy.end().await.exits(0);
    }
}

async fn write_until_told(
    house: &House,
    proxy: &Proxy,
    number: usize,
    written: &AtomicUsize,
) -> Told {
    let (mut told, mut wire) = (Told::default(), None);
    for next in 0.. {
        let name = format!("{number}-{next}");
        match write_one(house, proxy, &mut wire, &name).await {
            Ok(()) => told.done.insert(name),
            Err(heard) => {
                told.failed.extend(heard.iter().filter_map(Message::code).map(str::to_owned));
                break;
            }
        };
        written.fetch_add(1, Ordering::Relaxed);
    }
    told
}

/// `kill -9` leaves nothing behind: the database ends what it began.
#[tokio::test]
async fn of_the_proxy_itself() {
    let house = House::open().await;
    house.set_up().await;
    let credential = house.credential().await;
    let direct = house.login(&credential).await.unwrap();
    let proxy = loud(&house, &["--pool", "transaction"]).await;
    let client = proxy.connect().await.unwrap();
    client.batch_execute("BEGIN; SELECT pg_advisory_xact_lock(7)").await.unwrap();
    proxy.kill().await;
    assert!(value(&client, "SELECT 'x'").await.is_err());
    // Granted when the other's transaction is over.
    direct.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
    let again = loud(&house, &["--pool", "transaction"]).await;
    assert_eq!(value(&again.connect().await.unwrap(), "SELECT 'x'").await.unwrap(), "x");
    again.stop().await;
}
