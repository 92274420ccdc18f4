//! The HTTP function, as `lakegate serve` runs it on a local Lakebase. One file for each promise.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod answers_its_routes;
mod does_what_it_describes;
mod gives_one_credential;
mod keeps_secrets;
mod keeps_to_its_hosts;
mod lives_in_an_application;
mod opens_with_a_key;
mod outlives_its_instances;
mod prepares_the_database;
mod raw;
mod refuses_bad_requests;
mod renews_in_time;
mod speaks_tls;
mod stops_in_order;
mod survives_outages;
mod withstands_hostile_requests;

use std::time::Instant;

use lakegate_tests::{DEADLINE, House};
use serde_json::{Value, json};

/// A request in the name of the administrator, who brings a login.
async fn by_admin(house: &House, mut request: Value) -> Value {
    let login = house.admin(["token", "--json"]).run().await.exits(0).json();
    request["admin"] = json!({ "user": login["user"], "token": login["token"] });
    request
}

/// How many database credentials Lakebase gave since the start, or since
/// [`forget`](House::forget).
async fn mints(house: &House) -> u64 {
    house.counts().await["credentials"].as_u64().unwrap()
}

/// Returns once the workspace was asked for something since [`forget`](House::forget).
async fn asked(house: &House) {
    let start = Instant::now();
    while house.counts().await["requests"] == json!({}) {
        assert!(start.elapsed() < DEADLINE, "the workspace was asked for nothing");
    }
}
