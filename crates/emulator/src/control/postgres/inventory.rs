//! The one project, its branch and its endpoint.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::super::Control;
use super::super::bearer::Caller;
use super::super::page::Page;
use super::{Branch, Endpoint, Project};
use crate::world::World;

const CREATED: &str = "2026-01-01T00:00:00Z";

pub(super) async fn projects(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    page: Page,
) -> Json<Value> {
    page.of("projects", vec![described_project(&control)])
}

pub(super) async fn project(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    _project: Project,
) -> Json<Value> {
    Json(described_project(&control))
}

pub(super) async fn branches(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    _project: Project,
    page: Page,
) -> Json<Value> {
    page.of("branches", vec![described_branch(&control.lakebase.world())])
}

pub(super) async fn branch(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    _branch: Branch,
) -> Json<Value> {
    Json(described_branch(&control.lakebase.world()))
}

pub(super) async fn endpoints(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    _branch: Branch,
    page: Page,
) -> Json<Value> {
    page.of("endpoints", vec![described_endpoint(&control)])
}

pub(super) async fn endpoint(
    State(control): State<Arc<Control>>,
    _caller: Caller,
    _endpoint: Endpoint,
) -> Json<Value> {
    Json(described_endpoint(&control))
}

fn described_project(control: &Control) -> Value {
    let world = control.lakebase.world();
    let project = &world.project;
    let version: u32 = control.lakebase.catalog.major().parse().unwrap_or_default();
    json!({
        "name": project.path(),
        "project_id": project.id,
        "uid": world.instance.uid.to_string(),
        "create_time": CREATED,
        "update_time": CREATED,
        "status": {
            "project_id": project.id,
            "display_name": project.id,
            "default_branch": project.branch_path(),
            "enable_pg_native_login": true,
            "history_retention_duration": "604800s",
            "owner": world.administrator().map(|person| &person.name),
            "pg_version": version,
        },
    })
}

fn described_branch(world: &World) -> Value {
    let project = &world.project;
    json!({
        "name": project.branch_path(),
        "parent": project.path(),
        "branch_id": project.branch,
        "uid": format!("br-{}", project.endpoint_uid.trim_start_matches("ep-")),
        "create_time": CREATED,
        "update_time": CREATED,
        "status": {
            "branch_id": project.branch,
            "current_state": "READY",
            "default": true,
            "is_protected": false,
        },
    })
}

fn described_endpoint(control: &Control) -> Value {
    let state = if control.lakebase.gate_faults.is_asleep() { "IDLE" } else { "ACTIVE" };
    let world = control.lakebase.world();
    let project = &world.project;
    json!({
        "name": project.endpoint_path(),
        "parent": project.branch_path(),
        "endpoint_id": project.endpoint,
        "uid": project.endpoint_uid,
        "create_time": CREATED,
        "update_time": CREATED,
        "status": {
            "endpoint_id": project.endpoint,
            "endpoint_type": "ENDPOINT_TYPE_READ_WRITE",
            "current_state": state,
            "disabled": false,
            "autoscaling_limit_min_cu": 1.0,
            "autoscaling_limit_max_cu": 1.0,
            "suspend_timeout_duration": "86400s",
            "hosts": { "host": world.dns_name },
        },
    })
}
