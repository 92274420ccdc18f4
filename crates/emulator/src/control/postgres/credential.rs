//! Database credentials of the Autoscaling API, whose lifetime the caller may shorten.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::super::Control;
use super::super::bearer::Caller;
use super::super::body::Body;
use super::super::reply::ApiError;
use super::Answer;
use crate::jwt::Scope;

/// The bounds of the API's documentation, in seconds.
const LIFETIME_S: std::ops::RangeInclusive<i64> = 300..=3_600;

#[derive(Deserialize)]
pub(super) struct CredentialRequest {
    #[serde(default)]
    endpoint: String,
    ttl: Option<String>,
    expire_time: Option<String>,
}

pub(super) async fn mint(
    State(control): State<Arc<Control>>,
    Caller(caller): Caller,
    Body(wish): Body<CredentialRequest>,
) -> Answer {
    if wish.endpoint.is_empty() {
        let message = "Field 'endpoint' is required, expected non-default value (not \"\")!";
        return Err(ApiError::invalid(message));
    }
    if wish.endpoint != control.lakebase.world().project.endpoint_path() {
        return Err(ApiError::not_found("endpoint id not found"));
    }
    let lakebase = &control.lakebase;
    let wished = lifetime(wish.ttl.as_deref(), wish.expire_time.as_deref(), lakebase.clock.now())?;
    let lifetime = wished.unwrap_or(lakebase.policy().credential_lifetime_s);
    let minted = lakebase.mint(&control.issuer(), &caller.name, Scope::Postgres, lifetime);
    let mut answer = json!({ "token": minted.token });
    if let Some(expiry) = lakebase.stated(minted.expires_at) {
        answer["expire_time"] = expiry.into();
    }
    Ok(Json(answer))
}

/// The wished lifetime in seconds, if any was wished.
fn lifetime(
    ttl: Option<&str>,
    expire_time: Option<&str>,
    now: Timestamp,
) -> Result<Option<i64>, ApiError> {
    let wished = match (ttl, expire_time) {
        (None, None) => return Ok(None),
        (Some(ttl), _) => ttl.strip_suffix('s').and_then(|number| number.parse().ok()),
        (None, Some(end)) => {
            end.parse().ok().map(|end: Timestamp| end.as_second() - now.as_second())
        }
    };
    let allowed = wished.filter(|seconds| LIFETIME_S.contains(seconds));
    allowed.map(Some).ok_or_else(|| {
        let (least, most) = (LIFETIME_S.start(), LIFETIME_S.end());
        ApiError::invalid(format!("The lifetime must be between {least}s and {most}s"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_is_wished_in_two_ways_and_bounded() {
        #[track_caller]
        fn check(ttl: Option<&str>, expire_time: Option<&str>, expected: Result<Option<i64>, ()>) {
            let now = "2026-01-01T00:00:00Z".parse().unwrap();
            assert_eq!(lifetime(ttl, expire_time, now).map_err(|_| ()), expected);
        }
        check(None, None, Ok(None));
        check(Some("300s"), None, Ok(Some(300)));
        check(Some("3600s"), None, Ok(Some(3_600)));
        check(None, Some("2026-01-01T00:10:00Z"), Ok(Some(600)));
        check(Some("299s"), None, Err(()));
        check(Some("3601s"), None, Err(()));
        check(Some("600"), None, Err(()));
        check(None, Some("2025-01-01T00:00:00Z"), Err(()));
        check(None, Some("tomorrow"), Err(()));
    }
}
