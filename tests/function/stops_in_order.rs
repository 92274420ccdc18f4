//! A signal to stop loses no request: what has begun is finished, and nothing new begins.

use std::time::Instant;

use futures_util::future::join_all;
use lakegate_tests::{ADMIN, DEADLINE, House, Serving, TOKEN};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::{asked, raw};

/// Returns once nobody is let in any more.
async fn closed(function: &Serving<'_>) {
    let start = Instant::now();
    while TcpStream::connect(function.authority()).await.is_ok() {
        assert!(start.elapsed() < DEADLINE, "it still lets in");
    }
}

#[tokio::test]
async fn under_load() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let function = house.serving(house.function().arg("--drain").arg("600")).await;
    let begun = (0..16).map(|_| raw::begin(&function, ADMIN, "POST /bootstrap", 2));
    let begun = join_all(begun).await;
    house.fault(json!({ "route": "* *", "delay_ms": 300 })).await;
    let token = function.ask(TOKEN, "POST /token", Value::Null);
    let others = async {
        asked(&house).await;
        function.ask_to_stop();
        closed(&function).await;
        join_all(begun.into_iter().map(|request| request.finish("{}"))).await
    };
    let (token, others) = tokio::join!(token, others);
    token.has(200);
    for answer in others {
        assert_eq!(raw::status(&answer), Some(200), "{answer}");
    }
    function.end().await.exits(0);
}

#[tokio::test]
async fn however_often_it_is_asked_while_somebody_asks() {
    let house = House::open().await;
    house.set_up().await;
    for _ in 0..5 {
        let function = house.serve().await;
        function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
        let callers = (0..16).map(|_| async {
            // As long as it lets in, it answers.
            loop {
                let asked = function.request(TOKEN, "GET /status").send().await;
                match asked {
                    Ok(answer) => assert_eq!(answer.status(), 200),
                    Err(error) => {
                        break assert!(error.is_connect() || error.is_request(), "{error:?}");
                    }
                }
            }
        });
        let stopping = async {
            for _ in 0..20 {
                function.ask(TOKEN, "GET /status", Value::Null).await.has(200);
            }
            function.ask_to_stop();
        };
        tokio::join!(join_all(callers), stopping);
        function.end().await.exits(0);
    }
}

#[tokio::test]
async fn or_at_once_when_it_is_asked_twice() {
    let house = House::open().await;
    house.forget().await;
    let function = house.serve().await;
    house.fault(json!({ "route": "* *", "reply": "hang" })).await;
    let held = function.request(TOKEN, "POST /token").send();
    let stopping = async {
        asked(&house).await;
        function.ask_to_stop();
        closed(&function).await;
        function.ask_to_stop();
    };
    let (held, ()) = tokio::join!(held, stopping);
    held.unwrap_err();
    let run = function.end().await.exits(143);
    assert!(
        run.stderr.contains("stopped before all that was under way was finished"),
        "{}",
        run.stderr
    );
}

#[tokio::test]
async fn but_waits_for_nobody_for_ever() {
    let house = House::open().await;
    house.forget().await;
    let function = house.serving(house.function().arg("--drain").arg("0")).await;
    house.fault(json!({ "route": "* *", "reply": "hang" })).await;
    let held = function.request(TOKEN, "POST /token").send();
    let stopping = async {
        asked(&house).await;
        function.ask_to_stop();
    };
    let (held, ()) = tokio::join!(held, stopping);
    held.unwrap_err();
    function.end().await.exits(143);
}
