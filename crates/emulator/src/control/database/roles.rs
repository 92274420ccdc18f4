//! Roles of an instance.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Control;
use super::super::bearer::Caller;
use super::super::body::Body;
use super::super::page::Page;
use super::super::postgres::SomeAttributes;
use super::super::reply::ApiError;
use super::{Answer, known};
use crate::postgres::catalog::{Attributes, Role};

/// Only whoever has this may change roles.
const MANAGED: &str = "the database instance";
const SUPERUSER: &str = "DATABRICKS_SUPERUSER";

pub(super) async fn list(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Path(instance): Path<String>,
    page: Page,
) -> Answer {
    known(&control, &instance)?;
    let roles = control.lakebase.catalog.roles().await?;
    let roles = roles.iter().map(|role| described(role, &instance)).collect();
    Ok(page.of("database_instance_roles", roles))
}

pub(super) async fn get(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Path((instance, name)): Path<(String, String)>,
) -> Answer {
    let role = found(&control, &instance, &name).await?;
    Ok(Json(described(&role, &instance)))
}

async fn found(control: &Control, instance: &str, name: &str) -> Result<Role, ApiError> {
    known(control, instance)?;
    let roles = control.lakebase.catalog.roles().await?;
    let found = roles.into_iter().find(|role| role.name == name);
    found.ok_or_else(|| ApiError::does_not_exist(&format!("Role {name}")))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    name: String,
    identity_type: Option<String>,
    membership_role: Option<String>,
    attributes: SomeAttributes,
}

pub(super) async fn create(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Path(instance): Path<String>,
    Body(wish): Body<Given>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    known(&control, &instance)?;
    if wish.name.is_empty() {
        let message = "Field 'name' is required, expected non-default value (not \"\")!";
        return Err(ApiError::invalid(message));
    }
    let identity = wish.identity_type.filter(|kind| kind != "PG_ONLY");
    if identity.is_some() && !control.lakebase.world().principals.contains_key(&wish.name) {
        return Err(ApiError::does_not_exist(&format!("Identity {}", wish.name)));
    }
    let role = Role {
        name: wish.name,
        identity,
        attributes: wish.attributes.over(Attributes::default()),
        superuser: wish.membership_role.as_deref() == Some(SUPERUSER),
    };
    control.lakebase.catalog.create_role(&role).await?;
    Ok(Json(described(&role, &instance)))
}

/// Changes what is given; a membership goes when it is not.
pub(super) async fn update(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Path((instance, name)): Path<(String, String)>,
    Body(wish): Body<Given>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    let mut role = found(&control, &instance, &name).await?;
    role.attributes = wish.attributes.over(role.attributes);
    role.superuser = wish.membership_role.as_deref() == Some(SUPERUSER);
    control.lakebase.catalog.alter_role(&role).await?;
    Ok(Json(described(&role, &instance)))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    allow_missing: bool,
    reassign_owned_to: Option<String>,
}

pub(super) async fn delete(
    State(control): State<Arc<Control>>,
    caller: Caller,
    Path((instance, name)): Path<(String, String)>,
    Query(wish): Query<Wish>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    known(&control, &instance)?;
    let roles = control.lakebase.catalog.roles().await?;
    if wish.allow_missing && !roles.iter().any(|role| role.name == name) {
        return Ok(Json(json!({})));
    }
    found(&control, &instance, &name).await?;
    let heir = match wish.reassign_owned_to.as_deref() {
        Some(heir) if !heir.is_empty() => Some(found(&control, &instance, heir).await?.name),
        _ => None,
    };
    control.lakebase.catalog.drop_role(&name, heir.as_deref()).await?;
    Ok(Json(json!({})))
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
        described["membership_role"] = SUPERUSER.into();
    }
    described
}
