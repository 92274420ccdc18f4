//! What goes in, and what comes back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt;

use super::{Ended, GENEROUS, Stage, head, rest, send, within};

#[tokio::test]
async fn a_request_gets_a_name_and_keeps_the_one_it_has() {
    let stage = Stage::set(GENEROUS).await;
    let mut stream = stage.connect().await;
    send(&mut stream, "/", "X-Request-Id: mine-1\r\n").await;
    assert!(head(&mut stream).await.contains("x-request-id: mine-1\r\n"));

    let answer = stage.get("/headers").await;
    let (head, seen) = answer.split_once("\r\n\r\n").unwrap();
    let (_, id) = head.split_once("x-request-id: ").unwrap();
    let id = id.lines().next().unwrap();
    assert_eq!(id.len(), 16);
    assert!(seen.contains(id), "the function sees the same name: {seen}");
}

#[tokio::test]
async fn the_function_sees_no_header_that_ends_here() {
    let stage = Stage::set(GENEROUS).await;
    let mut stream = stage.connect().await;
    let headers =
        "Connection: close, X-Hop\r\nX-Hop: 1\r\nSpin-Client-Addr: 1.2.3.4\r\nX-End: 2\r\n";
    send(&mut stream, "/headers", headers).await;
    let answer = rest(stream).await;
    let (_, seen) = answer.split_once("\r\n\r\n").unwrap();
    assert!(seen.contains("x-end"), "{seen}");
    for gone in ["connection", "x-hop", "spin-"] {
        assert!(!seen.contains(gone), "{seen}");
    }
}

#[tokio::test]
async fn a_body_reaches_the_function() {
    let stage = Stage::set(GENEROUS).await;
    let mut stream = stage.connect().await;
    let head =
        "POST /body HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\n\r\n12345";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = rest(stream).await;
    assert!(answer.ends_with("5 bytes"), "{answer}");
}

#[tokio::test]
async fn a_function_that_does_not_answer_is_told_as_a_problem() {
    let stage = Stage::set(GENEROUS).await;
    for (path, status, kind) in [
        ("/busy", "503 Service Unavailable", "unavailable"),
        ("/late", "504 Gateway Timeout", "timeout"),
        ("/trap", "503 Service Unavailable", "unavailable"),
    ] {
        let answer = stage.get(path).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{answer}");
        let problem = format!("urn:lakegate:problem:{kind}\"");
        for part in [
            "content-type: application/problem+json\r\n",
            "cache-control: no-store\r\n",
            "x-content-type-options: nosniff\r\n",
            problem.as_str(),
        ] {
            assert!(answer.contains(part), "{answer}");
        }
        assert_eq!(answer.contains("retry-after: 1\r\n"), status.starts_with("503"), "{answer}");
        assert!(!answer.contains("inner words"), "{answer}");
    }
    assert!(stage.get("/").await.ends_with("done"), "the next one is served");
}

/// A log in memory.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What is logged of a request with these headers, and who sent it.
async fn logged(headers: &str) -> (SocketAddr, String) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    let stage = Stage::set(GENEROUS).await;
    let mut stream = stage.connect().await;
    let client = stream.local_addr().unwrap();
    send(&mut stream, "/done", headers).await;
    assert!(rest(stream).await.ends_with("\r\n\r\ndone"));
    stage.stop(143).await;
    assert_eq!(stage.ended().await, Ended::Drained);
    let log = log.0.lock().unwrap().clone();
    (client, String::from_utf8(log).unwrap())
}

#[tokio::test]
async fn the_log_tells_of_a_request_and_not_what_it_carries() {
    let headers = "Connection: close\r\nX-Request-Id: r-1\r\nAuthorization: Bearer canary\r\n";
    let (client, log, line) = within(async {
        loop {
            let (client, log) = logged(headers).await;
            // Where nobody listens tracing does not ask again until there is a new subscriber, and
            // another test, to which nobody listens, may come there first.
            let line = log.lines().find(|line| line.contains("lakegate::access"));
            if let Some(line) = line.map(str::to_owned) {
                break (client, log, line);
            }
        }
    })
    .await;
    let words = format!("client={client} method=GET path=\"/done\" status=200 bytes=4 ms=");
    assert!(line.contains(&words) && line.ends_with(" request=r-1"), "{line}");
    for carried in ["canary", "q=1"] {
        assert!(!log.contains(carried), "{log}");
    }
}
