//! Clients that are slow, deaf or rude harm themselves alone.

use bytes::BytesMut;
use lakegate_tests::{House, Proxy};
use postgres_protocol::message::frontend;

use crate::wire::Wire;
use crate::{loud, until, value};

/// A result that no buffer holds: 400 MB.
const HUGE: &str = "SELECT repeat('x', 4000) FROM generate_series(1, 100000)";
/// What a proxy may need beyond what it had, in bytes.
const LITTLE: u64 = 48 << 20;

#[tokio::test]
async fn who_never_read() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let mut proxy = loud(&house, &["--pool", mode]).await;
        let other = proxy.connect().await.unwrap();
        value(&other, "SELECT 'x'").await.unwrap();
        let before = memory(&mut proxy);
        let mut deaf = Vec::new();
        for _ in 0..3 {
            let mut wire = admitted(&house, &proxy).await;
            wire.send(&query(HUGE)).await;
            deaf.push(wire);
        }
        // When all is sent that anybody takes, the servers wait.
        let stuck = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'ClientWrite'";
        until(async || value(&other, stuck).await.unwrap() == "3").await;
        for _ in 0..100 {
            assert_eq!(value(&other, "SELECT 'undisturbed'").await.unwrap(), "undisturbed");
        }
        let needed = memory(&mut proxy).saturating_sub(before);
        assert!(needed < LITTLE, "{mode}: three deaf clients cost {needed} bytes");
        // One of them was only late.
        let rows = deaf.pop().unwrap().count_rows().await;
        assert_eq!(rows, 100_000, "{mode}");
        drop(deaf);
        proxy.stop().await;
    }
}

#[tokio::test]
async fn who_say_a_byte_at_a_time() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode, "--pool-size", "2"]).await;
        let other = proxy.connect().await.unwrap();
        let mut slow = admitted(&house, &proxy).await;
        let bytes = query("SELECT 'slow'");
        for byte in &bytes[..] {
            assert_eq!(value(&other, "SELECT 'quick'").await.unwrap(), "quick");
            slow.send(&[*byte]).await;
        }
        let heard = slow.until(|message| message.tag == b'Z').await;
        assert!(heard.iter().any(|message| message.body.ends_with(b"slow")), "{mode}: {heard:?}");
        assert!(slow.end().await.is_some());
        proxy.stop().await;
    }
}

/// In the middle of a message, of a transaction, of rows.
#[tokio::test]
async fn who_just_leave() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode, "--pool-size", "2"]).await;
        for round in 0..5 {
            for said in ["BEGIN", "BEGIN; SELECT 1 / 0", HUGE, "COPY (SELECT 1) TO STDOUT; BEGIN"] {
                let mut leaving = admitted(&house, &proxy).await;
                leaving.send(&query(said)).await;
                // A message that is promised and never comes.
                leaving.send(&[b'Q', 0, 0, 1, 0, b'S']).await;
                if round % 2 == 0 {
                    leaving.next().await.unwrap();
                }
            }
        }
        // Nobody finds what they left: no transaction, no failure, no answer that was not asked for.
        for _ in 0..10 {
            let mut wire = admitted(&house, &proxy).await;
            let heard = wire.talk(&query("SELECT 1"), &[], |message| message.tag == b'Z').await;
            let tags: Vec<_> = heard.iter().map(|message| char::from(message.tag)).collect();
            assert_eq!(tags, ['T', 'D', 'C', 'Z'], "{mode}: {heard:?}");
            assert_eq!(heard[3].body, "I", "{mode}: a transaction is open");
        }
        proxy.stop().await;
    }
}

/// What is no message of Postgres is told, and ends the connection, and no other.
#[tokio::test]
async fn who_speak_nonsense() {
    for mode in ["session", "transaction"] {
        let house = House::open().await;
        house.set_up().await;
        let proxy = loud(&house, &["--pool", mode, "--pool-size", "2"]).await;
        let other = proxy.connect().await.unwrap();
        for nonsense in [
            &b"GET / HTTP/1.1\r\n\r\n"[..],
            b"Q\0\0\0\x03",
            b"Q\xff\xff\xff\xff",
            b"\0\0\0\0\x04",
            b"v\0\0\0\x04",
        ] {
            let mut wire = admitted(&house, &proxy).await;
            wire.send(nonsense).await;
            let heard = wire.until(|_| false).await;
            let told =
                heard.iter().any(|m| m.tag == b'E' && m.body.windows(5).any(|w| w == b"08P01"));
            assert!(told, "{mode}: to {} it said {heard:?}", nonsense.escape_ascii());
            assert_eq!(value(&other, "SELECT 'x'").await.unwrap(), "x");
        }
        proxy.stop().await;
    }
}

/// A raw client that was let in.
async fn admitted(house: &House, proxy: &Proxy) -> Wire {
    let mut wire = Wire::plain(proxy.host(), proxy.port()).await;
    let parameters = [("user", "anybody"), ("database", house.env("POSTGRES_DB"))];
    let heard = wire.log_in(&parameters, None).await;
    assert_eq!(heard.last().map(|message| message.tag), Some(b'Z'), "{heard:?}");
    wire
}

fn query(sql: &str) -> BytesMut {
    let mut bytes = BytesMut::new();
    frontend::query(sql, &mut bytes).unwrap();
    bytes
}

/// The bytes of memory that the proxy has now.
fn memory(proxy: &mut Proxy) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.running().id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() << 10
}
