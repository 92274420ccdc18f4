//! `lakegate proxy`, `lakegate run` and `lakegate psql` on a local Lakebase. One file for each
//! promise.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod drains;
mod keeps_to_itself;
mod opens_psql;
mod reloads;
mod runs_a_command;
mod says_the_same;
mod survives_bad_clients;
mod survives_outages;
mod survives_refusals;
mod survives_restarts;
mod survives_sleep;
mod survives_wrong_names;
mod tells_operations;
mod wire;

use lakegate_tests::{DEADLINE, House, Proxy};
use tokio::time::timeout;
use tokio_postgres::{Client, Error};

/// The only value of a query that has one, as text.
async fn value(client: &Client, query: &str) -> Result<String, Error> {
    Ok(client.query_one(query, &[]).await?.get(0))
}

/// A proxy that logs all it can: whatever it writes is searched for secrets.
async fn loud(house: &House, arguments: &[&str]) -> Proxy {
    Proxy::of(house.proxy(arguments).env("LAKEGATE_LOG", "trace")).await
}

/// A session as soon as there is one: where applications wait a second for the database, a busy
/// machine may take longer to log in to it.
async fn at_last(proxy: &Proxy) -> Client {
    let mut client = None;
    until(async || {
        client = proxy.connect().await.ok();
        client.is_some()
    })
    .await;
    client.unwrap()
}

/// Asks again until the answer is yes.
async fn until(mut asked: impl AsyncFnMut() -> bool) {
    let answered = timeout(DEADLINE, async { while !asked().await {} }).await;
    assert!(answered.is_ok(), "it never comes");
}
