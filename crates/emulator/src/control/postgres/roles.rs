//! Roles of a branch.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::Control;
use super::super::bearer::Caller;
use super::super::body::Body;
use super::super::page::Page;
use super::super::reply::ApiError;
use super::role_change::{self, RoleSpec};
use super::{Answer, Branch};
use crate::postgres::catalog::{Attributes, Role};
use crate::world::Credential;

pub(super) type Segments = Path<(String, String, String)>;

/// Only whoever has this may change roles and databases.
pub(super) const MANAGED: &str = "the database project";

pub(super) async fn list(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    branch: Branch,
    page: Page,
) -> Answer {
    let roles = control.lakebase.catalog.roles().await?;
    let roles = roles.iter().map(|role| described(&control, &branch, role)).collect();
    Ok(page.of("roles", roles))
}

pub(super) async fn get(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    branch: Branch,
    Path((_, _, id)): Segments,
) -> Answer {
    let role = found(&control, &id).await?;
    Ok(Json(described(&control, &branch, &role)))
}

/// The role behind an id.
pub(super) async fn found(control: &Control, id: &str) -> Result<Role, ApiError> {
    let mut roles = control.lakebase.catalog.roles().await?;
    let at = roles.iter().position(|role| control.lakebase.world().role_ids.is(id, &role.name));
    at.map(|at| roles.swap_remove(at)).ok_or_else(|| ApiError::not_found("role id not found"))
}

/// The role that `projects/…/roles/{id}` or an id alone names.
pub(super) async fn named(control: &Control, path: &str) -> Result<Role, ApiError> {
    found(control, path.rsplit('/').next().unwrap_or(path)).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    role_id: Option<String>,
    replace_existing: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    spec: RoleSpec,
}

pub(super) async fn create(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Query(wish): Query<Wish>,
    Body(Given { spec }): Body<Given>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    if let Some(id) = wish.role_id.as_deref().filter(|_| wish.replace_existing)
        && let Ok(role) = found(&control, id).await
    {
        return alter(&control, &branch, &role_change::replaced(&role, &spec)).await;
    }
    role_change::check_new(&spec, wish.role_id.as_deref())?;
    let identity = spec.identity_type.clone().filter(|_| !spec.is_by_password());
    if identity.is_some() && !control.lakebase.world().principals.contains_key(&spec.postgres_role)
    {
        return Err(ApiError::not_found("identity not found"));
    }
    let role = Role {
        name: spec.postgres_role.clone(),
        identity,
        attributes: spec.attributes.over(Attributes::default()),
        superuser: spec.is_superuser(),
    };
    let catalog = &control.lakebase.catalog;
    catalog.create_role(&role).await?;
    if role.identity.is_none() {
        let password = Credential::random("");
        catalog.set_password(&role.name, password.expose()).await?;
        control.lakebase.world().passwords.insert(role.name.clone(), password);
    }
    if let Some(id) = wish.role_id {
        control.lakebase.world().role_ids.choose(&id, &role.name);
    }
    Ok(over(&control, &branch, &role))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Mask {
    pub(super) update_mask: String,
}

pub(super) async fn update(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Path((_, _, id)): Segments,
    Query(Mask { update_mask }): Query<Mask>,
    Body(Given { spec }): Body<Given>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    let role = found(&control, &id).await?;
    let role = role_change::changed(&role, &spec, &update_mask)?;
    alter(&control, &branch, &role).await
}

async fn alter(control: &Control, branch: &Branch, role: &Role) -> Answer {
    control.lakebase.catalog.alter_role(role).await?;
    Ok(over(control, branch, role))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Heir {
    reassign_owned_to: Option<String>,
}

pub(super) async fn delete(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Path((_, _, id)): Segments,
    Query(Heir { reassign_owned_to }): Query<Heir>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    let role = found(&control, &id).await?;
    let heir = match reassign_owned_to.as_deref() {
        Some(path) if !path.is_empty() => Some(named(&control, path).await?.name),
        _ => None,
    };
    control.lakebase.catalog.drop_role(&role.name, heir.as_deref()).await?;
    {
        let mut world = control.lakebase.world();
        world.role_ids.forget(&role.name);
        world.passwords.remove(&role.name);
    }
    Ok(control.operations.over(&format!("{}/roles/{id}", branch.path), json!({})))
}

pub(super) async fn password(
    State(control): State<Arc<Control>>,
    caller: Caller,
    _branch: Branch,
    Path((_, _, id)): Segments,
) -> Answer {
    caller.may_manage(MANAGED)?;
    let role = found(&control, &id).await?;
    let world = control.lakebase.world();
    let password = world.passwords.get(&role.name).map(Credential::expose);
    let password = password.ok_or_else(|| ApiError::bad_request("role has no password"))?;
    Ok(Json(json!({ "password": password })))
}

fn over(control: &Control, branch: &Branch, role: &Role) -> Json<Value> {
    let described = described(control, branch, role);
    let path = described["name"].as_str().unwrap_or_default().to_owned();
    control.operations.over(&path, described)
}

fn described(control: &Control, branch: &Branch, role: &Role) -> Value {
    let id = control.lakebase.world().role_ids.of(&role.name);
    let mut status = json!({
        "role_id": id,
        "postgres_role": role.name,
        "attributes": role.attributes,
        "auth_method":
            if role.identity.is_some() { "LAKEBASE_OAUTH_V1" } else { "PG_PASSWORD_SCRAM_SHA_256" },
    });
    if let Some(kind) = &role.identity {
        status["identity_type"] = kind.as_str().into();
    }
    if role.superuser {
        status["membership_roles"] = json!(["DATABRICKS_SUPERUSER"]);
    }
    let name = format!("{}/roles/{id}", branch.path);
    json!({ "name": name, "parent": branch.path, "role_id": id, "status": status })
}
