//! How it stops.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpStream;

use super::{Ended, GENEROUS, HOUR, Stage, head, rest, within};

/// Waits until the listener is closed.
async fn closed(stage: &Stage) {
    within(async { while TcpStream::connect(stage.address).await.is_ok() {} }).await;
}

#[tokio::test]
async fn what_is_under_way_is_finished() {
    let stage = Stage::set(GENEROUS).await;
    let stream = stage.ask_to_wait().await;
    stage.stop(143).await;
    closed(&stage).await;
    stage.actor.leave.notify_one();
    let answer = rest(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("done"), "{answer}");
    let actor = Arc::clone(&stage.actor);
    assert_eq!(stage.ended().await, Ended::Drained);
    assert!(actor.stopped.load(Ordering::Relaxed), "what it does beyond answers is finished, too");
}

#[tokio::test]
async fn connections_at_rest_hold_nothing_up() {
    let stage = Stage::set(GENEROUS).await;
    let mut kept = stage.ask("/").await;
    head(&mut kept).await;
    let silent = stage.connect().await;
    // The silent one was accepted before this answer came.
    assert!(stage.get("/").await.ends_with("done"));
    stage.stop(143).await;
    assert_eq!(rest(kept).await, "done");
    assert_eq!(rest(silent).await, "");
    assert_eq!(stage.ended().await, Ended::Drained);
}

#[tokio::test]
async fn patience_ends() {
    let stage = Stage::with(GENEROUS, None, Duration::from_millis(10)).await;
    let _stream = stage.ask("/never").await;
    let _other = stage.ask_to_wait().await;
    stage.stop(143).await;
    assert_eq!(stage.ended().await, Ended::Cut { code: 143 });
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let stage = Stage::with(GENEROUS, None, HOUR).await;
    let _stream = stage.ask_to_wait().await;
    stage.stop(143).await;
    stage.stop(130).await;
    assert_eq!(stage.ended().await, Ended::Cut { code: 130 });
}
