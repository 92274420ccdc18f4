//! One Databricks App and the database resource attached to it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::Control;
use super::bearer::Caller;
use super::reply::ApiError;
use crate::world::{Flavour, World};

pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new().route("/api/2.0/apps/{name}", get(app))
}

async fn app(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let world = control.lakebase.world();
    if name != world.app {
        return Err(ApiError::does_not_exist(&format!("App {name}")));
    }
    let mut app = json!({
        "name": world.app,
        "url": format!("{}/apps/{name}", control.base_url),
        "app_status": { "state": "RUNNING" },
        "compute_status": { "state": "ACTIVE" },
        "resources": [resource(&world)],
    });
    if let Some(sp) = world.app_principal() {
        app["service_principal_client_id"] = sp.name.as_str().into();
        app["service_principal_id"] = sp.id.into();
        app["service_principal_name"] = sp.display_name.as_str().into();
    }
    Ok(Json(app))
}

fn resource(world: &World) -> Value {
    const PERMISSION: &str = "CAN_CONNECT_AND_CREATE";
    match world.flavour {
        Flavour::Provisioned => json!({ "name": "database", "database": {
            "instance_name": world.instance.name,
            "database_name": world.database,
            "permission": PERMISSION,
        } }),
        Flavour::Autoscaling => {
            let branch = world.project.branch_path();
            let id = world.database_ids.of(&world.database);
            let database = format!("{branch}/databases/{id}");
            let granted =
                json!({ "branch": branch, "database": database, "permission": PERMISSION });
            json!({ "name": "postgres", "postgres": granted })
        }
    }
}
