//! Nobody gets in without a key of the right scope, and keys can be changed without a gap.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use lakegate_tests::{ADMIN, House, Serving, TOKEN, digest};
use serde_json::{Value, json};

const ADMIN_ROUTES: [&str; 4] =
    ["GET /bootstrap", "POST /bootstrap", "POST /setup", "POST /tighten"];
const TOKEN_ROUTES: [&str; 2] = ["POST /token", "GET /status"];

const ADMIN_DIGESTS: &str = "LAKEGATE_ADMIN_KEY_SHA256";
const TOKEN_DIGESTS: &str = "LAKEGATE_TOKEN_KEY_SHA256";

/// All these routes answer the same.
async fn check(function: &Serving<'_>, key: &str, routes: &[&str], expected: Expect) {
    let mut told = BTreeSet::new();
    for route in routes {
        let answer = function.ask(key, route, Value::Null).await;
        told.insert(answer.told().to_owned());
    }
    expected.assert_eq(&told.into_iter().collect::<String>());
}

#[tokio::test]
async fn of_its_scope() {
    let house = House::open().await;
    house.forget().await;
    let function = house.serve().await;
    let all = [&ADMIN_ROUTES[..], &TOKEN_ROUTES].concat();
    check(
        &function,
        "",
        &all,
        expect![[r#"
        401
        content-type: application/problem+json
        www-authenticate: Bearer
        {
          "advice": "Send one header `Authorization: Bearer KEY`.",
          "detail": "the request has no key",
          "status": 401,
          "title": "A known key is needed",
          "type": "urn:lakegate:problem:unauthorized"
        }
    "#]],
    )
    .await;
    check(
        &function,
        "nobody's key",
        &all,
        expect![[r#"
        401
        content-type: application/problem+json
        www-authenticate: Bearer
        {
          "advice": "Ask whoever runs this function for a key of this route.",
          "detail": "the key is not known here",
          "status": 401,
          "title": "A known key is needed",
          "type": "urn:lakegate:problem:unauthorized"
        }
    "#]],
    )
    .await;
    // The digest is no key.
    check(
        &function,
        &digest(ADMIN),
        &all,
        expect![[r#"
        401
        content-type: application/problem+json
        www-authenticate: Bearer
        {
          "advice": "Ask whoever runs this function for a key of this route.",
          "detail": "the key is not known here",
          "status": 401,
          "title": "A known key is needed",
          "type": "urn:lakegate:problem:unauthorized"
        }
    "#]],
    )
    .await;
    check(&function, TOKEN, &ADMIN_ROUTES, expect![[r#"
        403
        content-type: application/problem+json
        {
          "advice": "Routes that change the database and routes that give credentials have own keys.",
          "detail": "the key does not open this route, only others",
          "status": 403,
          "title": "The key does not open this route",
          "type": "urn:lakegate:problem:forbidden"
        }
    "#]]).await;
    check(&function, ADMIN, &TOKEN_ROUTES, expect![[r#"
        403
        content-type: application/problem+json
        {
          "advice": "Routes that change the database and routes that give credentials have own keys.",
          "detail": "the key does not open this route, only others",
          "status": 403,
          "title": "The key does not open this route",
          "type": "urn:lakegate:problem:forbidden"
        }
    "#]]).await;
    assert_eq!(house.counts().await["requests"], json!({}), "nothing was done for them");
    function.stop().await;
}

#[tokio::test]
async fn in_the_one_header_for_it() {
    let house = House::open().await;
    let function = house.serve().await;
    let ask = async |headers: &[&[u8]]| {
        let request = function.request("", "GET /status");
        let request = headers.iter().fold(request, |request, value| {
            let value = reqwest::header::HeaderValue::from_bytes(value).unwrap();
            request.header("authorization", value)
        });
        function.send(request).await.status
    };
    let bearer = |text: &str| text.replace("KEY", TOKEN).into_bytes();
    for (headers, status) in [
        (vec![bearer("Bearer KEY")], 200),
        (vec![bearer("bearer KEY")], 200),
        (vec![bearer("BEARER   KEY  ")], 200),
        (vec![bearer("Bearer KEY"), bearer("Bearer KEY")], 401),
        (vec![bearer("Basic eDp5"), bearer("Bearer KEY")], 401),
        (vec![bearer("KEY")], 401),
        (vec![bearer("Token KEY")], 401),
        (vec![bearer("Bearer")], 401),
        (vec![bearer("Bearer ")], 401),
        (vec![bearer("Bearer KEY KEY")], 401),
        (vec![bearer("Bearer KEY, Bearer KEY")], 401),
        (vec![bearer("Bearer KEYx")], 401),
        (vec![bearer("Bearer KE")], 401),
        (vec![bearer(&format!("Bearer {}", TOKEN.to_uppercase()))], 401),
        (vec![b"Bearer \xff\xfe".to_vec()], 401),
        (vec![[b"Bearer ".to_vec(), vec![b'x'; 16 << 10]].concat()], 401),
    ] {
        let values: Vec<&[u8]> = headers.iter().map(Vec::as_slice).collect();
        assert_eq!(ask(&values).await, status, "{:?}", String::from_utf8_lossy(values[0]));
    }
    // Not in the address, where logs would keep it.
    for query in ["access_token", "key", "token"] {
        let route = format!("GET /status?{query}=anything");
        function.ask("", &route, Value::Null).await.has(401);
    }
    function.stop().await;
}

#[tokio::test]
async fn or_not_at_all_when_none_is_configured() {
    let house = House::open().await;
    let program = house.function().env(ADMIN_DIGESTS, " ").without(TOKEN_DIGESTS);
    let closed = house.serving(program).await;
    closed.says("closed until opened").await;
    check(
        &closed,
        "",
        &ADMIN_ROUTES,
        expect![[r#"
        403
        content-type: application/problem+json
        {
          "advice": "Set LAKEGATE_ADMIN_KEY_SHA256 to the SHA-256 digest of a key, in hexadecimal.",
          "detail": "no key opens this route: it is closed until one is configured",
          "status": 403,
          "title": "No key is configured for this route",
          "type": "urn:lakegate:problem:closed"
        }
    "#]],
    )
    .await;
    check(
        &closed,
        "",
        &TOKEN_ROUTES,
        expect![[r#"
        403
        content-type: application/problem+json
        {
          "advice": "Set LAKEGATE_TOKEN_KEY_SHA256 to the SHA-256 digest of a key, in hexadecimal.",
          "detail": "no key opens this route: it is closed until one is configured",
          "status": 403,
          "title": "No key is configured for this route",
          "type": "urn:lakegate:problem:closed"
        }
    "#]],
    )
    .await;
    for key in [ADMIN, TOKEN, &digest("")] {
        for route in ADMIN_ROUTES.iter().chain(&TOKEN_ROUTES) {
            closed.ask(key, route, Value::Null).await.has(403);
        }
    }
    closed.ask("", "GET /healthz", Value::Null).await.has(200);
    closed.stop().await;

    // One scope may be open alone.
    let half = house.serving(house.function().without(ADMIN_DIGESTS)).await;
    half.ask(TOKEN, "GET /status", Value::Null).await.has(200);
    half.ask(ADMIN, "POST /setup", Value::Null).await.has(403);
    let run = half.stop().await;
    assert!(!run.stderr.contains("closed until opened"), "{}", run.stderr);
}

#[tokio::test]
async fn that_may_be_changed_without_a_gap() {
    let house = House::open().await;
    let old = "tokenkey-of-yesterday-9d2c";
    house.keep_secret(old);
    let (old_digest, new_digest) = (digest(old), digest(TOKEN).to_uppercase());
    for between in [" ", ",", ", ", "\n"] {
        let both = format!("{old_digest}{between}{new_digest}");
        let function = house.serving(house.function().env(TOKEN_DIGESTS, both)).await;
        for key in [old, TOKEN] {
            function.ask(key, "GET /status", Value::Null).await.has(200);
        }
        function.ask(ADMIN, "GET /status", Value::Null).await.has(403);
        function.stop().await;
    }
    let function = house.serving(house.function().env(TOKEN_DIGESTS, &new_digest)).await;
    function.ask(old, "GET /status", Value::Null).await.has(401);
    function.ask(TOKEN, "GET /status", Value::Null).await.has(200);
    function.stop().await;
}

#[tokio::test]
async fn and_what_is_no_digest_opens_nothing() {
    let house = House::open().await;
    // Somebody put the key itself there: nobody may read it in an answer.
    let program = house.function().env(ADMIN_DIGESTS, ADMIN);
    let function = house.serving(program).await;
    check(&function, ADMIN, &ADMIN_ROUTES, expect![[r#"
        503
        content-type: application/problem+json
        {
          "advice": "A digest has 64 hexadecimal digits; several stand with blanks or commas between.",
          "detail": "LAKEGATE_ADMIN_KEY_SHA256 holds something that is no SHA-256 digest",
          "status": 503,
          "title": "The function is not configured rightly",
          "type": "urn:lakegate:problem:configuration"
        }
    "#]]).await;
    function.ask(TOKEN, "GET /status", Value::Null).await.has(200);
    function.stop().await;

    // One that is whole does not open beside one that is not.
    let digests = format!("{} {}", digest(ADMIN), &digest(TOKEN)[1..]);
    let function = house.serving(house.function().env(ADMIN_DIGESTS, digests)).await;
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(503);
    function.stop().await;
}
