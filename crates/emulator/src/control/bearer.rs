//! Who calls: the bearer token of a request, a JWT of ours or a personal access token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::Control;
use super::reply::ApiError;
use crate::jwt::{JwtError, Scope};
use crate::world::Principal;

/// The principal that a request comes from. A route that takes it is closed to others.
pub(super) struct Caller(pub(super) Principal);

impl Caller {
    /// Lets only an administrator through.
    pub(super) fn may_manage(&self, what: &str) -> Result<(), ApiError> {
        if self.0.admin {
            return Ok(());
        }
        let caller = &self.0.name;
        Err(ApiError::denied(format!(
            "{caller} is not authorized; assign the user {caller} 'Can Manage' for {what}"
        )))
    }
}

impl FromRequestParts<Arc<Control>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        control: &Arc<Control>,
    ) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(|| {
            let message = "Credential was not sent or was of an unsupported type for this API.";
            ApiError::unauthenticated(401, message)
        })?;
        identify(control, token.trim()).map(Self)
    }
}

fn identify(control: &Control, token: &str) -> Result<Principal, ApiError> {
    let lakebase = &control.lakebase;
    let world = lakebase.world();
    if let Some(principal) = world.by_access_token(token) {
        return Ok(principal.clone());
    }
    let invalid = || ApiError::unauthenticated(403, "Invalid access token.");
    match lakebase.keys.verify(token, lakebase.clock.now()) {
        Ok(claims) if claims.scope == Scope::AllApis => {
            world.principals.get(&claims.sub).cloned().ok_or_else(invalid)
        }
        Err(JwtError::Expired { .. }) => {
            let status = lakebase.policy().expired_status;
            Err(ApiError::unauthenticated(status, "Access token has expired."))
        }
        Ok(_) | Err(JwtError::Malformed | JwtError::Forged) => Err(invalid()),
    }
}
