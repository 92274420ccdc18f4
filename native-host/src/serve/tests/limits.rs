//! What is too much, too slow or too long.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Ended, GENEROUS, Limits, Stage, TEST_LIMIT, head, next_head, rest, send, within};

const SHORT: Duration = Duration::from_millis(50);

/// What is to happen within a limit, and says whether it did: with a short one, and with longer
/// ones where this machine is slower than that.
async fn with_time_enough(act: impl AsyncFn(Duration) -> bool) {
    let mut limit = SHORT;
    while !act(limit).await {
        limit *= 2;
        assert!(limit < TEST_LIMIT, "it never happens in time");
    }
}

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
    with_time_enough(async |opening| {
        let stage = Stage::set(Limits { opening, ..GENEROUS }).await;
        let mut stream = stage.connect().await;
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let answer = rest(stream).await;
        if answer.is_empty() {
            return false;
        }
        assert_eq!(answer.as_bytes().get(3), Some(&4), "it greets with its settings: {answer:?}");
        true
    })
    .await;
}

#[tokio::test]
async fn a_connection_is_not_kept_for_ever() {
    with_time_enough(async |idle| {
        let stage = Stage::set(Limits { idle, ..GENEROUS }).await;
        let mut stream = stage.connect().await;
        for _ in 0..3 {
            send(&mut stream, "/", "").await;
            let Ok(head) = next_head(&mut stream).await else { return false };
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let mut body = [0; 4];
            stream.read_exact(&mut body).await.unwrap();
            assert_eq!(&body, b"done");
        }
        assert_eq!(rest(stream).await, "");
        true
    })
    .await;
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
