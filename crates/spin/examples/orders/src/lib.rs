//! An application on Lakebase that mints no token and keeps no password: Lakegate, composed into
//! the same component, does both.
//!
//! - `POST /orders/prepare` makes the schema and the table, or finds them made.
//! - `GET /orders` lists the orders.

mod bindings;
mod database;
mod failure;

use serde_json::{Value, json};
use spin_sdk::http::{IntoResponse, Request, Response, StatusCode};
use spin_sdk::http_service;

use crate::bindings::lakegate::connect::bootstrap::{self, Desired, Migration};
use crate::failure::Failure;

/// The tables of this version of the application. A name, once released, keeps its text for ever.
const MIGRATIONS: &[(&str, &str)] =
    &[("0001_orders.sql", include_str!("../migrations/0001_orders.sql"))];

const NO_SUCH_ROUTE: &str = "there is GET /orders and POST /orders/prepare";

#[http_service]
async fn serve(request: Request) -> impl IntoResponse {
    let answer = match (request.method().as_str(), request.uri().path()) {
        ("GET", "/orders") => list().await,
        ("POST", "/orders/prepare") => prepare().await,
        _ => Err(Failure::new(StatusCode::NOT_FOUND, NO_SUCH_ROUTE)),
    };
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err(failure) => (failure.status, failure.body()),
    };
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.to_string())
}

async fn list() -> Result<Value, Failure> {
    let (connection, schema) = database::open().await?;
    // Times and such come as text: the application only passes them on.
    let sql =
        format!("SELECT id, customer, item, placed_at::text FROM {schema}.orders ORDER BY id");
    let rows = connection.query(sql, []).await?.collect().await?;
    let orders = rows.iter().map(|row| {
        json!({
            "id": row.get::<i64>("id"),
            "customer": row.get::<String>("customer"),
            "item": row.get::<String>("item"),
            "placed_at": row.get::<String>("placed_at"),
        })
    });
    Ok(json!({ "orders": orders.collect::<Vec<_>>() }))
}

async fn prepare() -> Result<Value, Failure> {
    let migrations = MIGRATIONS
        .iter()
        .map(|&(name, text)| Migration { name: name.to_owned(), text: text.to_owned() });
    let desired =
        Desired { migrations: migrations.collect(), grants: Vec::new(), out_of_order: false };
    let report = bootstrap::apply(desired).await?;
    Ok(json!({ "done": report.done, "notes": report.notes }))
}
