//! What a caller is told when something went wrong: problem documents (RFC 9457).

use lakegate_core::problem::{Kind, Problem};
use serde::Serialize;
use spin_sdk::http::StatusCode;

/// What kind of problem it is. Names are for programs and never change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    Unauthorized,
    Closed,
    Forbidden,
    NotFound,
    MethodNotAllowed,
    Conflict,
    TooLarge,
    UnsupportedMedia,
    Invalid,
    Statement,
    Throttled,
    Denied,
    Login,
    Internal,
    Configuration,
    Unavailable,
    Timeout,
}

impl Type {
    /// The end of its URN.
    pub(crate) const fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status.
    pub(crate) const fn status(self) -> StatusCode {
        self.row().1
    }

    /// The same few words for every problem of this type.
    const fn title(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::Unauthorized => ("unauthorized", S::UNAUTHORIZED, "A known key is needed"),
            Self::Closed => ("closed", S::FORBIDDEN, "No key is configured for this route"),
            Self::Forbidden => ("forbidden", S::FORBIDDEN, "The key does not open this route"),
            Self::NotFound => ("not-found", S::NOT_FOUND, "There is no such route"),
            Self::MethodNotAllowed => {
                ("method-not-allowed", S::METHOD_NOT_ALLOWED, "The route has no such method")
            }
            Self::Conflict => {
                ("conflict", S::CONFLICT, "The database is in a state that may not be changed")
            }
            Self::TooLarge => ("too-large", S::PAYLOAD_TOO_LARGE, "The body is too large"),
            Self::UnsupportedMedia => {
                ("unsupported-media-type", S::UNSUPPORTED_MEDIA_TYPE, "The body is not JSON")
            }
            Self::Invalid => {
                ("invalid", S::UNPROCESSABLE_ENTITY, "The request cannot be carried out as it is")
            }
            Self::Statement => {
                ("statement", S::UNPROCESSABLE_ENTITY, "Postgres refused a statement")
            }
            Self::Throttled => {
                ("throttled", S::TOO_MANY_REQUESTS, "Databricks was asked too often")
            }
            Self::Denied => ("denied", S::BAD_GATEWAY, "Access is denied"),
            Self::Login => ("login", S::BAD_GATEWAY, "Postgres refused the login"),
            Self::Internal => ("internal", S::BAD_GATEWAY, "Something unexpected happened"),
            Self::Configuration => {
                ("configuration", S::SERVICE_UNAVAILABLE, "The function is not configured rightly")
            }
            Self::Unavailable => {
                ("unavailable", S::SERVICE_UNAVAILABLE, "There was no usable answer")
            }
            Self::Timeout => ("timeout", S::GATEWAY_TIMEOUT, "There was no answer in time"),
        }
    }

    /// Whether to say when to try again.
    pub(crate) const fn may_pass(self) -> bool {
        matches!(self, Self::Throttled | Self::Unavailable)
    }
}

impl From<Kind> for Type {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Configuration => Self::Configuration,
            Kind::Denied => Self::Denied,
            Kind::Unavailable => Self::Unavailable,
            Kind::Throttled => Self::Throttled,
            Kind::Timeout => Self::Timeout,
            Kind::Login => Self::Login,
            Kind::Statement => Self::Statement,
            Kind::Conflict => Self::Conflict,
            _ => Self::Internal,
        }
    }
}

/// Why a request was not carried out. It holds no secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    kind: Type,
    detail: String,
    advice: String,
    sqlstate: Option<String>,
    /// Seconds after which to try again, where it is known.
    pub(crate) retry_after: Option<u64>,
    /// The methods that the route has, when it was asked with another.
    pub(crate) allow: Option<String>,
}

impl Fault {
    /// A fault: what happened, to what.
    pub(crate) fn new(kind: Type, detail: impl Into<String>) -> Self {
        let (detail, advice) = (detail.into(), String::new());
        Self { kind, detail, advice, sqlstate: None, retry_after: None, allow: None }
    }

    /// The same with what to do next.
    pub(crate) fn advice(self, advice: impl Into<String>) -> Self {
        Self { advice: advice.into(), ..self }
    }

    /// The same with the methods that the route has.
    pub(crate) fn allow(self, methods: String) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// The same with the seconds after which to try again, where they are known.
    pub(crate) fn retry_after(self, seconds: Option<u64>) -> Self {
        Self { retry_after: seconds, ..self }
    }

    /// What the request itself is the cause of, where the core speaks of a configuration.
    pub(crate) fn of_request(problem: Problem) -> Self {
        let fault = Self::from(problem);
        let kind = if fault.kind == Type::Configuration { Type::Invalid } else { fault.kind };
        Self { kind, ..fault }
    }

    /// What kind of problem it is.
    pub(crate) const fn kind(&self) -> Type {
        self.kind
    }

    /// The problem document, as text.
    pub(crate) fn document(&self, request_id: Option<&str>) -> String {
        let Self { kind, detail, advice, sqlstate, .. } = self;
        let document = Document {
            kind: format!("urn:lakegate:problem:{}", kind.name()),
            title: kind.title(),
            status: kind.status().as_u16(),
            detail,
            advice: (!advice.is_empty()).then_some(advice),
            sqlstate: sqlstate.as_deref(),
            request_id,
        };
        serde_json::to_string(&document).expect("texts and numbers are JSON")
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let Problem { kind, message, advice, sqlstate } = problem;
        Self { sqlstate, ..Self::new(kind.into(), message).advice(advice) }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    #[serde(rename = "type")]
    kind: String,
    title: &'static str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'a String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sqlstate: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

#[cfg(test)]
impl Type {
    /// Every type.
    pub(crate) const ALL: [Self; 17] = [
        Self::Unauthorized,
        Self::Closed,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::TooLarge,
        Self::UnsupportedMedia,
        Self::Invalid,
        Self::Statement,
        Self::Throttled,
        Self::Denied,
        Self::Login,
        Self::Internal,
        Self::Configuration,
        Self::Unavailable,
        Self::Timeout,
    ];
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(kind: Kind) -> Problem {
        let (message, advice) = ("m".to_owned(), "a".to_owned());
        Problem { kind, message, advice, sqlstate: Some("28P01".to_owned()) }
    }

    #[test]
    fn a_document_has_what_is_known_and_nothing_else() {
        let fault = Fault::new(Type::NotFound, "there is no route /x");
        assert_eq!(
            fault.document(None),
            r#"{"type":"urn:lakegate:problem:not-found","title":"There is no such route","status":404,"detail":"there is no route /x"}"#
        );
        assert_eq!(
            Fault::from(problem(Kind::Login)).document(Some("7f")),
            r#"{"type":"urn:lakegate:problem:login","title":"Postgres refused the login","status":502,"detail":"m","advice":"a","sqlstate":"28P01","request_id":"7f"}"#
        );
    }

    #[test]
    fn every_kind_of_the_core_has_an_honest_status() {
        for (kind, status, of_request) in [
            (Kind::Configuration, 503, 422),
            (Kind::Denied, 502, 502),
            (Kind::Unavailable, 503, 503),
            (Kind::Throttled, 429, 429),
            (Kind::Timeout, 504, 504),
            (Kind::Login, 502, 502),
            (Kind::Statement, 422, 422),
            (Kind::Conflict, 409, 409),
            (Kind::Internal, 502, 502),
        ] {
            assert_eq!(Fault::from(problem(kind)).kind().status().as_u16(), status, "{kind:?}");
            let fault = Fault::of_request(problem(kind));
            assert_eq!(fault.kind().status().as_u16(), of_request, "{kind:?}");
        }
    }
}
