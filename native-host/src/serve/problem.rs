//! What the front answers when the function does not (RFC 9457, as the function's own problems).

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::function::Body;

/// A problem that the function did not tell. Its type is one of the function's, so that one
/// description holds for all answers.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) kind: &'static str,
    pub(crate) status: StatusCode,
    pub(crate) title: &'static str,
    pub(crate) detail: &'static str,
    pub(crate) advice: &'static str,
}

/// More requests than it takes at a time.
pub(crate) const BUSY: Problem = Problem {
    detail: "as many requests are under way as this server takes at a time",
    advice: "try again in a second; --max-requests sets how many it takes",
    ..UNAVAILABLE
};

/// The function's instance ended. Why is in the log, and not for callers.
pub(crate) const STOPPED: Problem = Problem {
    detail: "the function stopped before it answered; the next request meets a new one",
    advice: "try again in a second; the log of this server says why it stopped",
    ..UNAVAILABLE
};

/// The function did not answer in time.
pub(crate) const LATE: Problem = Problem {
    kind: "timeout",
    status: StatusCode::GATEWAY_TIMEOUT,
    title: "There was no answer in time",
    detail: "there was no answer within the time limit; what was begun may still be carried out",
    advice: "look at the state with GET /status or GET /bootstrap before you try again",
};

const UNAVAILABLE: Problem = Problem {
    kind: "unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "There was no usable answer",
    detail: "",
    advice: "",
};

impl Problem {
    /// The answer to the request of this name.
    pub(crate) fn answer(&self, request_id: &HeaderValue) -> Response<Body> {
        let document = json!({
            "type": format!("urn:lakegate:problem:{}", self.kind),
            "title": self.title,
            "status": self.status.as_u16(),
            "detail": self.detail,
            "advice": self.advice,
            "request_id": String::from_utf8_lossy(request_id.as_bytes()),
        });
        let body = Full::new(Bytes::from(document.to_string()));
        let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
