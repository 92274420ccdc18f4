//! Whatever somebody sends, it is no failure of the server, nobody waits for it, and the next one is
//! served.

use expect_test::expect;
use lakegate_tests::{ADMIN, House, Serving, TOKEN};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::raw;

/// What came back for each: the status, or nothing where the connection was closed.
async fn answers(function: &Serving<'_>, requests: &[(&str, Vec<u8>)]) -> String {
    let mut told = String::new();
    for (name, request) in requests {
        let answer = raw::exchange(function, request).await;
        let status = raw::status(&answer).map_or("closed".to_owned(), |status| status.to_string());
        told.push_str(&format!("{status:<8}{name}\n"));
        // The next one is served.
        function.ask("", "GET /healthz", Value::Null).await.has(200);
    }
    told
}

#[tokio::test]
async fn with_bodies_that_are_no_bodies() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let of = |body: &[u8]| {
        let head = raw::head(&function, ADMIN, "POST /bootstrap");
        let length = format!("Content-Length: {}\r\n\r\n", body.len());
        [head.as_bytes(), length.as_bytes(), body].concat()
    };
    let twice = r#"{"out_of_order":true,"out_of_order":false}"#;
    let requests = [
        ("not UTF-8", of(b"{\"migrations\":[{\"name\":\"\xff\",\"sql\":\"\"}]}")),
        ("a lone surrogate", of(br#"{"grants":[{"role":"\ud800","access":"read"}]}"#)),
        ("a byte order mark", of(b"\xef\xbb\xbf{}")),
        ("a NUL", of(b"{\0}")),
        ("a NUL in SQL", of(br#"{"migrations":[{"name":"0001_a.sql","sql":"select '\u0000'"}]}"#)),
        ("brackets", of(&b"[".repeat(100_000))),
        ("braces", of(&br#"{"migrations":"#.repeat(100_000))),
        ("an endless number", of(format!(r#"{{"x":{}}}"#, "9".repeat(1 << 20)).as_bytes())),
        ("a huge number", of(br#"{"out_of_order":1e999999999}"#)),
        ("a member twice", of(twice.as_bytes())),
        ("garbage behind", of(b"{} {}")),
        ("null", of(b"null")),
        ("a text", of(b"\"select 1\"")),
        ("blanks", of(b" \n\t ")),
        ("an unended text", of(br#"{"migrations":[{"name":""#)),
        (
            "a million names",
            of(format!("{{\"grants\":[{}]}}", vec!["1"; 1_000_000].join(",")).as_bytes()),
        ),
        ("a path for a name", of(br#"{"migrations":[{"name":"../../etc/0001_a.sql","sql":""}]}"#)),
        (
            "a name without end",
            of(format!(r#"{{"migrations":[{{"name":"{}","sql":""}}]}}"#, "1".repeat(1 << 20))
                .as_bytes()),
        ),
    ];
    let told = answers(&function, &requests).await;
    expect![[r#"
        422     not UTF-8
        422     a lone surrogate
        422     a byte order mark
        422     a NUL
        422     a NUL in SQL
        422     brackets
        422     braces
        422     an endless number
        422     a huge number
        422     a member twice
        422     garbage behind
        422     null
        422     a text
        422     blanks
        422     an unended text
        422     a million names
        422     a path for a name
        422     a name without end
    "#]]
    .assert_eq(&told);
    function.stop().await;
}

#[tokio::test]
async fn with_lengths_that_are_lies() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let of = |rest: &str| {
        let head = raw::head(&function, ADMIN, "POST /setup?plan");
        format!("{head}{rest}").into_bytes()
    };
    let smuggled = "0\r\n\r\nPOST /tighten HTTP/1.1\r\nHost: x\r\n\r\n";
    let requests = [
        (
            "shorter than the body",
            of("Content-Length: 2\r\n\r\n{}GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
        ),
        ("negative", of("Content-Length: -1\r\n\r\n{}")),
        ("no number", of("Content-Length: two\r\n\r\n{}")),
        ("beyond any", of("Content-Length: 99999999999999999999999\r\n\r\n{}")),
        ("as large as can be", of("Content-Length: 18446744073709551615\r\n\r\n{}")),
        ("two", of("Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}}")),
        (
            "both ways",
            of(&format!(
                "Content-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n{smuggled}",
                smuggled.len()
            )),
        ),
        ("another encoding", of("Transfer-Encoding: gzip\r\n\r\n{}")),
        ("a chunk of no size", of("Transfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n")),
        ("a chunk beyond any", of("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}")),
        ("a chunk without its end", of("Transfer-Encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n")),
        (
            "good chunks",
            of("Transfer-Encoding: chunked\r\n\r\n1;a=b\r\n[\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n"),
        ),
    ];
    let told = answers(&function, &requests).await;
    expect![[r#"
        409     shorter than the body
        400     negative
        400     no number
        400     beyond any
        431     as large as can be
        400     two
        409     both ways
        400     another encoding
        422     a chunk of no size
        422     a chunk beyond any
        422     a chunk without its end
        422     good chunks
    "#]]
    .assert_eq(&told);
    function.stop().await;
}

#[tokio::test]
async fn with_heads_that_are_no_heads() {
    let house = House::open().await;
    let function = house.serve().await;
    let get = |target: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes()
    };
    let with = |headers: &str| {
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n")
            .into_bytes()
    };
    let line = |line: &str| format!("{line}\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes();
    let many: String = (0..1_000).map(|number| format!("X-{number}: x\r\n")).collect();
    let requests = [
        ("out of the root", get("/../../etc/passwd")),
        ("out of the root, hidden", get("/%2e%2e/%2e%2e/etc/passwd")),
        ("a NUL", get("/%00")),
        ("half an escape", get("/%")),
        ("a route, hidden", get("/healthz%2f")),
        ("another host", get("http://elsewhere.example/token")),
        ("another scheme", get("file:///etc/passwd")),
        ("a long path", get(&format!("/{}", "x".repeat(20 << 10)))),
        ("an endless path", get(&format!("/{}", "x".repeat(1 << 20)))),
        ("an endless query", get(&format!("/healthz?{}", "x".repeat(1 << 20)))),
        ("no path", get("")),
        ("no ASCII", get("/\u{e4}")),
        ("an asterisk", line("OPTIONS * HTTP/1.1")),
        ("a tunnel", line("CONNECT elsewhere.example:443 HTTP/1.1")),
        ("a trace", line("TRACE /healthz HTTP/1.1")),
        ("a method without end", line(&format!("{} / HTTP/1.1", "X".repeat(1 << 20)))),
        ("another version", line("GET /healthz HTTP/9.9")),
        ("an old version", line("GET /healthz HTTP/1.0")),
        ("no version", b"GET /healthz\r\n\r\n".to_vec()),
        ("no host", b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec()),
        ("two hosts", with("Host: y\r\n")),
        ("a thousand headers", with(&many)),
        ("an endless header", with(&format!("X: {}\r\n", "x".repeat(1 << 20)))),
        ("a header of two lines", with("X: a\r\n b\r\n")),
        ("a header without a name", with(": x\r\n")),
        ("a header with a NUL", with("X: a\0b\r\n")),
        ("headers of Spin", with("Spin-Client-Addr: 127.0.0.1:1\r\nSpin-Path-Info: /token\r\n")),
        ("an upgrade", with("Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")),
        ("a handshake of TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec()),
        ("a login of Postgres", b"\0\0\0\x08\x04\xd2\x16\x2f\r\n\r\n".to_vec()),
        (
            "HTTP/2 that is none",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff".to_vec(),
        ),
    ];
    let told = answers(&function, &requests).await;
    expect![[r#"
        404     out of the root
        404     out of the root, hidden
        404     a NUL
        404     half an escape
        404     a route, hidden
        405     another host
        400     another scheme
        404     a long path
        431     an endless path
        431     an endless query
        400     no path
        404     no ASCII
        404     an asterisk
        404     a tunnel
        405     a trace
        431     a method without end
        400     another version
        200     an old version
        400     no version
        200     no host
        200     two hosts
        431     a thousand headers
        431     an endless header
        400     a header of two lines
        400     a header without a name
        400     a header with a NUL
        200     headers of Spin
        200     an upgrade
        400     a handshake of TLS
        400     a login of Postgres
        closed  HTTP/2 that is none
    "#]]
    .assert_eq(&told);
    function.stop().await;
}

#[tokio::test]
async fn with_bodies_that_never_come() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serve().await;
    let head = raw::head(&function, ADMIN, "POST /bootstrap");
    let mut slow = Vec::new();
    for _ in 0..100 {
        let mut stream = TcpStream::connect(function.authority()).await.unwrap();
        let begun = format!("{head}Content-Length: 1000\r\n\r\n{{\"migrations\"");
        stream.write_all(begun.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    // Nobody waits for them.
    for _ in 0..10 {
        function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
        function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    }
    // Half of them break off, the others say that no more comes.
    slow.truncate(50);
    for mut stream in slow {
        stream.shutdown().await.unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let status = raw::status(&String::from_utf8_lossy(&answer));
        assert!(status.is_none_or(|status| status < 500), "{status:?}");
    }
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    function.stop().await;
}
