//! The control plane: Databricks' REST API, as much of it as a user of Lakebase meets.

mod apps;
mod bearer;
mod body;
mod database;
mod oidc;
mod page;
mod postgres;
mod reply;
mod scim;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use jiff::SignedDuration;
use serde_json::Value;

use crate::clock::http_date;
use crate::faults::{Reply, Rule};
use crate::http::Scissors;
use crate::lakebase::Lakebase;
use reply::ApiError;

const ORG_ID: HeaderName = HeaderName::from_static("x-databricks-org-id");

/// What every route sees.
pub(crate) struct Control {
    lakebase: Arc<Lakebase>,
    /// Scheme, host and port that clients use.
    base_url: String,
    /// Of the Autoscaling API.
    operations: postgres::Operations,
}

impl Control {
    /// The name of the token endpoint's owner.
    fn issuer(&self) -> String {
        format!("{}/oidc", self.base_url)
    }
}

/// All routes of a workspace that clients know as `base_url`.
pub fn router(lakebase: Arc<Lakebase>, base_url: String) -> Router {
    let control =
        Arc::new(Control { lakebase, base_url, operations: postgres::Operations::default() });
    Router::new()
        .merge(oidc::routes())
        .merge(scim::routes())
        .merge(database::routes())
        .merge(postgres::routes())
        .merge(apps::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(from_fn_with_state(Arc::clone(&control), observe))
        .with_state(control)
}

async fn unknown(method: Method, uri: Uri) -> ApiError {
    ApiError::endpoint_not_found(&method, uri.path())
}

/// Counts the request, lets a fault have it, and dates the answer by the emulator's clock.
async fn observe(
    State(control): State<Arc<Control>>,
    Extension(scissors): Extension<Scissors>,
    request: Request,
    next: Next,
) -> Response {
    let lakebase = &control.lakebase;
    let (method, path) = (request.method().as_str(), request.uri().path());
    lakebase.tally.count(|counts| {
        *counts.requests.entry(format!("{method} {path}")).or_default() += 1;
    });
    let fault = lakebase.faults.take(method, path);
    let skew = fault.as_ref().map_or(0, |rule| rule.date_skew_s);
    let mut response = match fault {
        None => next.run(request).await,
        Some(rule) => strike(&rule, &scissors, request, next).await,
    };
    let now = lakebase.clock.now();
    let stated = now.checked_add(SignedDuration::from_secs(skew)).unwrap_or(now);
    let headers = response.headers_mut();
    set(headers, DATE, &http_date(stated));
    set(headers, ORG_ID, &lakebase.world().workspace_id);
    response
}

/// Does what the rule says.
async fn strike(rule: &Rule, scissors: &Scissors, request: Request, next: Next) -> Response {
    tokio::time::sleep(Duration::from_millis(rule.delay_ms)).await;
    let mut response = match (rule.reply, rule.status) {
        (Some(Reply::Hang), _) => std::future::pending().await,
        (Some(Reply::Drop), _) => scissors.cut().await,
        (Some(Reply::Lose), _) => {
            next.run(request).await;
            scissors.cut().await
        }
        (Some(Reply::Garbage), _) => plain("application/json", "\u{1}\u{2}{]not json"),
        (Some(Reply::Html), _) => {
            plain("text/html", "<!doctype html><title>Sign in</title><p>Please sign in.")
        }
        (None, Some(status)) => spoken(status, rule.body.as_ref()),
        (None, None) => next.run(request).await,
    };
    if let Some(wait) = &rule.retry_after {
        set(response.headers_mut(), RETRY_AFTER, wait);
    }
    response
}

/// An answer of a rule's own: its body, or the usual one for its status.
fn spoken(status: u16, body: Option<&Value>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = match body {
        None => return ApiError::of_status(status).into_response(),
        Some(Value::String(text)) => plain("text/plain", text),
        Some(json) => plain("application/json", &json.to_string()),
    };
    (status, response).into_response()
}

fn plain(content_type: &'static str, body: &str) -> Response {
    ([(CONTENT_TYPE, content_type)], Body::from(body.to_owned())).into_response()
}

/// Sets a header, unless the text cannot be one: then the fault is in the rule.
fn set(headers: &mut axum::http::HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
