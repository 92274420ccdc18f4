//! How Databricks says no.

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use crate::postgres::catalog::CatalogError;

/// An error of the REST API: `{"error_code", "message"}`.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: String) -> Self {
        Self { status, code, message }
    }

    /// 404 for a thing of the Autoscaling API, which adds the id of its trace.
    pub(super) fn not_found(message: &str) -> Self {
        let message = format!("{message} [TraceId: {}]", Uuid::new_v4());
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 404 for an instance.
    pub(super) fn no_instance(name: &str) -> Self {
        let message = format!("Database instance {name} does not exist");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// 404 for an app or a role.
    pub(super) fn does_not_exist(what: &str) -> Self {
        let message = format!("{what} does not exist");
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message)
    }

    /// 404 for a path that is none of the API's.
    pub(super) fn endpoint_not_found(method: &Method, path: &str) -> Self {
        let message = format!("No API found for '{method} {path}'");
        Self::new(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", message)
    }

    /// 400
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message.into())
    }

    /// 400, for a body that is not what the route takes.
    pub(super) fn malformed(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", message.to_owned())
    }

    /// 400, for a state that does not allow it.
    pub(super) fn bad_request(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message.to_owned())
    }

    /// 401, or the other status that an expired token meets.
    pub(super) fn unauthenticated(status: u16, message: &str) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED);
        let code = if status == StatusCode::FORBIDDEN { "403" } else { "401" };
        Self::new(status, code, format!("{message} [ReqId: {}]", Uuid::new_v4()))
    }

    /// 403
    pub(super) fn denied(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
    }

    /// What Databricks usually says with this status.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let (code, message) = match status.as_u16() {
            400 => ("INVALID_PARAMETER_VALUE", "The request is not valid."),
            401 => ("401", "Credential was not sent or was of an unsupported type for this API."),
            403 => ("PERMISSION_DENIED", "The caller does not have permission."),
            404 => ("NOT_FOUND", "The resource does not exist."),
            409 => ("ABORTED", "Another operation is in progress."),
            429 => ("REQUEST_LIMIT_EXCEEDED", "Too many requests."),
            503 => ("TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
            504 => ("DEADLINE_EXCEEDED", "The request timed out."),
            _ => ("INTERNAL_ERROR", "An internal error occurred."),
        };
        Self::new(status, code, message.to_owned())
    }
}

impl From<CatalogError> for ApiError {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::Exists { .. } => Self::bad_request("role with that name already exists"),
            CatalogError::InUse { said } => Self::bad_request(&said),
            CatalogError::Unreachable(_) => Self::of_status(StatusCode::SERVICE_UNAVAILABLE),
            CatalogError::Refused(_) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "postgres said no");
                Self::of_status(StatusCode::INTERNAL_SERVER_ERROR)
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "error_code": self.code, "message": self.message });
        (self.status, Json(body)).into_response()
    }
}

/// An error of the OAuth endpoint: `{"error", "error_description"}`.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct OAuthError {
    /// The status.
    pub(super) status: StatusCode,
    /// One of the words of RFC 6749.
    pub(super) error: &'static str,
    /// For people.
    pub(super) description: &'static str,
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.error, "error_description": self.description });
        (self.status, Json(body)).into_response()
    }
}
