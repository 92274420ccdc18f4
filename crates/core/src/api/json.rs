//! Reading the answers that say yes.

use alloc::string::ToString;

use serde_json::Value;

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::said::refusal;
use crate::edge::Response;
use crate::json::{self, FromJson, Misfit};

/// Takes what is needed out of the body of a good answer; anything but a 2xx is a refusal.
pub(crate) fn read<A: FromJson, T>(
    call: Call,
    response: &Response,
    take: impl FnOnce(A) -> Result<T, Misfit>,
) -> Result<T, ApiError> {
    let body = body(&call, response)?;
    A::from_json(body)
        .and_then(take)
        .map_err(|misfit| ApiError::Shape { call, place: misfit.to_string() })
}

fn body(call: &Call, response: &Response) -> Result<Value, ApiError> {
    let status = response.status;
    if !(200..300).contains(&status) {
        return Err(refusal(call.clone(), response));
    }
    json::parse(&response.body).ok_or_else(|| ApiError::NotJson { call: call.clone(), status })
}
