//! JSON bodies, read whatever content type the client states, and refused as Databricks does.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use serde::de::DeserializeOwned;

use super::reply::ApiError;

/// The body of a request.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| ApiError::malformed("Could not read the request body."))?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            ApiError::malformed(&format!("Could not parse request object: {error}"))
        })
    }
}
