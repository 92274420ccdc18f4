//! The Autoscaling API, `/api/2.0/postgres`: projects, branches, endpoints, roles, databases,
//! credentials. What would be a long-running operation there is done at once here.

mod credential;
mod inventory;
mod place;

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use self::place::{Branch, Endpoint, Project};
use super::Control;
use super::bearer::Caller;
use super::body::Body;
use super::reply::ApiError;
use crate::postgres::catalog::{Attributes, CatalogError, Database, Role};

type Answer = Result<Json<Value>, ApiError>;

pub(super) fn routes() -> Router<Arc<Control>> {
    const BRANCH: &str = "/projects/{project}/branches/{branch}";
    let branch = |rest: &str| format!("{BRANCH}{rest}");
    let api = Router::new()
        .route("/credentials", post(credential::mint))
        .route("/projects", get(inventory::projects))
        .route("/projects/{project}", get(inventory::project))
        .route("/projects/{project}/branches", get(inventory::branches))
        .route(BRANCH, get(inventory::branch))
        .route(&branch("/endpoints"), get(inventory::endpoints))
        .route(&branch("/endpoints/{endpoint}"), get(inventory::endpoint))
        .route(&branch("/roles"), get(roles).post(create_role))
        .route(&branch("/roles/{role}"), get(role))
        .route(&branch("/databases"), get(databases).post(create_database))
        .route(&branch("/databases/{database}"), get(database));
    Router::new().nest("/api/2.0/postgres", api)
}

async fn roles(State(control): State<Arc<Control>>, _caller: Caller, branch: Branch) -> Answer {
    let roles = control.lakebase.catalog.roles().await?;
    let roles: Vec<Value> =
        roles.iter().map(|role| described_role(&control, &branch, role)).collect();
    Ok(Json(json!({ "roles": roles })))
}

async fn role(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    branch: Branch,
    Path((_, _, id)): Path<(String, String, String)>,
) -> Answer {
    let roles = control.lakebase.catalog.roles().await?;
    let names: Vec<String> = roles.iter().map(|role| role.name.clone()).collect();
    let name = control.lakebase.world().role_of(&id, &names);
    let found = roles.iter().find(|role| Some(&role.name) == name.as_ref());
    let found = found.ok_or_else(|| ApiError::not_found("role id not found"))?;
    Ok(Json(described_role(&control, &branch, found)))
}

#[derive(Deserialize)]
struct RoleId {
    role_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NewRole {
    spec: RoleSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RoleSpec {
    postgres_role: String,
    identity_type: Option<String>,
    auth_method: Option<String>,
    attributes: Attributes,
    membership_roles: Vec<String>,
}

async fn create_role(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Query(RoleId { role_id }): Query<RoleId>,
    Body(NewRole { spec }): Body<NewRole>,
) -> Answer {
    caller.may_manage("the database project")?;
    if spec.postgres_role.is_empty() {
        return Err(ApiError::invalid(
            "Field 'role' is required and must contain at least one subfield with a non-default value",
        ));
    }
    if spec.auth_method.as_deref() == Some("NO_LOGIN") {
        return Err(ApiError::bad_request(
            "Creating roles with auth_method NO_LOGIN is not currently supported",
        ));
    }
    if let Some(id) = role_id.as_deref().filter(|id| !is_resource_id(id)) {
        return Err(ApiError::invalid(format!(
            "Field role_id must match pattern ^[a-z]([a-z0-9-]{{0,61}}[a-z0-9])?$, got {id}"
        )));
    }
    let known = control.lakebase.world().principals.contains_key(&spec.postgres_role);
    let by_password = spec.auth_method.as_deref() == Some("PG_PASSWORD_SCRAM_SHA_256");
    let identity = spec.identity_type.filter(|_| !by_password);
    if identity.is_some() && !known {
        return Err(ApiError::not_found("identity not found"));
    }
    let role = Role {
        name: spec.postgres_role,
        identity,
        attributes: spec.attributes,
        superuser: spec.membership_roles.iter().any(|role| role == "DATABRICKS_SUPERUSER"),
    };
    control.lakebase.catalog.create_role(&role).await?;
    if let Some(id) = role_id {
        control.lakebase.world().role_ids.insert(id, role.name.clone());
    }
    Ok(Json(done(described_role(&control, &branch, &role))))
}

/// `^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`
fn is_resource_id(id: &str) -> bool {
    let letter_or_digit = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    id.len() <= 63
        && id.as_bytes().first().is_some_and(u8::is_ascii_lowercase)
        && id.as_bytes().last().copied().is_some_and(letter_or_digit)
        && id.bytes().all(|b| letter_or_digit(b) || b == b'-')
}

fn described_role(control: &Control, branch: &Branch, role: &Role) -> Value {
    let id = control.lakebase.world().role_id(&role.name);
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

async fn databases(State(control): State<Arc<Control>>, _caller: Caller, branch: Branch) -> Answer {
    let databases = control.lakebase.catalog.databases().await?;
    let databases: Vec<Value> =
        databases.iter().map(|database| described_database(&control, &branch, database)).collect();
    Ok(Json(json!({ "databases": databases })))
}

async fn database(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    branch: Branch,
    Path((_, _, id)): Path<(String, String, String)>,
) -> Answer {
    let databases = control.lakebase.catalog.databases().await?;
    let found = databases.iter().find(|database| database_id(&database.name) == id);
    let found = found.ok_or_else(|| ApiError::not_found("database not found"))?;
    Ok(Json(described_database(&control, &branch, found)))
}

#[derive(Deserialize)]
struct NewDatabase {
    spec: DatabaseSpec,
}

#[derive(Deserialize)]
struct DatabaseSpec {
    postgres_database: String,
    role: Option<String>,
}

async fn create_database(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Body(NewDatabase { spec }): Body<NewDatabase>,
) -> Answer {
    caller.may_manage("the database project")?;
    let owner = match &spec.role {
        None => caller.0.name,
        Some(path) => {
            let roles = control.lakebase.catalog.roles().await?;
            let names: Vec<String> = roles.into_iter().map(|role| role.name).collect();
            let id = path.rsplit('/').next().unwrap_or(path);
            let owner = control.lakebase.world().role_of(id, &names);
            owner.ok_or_else(|| ApiError::not_found("role id not found"))?
        }
    };
    let database = Database { name: spec.postgres_database, owner };
    let created = control.lakebase.catalog.create_database(&database).await;
    created.map_err(|error| match error {
        CatalogError::Exists { .. } => {
            ApiError::bad_request("database with that name already exists")
        }
        other => other.into(),
    })?;
    Ok(Json(done(described_database(&control, &branch, &database))))
}

/// The resource's id: `databricks-postgres` for the database `databricks_postgres`.
fn database_id(name: &str) -> String {
    name.replace('_', "-")
}

fn described_database(control: &Control, branch: &Branch, database: &Database) -> Value {
    let id = database_id(&database.name);
    let owner = control.lakebase.world().role_id(&database.owner);
    json!({
        "name": format!("{}/databases/{id}", branch.path),
        "parent": branch.path,
        "database_id": id,
        "status": {
            "database_id": id,
            "postgres_database": database.name,
            "role": format!("{}/roles/{owner}", branch.path),
        },
    })
}

/// An operation that is over: its name, and the thing it made.
fn done(response: Value) -> Value {
    let name = response["name"].as_str().unwrap_or_default();
    let name = format!("{name}/operations/{}", Uuid::new_v4());
    json!({ "name": name, "done": true, "response": response })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resource_ids_follow_the_pattern() {
        #[track_caller]
        fn check(id: &str, expected: bool) {
            assert_eq!(is_resource_id(id), expected);
        }
        check("a", true);
        check("sp-1234", true);
        check(&"a".repeat(63), true);
        check(&"a".repeat(64), false);
        check("", false);
        check("1234-abcd", false);
        check("ends-", false);
        check("Upper", false);
        check("under_score", false);
    }
}
