//! The serverless function: Lakegate over HTTP, under Spin or `lakegate serve`.
//!
//! | module | does |
//! |---|---|
//! | `route` | finds the route of a request, asks for its key, and calls its one function in `routes` |
//! | `keys`, `body`, `problem`, `answer`, `log` | what every route shares |
//! | `instance` | the state of an instance: settings, keys, the connector of the core |
//! | `door`, `turns` | that connector as many requests share it, and wake each other |
//! | `settings` | Spin's variables, under the names that the core knows |
//! | `edge`, `workspace`, `postgres`, `sealed`, `claim`, `store` | what the core asks of the world, by Spin's interfaces |
//! | `exports` | `lakegate:connect` for other components of a Spin application |
//!
//! Nothing about tokens or databases is decided here: that is `lakegate-core`'s.

extern crate alloc;

mod answer;
mod bindings;
mod body;
mod claim;
mod door;
mod edge;
#[path = "../../component/src/exports/mod.rs"]
mod exports;
mod instance;
mod keys;
mod last;
mod log;
mod postgres;
mod problem;
mod route;
mod routes;
mod sealed;
mod service;
mod settings;
mod store;
mod time;
mod turns;
mod workspace;

use std::rc::Rc;

use crate::door::Door;

/// The exports for other components.
struct Component;

/// The state of this instance, for an export that may wait.
async fn connector() -> Rc<Door> {
    Rc::clone(&instance::get().await.connector)
}

/// The state of this instance, for an export that may not; none before the first that may.
fn started() -> Option<Rc<Door>> {
    instance::made().map(|instance| Rc::clone(&instance.connector))
}
