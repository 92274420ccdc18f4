//! The admin API: how a test makes time pass, things fail, and counts what happened. It exists
//! only in the emulator and listens on a loopback port of its own, without TLS or keys.
//!
//! | route | takes | does |
//! |---|---|---|
//! | `GET /clock`, `POST /clock` | `{"advance_s": 3000}` | moves the emulator's clock |
//! | `GET /tokens`, `POST /tokens` | any fields of [`TokenPolicy`] | changes tokens made from now on |
//! | `GET /faults`, `POST /faults` | a [`Rule`] or a list of them | makes the control plane fail |
//! | `POST /faults/postgres` | a [`Change`] | makes the gate fail |
//! | `DELETE /faults` | | ends all faults |
//! | `GET /counts`, `DELETE /counts` | | shows or forgets [`Counts`](crate::counts::Counts) and statements |
//! | `GET /statements` | | the SQL that clients sent |
//! | `DELETE /connections` | | ends every Postgres connection and waits until they are closed |
//! | `POST /postgres/restart` | | restarts Postgres and waits until it is ready |
//! | `POST /principals` | a [`NewPrincipal`] | adds somebody to the workspace |
//! | `POST /secret` | `{"client_id", "client_secret"}`, both optional | gives a service principal a new secret |

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::counts::Statement;
use crate::faults::Rule;
use crate::gate::faults::Change;
use crate::lakebase::{Lakebase, TokenPolicy};
use crate::postgres::catalog::{CatalogError, Role};
use crate::postgres::server::{Server, ServerError};
use crate::world::{Credential, Kind};

/// What every route sees.
pub(crate) struct Admin {
    pub(crate) lakebase: Arc<Lakebase>,
    /// None when it is not ours, and once the emulator stops.
    pub(crate) server: Arc<Mutex<Option<Server>>>,
}

/// The request was not carried out.
#[derive(Debug, thiserror::Error)]
enum AdminError {
    #[error("writing the clock file")]
    Clock(#[source] std::io::Error),
    /// The body is not what the route takes.
    #[error("the body is not what this route takes")]
    Body(#[from] serde_json::Error),
    /// No service principal of that id.
    #[error("there is no service principal `{0}`")]
    Nobody(String),
    /// The emulator is stopping, or did not start it.
    #[error("there is no postgres of the emulator's own to restart")]
    NotOurs,
    /// Postgres did not come back.
    #[error("postgres was not restarted")]
    Restart(#[from] ServerError),
    /// Postgres did not take the role.
    #[error("the role was not created")]
    Role(#[from] CatalogError),
}

type Answer = Result<Json<Value>, AdminError>;

/// All routes.
pub(crate) fn router(admin: Admin) -> Router {
    Router::new()
        .route("/clock", get(clock).post(advance))
        .route("/tokens", get(policy).post(set_policy))
        .route("/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/faults/postgres", post(change_gate))
        .route("/counts", get(counts).delete(clear_counts))
        .route("/statements", get(statements))
        .route("/connections", delete(end_connections))
        .route("/postgres/restart", post(restart))
        .route("/principals", post(add_principal))
        .route("/secret", post(rotate_secret))
        .layer(from_fn(from_here))
        .with_state(Arc::new(admin))
}

/// Refuses web pages: one that a browser shows could otherwise reach this loopback port.
async fn from_here(headers: HeaderMap, request: Request, next: Next) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if headers.contains_key(ORIGIN) || !["127.0.0.1", "localhost"].contains(&name) {
        return StatusCode::FORBIDDEN.into_response();
    }
    next.run(request).await
}

async fn clock(State(admin): State<Arc<Admin>>) -> Json<Value> {
    let clock = &admin.lakebase.clock;
    Json(json!({ "now": clock.now().to_string(), "shift_s": clock.shift_ms() / 1_000 }))
}

async fn advance(State(admin): State<Arc<Admin>>, body: Bytes) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Advance {
        advance_s: i64,
    }
    let Advance { advance_s } = parse(&body)?;
    admin.lakebase.clock.advance(advance_s).map_err(AdminError::Clock)?;
    Ok(clock(State(admin)).await)
}

async fn policy(State(admin): State<Arc<Admin>>) -> Json<TokenPolicy> {
    Json(admin.lakebase.policy())
}

async fn set_policy(State(admin): State<Arc<Admin>>, body: Bytes) -> Answer {
    let changes: serde_json::Map<String, Value> = parse(&body)?;
    let mut policy = serde_json::to_value(admin.lakebase.policy())?;
    for (name, value) in changes {
        policy[name] = value;
    }
    admin.lakebase.set_policy(serde_json::from_value(policy.clone())?);
    Ok(Json(policy))
}

async fn faults(State(admin): State<Arc<Admin>>) -> Json<Vec<Rule>> {
    Json(admin.lakebase.faults.rules())
}

async fn add_faults(
    State(admin): State<Arc<Admin>>,
    body: Bytes,
) -> Result<Json<Vec<Rule>>, AdminError> {
    let rules = match parse::<Value>(&body)? {
        Value::Array(rules) => rules,
        rule => vec![rule],
    };
    let rules: Result<Vec<Rule>, _> = rules.into_iter().map(serde_json::from_value).collect();
    for rule in rules? {
        admin.lakebase.faults.add(rule);
    }
    Ok(faults(State(admin)).await)
}

async fn clear_faults(State(admin): State<Arc<Admin>>) -> StatusCode {
    admin.lakebase.faults.clear();
    admin.lakebase.gate_faults.clear();
    StatusCode::NO_CONTENT
}

async fn change_gate(
    State(admin): State<Arc<Admin>>,
    body: Bytes,
) -> Result<StatusCode, AdminError> {
    let change: Change = parse(&body)?;
    admin.lakebase.gate_faults.change(change).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn counts(State(admin): State<Arc<Admin>>) -> Json<crate::counts::Counts> {
    Json(admin.lakebase.tally.counts())
}

async fn clear_counts(State(admin): State<Arc<Admin>>) -> StatusCode {
    admin.lakebase.tally.clear();
    StatusCode::NO_CONTENT
}

async fn statements(State(admin): State<Arc<Admin>>) -> Json<Vec<Statement>> {
    Json(admin.lakebase.tally.statements())
}

async fn end_connections(State(admin): State<Arc<Admin>>) -> StatusCode {
    admin.lakebase.gate_faults.end_connections().await;
    StatusCode::NO_CONTENT
}

async fn restart(State(admin): State<Arc<Admin>>) -> Result<StatusCode, AdminError> {
    let mut server = admin.server.lock().await;
    server.as_mut().ok_or(AdminError::NotOurs)?.restart().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody new.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPrincipal {
    /// A person or a service principal.
    pub kind: Kind,
    /// An e-mail address or a client id; a new client id when it is left out.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it may create roles and database instances.
    #[serde(default)]
    pub admin: bool,
    /// Which Postgres role it gets, if any.
    #[serde(default)]
    pub role: NewRole,
    /// The `sub` of the identity-provider token that may be exchanged for this principal's.
    #[serde(default)]
    pub federation_subject: Option<String>,
}

/// The Postgres role of somebody new.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum NewRole {
    /// One that may log in.
    #[default]
    Plain,
    /// One that may also create databases and roles, in `databricks_superuser`.
    Superuser,
    /// None: logins are refused.
    None,
}

async fn add_principal(State(admin): State<Arc<Admin>>, body: Bytes) -> Answer {
    let new: NewPrincipal = parse(&body)?;
    let name = new.name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    let answer = {
        let mut world = admin.lakebase.world();
        let principal = world.add(new.kind, &name, &name, new.admin);
        principal.federation_subject = new.federation_subject;
        json!({
            "name": name,
            "client_secret": principal.secret.as_ref().map(Credential::expose),
            "token": principal.access_token.as_ref().map(Credential::expose),
        })
    };
    admin.lakebase.publish_identities().await?;
    if new.role != NewRole::None {
        let identity = Some(new.kind.as_str().to_owned());
        let role = Role::of_principal(&name, identity, new.role == NewRole::Superuser);
        admin.lakebase.catalog.create_role(&role).await?;
    }
    Ok(Json(answer))
}

async fn rotate_secret(State(admin): State<Arc<Admin>>, body: Bytes) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct NewSecret {
        client_id: Option<String>,
        client_secret: Option<String>,
    }
    let wish: NewSecret = if body.is_empty() { NewSecret::default() } else { parse(&body)? };
    let mut world = admin.lakebase.world();
    let usual = || world.app_principal().map_or_else(String::new, |app| app.name.clone());
    let id = wish.client_id.unwrap_or_else(usual);
    let client = world.principals.get_mut(&id).filter(|p| p.kind == Kind::ServicePrincipal);
    let client = client.ok_or(AdminError::Nobody(id))?;
    let secret = wish.client_secret.map_or_else(|| Credential::random("dose"), Credential::new);
    client.secret = Some(secret.clone());
    Ok(Json(json!({ "client_id": client.name, "client_secret": secret.expose() })))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AdminError> {
    Ok(serde_json::from_slice(body)?)
}

impl IntoResponse for AdminError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(_) => StatusCode::BAD_REQUEST,
            Self::Nobody(_) => StatusCode::NOT_FOUND,
            Self::NotOurs => StatusCode::CONFLICT,
            Self::Clock(_) | Self::Restart(_) | Self::Role(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let chain = format!("{:#}", anyhow::Error::from(self));
        (status, Json(json!({ "error": chain }))).into_response()
    }
}
