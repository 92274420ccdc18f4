//! Why a call to Databricks gave nothing, by what the reader does next.

use alloc::string::{String, ToString};
use core::time::Duration;

use crate::api::advice::{self, Call};
pub use crate::api::said::Said;
use crate::edge::SendError;
use crate::problem::{Kind, Problem};

/// A call to Databricks gave nothing.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ApiError {
    /// 401 or 403: they know who asks, or will not; permissions or credentials must change.
    #[error("{call} was denied ({status}){said}")]
    Denied {
        /// Which call.
        call: Call,
        /// The status.
        status: u16,
        /// The server's words.
        said: Said,
    },
    /// 404: a name is wrong, or not visible to who asks.
    #[error("{call} found nothing (404){said}")]
    NotFound {
        /// Which call.
        call: Call,
        /// The server's words.
        said: Said,
    },
    /// 400: the request is wrong, or the client is unknown.
    #[error("{call} was refused (400){said}")]
    Invalid {
        /// Which call.
        call: Call,
        /// The server's words.
        said: Said,
    },
    /// A redirect to the page that says: only by private link.
    #[error("{call} was turned away: the workspace accepts only private links")]
    PrivateLink {
        /// Which call.
        call: Call,
    },
    /// Any other redirect: the address is not that of a workspace's API.
    #[error("{call} was redirected ({status})")]
    Redirected {
        /// Which call.
        call: Call,
        /// The status.
        status: u16,
    },
    /// 429: too many requests.
    #[error("{call} was throttled (429)")]
    Throttled {
        /// Which call.
        call: Call,
        /// How long the server asks us to stay away.
        retry_after: Option<Duration>,
    },
    /// 408, 409, 5xx: it may work later.
    #[error("{call} failed for now ({status}){said}")]
    Unavailable {
        /// Which call.
        call: Call,
        /// The status.
        status: u16,
        /// How long the server asks us to stay away.
        retry_after: Option<Duration>,
        /// The server's words.
        said: Said,
    },
    /// Any other status: the server does not know this request.
    #[error("{call} got the unexpected status {status}{said}")]
    Unexpected {
        /// Which call.
        call: Call,
        /// The status.
        status: u16,
        /// The server's words.
        said: Said,
    },
    /// A good status with something else than JSON: a proxy or a login page in between.
    #[error("{call} was answered with something else than JSON ({status})")]
    NotJson {
        /// Which call.
        call: Call,
        /// The status.
        status: u16,
    },
    /// JSON without what is needed.
    #[error("{call} was answered with JSON of another shape, at {place}")]
    Shape {
        /// Which call.
        call: Call,
        /// Where in the body; not what stands there.
        place: String,
    },
    /// The discovery document sends credentials to somebody else. Nothing was sent there.
    #[error("{call} names `{url}`, which is not at {workspace}")]
    Foreign {
        /// Which call.
        call: Call,
        /// Where credentials were to go.
        url: String,
        /// The workspace that was configured.
        workspace: String,
    },
    /// There was no answer.
    #[error("{call} got no answer: {reason}")]
    NoAnswer {
        /// Which call.
        call: Call,
        /// Why.
        reason: SendError,
    },
}

impl ApiError {
    /// Which call it was.
    pub fn call(&self) -> &Call {
        match self {
            Self::Denied { call, .. }
            | Self::NotFound { call, .. }
            | Self::Invalid { call, .. }
            | Self::PrivateLink { call }
            | Self::Redirected { call, .. }
            | Self::Throttled { call, .. }
            | Self::Unavailable { call, .. }
            | Self::Unexpected { call, .. }
            | Self::NotJson { call, .. }
            | Self::Shape { call, .. }
            | Self::Foreign { call, .. }
            | Self::NoAnswer { call, .. } => call,
        }
    }

    /// Whether the same request cannot succeed until somebody changes something. 408, 429, 5xx,
    /// and a connection that failed may heal by themselves; so may nonsense from a proxy.
    pub fn permanent(&self) -> bool {
        match self {
            Self::Denied { .. }
            | Self::NotFound { .. }
            | Self::Invalid { .. }
            | Self::PrivateLink { .. }
            | Self::Redirected { .. }
            | Self::Unexpected { .. }
            | Self::Foreign { .. } => true,
            Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::NotJson { .. }
            | Self::Shape { .. } => false,
            // A certificate or a host's own rule is changed by a person, not by time.
            Self::NoAnswer { reason, .. } => {
                matches!(reason, SendError::Tls { .. } | SendError::Forbidden { .. })
            }
        }
    }

    /// How long the server asks us to stay away.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Throttled { retry_after, .. } | Self::Unavailable { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// What a person is told.
    pub fn problem(&self) -> Problem {
        let (kind, message) = (self.kind(), self.to_string());
        Problem { kind, message, advice: advice::of(self), sqlstate: None }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Throttled { .. } => Kind::Throttled,
            Self::NoAnswer { reason: SendError::Timeout, .. } => Kind::Timeout,
            _ if self.permanent() => Kind::Denied,
            _ => Kind::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_say_what_to_do_next() {
        #[track_caller]
        fn check(expected: Kind, error: fn(Call) -> ApiError) {
            assert_eq!(error(Call::Me).problem().kind, expected);
        }
        check(Kind::Denied, |call| ApiError::Denied { call, status: 403, said: Said::default() });
        check(Kind::Denied, |call| ApiError::NotFound { call, said: Said::default() });
        check(Kind::Throttled, |call| ApiError::Throttled { call, retry_after: None });
        check(Kind::Unavailable, |call| ApiError::Unavailable {
            call,
            status: 503,
            retry_after: None,
            said: Said::default(),
        });
        check(Kind::Unavailable, |call| ApiError::NotJson { call, status: 200 });
        fn no_answer(call: Call, reason: SendError) -> ApiError {
            ApiError::NoAnswer { call, reason }
        }
        check(Kind::Timeout, |call| no_answer(call, SendError::Timeout));
        check(Kind::Unavailable, |call| no_answer(call, SendError::TooLarge));
        check(Kind::Denied, |call| no_answer(call, SendError::Tls { detail: "no".into() }));
    }
}
