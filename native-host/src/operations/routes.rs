//! What the operations port answers.

use std::net::SocketAddr;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use tokio::time::timeout;

use super::{DEADLINE, Vitals, metrics};
use crate::function::Body;
use crate::serve::headers::REQUEST_ID;
use crate::serve::problem::Problem;

const NO_ROUTE: Problem = Problem {
    kind: "not-found",
    status: StatusCode::NOT_FOUND,
    title: "There is no such route",
    detail: "the operations port has /startup, /livez, /readyz, /metrics and /quit",
    advice: "applications speak Postgres on another port",
};

const WRONG_METHOD: Problem = Problem {
    kind: "method-not-allowed",
    status: StatusCode::METHOD_NOT_ALLOWED,
    title: "The route has another method",
    detail: "everything is asked with GET, and /quit with POST",
    advice: "see the header Allow",
};

const NOT_FROM_THERE: Problem = Problem {
    kind: "forbidden",
    status: StatusCode::FORBIDDEN,
    title: "This may be asked on the machine itself alone",
    detail: "POST /quit came from another machine, or from a page in a browser",
    advice: "ask on 127.0.0.1, or send SIGTERM",
};

const STARTING: Problem = Problem {
    detail: "there was no first token yet",
    advice: "the log says what it waits for, and `lakegate doctor` what is wrong",
    ..NOT_READY
};

const NO_TOKEN: Problem = Problem {
    detail: "there is no live token, so no connection to the database can be opened",
    advice: "the log says why; `lakegate doctor` says how to mend it",
    ..NOT_READY
};

const DRAINING: Problem = Problem {
    detail: "it is stopping, and lets nobody in",
    advice: "connect to another one",
    ..NOT_READY
};

const NO_DATABASE: Problem = Problem {
    detail: "no connection to the database could be had",
    advice: "the log says why; `lakegate doctor` says how to mend it",
    ..NOT_READY
};

const NOT_READY: Problem = Problem {
    kind: "unavailable",
    status: StatusCode::SERVICE_UNAVAILABLE,
    title: "The proxy is not ready",
    detail: "",
    advice: "",
};

/// The answer to a request.
pub(super) async fn answer(vitals: &Vitals, request: &Parts) -> Response<Body> {
    let found = match (request.uri.path(), Wanted::of(&request.method)) {
        ("/quit", Wanted::Change) => quit(vitals, request),
        ("/quit", _) => Err((WRONG_METHOD, "POST")),
        ("/startup" | "/livez" | "/readyz" | "/metrics", Wanted::Change | Wanted::Other) => {
            Err((WRONG_METHOD, "GET, HEAD"))
        }
        ("/livez", Wanted::Look) => Ok(text("alive\n".to_owned())),
        ("/startup", Wanted::Look) => startup(vitals).map(text).map_err(plain),
        ("/readyz", Wanted::Look) => {
            readiness(vitals, asks_backend(request)).await.map(text).map_err(plain)
        }
        ("/metrics", Wanted::Look) => Ok(metrics::answer(vitals).await),
        _ => Err(plain(NO_ROUTE)),
    };
    found.unwrap_or_else(|(problem, allowed)| {
        let id = request.headers.get(REQUEST_ID).cloned();
        let mut response = problem.answer(&id.unwrap_or_else(|| HeaderValue::from_static("")));
        if !allowed.is_empty() {
            response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
        }
        response
    })
}

/// What a method means here.
enum Wanted {
    Look,
    Change,
    Other,
}

impl Wanted {
    fn of(method: &Method) -> Self {
        match *method {
            Method::GET | Method::HEAD => Self::Look,
            Method::POST => Self::Change,
            _ => Self::Other,
        }
    }
}

/// A problem, and the methods that the route has if another one was used.
type Refusal = (Problem, &'static str);

fn plain(problem: Problem) -> Refusal {
    (problem, "")
}

fn startup(vitals: &Vitals) -> Result<String, Problem> {
    if vitals.started.load(Ordering::Relaxed) { Ok("started\n".to_owned()) } else { Err(STARTING) }
}

fn asks_backend(request: &Parts) -> bool {
    request.uri.query().is_some_and(|query| query.split('&').any(|part| part == "check=backend"))
}

/// Whether an application that connects now would be served. A question to the database itself
/// would keep it awake, so that is only asked on request.
async fn readiness(vitals: &Vitals, backend: bool) -> Result<String, Problem> {
    if vitals.draining.load(Ordering::Relaxed) {
        return Err(DRAINING);
    }
    startup(vitals)?;
    if !vitals.tokens.has_live() {
        return Err(NO_TOKEN);
    }
    if !backend {
        return Ok("ready\n".to_owned());
    }
    // What went wrong may name hosts and roles: that is for the log.
    match timeout(DEADLINE, vitals.proxy.probe()).await {
        Ok(Ok(())) => Ok("ready, and so is the database\n".to_owned()),
        Ok(Err(error)) => {
            tracing::warn!("the database is not ready: {error}");
            Err(NO_DATABASE)
        }
        Err(_) => {
            tracing::warn!("the database is not ready: no answer in {} s", DEADLINE.as_secs());
            Err(NO_DATABASE)
        }
    }
}

/// A page in somebody's browser can post to this machine, too; it says where it comes from.
fn quit(vitals: &Vitals, request: &Parts) -> Result<Response<Body>, Refusal> {
    let near = request.extensions.get::<SocketAddr>();
    let near = near.is_some_and(|client| client.ip().to_canonical().is_loopback());
    if !near || request.headers.contains_key(ORIGIN) {
        return Err(plain(NOT_FROM_THERE));
    }
    vitals.quit.notify_one();
    Ok(text("stopping\n".to_owned()))
}

fn text(body: String) -> Response<Body> {
    typed("text/plain; charset=utf-8", body)
}

/// An answer that nobody keeps.
pub(super) fn typed(content: &'static str, body: String) -> Response<Body> {
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
