//! The Provisioned API, `/api/2.0/database`: instances, their roles, credentials.

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
use super::reply::ApiError;
use crate::jwt::Scope;
use crate::postgres::catalog::{Attributes, Role};
use crate::world::World;

type Answer = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/api/2.0/database/credentials", post(credential))
        .route("/api/2.0/database/instances", get(list))
        .route("/api/2.0/database/instances:findByUid", get(find_by_uid))
        .route("/api/2.0/database/instances/{name}", get(by_name))
        .route("/api/2.0/database/instances/{name}/roles", get(roles).post(create_role))
        .route("/api/2.0/database/instances/{name}/roles/{role}", get(role))
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

async fn list(State(control): State<Arc<Control>>, _caller: Caller) -> Json<Value> {
    let version = control.lakebase.catalog.major();
    Json(json!({ "database_instances": [instance(&control.lakebase.world(), version)] }))
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

async fn roles(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Answer {
    known(&control, &name)?;
    let roles = control.lakebase.catalog.roles().await?;
    let roles: Vec<Value> = roles.iter().map(|role| described(role, &name)).collect();
    Ok(Json(json!({ "database_instance_roles": roles })))
}

async fn role(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Path((name, role)): Path<(String, String)>,
) -> Answer {
    known(&control, &name)?;
    let roles = control.lakebase.catalog.roles().await?;
    let found = roles.iter().find(|one| one.name == role);
    let found = found.ok_or_else(|| ApiError::does_not_exist(&format!("Role {role}")))?;
    Ok(Json(described(found, &name)))
}

#[derive(Deserialize)]
struct NewRole {
    name: String,
    identity_type: Option<String>,
    membership_role: Option<String>,
    #[serde(default)]
    attributes: Attributes,
}

async fn create_role(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(wish): Body<NewRole>,
) -> Answer {
    caller.may_manage("the database instance")?;
    known(&control, &name)?;
    let identity = wish.identity_type.filter(|kind| kind != "PG_ONLY");
    if identity.is_some() && !control.lakebase.world().principals.contains_key(&wish.name) {
        return Err(ApiError::does_not_exist(&format!("Identity {}", wish.name)));
    }
    let role = Role {
        name: wish.name,
        identity,
        attributes: wish.attributes,
        superuser: wish.membership_role.as_deref() == Some("DATABRICKS_SUPERUSER"),
    };
    control.lakebase.catalog.create_role(&role).await?;
    Ok(Json(described(&role, &name)))
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

fn described(role: &Role, instance: &str) -> Value {
    let mut described = json!({
        "name": role.name,
        "instance_name": instance,
        "identity_type": role.identity.as_deref().unwrap_or("PG_ONLY"),
        "attributes": role.attributes,
        "effective_attributes": role.attributes,
    });
    if role.superuser {
        described["membership_role"] = "DATABRICKS_SUPERUSER".into();
    }
    described
}
