//! The project, branch or endpoint that a path names, if it is the one that exists.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;

use super::super::Control;
use super::super::reply::ApiError;

/// A path names the project.
pub(super) struct Project;

/// A path names the branch.
pub(super) struct Branch {
    /// `projects/{id}/branches/{id}`
    pub(super) path: String,
}

/// A path names the endpoint.
pub(super) struct Endpoint;

impl FromRequestParts<Arc<Control>> for Project {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        control: &Arc<Control>,
    ) -> Result<Self, ApiError> {
        let asked = segment(parts, control, "project").await;
        let known = asked == control.lakebase.world().project.id;
        if known { Ok(Self) } else { Err(ApiError::not_found("project id not found")) }
    }
}

impl FromRequestParts<Arc<Control>> for Branch {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        control: &Arc<Control>,
    ) -> Result<Self, ApiError> {
        Project::from_request_parts(parts, control).await?;
        let asked = segment(parts, control, "branch").await;
        let world = control.lakebase.world();
        let known = asked == world.project.branch;
        let path = world.project.branch_path();
        if known { Ok(Self { path }) } else { Err(ApiError::not_found("branch id not found")) }
    }
}

impl FromRequestParts<Arc<Control>> for Endpoint {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        control: &Arc<Control>,
    ) -> Result<Self, ApiError> {
        Branch::from_request_parts(parts, control).await?;
        let asked = segment(parts, control, "endpoint").await;
        let known = asked == control.lakebase.world().project.endpoint;
        if known { Ok(Self) } else { Err(ApiError::not_found("endpoint id not found")) }
    }
}

async fn segment(parts: &mut Parts, control: &Arc<Control>, name: &str) -> String {
    let segments = Path::<HashMap<String, String>>::from_request_parts(parts, control).await;
    segments.ok().and_then(|Path(mut segments)| segments.remove(name)).unwrap_or_default()
}
