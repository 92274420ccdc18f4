//! What is too much, too slow or too long.

use std::time::Duration;

use tokio::io::AsyncWriteExt;

use super::{Ended, GENEROUS, Limits, Stage, head, rest, send, within};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn one_request_too_many_is_a_503_and_the_next_one_is_served() {
    let stage = Stage::set(Limits { requests: 1, ..GENEROUS }).await;
    let mut first = stage.ask_to_wait().await;
    let second = stage.get("/").await;
    assert!(second.starts_with("HTTP/1.1 503 "), "{second}");
    assert!(second.contains("retry-after: 1\r\n"), "{second}");
    assert!(second.contains("urn:lakegate:problem:unavailable"), "{second}");
    stage.actor.leave.notify_one();
    assert!(head(&mut first).await.starts_with("HTTP/1.1 200 "));
    drop(first);
    // The place is free when the last byte is out, which may be a moment after it is read.
    within(async { while !stage.get("/").await.ends_with("done") {} }).await;
}

#[tokio::test]
async fn a_head_that_does_not_come_ends_the_connection() {
    let stage = Stage::set(Limits { opening: SHORT, ..GENEROUS }).await;
    for part in ["", "P", "PRI * HTTP/2.0\r\n", "GET / HT", "GET / HTTP/1.1\r\nHost: h\r\nX-Slow: "]
    {
        let mut stream = stage.connect().await;
        stream.write_all(part.as_bytes()).await.unwrap();
        let answer = rest(stream).await;
        assert_eq!(answer, "", "after {part:?}");
    }
}

#[tokio::test]
async fn http_2_that_asks_for_nothing_ends_as_well() {
    let stage = Stage::set(Limits { opening: SHORT, ..GENEROUS }).await;
    let mut stream = stage.connect().await;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let answer = rest(stream).await;
    assert_eq!(answer.as_bytes().get(3), Some(&4), "it greeted with its settings: {answer:?}");
}

#[tokio::test]
async fn a_connection_is_not_kept_for_ever() {
    let stage = Stage::set(Limits { idle: SHORT, ..GENEROUS }).await;
    let mut stream = stage.connect().await;
    for _ in 0..3 {
        send(&mut stream, "/", "").await;
        assert!(head(&mut stream).await.starts_with("HTTP/1.1 200 "));
        let mut body = [0; 4];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut body).await.unwrap();
        assert_eq!(&body, b"done");
    }
    assert_eq!(rest(stream).await, "");
}

#[tokio::test]
async fn an_answer_that_nobody_takes_holds_nothing() {
    let limits = Limits { deadline: SHORT, idle: SHORT, ..GENEROUS };
    let stage = Stage::set(limits).await;
    let mut stream = stage.ask("/endless").await;
    assert!(head(&mut stream).await.starts_with("HTTP/1.1 200 "));
    stage.stop(143).await;
    // The client is there and reads no more; the drain would last an hour.
    assert_eq!(stage.ended().await, Ended::Drained);
    drop(stream);
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let stage = Stage::set(GENEROUS).await;
    let mut stream = stage.connect().await;
    send(&mut stream, "/", &format!("X-Large: {}\r\n", "x".repeat(40 << 10))).await;
    let answer = head(&mut stream).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}
