//! Who runs the proxy sees how it is: probes, metrics, the service manager; and can end it.

use std::os::unix::net::UnixDatagram;

use lakegate_tests::{House, Operations, Proxy};
use reqwest::header::ORIGIN;
use serde_json::json;

use crate::{until, value};

const OPERATIONS: [&str; 2] = ["--operations", "127.0.0.1:0"];

#[tokio::test]
async fn by_probes() {
    let house = House::open().await;
    house.set_up().await;
    house.fault(json!({ "route": "POST /oidc/v1/token", "status": 503 })).await;
    let mut proxy = Proxy::start(&house, &OPERATIONS).await;
    let operations = Operations::of(&house, &mut proxy).await;
    assert_eq!(operations.ask("GET /livez").await.0, 200);
    for route in ["GET /startup", "GET /readyz", "GET /readyz?check=backend"] {
        let (status, text) = operations.ask(route).await;
        assert_eq!(status, 503, "{route}: {text}");
        assert!(text.contains("urn:lakegate:problem:unavailable"), "{text}");
    }
    house.heal().await;
    let client = house.rush(proxy.connect()).await.unwrap();
    assert_eq!(value(&client, "SELECT 'up'").await.unwrap(), "up");
    // Each waits by itself for the token that the application waited for.
    for route in ["GET /startup", "GET /readyz"] {
        until(async || operations.ask(route).await.0 == 200).await;
    }
    for route in ["HEAD /readyz", "GET /readyz?check=backend"] {
        let (status, text) = operations.ask(route).await;
        assert_eq!(status, 200, "{route}: {text}");
    }
    drop(client);
    proxy.stop().await;
}

#[tokio::test]
async fn which_let_the_database_sleep() {
    let house = House::open().await;
    house.set_up().await;
    house.forget().await;
    let mut proxy = Proxy::start(&house, &OPERATIONS).await;
    let operations = Operations::of(&house, &mut proxy).await;
    until(async || operations.ask("GET /readyz").await.0 == 200).await;
    operations.ask("GET /metrics").await;
    assert_eq!(operations.metric("lakegate_proxy_servers_opened_total").await, 0.0);
    assert_eq!(operations.ask("GET /readyz?check=backend").await.0, 200);
    assert_eq!(operations.metric("lakegate_proxy_servers_opened_total").await, 1.0);
    proxy.stop().await;
}

#[tokio::test]
async fn by_numbers() {
    let house = House::open().await;
    house.set_up().await;
    let mut proxy = Proxy::start(&house, &OPERATIONS).await;
    let operations = Operations::of(&house, &mut proxy).await;
    let client = proxy.connect().await.unwrap();
    value(&client, "SELECT 'x'").await.unwrap();
    for (name, expected) in [
        ("lakegate_proxy_clients", 1.0),
        ("lakegate_proxy_clients_admitted_total", 1.0),
        ("lakegate_proxy_servers", 1.0),
        ("lakegate_token_generation", 1.0),
        ("lakegate_token_minted_total", 1.0),
        ("lakegate_token_refusals_total", 0.0),
    ] {
        assert_eq!(operations.metric(name).await, expected, "{name}");
    }
    let left = operations.metric("lakegate_token_valid_for_seconds").await;
    assert!((3_500.0..3_600.0).contains(&left), "{left}");
    let (_, text) = operations.ask("GET /metrics").await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    drop(client);
    proxy.stop().await;
}

#[tokio::test]
async fn and_ends_it_from_this_machine_alone() {
    let house = House::open().await;
    house.set_up().await;
    let mut proxy = Proxy::start(&house, &OPERATIONS).await;
    let operations = Operations::of(&house, &mut proxy).await;
    assert_eq!(operations.ask("GET /quit").await.0, 405);
    assert_eq!(operations.ask("POST /livez").await.0, 405);
    assert_eq!(operations.ask("GET /").await.0, 404);
    let page = operations.request("POST /quit").header(ORIGIN, "https://example.com");
    assert_eq!(operations.send(page).await.0, 403, "a page in a browser on this machine");
    assert_eq!(operations.ask("GET /livez").await.0, 200);
    assert_eq!(operations.ask("POST /quit").await.0, 200);
    proxy.end().await.exits(0);
}

#[tokio::test]
async fn and_the_service_manager_is_told() {
    let house = House::open().await;
    house.set_up().await;
    let path = house.folder().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(lakegate_tests::DEADLINE)).unwrap();
    let told = || {
        let mut words = [0; 256];
        let length = manager.recv(&mut words).unwrap();
        String::from_utf8_lossy(&words[..length]).into_owned()
    };
    let proxy = Proxy::of(house.proxy(&[]).env("NOTIFY_SOCKET", &path)).await;
    assert_eq!(told(), "READY=1\n");
    proxy.reload();
    let reloading = told();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert_eq!(told(), "READY=1\n");
    proxy.ask_to_stop();
    assert_eq!(told(), "STOPPING=1\n");
    proxy.end().await.exits(0);
}
