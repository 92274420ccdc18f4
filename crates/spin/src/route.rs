//! From a request to the function that answers it.
//!
//! The order of the checks: route, method, key, query; then the route's own: media type, size, body.

use std::time::Duration;

use lakegate_core::time::millis;
use spin_sdk::http::{HeaderMap, Method, Request, Response, Uri};

use crate::answer::{self, Answer};
use crate::instance::{self, Instance};
use crate::keys::Scope;
use crate::log::{self, Served};
use crate::problem::{Fault, Type};
use crate::routes::{admin, bootstrap, open, status, token};
use crate::time;

/// A route: what is asked for, and who may ask.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) method: Verb,
    pub(crate) path: &'static str,
    pub(crate) scope: Scope,
    /// Whether `?plan` may be said.
    pub(crate) plan: bool,
    does: Does,
}

/// A method that a route has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verb {
    /// HEAD is answered with it.
    Get,
    Post,
}

#[derive(Clone, Copy)]
enum Does {
    Health,
    Description,
    Keyed(Keyed),
}

/// What is done for the holder of a key alone.
#[derive(Clone, Copy)]
enum Keyed {
    Apply,
    Plan,
    Setup,
    Tighten,
    Token,
    Status,
}

/// Every route.
pub(crate) static ROUTES: [Route; 8] = [
    route(Verb::Post, "/bootstrap", Scope::Admin, Does::Keyed(Keyed::Apply)),
    route(Verb::Get, "/bootstrap", Scope::Admin, Does::Keyed(Keyed::Plan)),
    with_plan(route(Verb::Post, "/setup", Scope::Admin, Does::Keyed(Keyed::Setup))),
    with_plan(route(Verb::Post, "/tighten", Scope::Admin, Does::Keyed(Keyed::Tighten))),
    route(Verb::Post, "/token", Scope::Token, Does::Keyed(Keyed::Token)),
    route(Verb::Get, "/status", Scope::Token, Does::Keyed(Keyed::Status)),
    route(Verb::Get, "/healthz", Scope::Open, Does::Health),
    route(Verb::Get, "/openapi.json", Scope::Open, Does::Description),
];

const fn route(method: Verb, path: &'static str, scope: Scope, does: Does) -> Route {
    Route { method, path, scope, plan: false, does }
}

const fn with_plan(route: Route) -> Route {
    Route { plan: true, ..route }
}

/// Answers a request, and writes its line to the log.
pub(crate) async fn handle(request: Request) -> Response<String> {
    let start = time::monotonic();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let path = ROUTES.iter().map(|route| route.path).find(|path| *path == uri.path());
    let id = answer::request_id(request.headers()).cloned();
    let outcome = match find(&method, &uri) {
        Ok(route) => serve(route, request, &uri).await,
        Err(fault) => Err(fault),
    };
    let response = answer::response(outcome, id.as_ref(), method == Method::HEAD);
    let served = Served {
        method: method.as_str(),
        path,
        status: response.status().as_u16(),
        milliseconds: time::monotonic().saturating_sub(start),
        id: id.as_ref().and_then(|id| id.to_str().ok()),
    };
    log::line(&served.line());
    response
}

/// The route of a method and a path.
fn find(method: &Method, uri: &Uri) -> Result<&'static Route, Fault> {
    let here = || ROUTES.iter().filter(|route| route.path == uri.path());
    if here().next().is_none() {
        return Err(Fault::new(Type::NotFound, "there is no such route")
            .advice("The routes are described at /openapi.json."));
    }
    here().find(|route| route.method.is(method)).ok_or_else(|| {
        let allow = here().map(|route| route.method.names()).collect::<Vec<_>>().join(", ");
        let detail = format!("this route has only {allow}");
        Fault::new(Type::MethodNotAllowed, detail).allow(allow)
    })
}

impl Verb {
    fn is(self, method: &Method) -> bool {
        match self {
            Self::Get => matches!(*method, Method::GET | Method::HEAD),
            Self::Post => *method == Method::POST,
        }
    }

    /// As an `allow` header names it.
    const fn names(self) -> &'static str {
        match self {
            Self::Get => "GET, HEAD",
            Self::Post => "POST",
        }
    }
}

async fn serve(route: &Route, request: Request, uri: &Uri) -> Result<Answer, Fault> {
    match route.does {
        Does::Health => Ok(open::health()),
        Does::Description => Ok(open::description()),
        Does::Keyed(does) => serve_keyed(route, does, request, uri).await,
    }
}

async fn serve_keyed(
    route: &Route,
    does: Keyed,
    request: Request,
    uri: &Uri,
) -> Result<Answer, Fault> {
    let instance = instance::get().await;
    if let Some(fault) = instance.fault() {
        return Err(fault);
    }
    instance.keys.admit(route.scope, &authorization(request.headers()))?;
    let plan = plan(route, uri.query().unwrap_or_default())?;
    let (parts, body) = request.into_parts();
    let headers = &parts.headers;
    let outcome = match does {
        Keyed::Apply => bootstrap::apply(&instance, headers, body).await,
        Keyed::Plan => bootstrap::plan(&instance).await,
        Keyed::Setup => admin::setup(&instance, headers, body, plan).await,
        Keyed::Tighten => admin::tighten(&instance, headers, body, plan).await,
        Keyed::Token => token::give(&instance).await,
        Keyed::Status => status::tell(&instance).await,
    };
    outcome.map_err(|fault| with_retry_after(fault, &instance))
}

fn authorization(headers: &HeaderMap) -> Vec<&[u8]> {
    headers.get_all("authorization").iter().map(|value| value.as_bytes()).collect()
}

/// Whether the query says `plan`.
///
/// Where something is changed, any other word is refused: somebody who wrote `?plna` wants to
/// see, not to change.
fn plan(route: &Route, query: &str) -> Result<bool, Fault> {
    let names = || query.split('&').map(|pair| pair.split('=').next().unwrap_or_default());
    let known = |name: &str| name.is_empty() || (route.plan && name == "plan");
    if route.scope == Scope::Admin && !names().all(known) {
        let words = if route.plan { "only `plan`" } else { "nothing" };
        let detail = format!("this route knows {words} in its query");
        return Err(Fault::new(Type::Invalid, detail).advice("Nothing was done."));
    }
    Ok(route.plan && names().any(|name| name == "plan"))
}

/// Says when the next token may be there, if it is the token that is missing.
fn with_retry_after(fault: Fault, instance: &Instance) -> Fault {
    if !fault.kind().may_pass() {
        return fault;
    }
    let life = instance.connector.health().map(|health| health.life);
    // While a try is under way it may be there any moment: a second is enough.
    let next = life.filter(|life| !life.state.serves());
    fault.retry_after(next.map(|life| whole_seconds(life.next_mint_in.unwrap_or_default())))
}

/// Seconds, rounded up, and at least one: nobody is asked to come back at once.
fn whole_seconds(duration: Duration) -> u64 {
    millis(duration).div_ceil(1000).max(1)
}

#[cfg(test)]
mod tests;
