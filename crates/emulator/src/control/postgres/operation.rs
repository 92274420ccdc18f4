//! Operations: what every change answers, and what a client asks for until it is over.
//!
//! Here all are over at once. A test that wants one to last makes a rule for its name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Control;
use super::super::bearer::Caller;
use super::super::reply::ApiError;
use super::Answer;

/// The operations of this run, by name.
#[derive(Default)]
pub(in crate::control) struct Operations {
    over: Mutex<BTreeMap<String, Value>>,
}

impl Operations {
    /// Answers a change of the thing at `path` that came to `response`.
    pub(super) fn over(&self, path: &str, response: Value) -> Json<Value> {
        let name = format!("{path}/operations/{}", Uuid::new_v4());
        let answer = json!({ "name": name, "done": true, "response": response });
        // An operation is whole or not there, even after a panic.
        let mut over = self.over.lock().unwrap_or_else(PoisonError::into_inner);
        over.insert(name, answer.clone());
        Json(answer)
    }

    fn get(&self, name: &str) -> Option<Value> {
        self.over.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }
}

pub(super) async fn operation(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    uri: Uri,
) -> Answer {
    let found = control.operations.get(uri.path().trim_start_matches('/'));
    found.map(Json).ok_or_else(|| ApiError::not_found("operation id not found"))
}
