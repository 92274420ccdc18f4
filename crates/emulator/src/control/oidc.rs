//! OAuth: where the token endpoint is, and the endpoint itself.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Control;
use super::reply::OAuthError;
use crate::jwt::{Scope, unverified};
use crate::lakebase::ExpiresIn;
use crate::world::Kind;

const SCOPE: &str = "all-apis";
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

pub(super) fn routes() -> Router<Arc<Control>> {
    Router::new()
        .route("/.well-known/databricks-config", get(workspace))
        .route("/oidc/.well-known/oauth-authorization-server", get(endpoints))
        .route("/oidc/v1/token", post(token))
}

async fn workspace(State(control): State<Arc<Control>>) -> Json<Value> {
    let world = control.lakebase.world();
    Json(json!({
        "oidc_endpoint": control.issuer(),
        "account_id": "00000000-0000-4000-8000-000000000000",
        "workspace_id": world.workspace_id,
        "cloud": "aws",
        "token_federation_default_oidc_audiences": [format!("{}/v1/token", control.issuer())],
    }))
}

async fn endpoints(State(control): State<Arc<Control>>) -> Json<Value> {
    let issuer = control.issuer();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/v1/authorize"),
        "token_endpoint": format!("{issuer}/v1/token"),
    }))
}

async fn token(
    State(control): State<Arc<Control>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, OAuthError> {
    let form: HashMap<String, String> = form_urlencoded::parse(&body).into_owned().collect();
    let field = |name: &str| form.get(name).map_or("", String::as_str);
    let subject = match field("grant_type") {
        "client_credentials" => client(&control, &headers, &form)?,
        TOKEN_EXCHANGE => federated(&control, field("subject_token"), field("client_id"))?,
        _ => return Err(refused("unsupported_grant_type", "The grant type is not supported")),
    };
    let scope = field("scope");
    if !scope.is_empty() && !scope.split(' ').any(|one| one == SCOPE) {
        return Err(refused("invalid_scope", "The requested scope is not supported"));
    }
    let policy = control.lakebase.policy();
    let lifetime = policy.workspace_lifetime_s;
    let minted = control.lakebase.mint(&control.issuer(), &subject, Scope::AllApis, lifetime);
    let mut answer =
        json!({ "access_token": minted.token, "token_type": "Bearer", "scope": SCOPE });
    match policy.expires_in {
        ExpiresIn::Number => answer["expires_in"] = lifetime.into(),
        ExpiresIn::String => answer["expires_in"] = lifetime.to_string().into(),
        ExpiresIn::Absent => {}
    }
    Ok(Json(answer))
}

/// The service principal whose id and secret came, by Basic or in the form.
fn client(
    control: &Control,
    headers: &HeaderMap,
    form: &HashMap<String, String>,
) -> Result<String, OAuthError> {
    let denied = || OAuthError {
        status: StatusCode::UNAUTHORIZED,
        error: "invalid_client",
        description: "Client authentication failed",
    };
    let in_form = || Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone()));
    let (id, secret) = basic(headers).or_else(in_form).ok_or_else(denied)?;
    let world = control.lakebase.world();
    let principal = world.principals.get(&id).ok_or_else(denied)?;
    let known = principal.secret.as_ref().is_some_and(|own| own.expose() == secret);
    if known { Ok(id) } else { Err(denied()) }
}

fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(BASE64.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// The principal that an identity provider's token stands for. Nobody told the emulator the
/// provider's key, so it believes the token's `sub`, but not beyond the token's `exp`.
fn federated(control: &Control, token: &str, client_id: &str) -> Result<String, OAuthError> {
    #[derive(Deserialize)]
    struct Subject {
        sub: String,
        exp: Option<i64>,
    }
    let invalid = || refused("invalid_grant", "The subject token is not valid");
    let subject: Subject = unverified(token).map_err(|_| invalid())?;
    if subject.exp.is_some_and(|exp| exp <= control.lakebase.clock.now().as_second()) {
        return Err(invalid());
    }
    let world = control.lakebase.world();
    let found = world.principals.values().find(|principal| {
        let named = match principal.kind {
            Kind::ServicePrincipal => principal.name == client_id,
            Kind::User => client_id.is_empty(),
        };
        named && principal.federation_subject.as_ref() == Some(&subject.sub)
    });
    found.map(|principal| principal.name.clone()).ok_or_else(invalid)
}

fn refused(error: &'static str, description: &'static str) -> OAuthError {
    OAuthError { status: StatusCode::BAD_REQUEST, error, description }
}
