//! Databases of a branch.

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
use super::roles::{self, MANAGED, Mask, Segments};
use super::{Answer, Branch};
use crate::postgres::catalog::{CatalogError, Database};

pub(super) async fn list(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    branch: Branch,
    page: Page,
) -> Answer {
    let databases = control.lakebase.catalog.databases().await?;
    let databases = databases.iter().map(|one| described(&control, &branch, one)).collect();
    Ok(page.of("databases", databases))
}

pub(super) async fn get(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    branch: Branch,
    Path((_, _, id)): Segments,
) -> Answer {
    let database = found(&control, &id).await?;
    Ok(Json(described(&control, &branch, &database)))
}

async fn found(control: &Control, id: &str) -> Result<Database, ApiError> {
    let databases = control.lakebase.catalog.databases().await?;
    let world = control.lakebase.world();
    let found = databases.into_iter().find(|one| world.database_ids.is(id, &one.name));
    found.ok_or_else(|| ApiError::not_found("database not found"))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    database_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Given {
    spec: Spec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    postgres_database: String,
    role: String,
}

pub(super) async fn create(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Query(Wish { database_id }): Query<Wish>,
    Body(Given { spec }): Body<Given>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    if spec.postgres_database.is_empty() {
        let message =
            "Field 'postgres_database' is required, expected non-default value (not \"\")!";
        return Err(ApiError::invalid(message));
    }
    let owner = match &*spec.role {
        "" => caller.0.name,
        path => roles::named(&control, path).await?.name,
    };
    let database = Database { name: spec.postgres_database, owner };
    control.lakebase.catalog.create_database(&database).await.map_err(refusal)?;
    if let Some(id) = database_id {
        control.lakebase.world().database_ids.choose(&id, &database.name);
    }
    Ok(over(&control, &branch, &database))
}

/// Renames it or gives it to another role.
pub(super) async fn update(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Path((_, _, id)): Segments,
    Query(Mask { update_mask }): Query<Mask>,
    Body(Given { spec }): Body<Given>,
) -> Answer {
    caller.may_manage(MANAGED)?;
    let mut database = found(&control, &id).await?;
    let change = Change::of(&update_mask, &spec)?;
    let catalog = &control.lakebase.catalog;
    if let Some(role) = change.role {
        database.owner = roles::named(&control, role).await?.name;
        catalog.own_database(&database).await?;
    }
    if let Some(name) = change.name {
        catalog.rename_database(&database.name, name).await.map_err(refusal)?;
        control.lakebase.world().database_ids.rename(&database.name, name);
        name.clone_into(&mut database.name);
    }
    Ok(over(&control, &branch, &database))
}

/// What an update reaches.
#[derive(Debug, Eq, PartialEq)]
struct Change<'a> {
    name: Option<&'a str>,
    role: Option<&'a str>,
}

impl<'a> Change<'a> {
    fn of(mask: &str, spec: &'a Spec) -> Result<Self, ApiError> {
        let mut change = Self { name: None, role: None };
        let name = || Some(&*spec.postgres_database).filter(|name| !name.is_empty());
        let role = || Some(&*spec.role).filter(|role| !role.is_empty());
        for field in mask.split(',').map(str::trim) {
            match field {
                "spec" | "*" => change = Self { name: name(), role: role() },
                "spec.postgres_database" => change.name = name(),
                "spec.role" => change.role = role(),
                "" => return Err(ApiError::invalid("Field 'update_mask' is required")),
                other => {
                    let message = format!("Field {other} in update_mask cannot be updated");
                    return Err(ApiError::invalid(message));
                }
            }
        }
        Ok(change)
    }
}

pub(super) async fn delete(
    State(control): State<Arc<Control>>,
    caller: Caller,
    branch: Branch,
    Path((_, _, id)): Segments,
) -> Answer {
    caller.may_manage(MANAGED)?;
    let database = found(&control, &id).await?;
    control.lakebase.catalog.drop_database(&database.name).await?;
    control.lakebase.world().database_ids.forget(&database.name);
    Ok(control.operations.over(&format!("{}/databases/{id}", branch.path), json!({})))
}

fn refusal(error: CatalogError) -> ApiError {
    match error {
        CatalogError::Exists { .. } => {
            ApiError::bad_request("database with that name already exists")
        }
        other => other.into(),
    }
}

fn over(control: &Control, branch: &Branch, database: &Database) -> Json<Value> {
    let described = described(control, branch, database);
    let path = described["name"].as_str().unwrap_or_default().to_owned();
    control.operations.over(&path, described)
}

fn described(control: &Control, branch: &Branch, database: &Database) -> Value {
    let world = control.lakebase.world();
    let id = world.database_ids.of(&database.name);
    let owner = world.role_ids.of(&database.owner);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_reaches_the_fields_of_its_mask() {
        #[track_caller]
        fn check(mask: &str, expected: Option<(Option<&str>, Option<&str>)>) {
            let spec = Spec { postgres_database: "new".to_owned(), role: "me".to_owned() };
            let change = Change::of(mask, &spec).ok().map(|change| (change.name, change.role));
            assert_eq!(change, expected);
        }
        check("spec", Some((Some("new"), Some("me"))));
        check("*", Some((Some("new"), Some("me"))));
        check("spec.role", Some((None, Some("me"))));
        check("spec.postgres_database, spec.role", Some((Some("new"), Some("me"))));
        check("spec.owner", None);
        check("", None);
    }
}
