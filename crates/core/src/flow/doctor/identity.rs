//! The two tokens, and whose they are.

use alloc::format;
use alloc::string::String;

use super::chart::{Chart, Stop};
use super::{CREDENTIAL, Cause, IDENTITY, WORKSPACE_TOKEN};
use crate::api::{ApiError, Call, scim};
use crate::config::OAuthAccess;
use crate::edge::{Edge, Server};
use crate::flow::credential::uuid;
use crate::flow::mint::{self, Credential, Target, WorkspaceToken, send};
use crate::flow::workspace::lifetime;
use crate::problem::{Kind, Problem};

/// Gets a workspace token.
pub(super) async fn token<E: Edge>(
    chart: &mut Chart<'_, E>,
    access: &OAuthAccess,
) -> Result<WorkspaceToken, Stop> {
    let token = match mint::workspace_token(chart.edge, access, None).await {
        Ok(token) => token,
        Err(error) => {
            return Err(chart.fail(WORKSPACE_TOKEN, Cause::of_mint(&error), error.problem()));
        }
    };
    chart.will_ask(&token.workspace);
    let workspace = &token.workspace;
    let found = match &token.claim {
        Some(claim) => {
            chart.compare_date(claim.date.as_deref(), token.exchange.received.wall);
            format!("{workspace} issued a token")
        }
        None => format!("a token for {workspace} is configured"),
    };
    chart.pass(WORKSPACE_TOKEN, found);
    Ok(token)
}

/// Asks whose the token is: the name of the role.
pub(super) async fn owner<E: Edge>(
    chart: &mut Chart<'_, E>,
    token: &WorkspaceToken,
) -> Result<String, Stop> {
    let told = match send(chart.edge, Call::Me, scim::me(&token.workspace, &token.token)).await {
        Ok((response, exchange)) => {
            chart.compare_date(response.header("date"), exchange.received.wall);
            scim::read_me(&response)
        }
        Err(error) => Err(error),
    };
    match (told, &token.client) {
        (Ok(name), Some(client)) if name != *client => {
            chart.fail(IDENTITY, Cause::WrongIdentity, somebody_else(&name, client));
            Ok(client.clone())
        }
        (Ok(name), _) => {
            let kind = if name.contains('@') { "person" } else { "service principal" };
            chart.pass(IDENTITY, format!("{kind} {name}"));
            Ok(name)
        }
        (Err(error), Some(client)) => {
            // Its role is known all the same, and other calls may be allowed.
            unknown(chart, error);
            Ok(client.clone())
        }
        (Err(error), None) => Err(chart.fail(IDENTITY, Cause::of_api(&error), error.problem())),
    }
}

fn unknown<E: Edge>(chart: &mut Chart<'_, E>, error: ApiError) {
    let (cause, problem) = (Cause::of_api(&error), error.problem());
    if cause == Cause::NoPermission {
        chart.warn(IDENTITY, cause, problem.message, problem.advice);
    } else {
        chart.fail(IDENTITY, cause, problem);
    }
}

fn somebody_else(name: &str, client: &str) -> Problem {
    Problem {
        kind: Kind::Denied,
        message: format!("the token that `{client}` asked for belongs to `{name}`"),
        advice: format!(
            "A token logs in only as its owner, and the role is taken to be \"{client}\". Set \
             DATABRICKS_CLIENT_ID to the application id of the identity that the secret or the \
             federation policy is of."
        ),
        sqlstate: None,
    }
}

/// Buys a database credential.
pub(super) async fn credential<E: Edge>(
    chart: &mut Chart<'_, E>,
    token: &WorkspaceToken,
    target: &Target,
    user: &str,
    server: &Server,
) -> Result<Credential, Stop> {
    let request_id = uuid(chart.edge.random(), chart.edge.random());
    let credential = match mint::credential(chart.edge, token, target, &request_id).await {
        Ok(credential) => credential,
        Err(error) => return Err(chart.fail(CREDENTIAL, Cause::of_mint(&error), error.problem())),
    };
    chart.compare_date(credential.claim.date.as_deref(), credential.exchange.received.wall);
    // Its end and the date of the answer are whole seconds, and need not be of the same one.
    let seconds = lifetime(&credential.claim, &credential.exchange).valid.as_secs();
    let minutes = (seconds + 30) / 60;
    let Server { host, port, .. } = server;
    let found = format!("role \"{user}\" at {host}:{port} with a token for {minutes} minutes");
    chart.pass(CREDENTIAL, found);
    Ok(credential)
}
