//! The instance or the endpoint: whether it is there, of which kind, and how it does.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::chart::{Chart, Stop};
use super::{Cause, INSTANCE};
use crate::api::advice::uid_for_id;
use crate::api::database::Instance;
use crate::api::postgres::Endpoint;
use crate::api::{ApiError, Call, database, postgres};
use crate::config::{EndpointPath, OAuthAccess};
use crate::edge::{Edge, Request, Response};
use crate::flow::mint::{MintError, Target, WorkspaceToken, discover_target, send};
use crate::problem::{Kind, Problem};

/// Finds what the configuration means and looks at it; also tells whether it sleeps.
pub(super) async fn find<E: Edge>(
    chart: &mut Chart<'_, E>,
    access: &OAuthAccess,
    token: &WorkspaceToken,
) -> Result<(Target, bool), Stop> {
    let look = Look { edge: chart.edge, token };
    let found = match discover_target(chart.edge, access, token).await {
        Ok(target) => look.at(target).await.map_err(MintError::from),
        Err(error) => Err(error),
    };
    let (target, state) = match found {
        Ok(found) => found,
        Err(error) => {
            let (cause, problem) = look.explain(error).await;
            return Err(chart.fail(INSTANCE, cause, problem));
        }
    };
    let what = match &target {
        Target::Instance { name, .. } => format!("Provisioned instance `{name}`"),
        Target::Endpoint { path, .. } => format!("Autoscaling endpoint `{path}`"),
    };
    let asleep = match state {
        Some(state) => {
            state.tell(chart, &what, access.host.as_ref().map(|host| host.value.as_str()))?
        }
        None => {
            chart.pass(INSTANCE, format!("{what}; its state is not shown to this identity"));
            false
        }
    };
    Ok((target, asleep))
}

/// What the workspace says of a target.
struct State {
    /// One of its words, or none.
    word: String,
    hosts: Vec<String>,
    switched_off: bool,
}

impl From<Instance> for State {
    fn from(instance: Instance) -> Self {
        let hosts = [instance.read_write_dns, instance.read_only_dns];
        Self {
            word: instance.state.unwrap_or_default(),
            hosts: hosts.into_iter().flatten().collect(),
            switched_off: instance.stopped,
        }
    }
}

impl From<Endpoint> for State {
    fn from(endpoint: Endpoint) -> Self {
        let hosts = endpoint.host().map(String::from).into_iter().collect();
        let word = endpoint.state.unwrap_or_default();
        Self { word, hosts, switched_off: endpoint.disabled }
    }
}

impl State {
    /// Writes down how it does; tells whether it sleeps.
    fn tell<E: Edge>(
        &self,
        chart: &mut Chart<'_, E>,
        what: &str,
        host: Option<&str>,
    ) -> Result<bool, Stop> {
        let word = self.word.as_str();
        if self.switched_off || matches!(word, "STOPPED" | "DELETING") {
            let word = if self.switched_off { "switched off" } else { word };
            return Err(chart.fail(INSTANCE, Cause::Stopped, stopped(what, word)));
        }
        match word {
            "" => chart.pass(INSTANCE, format!("{what} is there")),
            "AVAILABLE" | "ACTIVE" => chart.pass(INSTANCE, format!("{what} is {word}")),
            "IDLE" => {
                chart.pass(INSTANCE, format!("{what} is {word}: it sleeps until somebody logs in"));
            }
            _ => chart.warn(
                INSTANCE,
                Cause::NotReady,
                format!("{what} is {word}"),
                "Wait until it is ready; its page in the workspace shows it.".into(),
            ),
        }
        if let (Some(host), Some(own)) = (host, self.hosts.first())
            && !self.answers_at(host)
        {
            chart.warn(
                INSTANCE,
                Cause::WrongHost,
                format!("its host is {own}, but POSTGRES_HOST is {host}"),
                "A credential logs in where it was bought for. Unless both names lead to the same \
                 server, correct POSTGRES_HOST, or the name of the instance or endpoint."
                    .into(),
            );
        }
        Ok(matches!(word, "IDLE" | "STARTING" | "INIT"))
    }

    /// Whether a host is one of its own. The pooled and the read-only one of an endpoint have
    /// something behind the first label.
    fn answers_at(&self, host: &str) -> bool {
        self.hosts.iter().any(|own| {
            let (own, host) = (own.to_ascii_lowercase(), host.to_ascii_lowercase());
            match (own.split_once('.'), host.split_once('.')) {
                (Some((own, domain)), Some((label, of))) => domain == of && label.starts_with(own),
                _ => own == host,
            }
        })
    }
}

fn stopped(what: &str, word: &str) -> Problem {
    Problem {
        kind: Kind::Unavailable,
        message: format!("{what} is {word}"),
        advice: "Start the instance, or switch the endpoint on, in the workspace.".into(),
        sqlstate: None,
    }
}

/// Questions with one token.
struct Look<'a, E> {
    edge: &'a E,
    token: &'a WorkspaceToken,
}

impl<E: Edge> Look<'_, E> {
    /// What is said of a target; none when this identity may use it and not look at it.
    async fn at(&self, target: Target) -> Result<(Target, Option<State>), ApiError> {
        let state = match &target {
            Target::Instance { name, .. } => self.instance(name).await.map(State::from),
            Target::Endpoint { path, .. } => self.endpoint(path).await.map(State::from),
        };
        match state {
            Ok(state) => Ok((target, Some(state))),
            Err(error) if Cause::of_api(&error) == Cause::NoPermission => Ok((target, None)),
            Err(error) => Err(error),
        }
    }

    async fn instance(&self, name: &str) -> Result<Instance, ApiError> {
        let request = database::instance(&self.token.workspace, &self.token.token, name);
        let response = self.ask(Call::Instance { name: name.into() }, request).await?;
        database::read_instance(name, &response)
    }

    async fn endpoint(&self, path: &EndpointPath) -> Result<Endpoint, ApiError> {
        let request = postgres::endpoint(&self.token.workspace, &self.token.token, path);
        let response = self.ask(Call::Endpoint { path: path.to_string() }, request).await?;
        postgres::read_endpoint(path, &response)
    }

    async fn endpoints(&self, branch: &str) -> Result<Vec<Endpoint>, ApiError> {
        let (workspace, token) = (&self.token.workspace, &self.token.token);
        let request = postgres::endpoints(workspace, token, branch, None);
        let response = self.ask(Call::Endpoints { branch: branch.into() }, request).await?;
        Ok(postgres::read_endpoints(branch, &response)?.endpoints)
    }

    async fn default_branch(&self, project: &str) -> Result<String, ApiError> {
        let request = postgres::project(&self.token.workspace, &self.token.token, project);
        let call = Call::Endpoint { path: format!("projects/{project}") };
        let response = self.ask(call, request).await?;
        postgres::read_default_branch(project, &response)
    }

    async fn ask(&self, call: Call, request: Request) -> Result<Response, ApiError> {
        send(self.edge, call, request).await.map(|(response, _)| response)
    }

    /// What is wrong with a name: the other API may know it, or the branch its endpoint's uid.
    async fn explain(&self, error: MintError) -> (Cause, Problem) {
        let (cause, problem) = (Cause::of_mint(&error), error.problem());
        let MintError::Api(ApiError::NotFound { call, .. } | ApiError::Invalid { call, .. }) =
            &error
        else {
            return (cause, problem);
        };
        let better = match call {
            Call::Instance { name } => self.as_project(name).await,
            Call::Endpoint { path } => self.as_other_endpoint(path).await,
            _ => None,
        };
        match better {
            Some((cause, advice)) => (cause, Problem { advice, ..problem }),
            None if matches!(call, Call::Endpoint { path } if uid_for_id(path)) => {
                (Cause::EndpointUid, problem)
            }
            None => (cause, problem),
        }
    }

    /// The project that was taken for an instance.
    async fn as_project(&self, name: &str) -> Option<(Cause, String)> {
        let branch = self.default_branch(name).await.ok()?;
        let endpoints = self.endpoints(&branch).await.unwrap_or_default();
        let path = match endpoints.iter().find(|endpoint| endpoint.writable()) {
            Some(endpoint) => endpoint.name.clone(),
            None => format!("{branch}/endpoints/primary"),
        };
        let advice = format!(
            "`{name}` is an Autoscaling project, which the API of instances does not know: remove \
             LAKEBASE_INSTANCE_NAME and set LAKEBASE_ENDPOINT={path}."
        );
        Some((Cause::WrongApi, advice))
    }

    /// The endpoint whose uid was given, the branch's others, or the instance of that name.
    async fn as_other_endpoint(&self, path: &str) -> Option<(Cause, String)> {
        let (branch, id) = path.rsplit_once("/endpoints/")?;
        let Ok(endpoints) = self.endpoints(branch).await else {
            let project = path.split('/').nth(1)?;
            self.instance(project).await.ok()?;
            let advice = format!(
                "`{project}` is a Provisioned instance, which the API of projects does not know: \
                 remove the endpoint's path and set LAKEBASE_INSTANCE_NAME={project}."
            );
            return Some((Cause::WrongApi, advice));
        };
        if let Some(meant) = endpoints.iter().find(|endpoint| endpoint.uid.as_deref() == Some(id)) {
            let advice = format!(
                "`{id}` is the endpoint's uid, and the API knows it by its id: set \
                 LAKEBASE_ENDPOINT={}.",
                meant.name
            );
            return Some((Cause::EndpointUid, advice));
        }
        let names: Vec<_> = endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
        let advice = match names.as_slice() {
            [] => format!("`{branch}` has no endpoint: create one, or name another branch."),
            names => format!("Set LAKEBASE_ENDPOINT to one that is there: {}.", names.join(", ")),
        };
        Some((Cause::NotFound, advice))
    }
}
