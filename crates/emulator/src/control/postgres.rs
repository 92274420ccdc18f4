//! The Autoscaling API, `/api/2.0/postgres`: projects, branches, endpoints, roles, databases,
//! credentials. What takes a while there is done at once here, and its operation says so.

mod credential;
mod databases;
mod inventory;
mod operation;
mod place;
mod role_change;
mod roles;

use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

pub(super) use self::operation::Operations;
use self::place::{Branch, Endpoint, Project};
pub(super) use self::role_change::SomeAttributes;
use super::Control;
use super::reply::ApiError;

type Answer = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<Arc<Control>> {
    const BRANCH: &str = "/projects/{project}/branches/{branch}";
    let branch = |rest: &str| format!("{BRANCH}{rest}");
    let role = get(roles::get).patch(roles::update).delete(roles::delete);
    let database = get(databases::get).patch(databases::update).delete(databases::delete);
    let api = Router::new()
        .route("/credentials", post(credential::mint))
        .route("/projects", get(inventory::projects))
        .route("/projects/{project}", get(inventory::project))
        .route("/projects/{project}/branches", get(inventory::branches))
        .route(BRANCH, get(inventory::branch))
        .route(&branch("/endpoints"), get(inventory::endpoints))
        .route(&branch("/endpoints/{endpoint}"), get(inventory::endpoint))
        .route(&branch("/roles"), get(roles::list).post(roles::create))
        .route(&branch("/roles/{role}"), role)
        .route(&branch("/roles/{role}/password"), post(roles::password))
        .route(&branch("/roles/{role}/operations/{operation}"), get(operation::operation))
        .route(&branch("/databases"), get(databases::list).post(databases::create))
        .route(&branch("/databases/{database}"), database)
        .route(&branch("/databases/{database}/operations/{operation}"), get(operation::operation));
    Router::new().nest("/api/2.0/postgres", api)
}
