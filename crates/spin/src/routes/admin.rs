//! `POST /setup` and `POST /tighten`: what an admin does, once; with `?plan` only shown.

use std::slice::from_ref;

use lakegate_core::bootstrap::admin::AdminPlan;
use lakegate_core::config::Place;
use lakegate_core::flow::admin::Mode;
use lakegate_core::flow::preparation::{Admin, Grantees};
use lakegate_core::problem::Problem;
use lakegate_core::secret::Secret;
use serde::{Deserialize, Serialize};
use spin_sdk::http::HeaderMap;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

use super::shapes::{Step, check_role, invalid};
use crate::answer::Answer;
use crate::body::{self, Object};
use crate::edge::Spin;
use crate::instance::Instance;
use crate::problem::Fault;
use crate::settings::CLIENT_ID;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupRequest {
    grant_to: Option<String>,
    #[serde(default)]
    grant_public: bool,
    admin: Option<Object<Person>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TightenRequest {
    grant_to: Option<String>,
    admin: Option<Object<Person>>,
}

/// A person's own login, in place of the configured identity.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    user: String,
    token: String,
}

#[derive(Serialize)]
struct AdminAnswer {
    steps: Vec<Step>,
    remarks: Vec<String>,
    applied: bool,
}

/// `POST /setup`.
pub(crate) async fn setup(
    instance: &Instance,
    headers: &HeaderMap,
    body: IncomingRequestBody,
    plan: bool,
) -> Result<Answer, Fault> {
    let request = body::json::<SetupRequest>(headers, body).await?.unwrap_or_default();
    let role = grantee(request.grant_to, request.grant_public, instance.settings.get(CLIENT_ID))?;
    let admin = login(instance, request.admin).await?;
    let grantees = role.as_ref().map_or(Grantees::Everybody, |it| Grantees::Roles(from_ref(it)));
    let done = instance.connector.setup(grantees, admin.as_ref(), mode(plan)).await;
    done.and_then(|done| answer(done, plan)).map_err(Fault::of_request)
}

/// `POST /tighten`.
pub(crate) async fn tighten(
    instance: &Instance,
    headers: &HeaderMap,
    body: IncomingRequestBody,
    plan: bool,
) -> Result<Answer, Fault> {
    let request = body::json::<TightenRequest>(headers, body).await?.unwrap_or_default();
    let role = grantee(request.grant_to, false, instance.settings.get(CLIENT_ID))?;
    let role = role.ok_or_else(|| {
        invalid(
            "nobody is named who keeps the right to create schemas",
            "Name the service principal in `grant_to`; POST /bootstrap answers it as `role`.",
        )
    })?;
    let admin = login(instance, request.admin).await?;
    let done = instance.connector.tighten(from_ref(&role), admin.as_ref(), mode(plan)).await;
    done.and_then(|done| answer(done, plan)).map_err(Fault::of_request)
}

/// The role that may create schemas; none is everybody. Unless a request says otherwise it is the
/// configured service principal.
fn grantee(
    named: Option<String>,
    public: bool,
    configured: Option<&str>,
) -> Result<Option<String>, Fault> {
    if public && named.is_some() {
        return Err(invalid(
            "`grant_to` names one role, and `grant_public` means all",
            "Send one of the two.",
        ));
    }
    let role = if public { None } else { named.or_else(|| configured.map(str::to_owned)) };
    role.as_deref().map_or(Ok(()), check_role)?;
    Ok(role)
}

/// Who logs in. Wrong settings show here; what comes after is about the request.
async fn login(
    instance: &Instance,
    person: Option<Object<Person>>,
) -> Result<Option<Admin>, Fault> {
    let Some(Object(Person { user, token })) = person else {
        instance.connector.current().await?;
        return Ok(None);
    };
    let admin = Admin { user, token: Secret::new(token) };
    check_role(&admin.user)?;
    if admin.token.expose().is_empty() || admin.token.expose().contains(char::is_control) {
        let advice = "Copy the whole credential from the workspace's page, and nothing else.";
        return Err(invalid("`admin.token` is no database credential", advice));
    }
    Place::load(&Spin::new(instance.settings.clone())).map_err(|error| error.problem())?;
    Ok(Some(admin))
}

const fn mode(plan: bool) -> Mode {
    if plan { Mode::Plan } else { Mode::Apply }
}

/// What was done, or would be; or why this admin may not, with the statements for one who may.
fn answer(done: AdminPlan, plan: bool) -> Result<Answer, Problem> {
    if let Some(problem) = done.refusal() {
        return Err(problem);
    }
    let steps = done.steps.into_iter().map(|step| Step { title: step.title, sql: step.sql });
    Ok(Answer::json(&AdminAnswer { steps: steps.collect(), remarks: done.notes, applied: !plan }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Type;

    #[test]
    fn the_configured_service_principal_is_meant_unless_somebody_is_named() {
        let app = Some("app");
        for (named, public, configured, expected) in [
            (None, false, app, Ok(Some("app"))),
            (Some("other"), false, app, Ok(Some("other"))),
            (None, true, app, Ok(None)),
            (None, false, None, Ok(None)),
            (Some("other"), true, app, Err(Type::Invalid)),
            (Some(""), false, app, Err(Type::Invalid)),
        ] {
            let found = grantee(named.map(str::to_owned), public, configured);
            let found = found.as_ref().map(Option::as_deref).map_err(Fault::kind);
            assert_eq!(found, expected, "{named:?} {public} {configured:?}");
        }
    }

    #[test]
    fn members_that_nobody_knows_are_refused() {
        assert!(serde_json::from_str::<TightenRequest>(r#"{"grant_public":true}"#).is_err());
        assert!(serde_json::from_str::<SetupRequest>(r#"{"grant":"x"}"#).is_err());
        assert!(serde_json::from_str::<SetupRequest>(r#"{"admin":{"user":"u"}}"#).is_err());
    }
}
