//! The Provisioned API, `/api/2.0/database`: instances, their roles, credentials.

mod roles;

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;
use super::bearer::Caller;
use super::body::Body;
use super::page::Page;
use super::reply::ApiError;
use crate::jwt::Scope;
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/api/2.0/database/credentials", post(credential))
        .route("/api/2.0/database/instances", get(list))
        .route("/api/2.0/database/instances:findByUid", get(find_by_uid))
        .route("/api/2.0/database/instances/{name}", get(by_name))
        .route("/api/2.0/database/instances/{name}/roles", get(roles::list).post(roles::create))
        .route(
            "/api/2.0/database/instances/{name}/roles/{role}",
            get(roles::get).patch(roles::update).delete(roles::delete),
        )
}

#[derive(Deserialize)]
struct CredentialRequest {
    #[serde(default)]
    instance_names: Vec<String>,
    #[serde(default)]
    claims: Vec<Value>,
}

async fn credential(
    State(control): State<Arc<Control>>,
    Caller(caller): Caller,
    Body(wish): Body<CredentialRequest>,
) -> Answer {
    if wish.instance_names.is_empty() && wish.claims.is_empty() {
        let message = "At least one of instance_names or claims must be specified.";
        return Err(ApiError::invalid(message));
    }
    for name in &wish.instance_names {
        known(&control, name)?;
    }
    let lifetime = control.lakebase.policy().credential_lifetime_s;
    let minted = control.lakebase.mint(&control.issuer(), &caller.name, Scope::Postgres, lifetime);
    let mut answer = json!({ "token": minted.token });
    if let Some(expiry) = control.lakebase.stated(minted.expires_at) {
        answer["expiration_time"] = expiry.into();
    }
    Ok(Json(answer))
}

async fn list(State(control): State<Arc<Control>>, _caller: Caller, page: Page) -> Json<Value> {
    let version = control.lakebase.catalog.major();
    page.of("database_instances", vec![instance(&control.lakebase.world(), version)])
}

async fn by_name(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Answer {
    known(&control, &name)?;
    Ok(Json(instance(&control.lakebase.world(), control.lakebase.catalog.major())))
}

async fn find_by_uid(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    let uid = query.get("uid").map_or("", String::as_str);
    let world = control.lakebase.world();
    if world.instance.uid.to_string() != uid {
        return Err(ApiError::no_instance(&format!("with uid {uid}")));
    }
    Ok(Json(instance(&world, control.lakebase.catalog.major())))
}

fn known(control: &Control, name: &str) -> Result<(), ApiError> {
    let known = control.lakebase.world().instance.name == name;
    if known { Ok(()) } else { Err(ApiError::no_instance(name)) }
}

fn instance(world: &World, version: &str) -> Value {
    json!({
        "name": world.instance.name,
        "uid": world.instance.uid.to_string(),
        "capacity": "CU_1",
        "effective_capacity": "CU_1",
        "creation_time": "2026-01-01T00:00:00Z",
        "creator": world.administrator().map(|person| &person.name),
        "pg_version": format!("PG_VERSION_{version}"),
        "read_write_dns": world.dns_name,
        "state": "AVAILABLE",
        "stopped": false,
        "effective_stopped": false,
        "node_count": 1,
        "effective_node_count": 1,
        "enable_pg_native_login": true,
        "effective_enable_pg_native_login": true,
        "retention_window_in_days": 7,
        "effective_retention_window_in_days": 7,
    })
}
