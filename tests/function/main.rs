//! The HTTP function, as `lakegate serve` runs it on a local Lakebase. One file for each promise.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise, also in what it calls")]

mod answers_its_routes;
mod opens_with_a_key;
mod prepares_the_database;
mod raw;
mod refuses_bad_requests;

use lakegate_tests::House;
use serde_json::{Value, json};

/// A request in the name of the administrator, who brings a login.
async fn by_admin(house: &House, mut request: Value) -> Value {
    let login = house.admin(["token", "--json"]).run().await.exits(0).json();
    request["admin"] = json!({ "user": login["user"], "token": login["token"] });
    request
}
