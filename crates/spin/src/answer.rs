//! Answers, and the headers that every one of them carries.

use serde::Serialize;
use spin_sdk::http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::problem::{Fault, Type};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";
const REQUEST_ID: &str = "x-request-id";
const LONGEST_REQUEST_ID: usize = 128;

/// What a route answers when all went well: status 200 and JSON.
pub(crate) struct Answer(String);

impl Answer {
    /// A value as JSON.
    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self(serde_json::to_string(value).expect("texts, numbers and lists are JSON"))
    }

    /// A text that is JSON already.
    pub(crate) const fn text(json: String) -> Self {
        Self(json)
    }
}

/// The request's id, as the caller or a proxy before us gave it: 1 to 128 visible ASCII characters,
/// else it is none.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&HeaderValue> {
    headers.get(REQUEST_ID).filter(|id| {
        let id = id.as_bytes();
        (1..=LONGEST_REQUEST_ID).contains(&id.len()) && id.iter().all(u8::is_ascii_graphic)
    })
}

/// The whole response. One to a HEAD request has no body, and is else the same.
pub(crate) fn response(
    outcome: Result<Answer, Fault>,
    id: Option<&HeaderValue>,
    head: bool,
) -> Response<String> {
    let mut headers = HeaderMap::new();
    if let Err(fault) = &outcome {
        explain(fault, &mut headers);
    }
    let (status, media, body) = match outcome {
        Ok(Answer(json)) => (StatusCode::OK, JSON, json),
        Err(fault) => {
            let id = id.and_then(|id| id.to_str().ok());
            (fault.kind().status(), PROBLEM, fault.document(id))
        }
    };
    headers.insert("content-type", HeaderValue::from_static(media));
    headers.insert("cache-control", HeaderValue::from_static("no-store"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    if let Some(id) = id {
        headers.insert(REQUEST_ID, id.clone());
    }
    let body = if head { String::new() } else { body };
    if !head {
        headers.insert("content-length", HeaderValue::from(body.len()));
    }
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// What clients read of a fault without looking into its document.
fn explain(fault: &Fault, headers: &mut HeaderMap) {
    if fault.kind() == Type::Unauthorized {
        headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
    if let Some(allow) = fault.allow.as_deref().and_then(|allow| allow.parse().ok()) {
        headers.insert("allow", allow);
    }
    if let Some(seconds) = fault.retry_after {
        headers.insert("retry-after", HeaderValue::from(seconds));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<'a>(response: &'a Response<String>, name: &str) -> Option<&'a str> {
        response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    #[test]
    fn request_ids_that_could_disturb_a_log_are_none() {
        for (id, taken) in [
            ("7f3a", true),
            ("a/b:c=d", true),
            (&"x".repeat(128), true),
            (&"x".repeat(129), false),
            ("", false),
            ("a b", false),
            ("a\tb", false),
            ("é", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(id.as_bytes()).unwrap());
            assert_eq!(request_id(&headers).is_some(), taken, "{id:?}");
        }
        assert_eq!(request_id(&HeaderMap::new()), None);
    }

    #[test]
    fn every_answer_is_kept_by_nobody_and_taken_for_nothing_else() {
        let id = HeaderValue::from_static("7f");
        for outcome in [Ok(Answer::json(&[1])), Err(Fault::new(Type::NotFound, "x"))] {
            let response = response(outcome, Some(&id), false);
            assert_eq!(header(&response, "cache-control"), Some("no-store"));
            assert_eq!(header(&response, "x-content-type-options"), Some("nosniff"));
            assert_eq!(header(&response, "x-request-id"), Some("7f"));
            let length = response.body().len().to_string();
            assert_eq!(header(&response, "content-length"), Some(length.as_str()));
        }
    }

    #[test]
    fn a_fault_is_told_in_the_headers_too() {
        let refused = |fault| response(Err(fault), None, false);
        let response = refused(Fault::new(Type::Unauthorized, "x"));
        assert_eq!(header(&response, "www-authenticate"), Some("Bearer"));
        assert_eq!(header(&response, "content-type"), Some(PROBLEM));
        let fault = Fault::new(Type::MethodNotAllowed, "x").allow("GET, HEAD".to_owned());
        let response = refused(fault);
        assert_eq!(header(&response, "allow"), Some("GET, HEAD"));
        let response = refused(Fault::new(Type::Unavailable, "x").retry_after(Some(7)));
        assert_eq!(header(&response, "retry-after"), Some("7"));
        assert_eq!(response.status(), 503);
    }

    #[test]
    fn head_has_the_headers_alone() {
        let response = response(Ok(Answer::json(&[1])), None, true);
        assert_eq!((response.status().as_u16(), response.body().as_str()), (200, ""));
        assert_eq!(header(&response, "content-type"), Some(JSON));
    }
}
