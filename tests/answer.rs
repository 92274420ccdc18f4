//! What the function answers, with what must be true of every answer.

use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::House;

/// The id of every request here that brings no other.
const REQUEST_ID: &str = "of-this-test";

/// Headers that differ between answers; all others are the same everywhere, and are checked.
const TOLD: [&str; 4] = ["content-type", "allow", "www-authenticate", "retry-after"];

/// An answer. Its body was searched for secrets, unless it had to hold one.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body; none was sent to a `HEAD`.
    pub body: String,
    told: String,
}

impl Answer {
    pub(crate) async fn to(house: &House, request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let mut request = request.unwrap();
        let id = request.headers().get("x-request-id").cloned();
        let id = id.unwrap_or_else(|| REQUEST_ID.parse().unwrap());
        request.headers_mut().insert("x-request-id", id.clone());
        let gives_tokens = request.url().path() == "/token";
        let response = client.execute(request).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.text().await.unwrap();
        let mut answer = Self { status, headers, body, told: String::new() };
        if gives_tokens && status == 200 {
            house.secrets.learn_tokens(&answer.body);
        } else {
            house.secrets.must_not_be_in(&answer.body, "an answer");
        }
        house.secrets.must_not_be_in(&format!("{:?}", answer.headers), "a header of an answer");
        answer.check_what_all_share(id.to_str().unwrap());
        answer.told = house.told(&answer.text());
        answer
    }

    #[track_caller]
    fn check_what_all_share(&self, id: &str) {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("x-request-id", id),
            ("content-type", if self.status < 400 { JSON } else { PROBLEM }),
        ] {
            assert_eq!(self.header(name), Some(value), "{name} of {self:#?}");
        }
        if 400 <= self.status && !self.body.is_empty() {
            let problem = self.json();
            let kind = problem["type"].as_str().unwrap();
            assert!(kind.starts_with("urn:lakegate:problem:"), "{self:#?}");
            assert_eq!(problem["status"], self.status, "{self:#?}");
            assert_eq!(problem["request_id"], id, "{self:#?}");
        }
    }

    /// It must have this status.
    #[track_caller]
    pub fn has(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    /// A header's text, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The body, which must be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {self:#?}"))
    }

    /// The status, the headers that tell something, and the body, to be compared as a whole: what
    /// differs from run to run is replaced by its name.
    pub fn told(&self) -> &str {
        &self.told
    }

    fn text(&self) -> String {
        let headers = TOLD.iter().filter_map(|name| Some((name, self.header(name)?)));
        let headers = headers.map(|header| match header {
            // Drawn by chance, so that not all come again at once.
            (name @ &"retry-after", seconds) if is_short(seconds) => (name, "$SECONDS"),
            header => header,
        });
        let mut text = format!("{}\n", self.status);
        text.extend(headers.map(|(name, value)| format!("{name}: {value}\n")));
        if let Ok(mut body) = serde_json::from_str(&self.body) {
            name_what_differs(&mut body);
            text.push_str(&format!("{body:#}\n"));
        } else {
            text.push_str(&self.body);
        }
        text
    }
}

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// Puts names in the places of tokens, ports, instants and durations.
fn name_what_differs(value: &mut Value) {
    match value {
        Value::Object(members) => {
            // Compared already.
            members.remove("request_id");
            for (name, value) in members {
                match value {
                    Value::String(_) if name == "token" => *value = "$TOKEN".into(),
                    Value::Number(_) if name.ends_with("_ms") => *value = "$MS".into(),
                    Value::Number(_) if name == "port" => *value = "$PORT".into(),
                    value => name_what_differs(value),
                }
            }
        }
        Value::Array(values) => values.iter_mut().for_each(name_what_differs),
        Value::String(text) if is_time(text) => *text = "$TIME".to_owned(),
        _ => {}
    }
}

/// One second to an hour.
fn is_short(seconds: &str) -> bool {
    seconds.parse().is_ok_and(|seconds| (1..=3_600).contains(&seconds))
}

/// `2026-11-22T15:20:49Z`
fn is_time(text: &str) -> bool {
    text.len() == 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}
