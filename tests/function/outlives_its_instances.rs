//! A cold instance serves with the credential that another one bought: sealed, and for its owner
//! alone. What it cannot open it buys anew, and its caller never notices.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use lakegate_tests::{ADMIN, CACHE_KEY, Credential, DEADLINE, House, Program, Serving, TOKEN};
use serde_json::{Value, json};

use crate::mints;

/// Where the key-value store of these tests is.
const STORE: &str = "store";

/// A function whose every request meets an instance that knows nothing.
fn cold(house: &House) -> Program {
    let program = house.function().env("LAKEGATE_CACHE_KEY", CACHE_KEY);
    program.arg("--store").arg(STORE).arg("--requests-per-instance").arg("1")
}

/// A credential, and how many were bought for it.
async fn bought(house: &House, function: &Serving<'_>) -> (Credential, u64) {
    house.forget().await;
    let answer = function.ask(TOKEN, "POST /token", Value::Null).await.has(200);
    (Credential(answer.json()), mints(house).await)
}

/// Files of the store that hold a credential.
fn entries(house: &House) -> Vec<PathBuf> {
    let files = fs::read_dir(house.folder().join(STORE)).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    let is_one = |file: Vec<u8>| split(&file).0.contains("lakegate/credential");
    // A draft is none yet, and a claim may be gone already.
    files.retain(|path| path.extension() == Some("value".as_ref()));
    files.retain(|path| fs::read(path).is_ok_and(is_one));
    files
}

/// The same as [`bought`], once the store has it: a disk may take longer than the function waits.
async fn bought_and_kept(house: &House, function: &Serving<'_>) -> (Credential, u64) {
    let content = || -> BTreeSet<_> {
        entries(house).into_iter().map(|path| fs::read(path).unwrap()).collect()
    };
    let before = content();
    let bought = bought(house, function).await;
    let start = Instant::now();
    while content() == before {
        assert!(start.elapsed() < DEADLINE, "it is never kept");
    }
    bought
}

/// A file of the store: two lines that name the entry, then what is kept.
fn split(file: &[u8]) -> (String, Vec<u8>) {
    let mut parts = file.splitn(3, |byte| *byte == b'\n');
    let name: Vec<_> = parts.by_ref().take(2).map(String::from_utf8_lossy).collect();
    (name.join("\n") + "\n", parts.next().unwrap_or_default().to_vec())
}

#[tokio::test]
async fn by_a_sealed_credential() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(cold(&house)).await;
    let (first, mints_of_first) = bought_and_kept(&house, &function).await;
    assert_eq!(mints_of_first, 1);
    for _ in 0..3 {
        let (next, mints) = bought(&house, &function).await;
        assert_eq!((next.token(), mints), (first.token(), 0));
    }
    let status = function.ask(TOKEN, "GET /status", Value::Null).await.json();
    assert_eq!(status["cache"], json!({ "store": "sealed" }));
    assert!(status["kept"].is_object(), "{status}");
    // Whatever an instance does first.
    house.forget().await;
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    function.ask(ADMIN, "GET /bootstrap", Value::Null).await.has(200);
    assert_eq!(mints(&house).await, 0);
    function.stop().await;

    // The whole process may go.
    let function = house.serving(cold(&house)).await;
    let (next, mints) = bought(&house, &function).await;
    assert_eq!((next.token(), mints), (first.token(), 0));
    house.login(&next).await.unwrap();
    let status = function.ask(TOKEN, "GET /status", Value::Null).await.json();
    assert_eq!(status["bootstrap"]["database"], "app_ontos", "the last bootstrap is known, too");
    function.stop().await;
    // That no secret stands in them in clear, the house finds out at its end.
    let modes = fs::read_dir(house.folder().join(STORE)).unwrap().map(|file| {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        mode & 0o777
    });
    assert!(modes.eq([0o600, 0o600]), "nobody else may read them");
}

#[tokio::test]
async fn of_many_that_start_at_once_few_buy() {
    let house = House::open().await;
    house.set_up().await;
    let (one, other) = tokio::join!(house.serving(cold(&house)), house.serving(cold(&house)));
    // Each of them has its own instance, in one of two processes that share a store.
    let slow = json!({ "route": "POST /api/2.0/database/credentials", "delay_ms": 300 });
    house.fault(slow).await;
    let asked = [&one, &other].repeat(8);
    for round in 1.. {
        house.forget().await;
        let asking = asked.iter().map(|function| function.ask(TOKEN, "POST /token", Value::Null));
        let answers = join_all(asking).await.into_iter().map(|answer| answer.has(200).json());
        let tokens: BTreeSet<_> = answers.map(|given| given["token"].to_string()).collect();
        let mints = mints(&house).await;
        assert!(tokens.len() as u64 <= mints, "{mints} for {}", tokens.len());
        // One, as a rule. A store that cannot compare and swap lets more buy where a process stands
        // still for a moment, but not again and again.
        if mints <= 4 {
            break;
        }
        assert!(round < 10, "{mints} of {}", asked.len());
        house.pass(Duration::from_secs(61 * 60));
    }
    one.stop().await;
    other.stop().await;
}

#[tokio::test]
async fn but_not_by_one_that_was_changed() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(cold(&house)).await;
    bought_and_kept(&house, &function).await;
    let [entry] = &entries(&house)[..] else { panic!("one is enough") };
    let good = fs::read(entry).unwrap();
    let with_bit_at = |at: usize| {
        let mut changed = good.clone();
        changed[at] ^= 1;
        changed
    };
    for changed in [
        with_bit_at(good.len() - 1),
        with_bit_at(split(&good).0.len()),
        with_bit_at(0),
        good[..good.len() - 1].to_vec(),
        [&good[..], b"x"].concat(),
        Vec::new(),
        b"no entry at all".to_vec(),
        vec![0xff; 2 << 20],
    ] {
        fs::write(entry, &changed).unwrap();
        let (credential, mints) = bought_and_kept(&house, &function).await;
        assert_eq!(mints, 1, "{} bytes", changed.len());
        house.login(&credential).await.unwrap();
        // What was bought is kept in its place.
        assert_eq!(bought(&house, &function).await.1, 0, "{} bytes", changed.len());
    }
    function.stop().await;
}

#[tokio::test]
async fn nor_by_one_that_was_sealed_with_another_key() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(cold(&house)).await;
    bought_and_kept(&house, &function).await;
    function.stop().await;
    let other = "b3RoZXItc2VhbHMtdGhlLWNhY2hlLWluc3RhbmNlLWI=";
    house.keep_secret(other);
    let function = house.serving(cold(&house).env("LAKEGATE_CACHE_KEY", other)).await;
    assert_eq!(bought_and_kept(&house, &function).await.1, 1);
    assert_eq!(bought(&house, &function).await.1, 0);
    function.stop().await;
}

#[tokio::test]
async fn nor_by_one_of_somebody_else() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(cold(&house)).await;
    bought_and_kept(&house, &function).await;
    function.stop().await;
    let own = entries(&house).remove(0);

    let body = json!({ "kind": "SERVICE_PRINCIPAL" });
    let other = house.emulator("POST /principals", body).await;
    let (id, secret) = (other["name"].as_str().unwrap(), other["client_secret"].as_str().unwrap());
    house.keep_secret(secret);
    let program = cold(&house).env("DATABRICKS_CLIENT_ID", id);
    let function = house.serving(program.env("DATABRICKS_CLIENT_SECRET", secret)).await;
    let (credential, mints) = bought_and_kept(&house, &function).await;
    assert_eq!((credential.user(), mints), (id, 1));
    // Not even when it lies in the other one's place.
    let others = entries(&house).into_iter().find(|path| *path != own).unwrap();
    let (name, _) = split(&fs::read(&others).unwrap());
    let (_, sealed) = split(&fs::read(&own).unwrap());
    fs::write(&others, [name.as_bytes(), &sealed].concat()).unwrap();
    let (credential, mints) = bought(&house, &function).await;
    assert_eq!((credential.user(), mints), (id, 1));
    function.stop().await;
}

#[tokio::test]
async fn and_without_a_key_it_lives_in_memory_only() {
    let house = House::open().await;
    house.set_up().await;
    let short = "c2hvcnQta2V5LW9mLTIzLWJ5dGVzLi4=";
    house.keep_secret(short);
    for (key, why) in [
        ("", "LAKEGATE_CACHE_KEY is not set"),
        (short, "LAKEGATE_CACHE_KEY is not 32 bytes in base64"),
    ] {
        let function = house.serving(cold(&house).env("LAKEGATE_CACHE_KEY", key)).await;
        assert_eq!(bought(&house, &function).await.1, 1);
        assert_eq!(bought(&house, &function).await.1, 1);
        let status = function.ask(TOKEN, "GET /status", Value::Null).await.json();
        assert_eq!(status["cache"], json!({ "store": "memory only", "why": why }));
        let run = function.stop().await;
        assert_eq!(run.stderr.contains("is not 32 bytes"), key == short, "{}", run.stderr);
    }
    assert_eq!(fs::read_dir(house.folder().join(STORE)).unwrap().count(), 0, "nothing is kept");
}

#[tokio::test]
async fn nor_does_a_store_that_fails_stop_it() {
    let house = House::open().await;
    house.set_up().await;
    let function = house.serving(cold(&house)).await;
    let store = house.folder().join(STORE);
    fs::remove_dir_all(&store).unwrap();
    fs::write(&store, "no folder any more").unwrap();
    assert_eq!(bought(&house, &function).await.1, 1);
    function.says("the key-value store could not be written").await;
    function.ask(ADMIN, "POST /bootstrap", Value::Null).await.has(200);
    function.ask(TOKEN, "GET /status", Value::Null).await.has(200);
    function.stop().await;

    // From the start it is told where it was configured.
    let run = cold(&house).run().await.exits(1);
    assert!(run.stderr.contains("store"), "{}", run.stderr);
}
