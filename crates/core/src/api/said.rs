//! Refusals: every shape in which Databricks says no, as one thing.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use core::fmt;

use serde_json::Value;

use crate::api::advice::Call;
use crate::api::error::ApiError;
use crate::api::retry_after::retry_after;
use crate::edge::Response;
use crate::json::{self, FromJson, Object};

/// More of a message than this helps nobody, and a body may be a whole page.
const MAX_MESSAGE: usize = 400;

/// What the server said. No more than it said: nothing of the request is in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Said {
    /// A word for programs, such as `NOT_FOUND` or `invalid_client`.
    pub code: Option<String>,
    /// A sentence for people.
    pub message: Option<String>,
}

impl Said {
    /// Whether the code is this one.
    pub fn is(&self, code: &str) -> bool {
        self.code.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(code))
    }

    /// Whether the message holds these words, in any case.
    pub(crate) fn mentions(&self, words: &str) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        message.to_ascii_lowercase().contains(words)
    }
}

/// `: NOT_FOUND: no such project`, or nothing; to be put behind a sentence.
impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in [&self.code, &self.message].into_iter().flatten() {
            write!(f, ": {part}")?;
        }
        Ok(())
    }
}

/// Turns an answer that is not a 2xx into an error, by what the reader does next.
pub(crate) fn refusal(call: Call, response: &Response) -> ApiError {
    let status = response.status;
    if (300..400).contains(&status) {
        let target = response.header("location").unwrap_or_default();
        return if target.contains("private-link-validation-error") {
            ApiError::PrivateLink { call }
        } else {
            ApiError::Redirected { call, status }
        };
    }
    let said = said(&response.body);
    match status {
        401 | 403 => ApiError::Denied { call, status, said },
        404 => ApiError::NotFound { call, said },
        400 => ApiError::Invalid { call, said },
        429 => ApiError::Throttled { call, retry_after: retry_after(response) },
        // 409: another operation is under way. 5xx: theirs to repair.
        408 | 409 | 500 | 502.. => {
            ApiError::Unavailable { call, status, retry_after: retry_after(response), said }
        }
        _ => ApiError::Unexpected { call, status, said },
    }
}

/// Reads a refusal's body: the API's JSON, OAuth's, SCIM's, `CODE: text`, a page, or nothing.
fn said(body: &[u8]) -> Said {
    let said = match json::parse(body) {
        Some(Value::String(text)) => from_text(&text),
        Some(json) => Object::from_json(json).map(from_json).unwrap_or_default(),
        None => from_text(core::str::from_utf8(body).unwrap_or_default()),
    };
    Said { code: said.code.map(clean), message: said.message.map(clean) }
}

fn from_json(mut body: Object) -> Said {
    let mut first = |names: &[&str]| names.iter().find_map(|name| body.take_loose(name));
    let code = first(&["error_code", "errorCode"]);
    let message = first(&["message", "error_description", "errorSummary"]);
    if let (None, Some(detail)) = (&message, first(&["detail"])) {
        let scim = first(&["scimType"]);
        let scim = scim.or_else(|| first(&["status"]).map(|status| "SCIM_".to_owned() + &status));
        return Said { code: code.or(scim), message: Some(detail) };
    }
    match (code, message, first(&["error"])) {
        (code, None, error) => Said { code, message: error }, // API 1.2 has `error` alone.
        (code, message, error) => Said { code: code.or(error), message },
    }
}

fn from_text(text: &str) -> Said {
    let text = text.trim();
    if text.starts_with('<') {
        let pre = text.split_once("<pre>").and_then(|(_, rest)| rest.split_once("</pre>"));
        return Said { code: None, message: pre.map(|(pre, _)| pre.trim().to_owned()) };
    }
    let is_code =
        |code: &&str| !code.is_empty() && code.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
    match text.split_once(": ") {
        Some((code, message)) if is_code(&code) => {
            Said { code: Some(code.to_owned()), message: Some(message.to_owned()) }
        }
        _ if text.is_empty() => Said::default(),
        _ => Said { code: None, message: Some(text.to_owned()) },
    }
}

/// One line of bearable length. Servers echo what they were sent: words that look like a
/// Databricks token, an OAuth secret or a JWT are left out.
pub(crate) fn clean(text: String) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        let secret = ["eyJ", "dapi", "dose"].iter().any(|mark| word.contains(mark));
        line.push_str(if secret && word.len() > 12 { "(hidden)" } else { word });
    }
    match line.char_indices().nth(MAX_MESSAGE) {
        Some((end, _)) => line[..end].to_string() + "…",
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_shape() {
        #[track_caller]
        fn check(body: &str, expected: &str) {
            assert_eq!(said(body.as_bytes()).to_string(), expected);
        }
        check(
            r#"{"error_code":"NOT_FOUND","message":"project id not found [TraceId: 1-2]"}"#,
            ": NOT_FOUND: project id not found [TraceId: 1-2]",
        );
        check(
            r#"{"error_code":"INVALID_PARAMETER_VALUE","message":"Field 'project_id' is required, expected non-default value (not \"\")!"}"#,
            r#": INVALID_PARAMETER_VALUE: Field 'project_id' is required, expected non-default value (not "")!"#,
        );
        check(
            r#"{"error_code":"BAD_REQUEST","message":"x","details":[{"@type":"y","metadata":{}}]}"#,
            ": BAD_REQUEST: x",
        );
        check(
            r#"{"message":"DatabaseInstance not found: demo"}"#,
            ": DatabaseInstance not found: demo",
        );
        check(
            r#"{"error":"invalid_client","error_description":"Client authentication failed"}"#,
            ": invalid_client: Client authentication failed",
        );
        check(
            r#"{"errorCode":"invalid_client","errorSummary":"no such client"}"#,
            ": invalid_client: no such client",
        );
        check(r#"{"error":"old style"}"#, ": old style");
        check(r#"{"detail":"no","status":"404"}"#, ": SCIM_404: no");
        check(r#"{"detail":"no","status":400,"scimType":"invalidValue"}"#, ": invalidValue: no");
        check(r#"{"message":{"a":1},"error_code":7}"#, ": 7");
        check("PERMISSION_DENIED: not you", ": PERMISSION_DENIED: not you");
        check("upstream gone", ": upstream gone");
        check("\"upstream gone\"", ": upstream gone");
        check("<html><pre>\n it broke </pre></html>", ": it broke");
        check("<html><body>hi</body></html>", "");
        check("", "");
        check("[]", "");
        check(
            r#"{"error":"invalid_grant","error_description":"bad assertion eyJhbGciOiJSUzI1NiJ9.e30.x given"}"#,
            ": invalid_grant: bad assertion (hidden) given",
        );
        let long = "x".repeat(500);
        check(&long, &(": ".to_owned() + &"x".repeat(400) + "…"));
    }
}
